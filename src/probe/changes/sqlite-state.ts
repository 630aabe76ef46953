/** What the tables of a SQLite database hold now: how many rows, and one hash over all of them. */
import { createHash } from 'node:crypto';
import type { TableState } from '../../wire/messages.js';
import type { Query } from './sqlite-schema.js';
import { joined, layoutOf, quoteName, readTables } from './sqlite-schema.js';

/** Reading more would hold up the application. */
const MAX_ROWS = 20_000;

export function stateOf(query: Query): TableState[] {
  return readTables(query).map((found) => {
    const { table, target, key, columns, rowid } = layoutOf(found, 0);
    const rows = Number(query(`SELECT count(*) AS n FROM ${target}`)[0]?.n);
    if (rows > MAX_ROWS) return { table, rows, hash: null };
    const order = (rowid === null ? key : [rowid]).map(quoteName).join(', ');
    const hash = createHash('sha256');
    for (const row of query(`SELECT ${joined(columns.map((column) => `quote(${quoteName(column)})`))} AS row FROM ${target} ORDER BY ${order}`))
      hash.update(`${String(row.row)}\n`);
    return { table, rows, hash: hash.digest('hex').slice(0, 16) };
  });
}
