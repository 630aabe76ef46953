/** A PostgreSQL database by `pg`: rows travel as JSON, and PostgreSQL itself gives their columns the types. */
import { ALONE, type Database, databaseError, projectPackage } from './database.js';
import type { NetChange } from './net.js';

interface Client {
  connect(): Promise<void>;
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
  end(): Promise<void>;
  on(event: 'error', listener: () => void): void;
}
type Pg = { Client: new (options: { connectionString: string; connectionTimeoutMillis: number }) => Client };

const CONNECT_TIMEOUT = 10_000;

async function connected(url: string): Promise<Client> {
  const { Client } = projectPackage('pg', 'a PostgreSQL database') as Pg;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT });
  // Without a listener a connection that breaks would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw databaseError(url, error);
  }
  return client;
}

interface Table {
  /** quoted, with its schema */
  name: string;
  /** those that can be written */
  columns: string[];
}

export async function openPostgres(url: string): Promise<Database> {
  const client = await connected(url);
  const tables = new Map<string, Table | undefined>();
  const tableOf = async (table: string): Promise<Table | undefined> => {
    if (tables.has(table)) return tables.get(table);
    const dot = table.indexOf('.');
    const names = [quoted(table), ...(dot > 0 ? [`${quoted(table.slice(0, dot))}.${quoted(table.slice(dot + 1))}`] : [])];
    const { rows } = await client.query(
      `SELECT t.oid::regclass::text AS name, array_agg(a.attname::text) AS columns FROM unnest($1::text[]) AS n JOIN pg_class t ON t.oid = to_regclass(n)
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' GROUP BY t.oid LIMIT 1`,
      [names],
    );
    const found = rows[0] as Table | undefined;
    tables.set(table, found);
    return found;
  };
  const isKeyed = ({ key }: NetChange, { columns }: Table): boolean =>
    Object.keys(key).length > 0 && Object.keys(key).every((column) => columns.includes(column));
  const where = ({ name }: Table, key: NetChange['key'], parameter: string): string => {
    const columns = Object.keys(key).map(quoted).join(', ');
    return `(${columns}) = (SELECT ${columns} FROM jsonb_populate_record(NULL::${name}, ${parameter}::jsonb))`;
  };
  /** Rows that this transaction has written; what the probe's own triggers keep for a capture is not meant. */
  const changed = async (): Promise<number> => {
    const { rows } = await client.query(
      `SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int AS n FROM pg_stat_xact_user_tables WHERE schemaname NOT LIKE '%socket\\_replay%'`,
    );
    return Number(rows[0]?.n);
  };
  return {
    async transaction(commit, work) {
      try {
        await client.query('BEGIN');
        // What is refused is refused at its row, not at the end.
        await client.query('SET CONSTRAINTS ALL IMMEDIATE');
        const result = await work();
        await client.query(commit ? 'COMMIT' : 'ROLLBACK');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {});
        throw databaseError(url, error);
      }
    },
    async state(change) {
      const table = await tableOf(change.table);
      if (!table || !isKeyed(change, table)) return 'gone';
      const { rows } = await client.query(
        `SELECT to_jsonb(t.*) = to_jsonb(jsonb_populate_record(NULL::${table.name}, $2::jsonb)) AS same FROM ${table.name} t WHERE ${where(table, change.key, '$1')}`,
        [json(change.key), json(change.after ?? {})],
      );
      return change.after ? (rows[0]?.same === true ? 'same' : 'other') : rows.length === 0 ? 'same' : 'other';
    },
    async restore({ table: named, key, before, after }) {
      const table = await tableOf(named);
      if (!table) return 'there is no such table';
      const columns = table.columns.map(quoted).join(', ');
      const row = `SELECT ${columns} FROM jsonb_populate_record(NULL::${table.name}, $1::jsonb)`;
      await client.query('SAVEPOINT socket_replay');
      const earlier = await changed();
      try {
        if (!before) await client.query(`DELETE FROM ${table.name} WHERE ${where(table, key, '$1')}`, [json(key)]);
        else if (after) await client.query(`UPDATE ${table.name} SET (${columns}) = (${row}) WHERE ${where(table, key, '$2')}`, [json(before), json(key)]);
        else await client.query(`INSERT INTO ${table.name} (${columns}) OVERRIDING SYSTEM VALUE ${row}`, [json(before)]);
        if ((await changed()) - earlier !== 1) throw new Error(ALONE);
        await client.query('RELEASE SAVEPOINT socket_replay');
        return undefined;
      } catch (error) {
        await client.query('ROLLBACK TO SAVEPOINT socket_replay');
        return error instanceof Error ? error.message : String(error);
      }
    },
    close: () => client.end(),
  };
}

/** Makes the database anew from a template; everybody who is connected to it loses the connection. */
export async function recreateFromTemplate({ url, template }: { url: string; template: string }): Promise<void> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const beside = new URL(url);
  beside.pathname = '/postgres';
  const client = await connected(beside.href);
  try {
    await client.query(`DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${quoted(name)} TEMPLATE ${quoted(template)}`);
  } catch (error) {
    throw databaseError(url, error);
  } finally {
    await client.end();
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Binary data as PostgreSQL writes it in JSON. */
const json = (row: object): string =>
  JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'object' && value !== null && '!binary' in value ? `\\x${Buffer.from(String(value['!binary']), 'base64').toString('hex')}` : value,
  );
