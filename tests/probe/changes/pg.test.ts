import { createRequire } from 'node:module';
import type PgModule from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { pg } from '../../../src/probe/changes/pg.js';
import { rootContext, within } from '../../../src/probe/context.js';
import { addReader, knownWarnings, removeReader } from '../../../src/probe/hub.js';
import type { Reader } from '../../../src/probe/reader.js';
import { type FromProbe, fromProbeSchema } from '../../../src/wire/messages.js';
import { CREATE, CREATE_EVENT_TRIGGER, LEFTOVERS, SCHEMA } from '../../../src/wire/pg-sql.js';
import { type Postgres, startPostgres } from '../../postgres.js';

const require = createRequire(import.meta.url);
const { Client, Pool, Query } = require('pg') as typeof PgModule;

interface Cursor extends PgModule.Submittable {
  read(rows: number): Promise<unknown[]>;
  read(rows: number, done: (error: Error | undefined, rows: unknown[]) => void): void;
  close(): Promise<void>;
}
const Cursor = require('pg-cursor') as new (text: string, values?: unknown[]) => Cursor;

pg.adopt(require('pg'));

type Change = Extract<FromProbe, { type: 'change' }>;
let server: Postgres;
let lines: FromProbe[] = [];
let database = '';
let databases = 0;
const expected = new Set<string>();
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
  expect([...knownWarnings()].filter(({ code, message }) => !expected.has(`${code} ${message}`))).toEqual([]);
});

