/** What failed, as a plain sentence. Pure, also runs in a browser. */
import { atLevel, climbWords } from './ceiling.js';
import { SATURATED, saturatedTests } from './harness.js';
import type { Difference, Failure, Results, TestResult } from './schema.js';
import { driftWords } from './soak.js';
import { formatValue, isJsonObject, milliseconds, plural, shorten, typeName, visible } from './text.js';

const LONGEST = 60;

const brief = (json: Difference['actual']): string => shorten(formatValue(json), LONGEST);

/** `annotate-together: bob's commentUpdate (recordings/annotate-together.yaml:41) — the push commentRefresh to alice is missing` */
function failureSentence(failure: Failure, ackTimeout?: number): string {
  return `${visible(`${failure.recording}: ${failure.session}'s ${failure.label} (${failure.file}:${failure.line})`)} — ${failureWords(failure, ackTimeout)}${overWords(failure)}`;
}

/** Whether it turns the run red. */
export const gates = ({ quarantined, updated }: Pick<Failure, 'quarantined' | 'updated'>): boolean => !quarantined && !updated;

/** `quarantined by ana until 2026-12-31: the push is sometimes lost` */
export const quarantineWords = ({ owner, reason, expires }: NonNullable<Failure['quarantine']>): string =>
  visible(`quarantined by ${owner} until ${expires}: ${shorten(reason, 200)}`);

/** Behind a failure that counts although it has a quarantine. */
export const overWords = ({ quarantine, quarantined }: Pick<Failure, 'quarantine' | 'quarantined'>): string =>
  quarantine && !quarantined ? `; its quarantine is over: ${quarantineWords(quarantine)}` : '';

/** The part after the dash: what is not as recorded. */
export function failureWords({ outcome, difference, reason }: Pick<Failure, 'outcome' | 'difference' | 'reason'>, ackTimeout?: number): string {
  if (difference && !(outcome === 'timeout' && difference.path === 'ack')) return differenceWords(difference);
  const because = reason ? `: ${visible(shorten(reason, 200))}` : '';
  switch (outcome) {
    case 'timeout':
      return ackTimeout === undefined ? `was not acknowledged in time${because}` : `was not acknowledged within ${ackTimeout} ms`;
    case 'connect-failed':
      return `could not connect${because}`;
    case 'rejected':
      return `was rejected${because}`;
    case 'disconnected':
      return `lost its connection${because}`;
    case 'aborted':
      return `was aborted${because}`;
    case 'skipped':
      return `was not sent${because}`;
    default:
      return `does not match the recording${because}`;
  }
}

/** One difference in words: where, what is there, what was recorded. */
export function differenceWords(difference: Difference): string {
  // How much it changed says it all; the value it changed to is anybody's.
  if (difference.note && isJsonObject(difference.expected) && '!delta' in difference.expected)
    return `${placeWords(difference.path)} ${visible(difference.note)}${between(difference)}`;
  const note = difference.note ? ` (${visible(shorten(difference.note, 200))})` : '';
  return `${whole(difference) ?? `${placeWords(difference.path)} ${valueWords(difference)}`}${note}${between(difference)}`;
}

/** `; bob/4 of copy 2 wrote this row in between` */
function between({ meanwhile = [] }: Difference): string {
  const last = meanwhile.at(-1);
  if (!last) return '';
  const more = meanwhile.length > 1 ? ` and ${meanwhile.length - 1} more` : '';
  return `; ${writerWords(last)}${more} ${last.op === 'delete' ? 'deleted' : 'wrote'} this row in between`;
}

/** `bob/4 of copy 2` */
export const writerWords = ({ by }: NonNullable<Difference['meanwhile']>[number]): string =>
  by ? visible(`${by.session}/${by.trace} of copy ${by.copy}`) : 'a change without a proven cause';

/** A push or a change as a whole. */
function whole(difference: Difference): string | undefined {
  const { path, class: kind } = difference;
  const push = pushOf(path);
  if (push && push.rest === '' && kind === 'removed') return `the push ${push.event} to ${push.to} is missing`;
  if (push && push.rest === '' && kind === 'added') return `${push.to} received the push ${push.event}, which was not recorded`;
  const state = stateOf(path);
  if (state) return stateWords(state, difference);
  const change = changeOf(path);
  if (change && change.rest === '' && kind === 'removed') return `the ${change.op} ${preposition(change.op)} ${change.table} is missing`;
  if (change && change.rest === '' && kind === 'added')
    return `${change.op === 'insert' || change.op === 'update' ? 'an' : 'a'} ${change.op} ${preposition(change.op)} ${change.table} was not recorded`;
  if (path === 'ack' && kind === 'removed') return 'the acknowledgement is missing';
  if (path === 'ack' && kind === 'added') return 'was acknowledged, which was not recorded';
  return undefined;
}

