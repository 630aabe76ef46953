/**
 * A part of a recording that can be replayed without the rest: one trace, or those between two checkpoints, and what they need
 * before them. Traces keep their numbers. Pure.
 *
 * An application has state, and a recording does not say what a client joined or which rows an answer was made of; and a push can
 * leak to whoever is there. So whoever takes part is kept from its first trace on: who is connected when the wanted traces are
 * sent, and who made a name or wrote a row that a kept trace speaks of. `minimal` keeps only what makes the names that are sent,
 * and the connects.
 */
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { toJson } from './json.js';
import { nameUses } from './name-uses.js';
import { type Place, placesOf } from './places.js';
import { type Change, type Checkpoint, changeOf, type Push, type Recording, receivers, recordingName, type Session, type Trace } from './schema.js';
import { namesOf, sameValue, type TagBody, Tagged } from './values.js';

export const wantedSchema = z.strictObject({
  recording: recordingName,
  trace: z.strictObject({ session: z.string(), trace: z.int().nonnegative() }).optional(),
  /** two checkpoints, in either order: half-open */
  between: z.tuple([z.string(), z.string()]).optional(),
  minimal: z.literal(true).optional(),
});
export type Wanted = z.infer<typeof wantedSchema>;

export interface Slice {
  recording: Recording;
  /** for each session, where it stands in the whole recording */
  positions: number[];
  /** `9 of 23 traces: alice/0-6, bob/0-1` */
  words: string;
}

/** One enabled trace. */
interface Step {
  session: number;
  number: number;
  trace: Trace;
  /** its place in the order in which the traces began */
  order: number;
  places: Place[];
}

/** Throws REPLAY_USAGE or REPLAY_CHECKPOINT where nothing is meant. */
export function sliceOf(recording: Recording, wanted: Wanted): Slice {
  const steps = stepsOf(recording);
  const meant = meantBy(recording, steps, wanted);
  const kept = wanted.minimal ? makersOf(recording, steps, meant) : everythingOf(recording, steps, meant);
  const positions = [...recording.sessions.keys()].filter((session) => kept.some((step) => step.session === session));
  return { recording: cut(recording, steps, positions, kept), positions, words: wordsOf(recording, positions, kept, steps.length) };
}

/** In the order in which they began. */
function stepsOf(recording: Recording): Step[] {
  const byPath = new Map<string, Place[]>();
  for (const place of placesOf(recording)) {
    if (!place.step) continue;
    const key = place.step.path.join();
    const known = byPath.get(key);
    if (known) known.push(place);
    else byPath.set(key, [place]);
  }
  const began = recording.sessions.flatMap(({ traces, times }, session) => {
    let before = 0;
    return traces.flatMap((trace, number) => {
      before = Math.max(before, times?.[number]?.[0] ?? number);
      return trace.disabled ? [] : [{ session, number, trace, start: before, places: byPath.get(`sessions,${session},traces,${number}`) ?? [] }];
    });
  });
  return began
    .sort((a, b) => a.start - b.start || a.session - b.session || a.number - b.number)
    .map(({ start: _, ...step }, order): Step => ({ ...step, order }));
}

function meantBy(recording: Recording, steps: readonly Step[], { trace, between }: Wanted): Step[] {
  const meant = between ? rangeOf(recording, steps, between) : steps.filter((step) => trace && isThe(recording, step, trace));
  if (meant.length > 0) return meant;
  if (between) throw usage(`between the checkpoints ${between.join(' and ')} of ${recording.name} there is no enabled trace`);
  const session = recording.sessions.find(({ id }) => id === trace?.session);
  if (!session)
    throw usage(
      `${recording.name} has no session ${trace?.session}`,
      `It has ${recording.sessions.map(({ id }) => id).join(', ')}; its traces are counted from 0.`,
    );
  if (session.traces[trace?.trace ?? 0]?.disabled)
    throw usage(`${recording.name}/${session.id}/${trace?.trace} is disabled`, 'Enable it: npx socket-replay prune RECORDING --trace SESSION/N --enable');
  throw usage(`${recording.name} has no trace ${session.id}/${trace?.trace}`, `${session.id} has ${session.traces.length} traces, counted from 0.`);
}

const isThe = ({ sessions }: Recording, step: Step, { session, trace }: NonNullable<Wanted['trace']>): boolean =>
  sessions[step.session]?.id === session && step.number === trace;

