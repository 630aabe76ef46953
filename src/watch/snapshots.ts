/** What became of the rows of a table between two looks at all of them. Pure. */
import type { Table } from '../wire/messages.js';
import type { WatchedChange } from './watch.js';

/** Tables with more rows are not watched by looking at all of them. */
export const MAX_ROWS = 50_000;

/** One table at one moment. */
export interface Snapshot {
  table: Table;
  /** of each row by its key, both as JSON lists; where there is no key, by its `rowid` */
  rows: Map<string, string>;
}

/** By the names of the tables. A table that is gone, or new, tells its schema and not its rows: only rows of a new one were inserted. */
export function changesBetween(before: ReadonlyMap<string, Snapshot>, after: ReadonlyMap<string, Snapshot>, at: number): WatchedChange[] {
  return [...after].flatMap(([name, now]) => tableChanges(before.get(name) ?? { table: now.table, rows: new Map() }, now, at));
}

function tableChanges(before: Snapshot, after: Snapshot, at: number): WatchedChange[] {
  const columns = after.table.columns.map(({ name }) => name);
  const known = before.table.columns.map(({ name }) => name);
  // A column that came or went has changed no row.
  const isSame = columns.join('\n') === known.join('\n');
  const message = (op: WatchedChange['op'], key: string, from: string | undefined, to: string | undefined): WatchedChange => ({
    type: 'change',
    cause: null,
    op,
    table: after.table.name,
    key: keyOf(after.table, key),
    before: from === undefined ? null : rowOf(known, from),
    after: to === undefined ? null : rowOf(columns, to),
    at,
  });
  const changes: WatchedChange[] = [];
  for (const [key, row] of before.rows) if (!after.rows.has(key)) changes.push(message('delete', key, row, undefined));
  for (const [key, row] of after.rows) {
    const was = before.rows.get(key);
    if (was === undefined) changes.push(message('insert', key, undefined, row));
    else if (isSame && was !== row) changes.push(message('update', key, was, row));
  }
  return changes;
}

function keyOf({ key }: Table, text: string): Record<string, unknown> {
  return key.length > 0 ? rowOf(key, text) : { rowid: (JSON.parse(text) as unknown[])[0] };
}

const rowOf = (columns: readonly string[], text: string): Record<string, unknown> => {
  const values = JSON.parse(text) as unknown[];
  return Object.fromEntries(columns.map((column, index) => [column, values[index]]));
};