const pool = (options: PgModule.PoolConfig = {}): PgModule.Pool => {
  const made = new Pool({ ...server.config(database), ...options });
  // The server goes before some of its clients.
  made.on('error', () => undefined);
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

describe('every way to send a statement', () => {
  const SCHEMA = 'CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE other (id int PRIMARY KEY, v text)';
  const many = async (run: (id: number) => Promise<unknown>, count = 50): Promise<void> => {
    await Promise.all(Array.from({ length: count }, (_, id) => as(`s:${id}`, () => run(id))));
  };
  const expectTrue = async (count: number): Promise<void> => {
    const told = await short();
    expect(told).toHaveLength(count);
    expect(told.filter((row) => (row as unknown[])[0] !== `s:${Number((row as unknown[])[3]) % 1000}`)).toEqual([]);
  };

  it('callbacks, and those inside of them', async () => {
    const db = await measured(SCHEMA, { max: 3 });
    await many(
      (id) =>
        new Promise<void>((resolve, reject) => {
          db.connect((error, client, release) => {
            if (error || client === undefined) return reject(error);
            client.query('INSERT INTO t VALUES ($1)', [id], () => {
              client.query(`INSERT INTO other VALUES (${id})`, () => {
                release();
                db.query('INSERT INTO t VALUES ($1)', [id + 1000], () => resolve());
              });
            });
          });
        }),
    );
    await expectTrue(150);
  });

  it('one client for all, whose queries wait for each other', async () => {
    const db = await measured(SCHEMA);
    const client = new Client(server.config(database));
    open.push(client);
    await as('s:0', () => client.connect());
    await many((id) => client.query('INSERT INTO t VALUES ($1)', [id]));
    await many((id) => new Promise((resolve) => client.query({ text: 'INSERT INTO t VALUES ($1)', values: [id + 1000] }, () => resolve(undefined))));
    await many((id) => new Promise((resolve) => client.query(new Query('INSERT INTO t VALUES ($1)', [id + 2000])).on('end', resolve)));
    await expectTrue(150);
    expect((await db.query('SELECT count(*)::int AS n FROM t')).rows).toEqual([{ n: 150 }]);
  });

  it('named statements, prepared before anybody measured and after, also when nobody does any more', async () => {
    const db = pool({ max: 2 });
    await db.query(SCHEMA);
    const insert = { name: 'insert', text: 'INSERT INTO t VALUES ($1, $2) RETURNING id' };
    await Promise.all([9001, 9002].map((id) => db.query({ ...insert, values: [id, 'before'] })));
    await pg.measure(true);
    await many((id) => db.query({ ...insert, values: [id, 'x'] }));
    await many((id) => db.query({ name: 'other', text: 'INSERT INTO other VALUES ($1)', values: [id] }));
    await expectTrue(100);
    await expect(db.query({ name: 'insert', text: 'another', values: [] })).rejects.toThrow("Prepared statements must be unique - 'insert' was used");
    const known = await db.query('SELECT name FROM pg_prepared_statements ORDER BY name');
    expect(known.rows).toEqual([{ name: 'insert' }, { name: 'other' }]);
    await pg.measure(false);
    expect((await db.query({ ...insert, values: [777, 'x'] })).rows).toEqual([{ id: 777 }]);
    expect((await db.query({ name: 'other', text: 'INSERT INTO other VALUES ($1)', values: [777] })).rowCount).toBe(1);
  });

  it('several statements at once, functions, DO, WITH, PREPARE and EXECUTE, procedures that commit', async () => {
    const db = await measured(
      `${SCHEMA}; CREATE FUNCTION put(n int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO t VALUES ($1)' USING n; END $$;
       CREATE PROCEDURE twice(n int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (n); COMMIT; INSERT INTO other VALUES (n); END $$`,
      { max: 3 },
    );
    await many((id) => db.query(`BEGIN; INSERT INTO t VALUES (${id}); COMMIT; INSERT INTO other VALUES (${id}) -- done`), 20);
    await many((id) => db.query('SELECT put($1)', [id + 1000]), 20);
    await many((id) => db.query(`DO $$ BEGIN INSERT INTO t VALUES (${id + 2000}); END $$ ;`), 20);
    await many((id) => db.query('WITH a AS (INSERT INTO t VALUES ($1) RETURNING id) INSERT INTO other SELECT id FROM a', [id + 3000]), 20);
    await many((id) => db.query(`PREPARE p${id} AS INSERT INTO t VALUES ($1); EXECUTE p${id}(${id + 4000}); DEALLOCATE p${id}`), 20);
    await many((id) => db.query(`CALL twice(${id + 5000})`), 20);
    await expectTrue(40 + 20 + 20 + 40 + 20 + 40);
  });

  it('cursors', async () => {
    const db = await measured(SCHEMA, { max: 3 });
    await many(async (id) => {
      const client = await db.connect();
      const cursor = client.query(new Cursor('INSERT INTO t SELECT $1::int + 1000 * n FROM generate_series(0, 2) n RETURNING id', [id]));
      expect(await cursor.read(2)).toHaveLength(2);
      expect(await cursor.read(2)).toHaveLength(1);
      await cursor.close();
      await new Promise((resolve) => client.query(new Cursor(`SELECT ${id}`)).read(5, () => client.query(`INSERT INTO other VALUES (${id})`, resolve)));
      client.release();
    }, 20);
    await expectTrue(80);
  });

  it('triggers of the application, deferred ones, cascades and upserts', async () => {
    const db = await measured(
      `CREATE TABLE parent (id int PRIMARY KEY, n int UNIQUE);
       CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
       CREATE TABLE audit (id int);
       CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NULL; END $$;
       CREATE TRIGGER a AFTER INSERT ON parent FOR EACH ROW EXECUTE FUNCTION note();
       CREATE CONSTRAINT TRIGGER late AFTER INSERT ON child DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note()`,
      { max: 3 },
    );
    await many(async (id) => {
      await db.query('INSERT INTO parent VALUES ($1, $1) ON CONFLICT (n) DO UPDATE SET n = excluded.n', [id]);
      await db.query('INSERT INTO parent VALUES ($1, $2) ON CONFLICT (n) DO UPDATE SET n = excluded.n', [id + 1000, id]);
      // In the extended protocol it fires when no statement runs any more.
      await db.query('INSERT INTO child VALUES ($1, $1)', [id]);
      await db.query('UPDATE parent SET id = $1 WHERE id = $2', [id + 2000, id]);
      await db.query('DELETE FROM parent WHERE id = $1', [id + 2000]);
    }, 20);
    await expectTrue(20 * (2 + 1 + 2 + 2 + 2));
    const ops = (await short()).map((row) => (row as unknown[]).slice(1, 3).join(' '));
    expect(Object.fromEntries([...new Set(ops)].map((op) => [op, ops.filter((one) => one === op).length]))).toEqual({
      'insert parent': 20,
      'insert audit': 40,
      'update parent': 40,
      'insert child': 20,
      'update child': 20,
      'delete parent': 20,
      'delete child': 20,
    });
  });

  it('of those who have no trace have none, once', async () => {
    const db = await measured(SCHEMA);
    await db.query('INSERT INTO t VALUES (1)');
    await server.sql(database, 'INSERT INTO t VALUES (2); TRUNCATE t');
    expect((await short()).map(String).sort()).toEqual([',delete,t,1', ',delete,t,2', ',insert,t,1', ',insert,t,2']);
  });
});

describe('rows', () => {
  it('are told with every value, without loss', async () => {
    const db = await measured(`
      CREATE SCHEMA app;
      CREATE TYPE mood AS ENUM ('ok', 'bad');
      CREATE TABLE app."Kind of" (
        "the id" bigint PRIMARY KEY, i int, big bigint, n numeric, money numeric(12, 2), f double precision, r real, b bytea, j json, jb jsonb,
        at timestamptz, local timestamp, d date, tm time, iv interval, u uuid, flag boolean, list int[], texts text[], m mood, inet inet,
        doubled int GENERATED ALWAYS AS (i * 2) STORED, shown int GENERATED ALWAYS AS (i * 3) VIRTUAL)`);
    const given = {
      'the id': '9007199254740993',
      i: 7,
      big: '9007199254740991',
      n: '123456789012345678901234567890.1234567890',
      money: '12.50',
      f: 0.1 + 0.2,
      r: 0.1,
      b: Buffer.from([0, 255, 1]),
      j: '{"b": 12345678901234567890, "a": [1.5, 1e400, "x\\u0041\\"", {"!tag": true}], "a10": 1e2}',
      jb: { '!odd': { deep: null }, list: [] },
      at: '2026-01-02 03:04:05.123456+02',
      local: '2026-01-02 03:04:05',
      d: '2026-01-02',
      tm: '03:04:05.5',
      iv: '1 day 02:00:00',
      u: '00000000-0000-0000-0000-000000000001',
      flag: false,
      list: [1, 2],
      texts: ['a"b', null],
      m: 'ok',
      inet: '10.0.0.1/8',
    };
    const names = Object.keys(given);
    await as('s:1', () =>
      db.query(
        `SET timezone = 'America/New_York'; SET bytea_output = 'escape'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -5; SET datestyle = 'SQL, DMY'`,
      ),
    );
    await as('s:1', () =>
      db.query(
        `INSERT INTO app."Kind of" (${names.map((name) => `"${name}"`).join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
        Object.values(given),
      ),
    );
    await as('s:2', () => db.query(`UPDATE app."Kind of" SET i = NULL, n = 'NaN', f = '-Infinity', at = '2026-01-02 03:04:05+00', b = ''`));
    const row = {
      ...given,
      big: 9007199254740991,
      money: 12.5,
      b: { '!binary': 'AP8B' },
      j: { b: '12345678901234567890', a: [1.5, '1e400', 'xA"', { '!': { '!tag': true } }], a10: 100 },
      jb: { '!': { '!odd': { deep: null }, list: [] } },
      at: '2026-01-02T01:04:05.123456Z',
      local: '2026-01-02T03:04:05',
      iv: 'P1DT2H',
      doubled: 14,
      shown: 21,
    };
    const later = { ...row, i: null, n: 'NaN', f: '-Infinity', at: '2026-01-02T03:04:05.000Z', b: { '!binary': '' }, doubled: null, shown: null };
    const [insert, update] = await changes();
    expect(insert).toMatchObject({ op: 'insert', table: 'app.Kind of', key: { 'the id': '9007199254740993' }, before: null, after: row });
    expect(update).toMatchObject({ op: 'update', before: row, after: later });
  });

  it('are told in one zone, whatever zone a session has', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY, at timestamptz)', { max: 1 });
    const zones = ['America/New_York', 'Asia/Kolkata', 'UTC', 'Europe/Amsterdam', 'Europe/Amsterdam', 'Europe/Amsterdam', 'America/New_York'];
    const times = [
      '2026-07-02 03:04:05+00',
      '2026-01-01 00:00:00.12+00',
      '2026-01-01 00:00:00+00',
      '1890-01-01 00:00:00.000001+00',
      'infinity',
      null,
      '2026-12-31 23:59:59.5-08',
    ];
    for (const [id, zone] of zones.entries())
      await as('s:1', async () => {
        await db.query(`SET timezone = '${zone}'`);
        await db.query('INSERT INTO t VALUES ($1, $2)', [id, times[id]]);
      });
    expect((await changes()).map(({ after }) => after?.at)).toEqual([
      '2026-07-02T03:04:05.000Z',
      '2026-01-01T00:00:00.120Z',
      '2026-01-01T00:00:00.000Z',
      '1890-01-01T00:00:00.000001Z',
      'infinity',
      null,
      '2027-01-01T07:59:59.500Z',
    ]);
  });

  it('have their trace however long its name is, and whatever the application writes into its statement', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY, v text)', { max: 1 });
    const names = [...Array.from({ length: 260 }, (_, length) => `s${'x'.repeat(length)}:${length}`), 'a b/*c*/:1', 'é%:2'];
    for (const [id, name] of names.entries()) await as(name, () => db.query(`INSERT INTO t VALUES (${id}, '/*socket-replay 1 other:1   2*/')`));
    expect((await changes()).map(({ cause, after }) => [cause, after?.id])).toEqual(names.map((name, id) => [name, id]));
  });

  it('are right on tables where a session may have set what its values look like', async () => {
    const db = await measured(
      'CREATE TABLE b (id int PRIMARY KEY, v bytea); CREATE TABLE f (id int PRIMARY KEY); CREATE TABLE l (id int PRIMARY KEY, v timestamptz[])',
      { max: 1 },
    );
    await as('s:1', async () => {
      await db.query(`SET timezone = 'Asia/Kolkata'; SET bytea_output = 'escape'; SET extra_float_digits = -5; SET search_path = ''`);
      await db.query(`INSERT INTO public.b VALUES (1, '\\x00ff')`);
      await db.query('ALTER TABLE public.f ADD v double precision');
      await db.query('INSERT INTO public.f VALUES (1, 0.1::float8 + 0.2::float8)');
      await db.query(`INSERT INTO public.l VALUES (1, ARRAY['2026-01-01 00:00:00+00'::timestamptz])`);
    });
    expect((await changes()).map(({ after }) => after?.v)).toEqual([{ '!binary': 'AP8=' }, 0.1 + 0.2, ['2026-01-01T00:00:00+00:00']]);
  });

  it('of tables without a key, of partitions, with dropped and added columns', async () => {
    const db = await measured(`
      CREATE TABLE bare (a int, b text);
      CREATE TABLE known (a int NOT NULL UNIQUE, gone int, b text);
      CREATE TABLE part (id int, k text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
      CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
      CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b')`);
    await as('s:1', async () => {
      await db.query("INSERT INTO bare VALUES (1, 'x'), (1, 'x')");
      await db.query("INSERT INTO known VALUES (1, 2, 'x')");
      await db.query('ALTER TABLE known DROP COLUMN gone, ADD COLUMN fresh bigint DEFAULT 5');
      await db.query("UPDATE known SET b = 'y'");
      await db.query("INSERT INTO part VALUES (1, 'a')");
      await db.query("UPDATE part SET k = 'b'");
    });
    expect((await changes()).map(({ op, table, key, before, after }) => [op, table, key, before, after])).toEqual([
      ['insert', 'bare', {}, null, { a: 1, b: 'x' }],
      ['insert', 'bare', {}, null, { a: 1, b: 'x' }],
      ['insert', 'known', { a: 1 }, null, { a: 1, gone: 2, b: 'x' }],
      ['update', 'known', { a: 1 }, { a: 1, b: 'x', fresh: 5 }, { a: 1, b: 'y', fresh: 5 }],
      ['insert', 'part', { id: 1, k: 'a' }, null, { id: 1, k: 'a' }],
      ['delete', 'part', { id: 1, k: 'a' }, { id: 1, k: 'a' }, null],
      ['insert', 'part', { id: 1, k: 'b' }, null, { id: 1, k: 'b' }],
    ]);
  });

  it('of tables that are created meanwhile, also within a transaction, and dropped at once', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY)');
    await as('s:1', async () => {
      await db.query('CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)');
      await db.query('CREATE TABLE copy AS SELECT 2 AS id');
      await db.query('INSERT INTO copy VALUES (3)');
      const client = await db.connect();
      await client.query('BEGIN');
      await client.query('CREATE TABLE inside (id int PRIMARY KEY)');
      await client.query('INSERT INTO inside VALUES (4)');
      await client.query('COMMIT');
      await client.query('CREATE TABLE short (id int PRIMARY KEY); INSERT INTO short VALUES (5); DROP TABLE short');
      client.release();
    });
    expect(await short()).toEqual([
      ['s:1', 'insert', 'fresh', 1],
      ['s:1', 'insert', 'copy', 3],
      ['s:1', 'insert', 'inside', 4],
      ['s:1', 'insert', 'short', 5],
    ]);
    expect(pg.tables().map(({ name }) => name)).toEqual(expect.arrayContaining(['t', 'fresh', 'copy', 'inside']));
  });

  it('come in the order of a row, whatever the transactions', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)', { max: 8 });
    await Promise.all(Array.from({ length: 100 }, (_, index) => as(`s:${index}`, () => db.query('UPDATE t SET n = n + 1'))));
    expect((await changes()).map(({ after }) => after!.n)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });
});

describe('what the application sees', () => {
  it('is what it saw before: counts, commands, fields, errors, lastval', async () => {
    const db = pool({ max: 1 });
    await db.query('CREATE TABLE t (id serial PRIMARY KEY, v text UNIQUE)');
    const problem = async (...query: [string, unknown[]?]): Promise<unknown> => {
      const error = await db.query(...query).then(
        () => undefined,
        (caught: unknown) => caught as Record<string, unknown>,
      );
      return { ...error, message: error?.message };
    };
    const look = async (): Promise<unknown[]> => {
      const all: unknown[] = [];
      const insert = await db.query('INSERT INTO t (v) VALUES ($1), ($2) RETURNING v', ['a', 'b']);
      all.push(insert.rowCount, insert.command, insert.rows, insert.fields.length);
      all.push((await db.query('SELECT lastval() - max(id) AS d FROM t')).rows);
      const several = (await db.query("UPDATE t SET v = v || 'x'; DELETE FROM t; -- the end")) as unknown as PgModule.QueryResult[];
      all.push(several.map(({ command, rowCount }) => [command, rowCount]));
      all.push((await db.query('')).command, (await db.query('-- nothing')).rows);
      all.push(await problem('SELECT * FROM nowhere'));
      all.push(await problem('SELECT $1::int + wrong', [1]));
      all.push(await problem('SELECT ('), await problem('SELECT (', []), await problem("SELECT 'ü"), await problem('SELECT /* open'));
      all.push(await problem('INSERT INTO t (v) VALUES ($1), ($1)', ['twice']));
      return all;
    };
    const plain = await look();
    await pg.measure(true);
    expect(await as('s:1', look)).toEqual(plain);
    expect((await changes()).length).toBe(6);
  });
});

describe('tables and states', () => {
  it('are told as the database declares them', async () => {
    const db = await measured(`
      CREATE TABLE person (id bigserial PRIMARY KEY, mail varchar(20) UNIQUE, "Name" text);
      CREATE TABLE pair (a int, b int, person bigint REFERENCES person, PRIMARY KEY (b, a));
      CREATE SCHEMA app; CREATE TABLE app.log (person bigint REFERENCES person (id), at timestamptz)`);
    const column = (name: string, type: string): unknown => ({ name, type });
    const shown = pg.tables().sort((a, b) => a.name.localeCompare(b.name));
    expect(shown).toEqual([
      {
        name: 'app.log',
        key: [],
        columns: [column('person', 'bigint'), column('at', 'timestamp with time zone')],
        foreignKeys: [{ column: 'person', table: 'person', references: 'id' }],
        unique: [],
      },
      {
        name: 'pair',
        key: ['b', 'a'],
        columns: [column('a', 'integer'), column('b', 'integer'), column('person', 'bigint')],
        foreignKeys: [{ column: 'person', table: 'person', references: 'id' }],
        unique: [],
      },
      {
        name: 'person',
        key: ['id'],
        columns: [column('id', 'bigint'), column('mail', 'character varying(20)'), column('Name', 'text')],
        foreignKeys: [],
        unique: ['mail'],
      },
    ]);
    const before = await pg.states();
    expect(before.map(({ rows }) => rows)).toEqual([0, 0, 0]);
    await db.query('INSERT INTO person (mail) SELECT n FROM generate_series(1, 3) n');
    const one = await pg.states();
    expect(one.find(({ table }) => table === 'person')).toMatchObject({ rows: 3, hash: expect.stringMatching(/^[0-9a-f]{16}$/) });
    await db.query("UPDATE person SET mail = 'x' WHERE id = 3");
    expect((await pg.states()).find(({ table }) => table === 'person')?.hash).not.toBe(one.find(({ table }) => table === 'person')?.hash);
    await db.query("INSERT INTO person (mail) SELECT 'm' || n FROM generate_series(1, 20000) n");
    expect((await pg.states()).find(({ table }) => table === 'person')).toMatchObject({ rows: 20_003, hash: null });
  });
});

describe('the database', () => {
  const nothingIsLeft = async (name = database): Promise<void> => {
    expect(await server.sql(name, LEFTOVERS)).toEqual([]);
  };
  const warned = (pattern: RegExp): void => {
    const found = [...knownWarnings()].filter(({ message }) => pattern.test(message));
    expect(found, [...knownWarnings()].map(({ message }) => message).join('\n')).toHaveLength(1);
    for (const { code, message } of found) expected.add(`${code} ${message}`);
  };

  it('is as it was when nobody measures any more', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY)');
    expect((await db.query(LEFTOVERS)).rows).toHaveLength(4);
    await pg.measure(false);
    await nothingIsLeft();
  });

  it('is let go of when the application has let go of it, so that it can be dropped', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY)');
    await db.end();
    open = [];
    await vi.waitFor(() => nothingIsLeft(), { timeout: 5_000 });
    await server.sql('postgres', `DROP DATABASE ${database}`);
    await server.create(database);
    const again = pool();
    await again.query('CREATE TABLE t (id int PRIMARY KEY)');
    await as('s:1', () => again.query('INSERT INTO t VALUES (1)'));
    expect(await short()).toEqual([['s:1', 'insert', 't', 1]]);
  });

  it('that the application connects to while somebody records is measured from its first statement on', async () => {
    const db = pool();
    await server.sql(database, 'CREATE TABLE t (id int PRIMARY KEY)');
    await pg.measure(true);
    await as('s:1', () => db.query('INSERT INTO t VALUES (1)'));
    expect(await short()).toEqual([['s:1', 'insert', 't', 1]]);
  });

  it('that a killed process has left something in is cleaned at the next start', async () => {
    const db = pool();
    await db.query('CREATE TABLE t (id int PRIMARY KEY)');
    for (const sql of [...CREATE, CREATE_EVENT_TRIGGER]) await db.query(sql);
    await db.query(`SELECT ${SCHEMA}.attach('t'::regclass)`);
    await db.query('INSERT INTO t VALUES (1)');
    await pg.measure(true);
    await db.query('INSERT INTO t VALUES (2)');
    expect(await short()).toEqual([[null, 'insert', 't', 2]]);
    await pg.measure(false);
    await nothingIsLeft();
  });

  it('is measured again when it has ended our connection, and nothing is lost', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY)');
    await as('s:1', () => db.query('INSERT INTO t VALUES (1)'));
    await db.query(
      `SELECT pg_terminate_backend(pid), pg_sleep(0.1) FROM pg_stat_activity WHERE application_name = 'socket-replay' AND datname = current_database()`,
    );
    await as('s:2', () => db.query('INSERT INTO t VALUES (2)'));
    await pg.flush();
    await as('s:3', () => db.query('INSERT INTO t VALUES (3)'));
    expect(await short()).toEqual(
      expect.arrayContaining([
        ['s:1', 'insert', 't', 1],
        ['s:3', 'insert', 't', 3],
      ]),
    );
    expect((await db.query(LEFTOVERS)).rows).toHaveLength(4);
  });

  it('goes on where our user has no rights, and says so once', async () => {
    await server.sql(
      database,
      `CREATE ROLE plain LOGIN; CREATE TABLE t (id int PRIMARY KEY); GRANT ALL ON t TO plain; REVOKE CREATE ON DATABASE ${database} FROM PUBLIC`,
    );
    const db = pool({ user: 'plain' });
    await db.query('SELECT 1');
    await pg.measure(true);
    expect((await as('s:1', () => db.query('INSERT INTO t VALUES (1)'))).rowCount).toBe(1);
    expect(await changes()).toEqual([]);
    warned(new RegExp(`/${database} are not measured: permission denied`));
  });

  it('goes on where one table is not ours, the others are told; new ones are seen without a superuser too', async () => {
    await server.sql(
      database,
      `CREATE ROLE owner LOGIN; GRANT CREATE ON DATABASE ${database} TO owner; GRANT CREATE ON SCHEMA public TO owner; CREATE TABLE theirs (id int PRIMARY KEY); GRANT ALL ON theirs TO owner; REVOKE TRIGGER ON theirs FROM owner`,
    );
    const db = pool({ user: 'owner' });
    await db.query('CREATE TABLE ours (id int PRIMARY KEY)');
    await pg.measure(true);
    await as('s:1', () => db.query('INSERT INTO theirs VALUES (1)'));
    await as('s:1', () => db.query('INSERT INTO ours VALUES (1)'));
    await db.query('CREATE TABLE fresh (id int PRIMARY KEY)');
    await pg.flush();
    await as('s:2', () => db.query('INSERT INTO fresh VALUES (1)'));
    expect(await short()).toEqual([
      ['s:1', 'insert', 'ours', 1],
      ['s:2', 'insert', 'fresh', 1],
    ]);
    warned(/theirs.*permission denied/);
    await pg.measure(false);
    await nothingIsLeft();
  });

  it('goes on where no connection is left for us', async () => {
    await server.sql(database, 'CREATE ROLE narrow LOGIN CONNECTION LIMIT 1; CREATE TABLE t (id int PRIMARY KEY); GRANT ALL ON t TO narrow');
    const db = pool({ user: 'narrow', max: 1 });
    await db.query('SELECT 1');
    await pg.measure(true);
    expect((await db.query('INSERT INTO t VALUES (1)')).rowCount).toBe(1);
    warned(new RegExp(`/${database} are not measured: too many connections`));
  });

  it('goes on where a transaction is open on a table, which is told about as soon as that has ended', async () => {
    const db = pool();
    await db.query('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)');
    const busy = await db.connect();
    await busy.query('BEGIN; INSERT INTO t VALUES (1)');
    const measuring = pg.measure(true) as Promise<void>;
    await busy.query('INSERT INTO other VALUES (1)');
    await busy.query('COMMIT');
    busy.release();
    await measuring;
    await as('s:1', () => db.query('INSERT INTO t VALUES (2)'));
    expect(await short()).toEqual(expect.arrayContaining([['s:1', 'insert', 't', 2]]));
  });
});

describe('a drain', () => {
  it('waits for what a trace has sent and does not wait for itself', async () => {
    const db = await measured('CREATE TABLE t (id int PRIMARY KEY)', { max: 1 });
    const slow = as('s:1', () => db.query('INSERT INTO t SELECT 1 FROM pg_sleep(0.1)'));
    const next = as('s:2', () => db.query('INSERT INTO t VALUES (2)'));
    expect(await pg.flush()).toBeGreaterThan(0);
    await Promise.all([slow, next]);
    const client = await db.connect();
    await as('s:3', () => client.query('BEGIN; INSERT INTO t VALUES (3)'));
    expect(await pg.flush()).toBe(1);
    await as('s:3', () => client.query('COMMIT'));
    client.release();
    expect(await pg.flush()).toBe(0);
    expect((await short()).map((row) => (row as unknown[])[3])).toEqual([1, 2, 3]);
  });
});
