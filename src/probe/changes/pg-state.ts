/** What the tables of a PostgreSQL database hold now: how many rows, and one hash over all of them. */
import type { TableState } from '../../wire/messages.js';
import type { Layout } from './pg-schema.js';

/** Reading more would keep the server busy. */
const MAX_ROWS = 20_000;

export async function stateOf(query: (sql: string) => Promise<Record<string, unknown>[]>, layouts: Layout[]): Promise<TableState[]> {
  const states: TableState[] = [];
  for (const { table, target } of layouts) {
    const [{ n } = { n: 0 }] = await query(`SELECT count(*) AS n FROM ${target}`);
    const rows = Number(n);
    if (rows > MAX_ROWS) states.push({ table: table.name, rows, hash: null });
    else {
      const order = table.key.length > 0 ? table.key.map((column) => `t."${column.replaceAll('"', '""')}"`).join(', ') : 't::text COLLATE "C"';
      const [{ hash } = { hash: null }] = await query(
        `SELECT left(md5(coalesce(string_agg(t::text, E'\\n' ORDER BY ${order}), '')), 16) AS hash FROM ${target} t`,
      );
      states.push({ table: table.name, rows, hash: String(hash) });
    }
  }
  return states;
}
