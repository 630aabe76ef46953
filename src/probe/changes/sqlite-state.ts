/** What the tables of a SQLite database hold now: how many rows, and one hash over all of them. */
import { createHash } from 'node:crypto';
import type { TableState } from '../../wire/messages.js';
import type { FoundTable, Query } from './sqlite-schema.js';
import { joined, layoutOf, quoteName, readTables } from './sqlite-schema.js';

/** Reading more would hold up the application. */
const MAX_ROWS = 20_000;

export function stateOf(query: Query): TableState[] {
  return readTables(query).map((found) => {
    const table = tableOf(found);
    const rows = countIn(query(table.count));
    return { table: table.name, rows, hash: rows > MAX_ROWS ? null : hashOf(query(table.content)) };
  });
}

/** The same where each question is answered later. */
export function statesOf(found: readonly FoundTable[], query: (sql: string, done: (rows: Rows) => void) => void, done: (states: TableState[]) => void): void {
  const states: TableState[] = [];
  const next = (index: number): void => {
    const each = found[index];
    if (each === undefined) return done(states);
    const table = tableOf(each);
    query(table.count, (counted) => {
      const rows = countIn(counted);
      const told = (hash: string | null): void => {
        states.push({ table: table.name, rows, hash });
        next(index + 1);
      };
      if (rows > MAX_ROWS) told(null);
      else query(table.content, (content) => told(hashOf(content)));
    });
  };
  next(0);
}

type Rows = Record<string, unknown>[];

function tableOf(found: FoundTable): { name: string; count: string; content: string } {
  const { table, target, key, columns, rowid } = layoutOf(found, 0);
  const order = (rowid === null ? key : [rowid]).map(quoteName).join(', ');
  const row = joined(columns.map((column) => `quote(${quoteName(column)})`));
  return { name: table, count: `SELECT count(*) AS n FROM ${target}`, content: `SELECT ${row} AS row FROM ${target} ORDER BY ${order}` };
}

const countIn = (rows: Rows): number => Number(rows[0]?.n);

function hashOf(rows: Rows): string {
  const hash = createHash('sha256');
  for (const { row } of rows) hash.update(`${String(row)}\n`);
  return hash.digest('hex').slice(0, 16);
}
