/** Real databases, written by somebody else and watched from outside: every way tells the same. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openWatch } from '../../src/watch/open.js';
import type { Watch, WatchedChange } from '../../src/watch/watch.js';
import { type Postgres, startPostgres } from '../postgres.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function told(watch: Watch): WatchedChange[] {
  const all: WatchedChange[] = [];
  watch.onChanges((changes) => all.push(...changes.map(({ at: _, ...change }) => change as WatchedChange)));
  return all;
}

const change = (op: string, table: string, key: object, before: object | null, after: object | null) => ({
  type: 'change',
  cause: null,
  op,
  table,
  key,
  before,
  after,
});

describe('a SQLite file', () => {
  function file(mode = 'wal'): { path: string; db: Database.Database } {
    const path = join(mkdtempSync(join(tmpdir(), 'socket-replay-watch-')), 'app.db');
    const db = new Database(path);
    db.pragma(`journal_mode = ${mode}`);
    closers.push(() => db.close());
    return { path, db };
  }
  async function open(path: string): Promise<Watch> {
    const watch = await openWatch(path);
    closers.push(() => watch.close());
    return watch;
  }

  it.each(['wal', 'delete'])('tells every column before and after, in journal mode %s', async (mode) => {
    const { path, db } = file(mode);
    db.exec('CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER, data BLOB, real REAL); CREATE TABLE loose (a TEXT)');
    db.prepare('INSERT INTO item VALUES (1, ?, ?, 1.5)').run(9_007_199_254_740_993n, Buffer.from([1, 2]));
    const watch = await open(path);
    const all = told(watch);
    db.exec("UPDATE item SET n = 7 WHERE id = 1; INSERT INTO loose VALUES ('x'); INSERT INTO item (id, n) VALUES (2, 0)");
    await watch.flush();
    db.exec('DELETE FROM item WHERE id = 1');
    await watch.flush();
    const row = { id: 1, n: 7, data: { '!binary': 'AQI=' }, real: 1.5 };
    expect(all).toEqual([
      change('update', 'item', { id: 1 }, { ...row, n: '9007199254740993' }, row),
      change('insert', 'item', { id: 2 }, null, { id: 2, n: 0, data: null, real: null }),
      change('insert', 'loose', { rowid: 1 }, null, { a: 'x' }),
      change('delete', 'item', { id: 1 }, row, null),
    ]);
  });

  it('tells nothing of what is rolled back or not yet committed, and a row of a new table', async () => {
    const { path, db } = file();
    const watch = await open(path);
    const all = told(watch);
    db.exec('CREATE TABLE later (id INTEGER PRIMARY KEY)');
    db.exec('BEGIN; INSERT INTO later VALUES (1)');
    await watch.flush();
    expect(all).toEqual([]);
    db.exec('ROLLBACK; INSERT INTO later VALUES (2); ALTER TABLE later ADD COLUMN more TEXT');
    await watch.flush();
    expect(all).toEqual([change('insert', 'later', { id: 2 }, null, { id: 2, more: null })]);
    expect(watch.tables().map(({ name }) => name)).toEqual(['later']);
  });

  it('is not written to, and tells by itself what was committed', async () => {
    const { path, db } = file();
    db.exec('CREATE TABLE item (id INTEGER PRIMARY KEY)');
    const schema = db.prepare('SELECT * FROM sqlite_master').all();
    const watch = await open(path);
    const seen = new Promise<WatchedChange[]>((done) => watch.onChanges(done));
    db.exec('INSERT INTO item VALUES (1)');
    expect(await seen).toMatchObject([{ op: 'insert', key: { id: 1 } }]);
    expect(db.prepare('SELECT * FROM sqlite_master').all()).toEqual(schema);
  });

  it('needs a driver in the project, and says so', async () => {
    const { path } = file();
    const elsewhere = vi.spyOn(process, 'cwd').mockReturnValue(mkdtempSync(join(tmpdir(), 'socket-replay-elsewhere-')));
    closers.push(() => elsewhere.mockRestore());
    await expect(openWatch(path)).rejects.toThrow(/REPLAY_NO_DRIVER.*better-sqlite3.* is not installed in this project/);
    await expect(openWatch('postgres://app:hunter2@localhost/app')).rejects.toThrow(/^(?!.*hunter2).*pg, by which postgres:\/\/localhost\/app is opened/s);
  });

  it('that is not there, or no database, is a clear error', async () => {
    await expect(openWatch('/nowhere/app.db')).rejects.toMatchObject({ code: 'REPLAY_WATCH_FAILED' });
    await expect(openWatch('mysql://root:hidden@localhost/app')).rejects.toThrow(/mysql:\/\/ is no database that can be watched/);
  });
});

describe.each([
  { technique: 'logical decoding', settings: ['wal_level=logical'], user: 'postgres' },
  { technique: 'snapshots', settings: ['wal_level=replica'], user: 'reader' },
])('a PostgreSQL database, by $technique', ({ technique, settings, user }) => {
  let server: Postgres;
  let databases = 0;
  beforeAll(async () => {
    server = await startPostgres(settings);
  });
  afterAll(() => server?.stop());

  async function database(schema: string): Promise<{ client: pg.Client; url: string }> {
    const name = `app${++databases}`;
    await server.create(name);
    const client = new pg.Client(server.config(name));
    await client.connect();
    closers.push(() => client.end());
    await client.query(
      `${schema}; DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader`,
    );
    return { client, url: server.url(name, user) };
  }
  async function open(url: string): Promise<Watch> {
    const watch = await openWatch(url);
    closers.push(() => watch.close());
    return watch;
  }

  it('tells every column before and after, in the form of the probe', async () => {
    const { client, url } = await database(
      `CREATE TABLE item (id serial PRIMARY KEY, big bigint, price numeric(20,4), data bytea, at timestamptz, doc jsonb, tags text[], "odd name" text, ok boolean, bits bit(4))`,
    );
    await client.query(
      `INSERT INTO item (big, price, data, at, doc, tags, "odd name", ok, bits) VALUES (9007199254740993, 12.5, '\\x0102', '2026-01-02 03:04:05.12+02', '{"a": [1, "it''s"]}', '{a,"b c"}', 'it''s: [x] ''''', true, B'0101')`,
    );
    const watch = await open(url);
    expect(watch.how).toContain(technique);
    const all = told(watch);
    await client.query(`UPDATE item SET "odd name" = 'plain', doc = '"text"' WHERE id = 1`);
    await watch.flush();
    await client.query('INSERT INTO item (id) VALUES (2)');
    await watch.flush();
    await client.query('DELETE FROM item WHERE id = 1');
    await watch.flush();
    const row = {
      id: 1,
      big: '9007199254740993',
      price: 12.5,
      data: { '!binary': 'AQI=' },
      at: '2026-01-02T01:04:05.120Z',
      doc: { a: [1, "it's"] },
      tags: ['a', 'b c'],
      'odd name': "it's: [x] ''",
      ok: true,
      bits: '0101',
    };
    const after = { ...row, doc: 'text', 'odd name': 'plain' };
    const empty = Object.fromEntries(Object.keys(row).map((column) => [column, null]));
    expect(all).toEqual([
      change('update', 'item', { id: 1 }, row, after),
      change('insert', 'item', { id: 2 }, null, { ...empty, id: 2 }),
      change('delete', 'item', { id: 1 }, after, null),
    ]);
  });

  it('tells all that was committed before a flush, and nothing that was rolled back', async () => {
    const { client, url } = await database('CREATE TABLE item (id int PRIMARY KEY, n int)');
    const watch = await open(url);
    const all = told(watch);
    await client.query('SET synchronous_commit = off');
    for (let n = 1; n <= 50; n++) {
      await client.query('INSERT INTO item VALUES ($1, 0)', [n]);
      await client.query('BEGIN');
      await client.query('UPDATE item SET n = n + 1');
      await client.query('ROLLBACK');
      await watch.flush();
      expect(all.length).toBe(n);
    }
    await client.query('UPDATE item SET id = id + 100 WHERE id = 1; TRUNCATE item');
    await watch.flush();
    expect(all.slice(50).filter(({ op }) => op === 'delete')).toHaveLength(50);
  });

  it('tells rows of a table that is created meanwhile, and leaves nothing behind', async () => {
    const { client, url } = await database('CREATE TABLE item (id int PRIMARY KEY)');
    const left = async () =>
      (await client.query(`SELECT (SELECT count(*) FROM pg_namespace) + (SELECT count(*) FROM pg_trigger) + (SELECT count(*) FROM pg_replication_slots) AS n`))
        .rows;
    const before = await left();
    const watch = await open(url);
    const all = told(watch);
    await client.query('CREATE TABLE later (id int PRIMARY KEY, name text); GRANT SELECT ON later TO reader; INSERT INTO later VALUES (1)');
    await watch.flush();
    expect(all).toEqual([change('insert', 'later', { id: 1 }, null, { id: 1, name: null })]);
    await watch.close();
    await expect.poll(left).toEqual(before);
  });

  it('says what it cannot read, and never the password', async () => {
    const { client, url } = await database('CREATE TABLE item (id int PRIMARY KEY)');
    await client.query('CREATE TABLE hidden (id int PRIMARY KEY)');
    const watch = await open(url);
    expect(watch.notWatched().map(({ table }) => table)).toEqual(user === 'reader' ? ['hidden'] : []);
    const error = await openWatch(url.replace(/\/\/\w+@/, '//nobody:hunter2@')).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'REPLAY_WATCH_FAILED' });
    expect(String(error)).not.toContain('hunter2');
  });
});