function rangeOf(recording: Recording, steps: readonly Step[], names: readonly [string, string]): Step[] {
  const [a, b] = names.map((name) => checkpointOf(recording, name)) as [Checkpoint, Checkpoint];
  const [from, to] = passedBy(a) <= passedBy(b) ? [a, b] : [b, a];
  return steps.filter(({ session, number }) => number >= nextIn(from, recording, session) && number < nextIn(to, recording, session));
}

const nextIn = ({ next }: Checkpoint, { sessions }: Recording, session: number): number => next[sessions[session]?.id ?? ''] ?? 0;
/** How many traces stand before it. */
const passedBy = ({ next }: Checkpoint): number => Object.values(next).reduce((sum, number) => sum + number, 0);

function checkpointOf({ name: recording, checkpoints = [] }: Recording, name: string): Checkpoint {
  const found = checkpoints.find((checkpoint) => checkpoint.name === name);
  if (found) return found;
  const names = checkpoints.map((checkpoint) => checkpoint.name).join(', ');
  throw new ReplayError(
    'REPLAY_CHECKPOINT',
    `${recording} has no checkpoint ${name}`,
    undefined,
    names === '' ? 'The recording has none.' : `Checkpoints: ${names}`,
  );
}

/** All that the sessions that take part did, until the last wanted trace began. */
function everythingOf(recording: Recording, steps: readonly Step[], meant: readonly Step[]): Step[] {
  const last = Math.max(...meant.map(({ order }) => order));
  const before = steps.filter(({ order }) => order <= last);
  const makers = makersByName(recording);
  const rows = rowsBy(before);
  const parts = new Set<number>();
  const join = (session: number): void => {
    if (parts.has(session)) return;
    parts.add(session);
    for (const step of before.filter((one) => one.session === session)) {
      for (const other of sessionsIn(recording, step, () => true)) join(other);
      for (const name of namesIn(step, () => true)) {
        const maker = makers.get(name);
        if (maker === 'anybody') for (const one of before) join(one.session);
        else if (maker) join(maker.session);
      }
      for (const change of step.trace.changes ?? []) for (const writer of rows(changeOf(change))) if (writer.order < step.order) join(writer.session);
    }
  };
  const first = Math.min(...meant.map(({ order }) => order));
  const gone = new Set(before.filter(({ trace, order }) => trace.disconnect !== undefined && order < first).map(({ session }) => session));
  for (const { session } of before) if (!gone.has(session)) join(session);
  return before.filter(({ session }) => parts.has(session));
}

/** The wanted traces, what makes the names that are sent, and the connects of these sessions. */
function makersOf(recording: Recording, steps: readonly Step[], meant: readonly Step[]): Step[] {
  const makers = makersByName(recording);
  const kept = new Set<Step>();
  const keep = (session: number, number: number): void => {
    const step = steps.find((one) => one.session === session && one.number === number);
    if (!step || kept.has(step)) return;
    kept.add(step);
    if (recording.sessions[session]?.traces[0]?.connect) keep(session, 0);
    for (const other of sessionsIn(recording, step, ({ sent }) => sent)) keep(other, 0);
    for (const name of namesIn(step, ({ sent }) => sent)) {
      const maker = makers.get(name);
      if (maker && maker !== 'anybody') keep(maker.session, maker.number);
    }
  };
  for (const { session, number } of meant) keep(session, number);
  return steps.filter((step) => kept.has(step));
}

type Maker = { session: number; number: number } | 'anybody';

/** What makes a name first; `anybody`: it came without a proven cause. */
function makersByName(recording: Recording): Map<string, Maker> {
  const enabled = placesOf(recording).filter(({ step, after }) => !(step ?? after)?.trace.disabled);
  return new Map(
    nameUses(recording, enabled).flatMap(({ name, made: [first] }): [string, Maker][] => {
      if (first?.after) return [[name, 'anybody']];
      return first?.step ? [[name, { session: Number(first.step.path[1]), number: first.step.number }]] : [];
    }),
  );
}

const bodiesIn = ({ places }: Step, which: (place: Place) => boolean): TagBody[] =>
  places.flatMap((place) => (place.value instanceof Tagged && which(place) ? [place.value.body] : []));

