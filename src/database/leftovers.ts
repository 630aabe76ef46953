/** What of ours a PostgreSQL database still holds, after a process that measured its rows was killed; and its removal. */
import { LEFTOVERS, LOCKS } from '../wire/pg-sql.js';
import { databaseError, projectPackage } from './database.js';

interface Leftover {
  /** schema, trigger, event trigger */
  readonly what: string;
  readonly name: string;
}

interface Leftovers {
  readonly found: Leftover[];
  /** a process measures the rows right now: what is there is in use */
  readonly inUse: boolean;
  readonly removed: boolean;
}

interface Client {
  connect(): Promise<unknown>;
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
  on(event: 'error', listener: () => void): unknown;
}

export async function leftovers(url: string, remove: boolean): Promise<Leftovers> {
  const { Client } = projectPackage('pg', 'a PostgreSQL database') as { Client: new (config: object) => Client };
  try {
    const client = new Client({ connectionString: url, application_name: 'socket-replay doctor', connectionTimeoutMillis: 10_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await look(client, remove);
    } finally {
      await client.end();
    }
  } catch (error) {
    throw databaseError(url, error);
  }
}

async function look(client: Client, remove: boolean): Promise<Leftovers> {
  // Less than what PostgreSQL waits before it ends a deadlock: the application is not the one that loses.
  await client.query("SET lock_timeout = '500ms'");
  const [{ free } = { free: false }] = (await client.query('SELECT pg_try_advisory_lock($1, 2) AS free', [LOCKS])).rows;
  const { rows } = await client.query(LEFTOVERS);
  const found = rows.map(({ what, name }) => ({ what: String(what), name: String(name) }));
  const removes = remove && free === true;
  // Those of the triggers first: nothing is written any more when the log goes.
  if (removes) for (const { sql } of rows) await client.query(String(sql));
  return { found, inUse: free !== true, removed: removes };
}
