/**
 * The state of the tables at the recorded checkpoints, in a replay alone: a checkpoint stands between the traces before it, which
 * have settled, and those after it, which have not begun. Where traces were under way at that moment it is counted, not compared.
 */
import { join } from '../recording/compare.js';
import { type Checkpoint, changeOf, type Recording } from '../recording/schema.js';
import { Tagged } from '../recording/values.js';
import type { Difference } from '../results/schema.js';
import type { TableState } from '../wire/messages.js';
import type { Ignore } from './ignore.js';
import type { ReplayInput } from './input.js';
import type { SessionState, TraceRun } from './state.js';

export interface Checkpoints {
  counts: { compared: number; notCompared: number };
  /** what the tables held, by the name of the checkpoint */
  held: Map<string, TableState[]>;
  /** Resolves when every checkpoint that stands before this trace has been compared. */
  before(session: SessionState, number: number): Promise<void>;
  /** those that stand behind everything */
  rest(): Promise<void>;
}

interface Pending {
  checkpoint: Checkpoint;
  /** to which its differences belong: the last trace before it */
  last: { session: SessionState; number: number };
  done?: Promise<void>;
}

type RunOf = (session: SessionState, number: number) => TraceRun | undefined;

export function createCheckpoints(input: ReplayInput, sessions: SessionState[], runOf: RunOf): Checkpoints {
  const { probe, ignore, signal } = input;
  const recorded = input.recordings.flatMap(({ recording }) => (recording.checkpoints ?? []).filter(({ tables }) => tables && tables.length > 0));
  const alone = input.copies === 1 && input.recordings.length === 1 && input.level === 'exact' && input.measures.changes;
  const pending = alone && probe ? recorded.flatMap((checkpoint) => placed(checkpoint, sessions)) : [];
  const counts = { compared: 0, notCompared: recorded.length * input.copies };
  const held: Checkpoints['held'] = new Map();
  const settled = new Map(input.recordings.map(({ recording }) => [recording, settledTables(recording, ignore)]));

  const compare = async ({ checkpoint, last }: Pending): Promise<void> => {
    if (signal.aborted) return;
    let states: TableState[];
    try {
      await probe?.drain(input.ackTimeout);
      states = (await probe?.state()) ?? [];
    } catch {
      // That the probe is lost is told where it is listened to.
      return;
    }
    const differences = stateDifferences(checkpoint, states, ignore, settled.get(last.session.copy.loaded.recording) ?? (() => false));
    held.set(checkpoint.name, states);
    counts.compared++;
    counts.notCompared--;
    if (differences.length > 0) runOf(last.session, last.number)?.extras.push(...differences);
  };
  const run = (wanted: Pending[]): Promise<unknown> =>
    Promise.all(
      wanted.map((one) => {
        one.done ??= compare(one);
        return one.done;
      }),
    );
  return {
    counts,
    held,
    async before(session, number) {
      if (pending.length > 0) await run(pending.filter(({ checkpoint }) => number >= (checkpoint.next[session.session.id] ?? 0)));
    },
    async rest() {
      await run(pending);
    },
  };
}

/** Only where all traces after it wait for all before it (law 4). */
function placed(checkpoint: Checkpoint, sessions: SessionState[]): Pending[] {
  let last: { session: SessionState; number: number; end: number } | undefined;
  let first = Number.POSITIVE_INFINITY;
  for (const session of sessions)
    for (const [number, place] of (session.copy.order.places[session.index] ?? []).entries()) {
      if (!place) continue;
      if (place.group !== 0) return [];
      if (number >= (checkpoint.next[session.session.id] ?? 0)) first = Math.min(first, place.after);
      else if (!last || place.end > last.end) last = { session, number, end: place.end };
    }
  return last && first > last.end ? [{ checkpoint, last }] : [];
}

function stateDifferences({ name, tables = [] }: Checkpoint, states: TableState[], ignore: Ignore, isSettled: (table: string) => boolean): Difference[] {
  const held = new Map(states.map((state) => [state.table, state]));
  return tables.flatMap(({ table, rows, hash }): Difference[] => {
    if (ignore.table(table)) return [];
    const path = join(join('checkpoints', name), table);
    const now = held.get(table);
    if (!now) return [{ path, class: 'removed', part: 'change', expected: rows }];
    if (now.rows !== rows) return [{ path, class: 'value', part: 'change', expected: rows, actual: now.rows }];
    if (hash === undefined || now.hash === null || now.hash === hash || !isSettled(table)) return [];
    const note = 'as many rows, but not the same; where each reset fills the table with new values, add it to `ignoreTables`';
    return [{ path, class: 'value', part: 'change', expected: hash, actual: now.hash, note }];
  });
}

/** Tables whose content is the same in every replay: nothing that the recording writes into them is a name or a matcher. */
function settledTables({ sessions, unattributed = [] }: Recording, ignore: Ignore): (table: string) => boolean {
  const varying = new Set<string>();
  const changes = [...sessions.flatMap(({ traces }) => traces.flatMap((trace) => trace.changes ?? [])), ...unattributed].map(changeOf);
  for (const { table, key, values } of changes)
    for (const [column, value] of [...Object.entries(key), ...Object.entries(values)])
      if ((value instanceof Tagged && value.body.tag !== 'delta') || ignore.column(table, column)) varying.add(table);
  // Nobody knows when those come, or whether they do.
  for (const { table } of unattributed.map(changeOf)) varying.add(table);
  return (table) => !varying.has(table);
}
