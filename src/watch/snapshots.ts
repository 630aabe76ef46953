/** What became of the rows of a table between two looks at all of them. Pure. */
import type { Table } from '../wire/messages.js';
import type { WatchedChange } from './watch.js';

/** Tables with more rows are not watched by looking at all of them. */
export const MAX_ROWS = 50_000;

type Row = Record<string, unknown>;

/** One table at one moment. */
export interface Snapshot {
  table: Table;
  /** each row as a text that is equal where the row is, by a text that is equal where its key is */
  rows: ReadonlyMap<string, string>;
  /** its columns, and its key (by column, or its `rowid`), in the JSON form of the wire */
  read(row: string, key: string): { row: Row; key: Row };
}

/** By the names of the tables. A table that is gone tells its schema and not its rows; the rows of a new one were inserted. */
export function changesBetween(before: ReadonlyMap<string, Snapshot>, after: ReadonlyMap<string, Snapshot>, at: number): WatchedChange[] {
  return [...after].flatMap(([name, now]) => {
    const was = before.get(name);
    return was === now ? [] : tableChanges(was ?? { ...now, rows: new Map() }, now, at);
  });
}

function tableChanges(before: Snapshot, after: Snapshot, at: number): WatchedChange[] {
  const change = (op: WatchedChange['op'], key: string, from: string | undefined, to: string | undefined): WatchedChange => {
    const [was, is] = [from === undefined ? undefined : before.read(from, key), to === undefined ? undefined : after.read(to, key)];
    return { type: 'change', cause: null, op, table: after.table.name, key: (was ?? is)?.key ?? {}, before: was?.row ?? null, after: is?.row ?? null, at };
  };
  // A column that came or went has changed no row.
  const isSame = columnsOf(before) === columnsOf(after);
  const changes: WatchedChange[] = [];
  for (const [key, row] of before.rows) if (!after.rows.has(key)) changes.push(change('delete', key, row, undefined));
  for (const [key, row] of after.rows) {
    const was = before.rows.get(key);
    if (was === undefined) changes.push(change('insert', key, undefined, row));
    else if (isSame && was !== row) changes.push(change('update', key, was, row));
  }
  return changes;
}

const columnsOf = ({ table }: Snapshot): string => table.columns.map(({ name }) => name).join('\n');
export const picked = (row: Row, columns: readonly string[]): Row => Object.fromEntries(columns.map((column) => [column, row[column]]));
