/** A PostgreSQL database: which way of watching it allows, and the connection that all ways share. */
import { projectPackage } from '../database/database.js';
import { type Layout, readLayouts } from '../probe/changes/pg-schema.js';
import { canDecode, decoding } from './pg-decoding.js';
import { pgSnapshots } from './pg-snapshots.js';
import { type Technique, unreadable } from './watch.js';

export type Row = Record<string, unknown>;

/** A connection of our own. */
export interface Session {
  /** without user and password */
  readonly database: string;
  query(sql: string, values?: unknown[]): Promise<Row[]>;
  /** What there is to be watched, each table once; asked for again where a table was created, changed or dropped. */
  layouts(): Promise<Layout[]>;
  /** Tables that the user may not read. */
  forbidden(): Promise<ReadonlySet<string>>;
  /** Something else whenever a transaction that wrote has ended since. */
  moment(): Promise<string>;
  end(): Promise<void>;
}

interface Client {
  connect(): Promise<unknown>;
  query(sql: string, values?: unknown[]): Promise<{ rows: Row[] }>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  end(): Promise<unknown>;
}
type Driver = { Client: new (options: { connectionString: string; application_name: string; connectionTimeoutMillis: number }) => Client };

const CONNECT_MS = 10_000;
/** values in one form, whatever the user has set; nothing of ours writes into the application's tables */
const SETTINGS = `SET statement_timeout = 0; SET lock_timeout = 0; SET synchronous_commit = on; SET idle_in_transaction_session_timeout = 0; SET timezone = 'UTC'; SET datestyle = 'ISO';
  SET intervalstyle = 'iso_8601'; SET bytea_output = 'hex'; SET extra_float_digits = 1; SET search_path = pg_catalog; SET default_transaction_read_only = on`;
/** An ALTER TABLE writes the table's row in pg_class anew. */
const SCHEMA_STAMP = `SELECT count(*) || ' ' || coalesce(max(xmin::text::bigint), 0) AS stamp FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p')`;
const FORBIDDEN = `SELECT format('%I.%I', n.nspname, c.relname) AS target FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'))`;

export async function watchPostgres(url: string): Promise<Technique> {
  const session = await connect(url);
  try {
    const undecodable = await canDecode(session);
    return undecodable === undefined ? await decoding(session) : await pgSnapshots(session, undecodable);
  } catch (error) {
    await session.end();
    throw unreadable(session.database, error);
  }
}

async function connect(url: string): Promise<Session> {
  const database = shownUrl(url);
  const { Client } = projectPackage('pg', database) as Driver;
  let client: Client;
  try {
    client = new Client({ connectionString: url, application_name: 'socket-replay', connectionTimeoutMillis: CONNECT_MS });
    // What breaks shows itself at the next query.
    client.on('error', () => {});
    await client.connect();
    await client.query(SETTINGS);
  } catch (error) {
    throw unreadable(database, error);
  }
  const query = async (sql: string, values?: unknown[]): Promise<Row[]> => (await client.query(sql, values)).rows;
  let stamp: unknown;
  let layouts: Layout[] = [];
  return {
    database,
    query,
    async layouts() {
      const [{ stamp: now } = { stamp: null }] = await query(SCHEMA_STAMP);
      if (now !== stamp) layouts = [...new Set((await readLayouts((sql) => query(sql))).values())];
      stamp = now;
      return layouts;
    },
    forbidden: async () => new Set((await query(FORBIDDEN)).map(({ target }) => String(target))),
    moment: async () => String((await query('SELECT txid_current_snapshot()::text AS moment'))[0]?.moment),
    async end() {
      await client.end().catch(() => {});
    },
  };
}

/** Never the password, and nothing that may be one. */
function shownUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed ? `${parsed.protocol}//${parsed.host}${parsed.pathname}` : 'the PostgreSQL database';
}