function namesIn(step: Step, which: (place: Place) => boolean): Set<string> {
  const own = (body: TagBody): string[] =>
    body.tag === 'unique' ? [body.text] : (body.tag === 'uuid' || body.tag === 'now') && body.name !== undefined ? [body.name] : namesOf(body);
  return new Set(bodiesIn(step, which).flatMap(own));
}

/** Sessions whose socket ids stand there. */
const sessionsIn = ({ sessions }: Recording, step: Step, which: (place: Place) => boolean): number[] =>
  bodiesIn(step, which)
    .flatMap((body) => (body.tag === 'socket' ? sessions.findIndex(({ id }) => id === body.session) : -1))
    .filter((session) => session >= 0);

/** Who wrote the row of a change, also after it. Of an insert nobody did before. */
function rowsBy(steps: readonly Step[]): (change: Change) => Step[] {
  const writes = steps.flatMap((step) => (step.trace.changes ?? []).map((entry) => ({ step, change: changeOf(entry) })));
  const known = new Map<string, Step[]>();
  return ({ op, table, key }) => {
    if (op === 'insert') return [];
    const row = `${table}\n${JSON.stringify(toJson(key))}`;
    const writers = known.get(row) ?? writes.filter(({ change }) => change.table === table && isRow(change, key)).map(({ step }) => step);
    known.set(row, writers);
    return writers;
  };
}

const isRow = ({ op, key: own, values }: Change, key: Change['key']): boolean => {
  const columns = op === 'insert' ? values : own;
  return Object.entries(key).every(([column, value]) => sameValue(columns[column], value));
};

function cut(recording: Recording, steps: readonly Step[], positions: readonly number[], kept: readonly Step[]): Recording {
  const ids = new Set(positions.map((position) => recording.sessions[position]?.id ?? ''));
  const sessions = positions.map((position): Session => {
    const whole = recording.sessions[position] as Session;
    const numbers = new Set(kept.flatMap(({ session, number }) => (session === position ? [number] : [])));
    const end = Math.max(...numbers) + 1;
    return {
      ...whole,
      traces: whole.traces.slice(0, end).map((trace, number) => ({ ...amongst(trace, ids), ...(!numbers.has(number) && { disabled: true as const }) })),
      ...(whole.times && { times: whole.times.slice(0, end) }),
    };
  });
  const { checkpoints, ...rest } = recording;
  // What the tables held is known only where everything that was done before is done again.
  const left = new Set(kept);
  const gone = steps.filter((step) => !left.has(step));
  const whole = checkpoints?.filter((checkpoint) => gone.every(({ session, number }) => number >= nextIn(checkpoint, recording, session)));
  return { ...rest, sessions: sawRows(recording) ? withRows(sessions) : sessions, ...(whole && whole.length > 0 && { checkpoints: whole }) };
}

/** Nobody receives for a session that is not there. */
function amongst(trace: Trace, ids: ReadonlySet<string>): Trace {
  if (!trace.pushes) return trace;
  return { ...trace, pushes: trace.pushes.map((push): Push => ({ ...push, to: receivers(push).filter((id) => ids.has(id)) })) };
}

/** Rows in a recording prove that somebody saw them; the part is to say so too, also where it has none. */
const sawRows = ({ sessions }: Recording): boolean => sessions.some(({ traces }) => traces.some(({ changes }) => changes !== undefined));
const withRows = (sessions: Session[]): Session[] =>
  sessions.map((session, s) => (s > 0 ? session : { ...session, traces: session.traces.map((trace) => ({ ...trace, changes: trace.changes ?? [] })) }));

function wordsOf({ sessions, missing }: Recording, positions: readonly number[], kept: readonly Step[], all: number): string {
  const parts = positions.flatMap((position) => {
    const runs: [number, number][] = [];
    for (const { number } of kept.filter(({ session }) => session === position)) {
      const run = runs.at(-1);
      if (run && run[1] === number - 1) run[1] = number;
      else runs.push([number, number]);
    }
    return runs.map(([from, to]) => `${sessions[position]?.id}/${from}${to > from ? `-${to}` : ''}`);
  });
  const gone = missing === undefined ? '' : `; ${missing} events before the recording's first were not kept`;
  return `${kept.length} of ${all} traces: ${parts.join(', ')}${gone}`;
}

const usage = (what: string, advice?: string): ReplayError => new ReplayError('REPLAY_USAGE', what, undefined, advice);