const preposition = (op: string): string => (op === 'insert' ? 'into' : op === 'delete' ? 'from' : 'of');

export function placeWords(path: string): string {
  const push = pushOf(path);
  if (push && push.rest !== '') return `push ${push.event} to ${push.to}: ${push.rest}`;
  const change = changeOf(path);
  if (change?.rest.startsWith('.')) return `column ${change.table}${change.rest}`;
  return visible(path);
}

function valueWords({ class: kind, expected, actual }: Difference): string {
  if (kind === 'removed') return expected === undefined ? 'is missing' : `is missing, recorded ${brief(expected)}`;
  if (kind === 'added') return actual === undefined ? 'is new' : `is new: ${brief(actual)}`;
  if (kind === 'type' && actual !== null && expected !== null && typeName(actual) !== typeName(expected) && typeof expected !== 'object')
    return `is ${brief(actual)} (${typeName(actual)}), recorded ${brief(expected)} (${typeName(expected)})`;
  return `is ${brief(actual)}, recorded ${brief(expected)}`;
}

/** `pushes.bob.annotationRefresh#2[0][0].text`: receiver, event, which of several, and the place in its arguments. */
function pushOf(path: string): { to: string; event: string; rest: string } | undefined {
  const match = /^pushes\.([\w.-]+)(?:\.([A-Za-z_$][\w$-]*)|\[("(?:[^"\\]|\\.)*")\])(?:#\d+)?(\[.*)?$/su.exec(path);
  return match ? { to: visible(match[1] ?? ''), event: segment(match[2], match[3]), rest: visible(match[4] ?? '') } : undefined;
}

/** `changes.document.update#2.rev`: table, operation, which of several, and the column. */
function changeOf(path: string): { table: string; op: string; rest: string } | undefined {
  const match = /^changes(?:\.([A-Za-z_$][\w$-]*)|\[("(?:[^"\\]|\\.)*")\])\.(insert|update|delete)(?:#\d+)?([.[].*)?$/su.exec(path);
  return match ? { table: segment(match[1], match[2]), op: match[3] ?? '', rest: visible(match[4] ?? '') } : undefined;
}

/** `checkpoints.paid.note`: the table at the checkpoint. */
function stateOf(path: string): { checkpoint: string; table: string } | undefined {
  const part = String.raw`(?:\.([A-Za-z_$][\w$-]*)|\[("(?:[^"\\]|\\.)*")\])`;
  const match = new RegExp(`^checkpoints${part}${part}$`, 'su').exec(path);
  return match ? { checkpoint: segment(match[1], match[2]), table: segment(match[3], match[4]) } : undefined;
}

function stateWords({ checkpoint, table }: { checkpoint: string; table: string }, { class: kind, expected, actual }: Difference): string {
  if (kind === 'removed') return `the table ${table} is missing at the checkpoint ${checkpoint}`;
  if (typeof expected !== 'number' || typeof actual !== 'number') return `the table ${table} does not hold what it held at the checkpoint ${checkpoint}`;
  return `the table ${table} has ${plural(actual, 'row')} at the checkpoint ${checkpoint}, recorded ${expected}`;
}

/** A part of a path, as it is or quoted. */
function segment(plain: string | undefined, quoted: string | undefined): string {
  if (plain !== undefined) return visible(plain);
  try {
    return visible(JSON.parse(quoted ?? '""') as string);
  } catch {
    return visible(quoted ?? '');
  }
}

/** The first thing to look at. */
export function headlineOf(results: Omit<Results, 'headline'>): string {
  const { verdict, failures, errors, tests, notRun } = results;
  const gating = failures.filter(gates);
  if (verdict === 'passed') return passedWords(results);
  if (verdict === 'updated') return updatedWords(results);
  const [first] = gating;
  const [error] = [...errors, ...tests.flatMap((test) => test.errors)];
  if (first && !(error && first.outcome === 'aborted')) return failureSentence(first, ackTimeoutOf(results, first));
  if (error) return visible(error.message.split('\n')[0] ?? error.code);
  const unfinished = tests.find((test) => !isGood(test));
  if (unfinished) return visible(`${unfinished.test.project}: ${unfinished.test.title} is ${unfinished.verdict}`);
  if (notRun.length > 0) return `${notRun.map(({ project }) => project).join(', ')} did not run`;
  return 'Nothing was replayed';
}

export const ackTimeoutOf = ({ tests }: Pick<Results, 'tests'>, failure: Failure): number | undefined =>
  tests.find(({ test }) => test.project === failure.first.project)?.ackTimeout;

/** The recordings that were written anew. */
export const updatedIn = ({ tests }: Pick<Results, 'tests'>): NonNullable<Results['tests'][number]['updated']> => tests.flatMap(({ updated = [] }) => updated);

function updatedWords(results: Omit<Results, 'headline'>): string {
  const files = updatedIn(results).map(({ file, traces }) => visible(`${file} (${plural(traces, 'trace')})`));
  return `Updated ${plural(files.length, 'recording')}: ${files.join(', ')}. What they say now is what this run saw; review the difference as a change of behaviour${quarantinedWords(results)}`;
}

const quarantinedWords = ({ quarantined = 0 }: Pick<Results, 'quarantined'>): string =>
  quarantined > 0 ? `; ${plural(quarantined, 'quarantined failure')} not counted` : '';

function passedWords(results: Omit<Results, 'headline'>): string {
  const { recordings, tests } = results;
  const iterations = new Set(tests.filter(({ kind }) => kind === 'iteration').map(({ iteration }) => iteration)).size;
  const clients = tests.reduce((most, test) => Math.max(most, test.clients), 0);
  const traces = tests.reduce((sum, test) => sum + Object.values(test.outcomes).reduce((a, b) => a + b, 0), 0);
  const parts = [
    plural(recordings.length, 'recording'),
    ...(iterations > 0 ? [plural(iterations, 'iteration')] : []),
    `up to ${plural(clients, 'client')}`,
    plural(traces, 'trace'),
  ];
  const more = [...tests.flatMap(modeBrief), ...saturatedIn(tests)].map((words) => `; ${words}`).join('');
  return `Passed: ${parts.join(', ')}${more}${quarantinedWords(results)}`;
}

const modeBrief = ({ climb, drift }: TestResult): string[] => {
  if (climb?.lastGood) return [`${climb.broke ? 'ceiling at' : 'ceiling not below'} ${atLevel(climb.lastGood)}`];
  return drift ? ['soak without drift'] : [];
};

/** `ceiling: The last good level is …`; of other tests nothing. */
export const modeWords = ({ test, climb, drift, verdict }: TestResult): string[] => {
  if (climb) return [`${test.project}: ${climbWords(climb, verdict !== 'interrupted')}`];
  return drift ? [`${test.project}: ${driftWords(drift)}`] : [];
};

/** In one piece: the report says how saturated each was. */
function saturatedIn(tests: readonly TestResult[]): string[] {
  // A ceiling has said so where it stopped for that.
  const projects = tests.flatMap(({ test, harness, climb }) => (harness?.saturated && !climb ? [test.project] : []));
  return projects.length > 0 ? [`${saturatedTests([...new Set(projects)])}: ${SATURATED}`] : [];
}

/** What the run left in the database, and how it is taken back; undefined where nothing is known to be left. */
export function leftWords({ tests, run }: Pick<Results, 'tests' | 'run'>): string | undefined {
  const sum = { inserted: 0, updated: 0, deleted: 0 };
  for (const { left } of tests) for (const key of ['inserted', 'updated', 'deleted'] as const) sum[key] += left?.[key] ?? 0;
  if (sum.inserted + sum.updated + sum.deleted === 0) return undefined;
  const words = `${plural(sum.inserted, 'row')} inserted, ${sum.updated} changed, ${sum.deleted} deleted`;
  return `Without a \`reset\` the run left in the database: ${words}. See what can be taken back: npx socket-replay undo ${run} --database FILE|URL`;
}

/** Whether a test of Playwright passes by it. */
export const isGood = ({ verdict }: Pick<Results['tests'][number], 'verdict'>): boolean => ['finished', 'skipped', 'updated'].includes(verdict);

/** The counts beside the headline. */
export function totalsWords({ tests, failures }: Pick<Results, 'tests' | 'failures'>, took: number): string {
  const roots = failures.filter((failure) => !failure.follows && gates(failure)).length;
  const traces = tests.reduce((sum, test) => sum + Object.values(test.outcomes).reduce((a, b) => a + b, 0), 0);
  const bad = tests.filter((test) => !isGood(test)).length;
  return [`${bad} of ${plural(tests.length, 'test')} not passed`, plural(roots, 'failure'), plural(traces, 'trace'), milliseconds(took)].join(', ');
}
