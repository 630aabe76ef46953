/**
 * Inserts and counted columns of a whole replay: K copies must make K times the recorded ones. What a trace cannot show, such as
 * an update of another column that others may change too, shows in the sum.
 */
import type { LoadedRecording } from '../recording/load.js';
import { changeOf, type Trace } from '../recording/schema.js';
import { Tagged } from '../recording/values.js';
import type { Total } from '../results/schema.js';
import type { Source } from './causes.js';
import type { ReplayInput } from './input.js';
import { isQuarantined } from './records.js';
import { effectsKnown, type ObservedChange } from './state.js';

export interface Totals {
  /** `source` undefined: a change without a proven cause, which is set apart */
  add(change: ObservedChange, source: Source | undefined): void;
  /** every table and column that is recorded, in the order of the recordings */
  result(): Total[];
}

export function createTotals({ recordings, copies, ignore }: Pick<ReplayInput, 'recordings' | 'copies' | 'ignore'>): Totals {
  const totals = new Map<string, Total>();
  const set = new Set<string>();
  const expect = (table: string, column: string | undefined, n: number): void => {
    const id = idOf(table, column);
    const total = totals.get(id) ?? { table, ...(column !== undefined && { column }), expected: 0, actual: 0, unattributed: 0 };
    totals.set(id, total);
    total.expected += n * copies;
  };
  const count = (table: string, column: string | undefined, n: number, part: 'actual' | 'unattributed'): void => {
    const total = totals.get(idOf(table, column));
    if (total) total[part] += n;
  };
  for (const loaded of recordings)
    for (const { traces } of loaded.recording.sessions)
      for (const trace of traces) {
        if (trace.disabled) continue;
        for (const { op, table, values } of (trace.changes ?? []).map(changeOf)) {
          if (ignore.table(table)) continue;
          if (op === 'insert' && isCounted(loaded, trace)) expect(table, undefined, 1);
          if (op !== 'update') continue;
          for (const [column, value] of Object.entries(values)) {
            if (ignore.column(table, column)) continue;
            // Where it is also set to a value, what it changes by depends on who else was there.
            if (!(value instanceof Tagged && value.body.tag === 'delta')) set.add(idOf(table, column));
            else if (isCounted(loaded, trace)) expect(table, column, value.body.n);
          }
        }
      }
  for (const id of set) totals.delete(id);
  return {
    add({ op, table, values, was }, source) {
      const trace = source?.session.session.traces[source.number];
      if (source && (!trace || !isCounted(source.session.copy.loaded, trace))) return;
      const part = source ? 'actual' : 'unattributed';
      if (op === 'insert') count(table, undefined, 1, part);
      if (op !== 'update') return;
      for (const [column, after] of Object.entries(values)) {
        const before = was?.[column];
        if (typeof after === 'number' && typeof before === 'number') count(table, column, after - before, part);
      }
    },
    result: () =>
      [...totals.values()].map((total) => ({
        ...total,
        expected: exact(total.expected),
        actual: exact(total.actual),
        unattributed: exact(total.unattributed),
      })),
  };
}

/** `inserts into note: 3, recorded for 4 copies 4` */
export function totalWords({ table, column, expected, actual, unattributed }: Total, copies: number): string {
  const what = column === undefined ? `inserts into ${table}` : `${table}.${column}, all changes of it`;
  const apart = unattributed === 0 ? '' : `; ${unattributed} more without a proven cause`;
  return `${what} add up to ${actual}, recorded ${expected}${copies > 1 ? ` in ${copies} copies` : ''}${apart}`;
}

export const isOff = ({ expected, actual }: Total): boolean => expected !== actual;

/** Known failures do not count here either, and of what nobody saw nothing is expected. */
const isCounted = (loaded: LoadedRecording, trace: Trace): boolean => effectsKnown(trace) && !isQuarantined(loaded, trace);
const idOf = (table: string, column: string | undefined): string => `${table}\n${column ?? ''}`;
const exact = (n: number): number => Math.round(n * 1e9) / 1e9;
