import { createRequire } from 'node:module';
import type PgModule from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pg } from '../../../src/probe/changes/pg.js';
import { rootContext, within } from '../../../src/probe/context.js';
import { addReader, knownWarnings, removeReader } from '../../../src/probe/hub.js';
import type { Reader } from '../../../src/probe/reader.js';
import { type FromProbe, fromProbeSchema } from '../../../src/wire/messages.js';
import { LEFTOVERS } from '../../../src/wire/pg-sql.js';
import { type Postgres, startPostgres } from '../../postgres.js';

const require = createRequire(import.meta.url);
const { Client, Pool } = require('pg') as typeof PgModule;
pg.adopt(require('pg'));

type Change = Extract<FromProbe, { type: 'change' }>;
let server: Postgres;
let lines: FromProbe[] = [];
let database = '';
let databases = 0;
let open: { end(): Promise<void> }[] = [];
const reader = { mode: 'record', push: (line: string) => lines.push(fromProbeSchema.parse(JSON.parse(line))) } as unknown as Reader;

beforeAll(async () => {
  server = await startPostgres();
});
beforeEach(async () => {
  lines = [];
  addReader(reader);
  database = `d${(databases += 1)}`;
  await server.create(database);
});
afterEach(async () => {
  await pg.measure(false);
  removeReader(reader);
  for (const one of open) await one.end();
  open = [];
});
afterAll(async () => {
  await server.stop();
  expect([...knownWarnings()]).toEqual([]);
});

const pool = (options: PgModule.PoolConfig = {}): PgModule.Pool => {
  const made = new Pool({ ...server.config(database), ...options });
  open.push(made);
  return made;
};
const changes = async (): Promise<Change[]> => {
  await pg.flush();
  return lines.filter((line): line is Change => line.type === 'change');
};
const short = async (): Promise<unknown[]> => (await changes()).map(({ cause, op, table, after, before }) => [cause, op, table, (after ?? before)?.id]);
const as = <T>(id: string, run: () => T): T => within(rootContext(id), run);
/** With its schema made and its rows measured. */
const measured = async (schema: string, options: PgModule.PoolConfig = {}): Promise<PgModule.Pool> => {
  const made = pool(options);
  await made.query(schema);
  await pg.measure(true);
  return made;
};

describe('statements', () => {
  it('of a pool have the trace that asked, however few clients there are', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY, v text)', { max: 3 });
    const insert = (id: number): Promise<unknown> => as(`s:${id}`, () => db.query('INSERT INTO t VALUES ($1, $2)', [id, 'x']));
    await Promise.all(Array.from({ length: 50 }, (_, index) => insert(index)));
    const told = await short();
    expect(told).toHaveLength(50);
    expect(told.filter((row) => (row as unknown[])[0] !== `s:${(row as unknown[])[3]}`)).toEqual([]);
  });

  it('of transactions too, and what is rolled back is not told', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY, v text)', { max: 4 });
    const run = async (id: number): Promise<void> => {
      const client = await db.connect();
      await client.query('BEGIN');
      await client.query('INSERT INTO t VALUES ($1, $2)', [id, 'kept']);
      await client.query('SAVEPOINT a');
      await client.query(`INSERT INTO t VALUES (${id + 1000}, 'back')`);
      await client.query('ROLLBACK TO a');
      await client.query("UPDATE t SET v = 'changed' WHERE id = $1", [id]);
      await client.query(id % 5 === 0 ? 'ROLLBACK' : 'COMMIT');
      client.release();
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => as(`s:${index}`, () => run(index))));
    const told = await short();
    expect(told).toHaveLength(64);
    expect(told.filter((row) => (row as unknown[])[0] !== `s:${(row as unknown[])[3]}`)).toEqual([]);
  });
});

describe('the database', () => {
  it('is as it was when nobody measures any more', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY)');
    expect((await db.query(LEFTOVERS)).rows).toHaveLength(4);
    await pg.measure(false);
    expect((await db.query(LEFTOVERS)).rows).toEqual([]);
  });
});
