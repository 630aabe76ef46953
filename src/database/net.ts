/** What a list of changes did to each row in the end, so that it can be taken back in one step. Pure. */
import { rowId, type Written } from './written.js';

type Row = NonNullable<Written['before']>;

export interface NetChange {
  table: string;
  /** of the row as it is now or, where it is gone, as it was */
  key: Row;
  /** the row before the first change; null: there was none */
  before: Row | null;
  /** the row after the last one; null: there is none */
  after: Row | null;
  /** somebody else wrote the row between two changes of ours */
  foreign: boolean;
}

/** The row that was written last comes first: what refers to another row was mostly written after it. */
export function netChanges(changes: readonly Written[]): NetChange[] {
  const all = new Set<NetChange>();
  const byRow = new Map<string, NetChange>();
  for (const { op, table, key, before, after } of changes) {
    const id = rowId(table, key);
    const known = byRow.get(id);
    const was = op === 'insert' ? null : before;
    const now = op === 'delete' ? null : after;
    // The key itself may have been updated; whoever stood there before is gone, and is one of its own.
    const newKey = now === null ? key : Object.fromEntries(Object.keys(key).map((column) => [column, Object.hasOwn(now, column) ? now[column] : key[column]]));
    const net: NetChange = {
      table,
      key: newKey,
      before: known ? known.before : was,
      after: now,
      foreign: known !== undefined && (known.foreign || !sameRow(known.after, was)),
    };
    if (known) all.delete(known);
    byRow.delete(id);
    all.add(net);
    byRow.set(rowId(table, newKey), net);
  }
  return [...all].filter(({ foreign, before, after }) => foreign || !sameRow(before, after)).reverse();
}

const sameRow = (a: Row | null, b: Row | null): boolean => JSON.stringify(a) === JSON.stringify(b);
