/** Failures over all copies and iterations, as groups in the order in which to look at them (DESIGN.md law 11). */
import { createHash } from 'node:crypto';
import type { Json } from '../recording/json.js';
import { outcomeOf, type TraceExtra } from './detail.js';
import { INTERRUPTED, type LoadedTest, recordedKey } from './load.js';
import { type Difference, differenceClasses, type Failure, type Outcome, type Recorded } from './schema.js';
import { isJsonObject } from './text.js';

interface Group {
  failure: Failure;
  /** what the first one needed, to find the failure that it follows from */
  needs?: TraceExtra['needs'];
  interrupted: boolean;
  order: (number | string)[];
}

export interface FailedTrace {
  recording: string;
  session: string;
  trace: number;
  copy: number;
  outcome: Outcome;
  start: number | null;
  extra: TraceExtra;
}

const noExtra: TraceExtra = {};

/** Every trace of a test that did not pass; a disabled one that was skipped is as it should be. */
export function* failedTraces({ detail, recorded }: LoadedTest): Generator<FailedTrace> {
  const extras = new Map(detail.extras);
  const { columns, sessions } = detail;
  for (let row = 0; row < columns.session.length; row += 1) {
    const outcome = outcomeOf(columns, row);
    if (outcome === 'passed') continue;
    const session = sessions[columns.session[row] ?? 0];
    const trace = columns.trace[row] ?? 0;
    if (!session) continue;
    if (outcome === 'skipped' && recorded.get(recordedKey(session.recording, session.session))?.traces[trace]?.disabled) continue;
    const { recording, session: id, copy } = session;
    yield { recording, session: id, copy, trace, outcome, start: columns.start[row] ?? null, extra: extras.get(row) ?? noExtra };
  }
}

/** `tests` in the order of their iterations. */
export function groupFailures(tests: readonly LoadedTest[], recordings: readonly Recorded[]): Failure[] {
  const groups = new Map<string, Group>();
  for (const test of tests)
    for (const failed of failedTraces(test)) for (const [key, difference] of differencesOf(failed)) add(groups, key, test, failed, difference, recordings);
  const ordered = [...groups.values()].sort((a, b) => compare(a.order, b.order));
  fold(ordered, recordings);
  return arrange(ordered);
}

/** The groups that a failed trace belongs to: one a difference, or one for its outcome. Each counts it once. */
function differencesOf({ recording, session, trace, outcome, extra }: FailedTrace): Map<string, Difference | undefined> {
  const keyed = new Map<string, Difference | undefined>();
  const differences: (Difference | undefined)[] = extra.differences ?? [undefined];
  for (const difference of differences) {
    const key = JSON.stringify([recording, session, trace, difference?.path ?? null, difference?.class ?? outcome]);
    if (!keyed.has(key)) keyed.set(key, difference);
  }
  return keyed;
}

function add(
  groups: Map<string, Group>,
  key: string,
  test: LoadedTest,
  failed: FailedTrace,
  difference: Difference | undefined,
  recordings: readonly Recorded[],
): void {
  const { project } = test.begin.test;
  const { copy, extra } = failed;
  const first = { project, iteration: test.begin.iteration, copy };
  const known = groups.get(key);
  if (!known) {
    groups.set(key, make(key, first, test, failed, difference, recordings));
    return;
  }
  const { failure } = known;
  failure.count += 1;
  if (!failure.projects.includes(project)) failure.projects.push(project);
  // Known failures do not gate only where every one of them is known.
  if (!extra.quarantined) delete failure.quarantined;
  if (!extra.updated) delete failure.updated;
  known.interrupted &&= isInterrupted(failed);
  if (failure.first.iteration === first.iteration && failure.first.project === project && copy < failure.first.copy) {
    const { failure: earlier, ...rest } = make(key, first, test, failed, difference, recordings);
    known.failure = { ...earlier, count: failure.count, projects: failure.projects, ...(failure.quarantined ? { quarantined: true } : {}) };
    if (!failure.quarantined) delete known.failure.quarantined;
    if (!failure.updated) delete known.failure.updated;
    Object.assign(known, { ...rest, interrupted: known.interrupted });
  }
}

const isInterrupted = ({ outcome, extra }: FailedTrace): boolean =>
  outcome === 'aborted' && /the run was (aborted|interrupted)/.test(extra.reason ?? INTERRUPTED);

function make(
  key: string,
  first: Failure['first'],
  test: LoadedTest,
  failed: FailedTrace,
  difference: Difference | undefined,
  recordings: readonly Recorded[],
): Group {
  const { recording, session, trace, outcome, start, extra } = failed;
  const position = recordings.findIndex(({ name }) => name === recording);
  const file = recordings[position]?.file ?? recording;
  const recorded = test.recorded.get(recordedKey(recording, session));
  const step = recorded?.traces[trace];
  const failure: Failure = {
    id: createHash('sha256').update(key).digest('hex').slice(0, 10),
    recording,
    session,
    trace,
    label: step?.label ?? `trace ${trace}`,
    file,
    line: step?.line ?? recorded?.line ?? 1,
    outcome,
    ...(difference && { difference }),
    ...(extra.reason !== undefined && { reason: extra.reason }),
    count: 1,
    projects: [first.project],
    first,
    ...(extra.quarantined && { quarantined: true }),
    ...(step?.quarantine && { quarantine: step.quarantine }),
    ...(extra.updated && { updated: true }),
  };
  const sessionPosition = recordings[position]?.sessions.findIndex(({ id }) => id === session) ?? 0;
  const severity = difference ? differenceClasses.indexOf(difference.class) : -1;
  const order = [first.iteration, position, start ?? Number.MAX_SAFE_INTEGER, sessionPosition, trace, severity, difference?.path ?? ''];
  return { failure, needs: extra.needs, interrupted: isInterrupted(failed), order };
}

