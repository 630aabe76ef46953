/**
 * What the HTML report needs beyond `results.json`: every trace, also the passed ones, in columns (100,000 rows are a few
 * megabytes), and in full only where there is something to read.
 */
import { type Outcome, outcomes } from './outcome.js';
import type { Compared, SessionRecord, TraceRecord } from './schema.js';

export type ReplayedSession = Omit<SessionRecord, 'type'>;

/** One column each; row i is one trace of one copy. */
export interface TraceColumns {
  /** index in `sessions` */
  session: number[];
  trace: number[];
  /** index in `outcomes` */
  outcome: number[];
  start: (number | null)[];
  latency: (number | null)[];
  waited: number[];
  value: number[];
  type: number[];
  ignored: number[];
}

export type TraceExtra = Pick<TraceRecord, 'differences' | 'reason' | 'needs' | 'noAck' | 'quarantined' | 'updated' | 'observed'>;

export interface TestDetail {
  sessions: ReplayedSession[];
  columns: TraceColumns;
  /** by row, ascending */
  extras: [row: number, extra: TraceExtra][];
}

/** `tests` in the order of the tests in the results. */
export interface Detail {
  tests: TestDetail[];
}

export const noDetail = (): TestDetail => ({
  sessions: [],
  columns: { session: [], trace: [], outcome: [], start: [], latency: [], waited: [], value: [], type: [], ignored: [] },
  extras: [],
});

export const outcomeOf = (columns: TraceColumns, row: number): Outcome => outcomes[columns.outcome[row] ?? 0] ?? 'aborted';

export const comparedOf = (columns: TraceColumns, row: number): Compared => ({
  value: columns.value[row] ?? 0,
  type: columns.type[row] ?? 0,
  ignored: columns.ignored[row] ?? 0,
});
