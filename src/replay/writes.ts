/**
 * Who wrote which row when: so that a change that is wrong can name those who wrote the same row in between, and so that what another
 * copy wrote over a value of this one is not taken for a wrong value.
 */
import type { ValueDifference } from '../recording/compare.js';
import type { Change } from '../recording/schema.js';
import type { Value } from '../recording/values.js';
import type { Source } from './causes.js';
import type { ObservedChange, TraceRun } from './state.js';

export interface Writes {
  /** `source`: the trace that made it; undefined: its cause is not proven */
  add(change: ObservedChange, source: Source | undefined): void;
  /** the traces of other clients that wrote the row between the start of this trace and its own write */
  meanwhile(run: TraceRun, key: Change['key'], table: string, until: number, column?: string): NonNullable<ValueDifference['meanwhile']>;
  /**
   * Whether another copy wrote `actual` where this copy had written `own` before: an account's setting, where copies share the account.
   * What a trace has `sent` must come back, unless it is the trace that wrote it there.
   */
  overwritten(run: TraceRun, own: Value, actual: Value, sent: boolean): boolean;
}

interface Write {
  at: number;
  source: Source | undefined;
  change: Change;
}

/** So many are named, the latest. */
const NAMED = 5;

export function createWrites(): Writes {
  const rows = new Map<string, Write[]>();
  /** by what a column was set to */
  const sets = new Map<string, { column: string; row: string; write: Write }[]>();
  return {
    add(change, source) {
      // Nobody else knew a row that is new.
      if (change.op === 'insert') return;
      const id = rowId(change.table, change.key);
      const write = { at: change.at, source, change };
      const known = rows.get(id);
      if (known) known.push(write);
      else rows.set(id, [write]);
      if (!source) return;
      for (const [column, value] of Object.entries(change.values)) {
        if (typeof value !== 'string' && typeof value !== 'number') continue;
        const same = sets.get(String(value));
        if (same) same.push({ column, row: id, write });
        else sets.set(String(value), [{ column, row: id, write }]);
      }
    },
    overwritten({ session, number }, own, actual, sent) {
      const mine = (sets.get(String(own)) ?? []).filter(({ write: { source } }) =>
        sent ? source?.session === session && source.number === number : source?.session.copy === session.copy,
      );
      const theirs = (sets.get(String(actual)) ?? []).filter(({ write: { source } }) => source?.session.copy !== session.copy);
      return mine.some(({ column, row, write }) => theirs.some((other) => other.row === row && other.column === column && other.write.at >= write.at));
    },
    meanwhile({ session, startedAt }, key, table, until, column) {
      if (startedAt === null) return [];
      const since = performance.timeOrigin + startedAt;
      return (rows.get(rowId(table, key)) ?? [])
        .filter(
          ({ at, source, change }) =>
            at > since &&
            at <= until &&
            source?.session !== session &&
            (change.op === 'delete' || column === undefined || Object.hasOwn(change.values, column)),
        )
        .sort((a, b) => a.at - b.at)
        .slice(-NAMED)
        .map(({ source, change: { op } }) => {
          if (!source) return { op };
          const { copy, session: by } = source.session;
          return { op, by: { recording: copy.loaded.recording.name, session: by.id, trace: source.number, copy: copy.copy } };
        });
    },
  };
}

/** The probe tells the columns of a key always in one order. */
const rowId = (table: string, key: Change['key']): string => `${table}\n${JSON.stringify(key)}`;