function compare(a: Group['order'], b: Group['order']): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] as number | string;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** Sets `follows` where a failure is only what another one brought about. */
function fold(groups: readonly Group[], recordings: readonly Recorded[]): void {
  const byTrace = new Map<string, Group>();
  for (const group of groups) {
    const key = traceKey(group.failure);
    if (!byTrace.has(key)) byTrace.set(key, group);
  }
  const producers = producersOf(recordings);
  const interrupted = groups.find((group) => group.interrupted);
  const direct = new Map<Group, Group>();
  for (const group of groups) {
    const cause = causeOf(group, groups, byTrace, producers, interrupted);
    if (cause && cause !== group) direct.set(group, cause);
  }
  for (const group of groups) {
    const root = rootOf(group, direct);
    if (root !== group) group.failure.follows = root.failure.id;
  }
}

/** A ring has no root: none of its members is folded, so that none is lost. */
function rootOf(group: Group, direct: ReadonlyMap<Group, Group>): Group {
  const seen = new Set([group]);
  let root = group;
  for (let next = direct.get(root); next; next = direct.get(root)) {
    if (seen.has(next)) return group;
    seen.add(next);
    root = next;
  }
  return root;
}

function causeOf(
  group: Group,
  groups: readonly Group[],
  byTrace: Map<string, Group>,
  producers: Map<string, Place[]>,
  interrupted: Group | undefined,
): Group | undefined {
  const { failure, needs } = group;
  const { recording } = failure;
  if (needs?.producer) {
    const known = byTrace.get(traceKey({ recording, ...needs.producer }));
    if (known) return known;
  }
  const name = failure.difference?.follows ?? needs?.name;
  for (const place of name === undefined ? [] : (producers.get(JSON.stringify([recording, name])) ?? [])) {
    const producer = byTrace.get(traceKey({ recording, ...place }));
    if (producer && producer !== group) return producer;
  }
  // However many could not get in: where the reason is the same, it is one failure.
  if (failure.outcome === 'connect-failed')
    return groups.find(({ failure: other }) => other.outcome === 'connect-failed' && sameReason(other.reason, failure.reason));
  if (failure.outcome !== 'aborted') return undefined;
  const lost = groups.find(
    ({ failure: other }) =>
      other.recording === recording && other.session === failure.session && (other.outcome === 'connect-failed' || other.outcome === 'disconnected'),
  );
  return lost ?? (group.interrupted ? interrupted : undefined);
}

/** `POST /login as alice …` and `… as bob …` fail for one reason. */
const sameReason = (a: string | undefined, b: string | undefined): boolean => impersonal(a) === impersonal(b);
const impersonal = (reason = ''): string => reason.replace(/ as \S+ /, ' ');

interface Place {
  session: string;
  trace: number;
}

const traceKey = ({ recording, session, trace }: Place & { recording: string }): string => JSON.stringify([recording, session, trace]);

/** By recording and name: the traces whose answers, pushes and rows carry the name, and so may bind it, in the order of the file. */
function producersOf(recordings: readonly Recorded[]): Map<string, Place[]> {
  const producers = new Map<string, Place[]>();
  for (const { name: recording, sessions } of recordings)
    for (const { id: session, traces } of sessions)
      for (const [trace, { expected }] of traces.entries())
        for (const name of namesIn(effectsOf(expected as Json))) {
          const key = JSON.stringify([recording, name]);
          const places = producers.get(key) ?? [];
          producers.set(key, places);
          places.push({ session, trace });
        }
  return producers;
}

/** Without the arguments and the keys of rows: they use names. */
function effectsOf(expected: Json): Json {
  if (!isJsonObject(expected)) return null;
  const rows = Array.isArray(expected.changes)
    ? expected.changes.map((change) => (isJsonObject(change) ? [change.row ?? null, change.set ?? null] : null))
    : null;
  return [expected.ack ?? null, expected.pushes ?? null, rows, isJsonObject(expected.http) ? (expected.http.answer ?? null) : null];
}

function namesIn(json: Json, names = new Set<string>()): Set<string> {
  if (Array.isArray(json)) for (const item of json) namesIn(item, names);
  else if (isJsonObject(json)) {
    const tag = json['!id'];
    if (isJsonObject(tag) && typeof tag.name === 'string') names.add(tag.name);
    for (const item of Object.values(json)) namesIn(item, names);
  }
  return names;
}

/** Gating ones first, then what an interruption left, then the quarantined; each with its followers behind it. */
function arrange(groups: readonly Group[]): Failure[] {
  const rank = ({ failure, interrupted }: Group): number => (failure.quarantined ? 2 : interrupted ? 1 : 0);
  const followers = new Map<string, Failure[]>();
  for (const { failure } of groups) if (failure.follows) followers.set(failure.follows, [...(followers.get(failure.follows) ?? []), failure]);
  return groups
    .filter(({ failure }) => !failure.follows)
    .map((group, i) => ({ group, i }))
    .sort((a, b) => rank(a.group) - rank(b.group) || a.i - b.i)
    .flatMap(({ group: { failure } }) => [failure, ...(followers.get(failure.id) ?? [])]);
}
