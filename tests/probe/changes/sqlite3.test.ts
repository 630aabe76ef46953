import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Sqlite3 from 'sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sqlite3 as driver } from '../../../src/probe/changes/sqlite3.js';
import { currentCause, rootContext, within } from '../../../src/probe/context.js';
import { addReader, knownWarnings, removeReader } from '../../../src/probe/hub.js';
import type { Reader } from '../../../src/probe/reader.js';
import { type FromProbe, fromProbeSchema } from '../../../src/wire/messages.js';
import fc from '../../fast-check.js';

const sqlite3 = createRequire(import.meta.url)('sqlite3') as typeof Sqlite3;
driver.adopt(sqlite3);

type Change = Extract<FromProbe, { type: 'change' }>;
const directory = mkdtempSync(join(tmpdir(), 'socket-replay-sqlite3-'));
let lines: FromProbe[] = [];
const reader = { mode: 'record', push: (line: string) => lines.push(fromProbeSchema.parse(JSON.parse(line))) } as unknown as Reader;
let open: Sqlite3.Database[] = [];
let files = 0;

function database(file = ':memory:', mode?: number): Sqlite3.Database {
  const db = mode === undefined ? new sqlite3.Database(file) : new sqlite3.Database(file, mode);
  open.push(db);
  return db;
}
const newFile = (): string => join(directory, `${(files += 1)}.db`);
const as = <T>(id: string, run: () => T): T => within(rootContext(id), run);
const exec = (db: Sqlite3.Database, sql: string): Promise<void> =>
  new Promise((resolve, reject) => db.exec(sql, (error) => (error ? reject(error) : resolve())));
const all = (db: Sqlite3.Database, sql: string, ...params: unknown[]): Promise<unknown[]> =>
  new Promise((resolve, reject) => db.all(sql, params, (error, rows) => (error ? reject(error) : resolve(rows))));
interface Result {
  lastID: number;
  changes: number;
}
const run = (db: Sqlite3.Database, sql: string, ...params: unknown[]): Promise<Result> =>
  new Promise((resolve, reject) =>
    db.run(sql, params, function (error) {
      if (error) reject(error);
      else resolve({ lastID: this.lastID, changes: this.changes });
    }),
  );
const close = (db: Sqlite3.Database): Promise<void> => new Promise((resolve, reject) => db.close((error) => (error ? reject(error) : resolve())));
const idle = (db: Sqlite3.Database): Promise<void> => new Promise((resolve) => (db as unknown as { wait(done: () => void): void }).wait(resolve));
async function changes(): Promise<Change[]> {
  for (const db of open) await idle(db);
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  await driver.flush();
  return lines.filter((line): line is Change => line.type === 'change');
}
const short = async (): Promise<unknown[]> => (await changes()).map(({ op, table, key, before, after }) => [op, table, key, before, after]);
const words = async (): Promise<string[]> => (await changes()).map(({ cause, op, table }) => `${cause} ${op} ${table}`);

beforeEach(() => {
  lines = [];
  addReader(reader);
});
afterEach(async () => {
  for (const db of open) if ((db as unknown as { open: boolean }).open) await close(db);
  open = [];
  await driver.measure(false);
  removeReader(reader);
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
  expect([...knownWarnings()].map(({ code }) => code)).toEqual(['changes-unmeasured']);
});

describe('rows', () => {
  it('are reported exactly, with their cause', async () => {
    const db = database();
    await exec(db, 'CREATE TABLE kinds (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, any, twice AS (id * 2)); CREATE TABLE bare (x)');
    await driver.measure(true);
    await as('s:1', () => run(db, 'INSERT INTO kinds VALUES (1, 9223372036854775807, 0.1, ?, ?, NULL)', 'it\'s, {"!hex":"00"} ok\n', Buffer.from([0, 255])));
    await as('s:2', () => run(db, 'UPDATE kinds SET i = 5 WHERE id = 1'));
    await as('s:3', () => exec(db, 'INSERT INTO bare VALUES (\'{"a":1}\'); DELETE FROM kinds'));
    const row = { id: 1, i: '9223372036854775807', r: 0.1, t: 'it\'s, {"!hex":"00"} ok\n', b: { '!binary': 'AP8=' }, any: null, twice: 2 };
    expect(await short()).toEqual([
      ['insert', 'kinds', { id: 1 }, null, row],
      ['update', 'kinds', { id: 1 }, row, { ...row, i: 5 }],
      ['insert', 'bare', { rowid: 1 }, null, { x: '{"a":1}' }],
      ['delete', 'kinds', { id: 1 }, { ...row, i: 5 }, null],
    ]);
    expect((await changes()).map(({ cause }) => cause)).toEqual(['s:1', 's:2', 's:3', 's:3']);
  });

  it('have every value that SQLite stores, as it is stored', async () => {
    const db = database();
    await exec(db, 'CREATE TABLE v (id INTEGER PRIMARY KEY, v)');
    await driver.measure(true);
    const stored = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.string({ unit: 'grapheme' }),
      fc.constant(null),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    const told = (value: unknown): unknown => {
      if (Buffer.isBuffer(value)) return { '!binary': value.toString('base64') };
      return typeof value === 'number' && !Number.isFinite(value) ? null : value === 0 ? 0 : value;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(stored, { minLength: 1, maxLength: 20 }), async (values) => {
        lines = [];
        await Promise.all(values.map((value) => run(db, 'INSERT INTO v (v) VALUES (?)', value)));
        // -0 is stored as an integer or as a real, and read as 0 everywhere
        expect((await changes()).map(({ after }) => (after!.v === 0 ? 0 : after!.v))).toEqual(values.map(told));
      }),
      { numRuns: 50, examples: [[[66418421294994904, 0.1, 5e-324, -1.5]]] },
    );
    for (const integer of ['9007199254740991', '9007199254740992', '-9223372036854775808']) {
      lines = [];
      await exec(db, `INSERT INTO v (v) VALUES (${integer})`);
      expect((await changes()).map(({ after }) => String(after!.v))).toEqual([integer]);
    }
  });

  it("written by REPLACE, upserts, cascades, RETURNING and the application's triggers, in tables without row id and in attached ones", async () => {
    const db = database();
    await exec(
      db,
      `PRAGMA foreign_keys = ON;
       CREATE TABLE parent (id INTEGER PRIMARY KEY, n INTEGER UNIQUE);
       CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent ON DELETE CASCADE);
       CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT);
       CREATE TABLE pair (a, b, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
       CREATE TRIGGER noted AFTER INSERT ON parent BEGIN INSERT INTO audit (what) VALUES ('parent ' || NEW.id); END;`,
    );
    await driver.measure(true);
    expect(await as('s:1', () => all(db, 'INSERT INTO parent (n) VALUES (7) RETURNING id, n'))).toEqual([{ id: 1, n: 7 }]);
    await as('s:2', () => run(db, 'INSERT INTO parent (n) VALUES (7) ON CONFLICT (n) DO UPDATE SET n = n'));
    await as('s:3', () => run(db, 'INSERT INTO child (p) VALUES (1)'));
    await as('s:4', () => run(db, 'DELETE FROM parent'));
    await as('s:5', () => run(db, 'INSERT INTO pair VALUES (1, 2, 3)'));
    await as('s:6', () => run(db, 'REPLACE INTO pair VALUES (1, 2, 4)'));
    await as('s:7', () => exec(db, `ATTACH '${newFile()}' AS side; CREATE TABLE side.t (id INTEGER PRIMARY KEY)`));
    await as('s:8', () => run(db, 'INSERT INTO side.t VALUES (1)'));
    const found = await words();
    expect(found.slice(0, 4)).toEqual(['s:1 insert parent', 's:1 insert audit', 's:2 update parent', 's:3 insert child']);
    expect(found.slice(4, 6).sort()).toEqual(['s:4 delete child', 's:4 delete parent']);
    expect(found.slice(6)).toEqual(['s:5 insert pair', 's:6 delete pair', 's:6 insert pair', 's:8 insert side.t']);
    await exec(db, 'DETACH side');
  });

  it('of rolled back transactions and savepoints are not reported', async () => {
    const db = database();
    await exec(db, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    await driver.measure(true);
    const insert = (v: string): Promise<unknown> => as(v, () => run(db, 'INSERT INTO t (v) VALUES (?)', v));
    await exec(db, 'BEGIN');
    await insert('s:1');
    await insert('s:2');
    expect(await changes()).toEqual([]);
    await exec(db, 'ROLLBACK');
    await exec(db, 'BEGIN');
    await insert('s:3');
    await exec(db, 'SAVEPOINT inner');
    await insert('s:4');
    await exec(db, 'ROLLBACK TO inner');
    await insert('s:5');
    await exec(db, 'COMMIT');
    // In one call, with numbers that were used before.
    await exec(db, 'BEGIN');
    await insert('s:6');
    await as('s:7', () => exec(db, "ROLLBACK; INSERT INTO t (v) VALUES ('s:7'); BEGIN; INSERT INTO t (v) VALUES ('lost'); ROLLBACK"));
    await exec(db, 'BEGIN');
    await insert('s:8');
    await as('s:9', () => exec(db, "SAVEPOINT a; INSERT INTO t (v) VALUES ('lost'); ROLLBACK TO a; INSERT INTO t (v) VALUES ('s:9')"));
    await exec(db, 'COMMIT');
    await expect(run(db, 'INSERT OR ROLLBACK INTO t (id) VALUES (1)')).rejects.toThrow('UNIQUE');
    const found = await changes();
    expect(found.map(({ cause, after }) => [cause, after!.v])).toEqual(['s:3', 's:5', 's:7', 's:8', 's:9'].map((id) => [id, id]));
    expect(await all(db, 'SELECT v FROM t')).toEqual(found.map(({ after }) => ({ v: after!.v })));
  });

  it('keep their cause under 200 concurrent traces, however they are written', async () => {
    const db = database(newFile());
    await exec(
      db,
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, trace TEXT, step INTEGER); CREATE TABLE u (trace TEXT)',
    );
    await driver.measure(true);
    const shared = db.prepare('INSERT INTO t (trace, step) VALUES (?, ?)');
    const select = db.prepare('SELECT count(*) AS n FROM t WHERE trace = ?');
    const ways: ((id: string, step: number) => Promise<unknown>)[] = [
      (id, step) => run(db, 'INSERT INTO t (trace, step) VALUES (?, ?)', id, step),
      (id, step) => new Promise((resolve) => shared.run(id, step, resolve)),
      (id, step) => exec(db, `INSERT INTO t (trace, step) VALUES ('${id}', ${step}); INSERT INTO u VALUES ('${id}')`),
      (id, step) => all(db, 'INSERT INTO t (trace, step) VALUES (?, ?) RETURNING id', id, step),
      (id, step) =>
        new Promise((resolve) => {
          const own = db.prepare('INSERT INTO t (trace, step) VALUES (?, ?)', [id, step]);
          own.run();
          own.finalize(resolve);
        }),
      (id, step) => new Promise((resolve) => db.get('INSERT INTO t (trace, step) VALUES (?, ?) RETURNING id', id, step, resolve)),
      (id, step) => new Promise((resolve) => db.each('INSERT INTO t (trace, step) VALUES (?, ?) RETURNING id', [id, step], () => undefined, resolve)),
      (id, step) =>
        new Promise((resolve) =>
          db.exec(`INSERT INTO u VALUES ('${id}')`, () => db.run('INSERT INTO t (trace, step) VALUES (?, ?)', id, step, () => resolve(undefined))),
        ),
    ];
    const handler = async (id: string, seed: number): Promise<void> => {
      for (let step = 0; step < 5; step += 1) {
        if (step % 2 === 0) await new Promise((resolve) => setTimeout(resolve, (seed * 7 + step) % 4));
        const reading = new Promise((resolve) => select.all(id, resolve));
        await ways[(seed + step) % ways.length]!(id, step);
        await reading;
        expect(currentCause()?.replace(/~$/, '')).toBe(id);
      }
    };
    await Promise.all(Array.from({ length: 200 }, (_, i) => as(`s${i}:1`, () => handler(`s${i}:1`, i))));
    const found = await changes();
    expect(found.filter(({ table }) => table === 't')).toHaveLength(1000);
    expect(found.filter(({ table }) => table === 'u')).toHaveLength(250);
    expect(found.filter(({ cause, after }) => cause?.replace(/~$/, '') !== after!.trace)).toEqual([]);
    await new Promise((resolve) => shared.finalize(resolve));
    await new Promise((resolve) => select.finalize(resolve));
  });
});

describe('the application', () => {
  it('sees the same results, errors and order of callbacks', async () => {
    const results = async (measured: boolean): Promise<unknown[]> => {
      const db = database();
      const out: unknown[] = [];
      const note =
        (name: string) =>
        (...args: unknown[]): void =>
          void out.push([name, ...args.map((arg) => (arg instanceof Error ? [arg.message, (arg as { code?: string }).code] : arg))]);
      await exec(db, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE); CREATE TABLE u (id INTEGER PRIMARY KEY, v)');
      await driver.measure(measured);
      db.on('error', (error: Error) => note('error event')(error));
      const lasting = (name: string) =>
        function (this: Result | undefined, error: Error | null): void {
          note(name)(error, this?.lastID, this?.changes);
        };
      db.serialize(() => {
        db.run('CREATE TABLE late (id INTEGER PRIMARY KEY, v)', note('create'));
        const statement = db.prepare('INSERT INTO late (v) VALUES (?)', note('prepared'));
        for (const v of [1, 2, 3]) statement.run(v, lasting(`late ${v}`));
        statement.finalize(note('finalized'));
        db.run('INSERT INTO t (v) VALUES (?)', 1, lasting('first'));
        db.run('INSERT INTO t (v) VALUES ($v)', { $v: 2 }, lasting('second'));
        db.run('INSERT INTO t (v) VALUES (2)', lasting('conflict'));
        db.run('UPDATE t SET v = v + 10', lasting('update'));
        db.all('SELECT last_insert_rowid() AS l, changes() AS c', note('functions'));
        db.run('DELETE FROM t WHERE v > 100', lasting('delete'));
        db.run('INSERT INTO u SELECT id + 10, v FROM t', lasting('select'));
        db.get('SELECT changes() AS c', note('changes'));
        db.run('CREATE TABLE copied AS SELECT * FROM u', lasting('copied'));
        db.get('SELECT last_insert_rowid() AS l', note('function'));
        db.run('no sql', lasting('no sql'));
        db.exec('INSERT INTO u (v) VALUES (1); INSERT INTO nowhere VALUES (1)', note('exec'));
        db.exec('INSERT INTO nowhere VALUES (1)');
        db.each('SELECT v FROM u ORDER BY id', note('row'), note('rows'));
        (db as unknown as { map(sql: string, done: unknown): void }).map('SELECT id, v FROM t', note('map'));
        db.get('INSERT INTO u (v) VALUES (9) RETURNING v', note('returned'));
      });
      await idle(db);
      const cursor = db.prepare('SELECT id FROM t ORDER BY id');
      for (let i = 0; i < 3; i += 1) await new Promise((resolve) => cursor.get((error: Error | null, row: unknown) => resolve(note('cursor')(error, row))));
      const writing = db.prepare('INSERT INTO u (v) VALUES (?) RETURNING id');
      await new Promise((resolve) => writing.get(5, (error: Error | null, row: unknown) => resolve(note('writing')(error, row))));
      writing.reset();
      writing.finalize();
      cursor.finalize();
      out.push(await all(db, 'SELECT count(*) AS n FROM sqlite_master'), await all(db, 'SELECT * FROM late, u ORDER BY 1, 3'));
      await close(db);
      await driver.measure(false);
      return out;
    };
    const without = await results(false);
    expect(await results(true)).toEqual(without);
    expect(without.length).toBeGreaterThan(30);
  });

  it('is called back in the trace that asked', async () => {
    const db = database();
    await exec(db, 'CREATE TABLE t (v)');
    await driver.measure(true);
    const seen: unknown[] = [];
    const ask = (id: string): Promise<void> =>
      as(
        id,
        () => new Promise((resolve) => db.run('INSERT INTO t VALUES (1)', () => db.all('SELECT * FROM t', () => resolve(void seen.push(currentCause()))))),
      );
    await Promise.all(['s:1', 's:2', 's:3'].map(ask));
    expect(seen.sort()).toEqual(['s:1', 's:2', 's:3']);
  });

  it('finds nothing of ours in its file, and may close at once', async () => {
    const file = newFile();
    await driver.measure(true);
    const db = database(file);
    as('s:1', () => {
      db.serialize(() => {
        db.run('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
        const statement = db.prepare('INSERT INTO t (v) VALUES (?)');
        statement.run(1);
        statement.run(2);
        statement.finalize();
        db.run('BEGIN');
        db.run('INSERT INTO t (v) VALUES (3)');
        db.run('COMMIT');
      });
    });
    await close(db);
    expect(lines.filter((line): line is Change => line.type === 'change').map(({ cause, after }) => [cause, after!.v])).toEqual(
      [1, 2, 3].map((v) => ['s:1', v]),
    );
    open = [];
    const again = database(file, sqlite3.OPEN_READONLY);
    expect(await all(again, 'SELECT name FROM sqlite_master')).toEqual([{ name: 't' }]);
  });

  it('is measured as soon as its transaction ends, and left without triggers when the last reader goes', async () => {
    const db = database();
    await exec(db, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v); BEGIN; INSERT INTO t (v) VALUES (1)');
    await driver.measure(true);
    const installed = async (): Promise<unknown> => ((await all(db, 'SELECT count(*) AS n FROM sqlite_temp_master'))[0] as { n: number }).n;
    expect(await installed()).toBe(0);
    await exec(db, 'ROLLBACK');
    while ((await installed()) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await run(db, 'INSERT INTO t (v) VALUES (2)');
    expect((await changes()).map(({ after }) => after!.v)).toEqual([2]);
    await driver.measure(false);
    expect(await installed()).toBe(0);
    await run(db, 'INSERT INTO t (v) VALUES (3)');
    expect(await changes()).toHaveLength(1);
  });

  it('keeps a read-only database, and one that cannot be opened', async () => {
    const file = newFile();
    const db = database(file);
    await exec(db, 'CREATE TABLE t (v); INSERT INTO t VALUES (1)');
    const readonly = database(file, sqlite3.OPEN_READONLY);
    const missing = new sqlite3.Database(join(directory, 'missing', 'x.db'), () => undefined);
    missing.all('SELECT 1', () => undefined);
    await driver.measure(true);
    expect(await all(readonly, 'SELECT * FROM t')).toEqual([{ v: 1 }]);
    await expect(run(readonly, 'INSERT INTO t VALUES (2)')).rejects.toThrow('readonly');
    await run(db, 'INSERT INTO t VALUES (2)');
    expect(await short()).toEqual([['insert', 't', { rowid: 2 }, null, { v: 2 }]]);
  });
});

describe('where rows cannot be measured, the application goes on', () => {
  it('and a file that somebody else has locked is measured as well', async () => {
    const file = newFile();
    const [db, other] = [database(file), database(file)];
    await exec(db, 'CREATE TABLE t (v)');
    await exec(other, 'BEGIN EXCLUSIVE');
    const measured = driver.measure(true);
    await expect(run(db, 'INSERT INTO t VALUES (1)')).rejects.toThrow('SQLITE_BUSY');
    await exec(other, 'COMMIT');
    await measured;
    await vi.waitFor(async () => expect(await all(db, 'SELECT 1 FROM sqlite_temp_master')).not.toEqual([]), 10_000);
    await idle(db);
    await run(db, 'INSERT INTO t VALUES (2)');
    expect(await short()).toEqual([['insert', 't', { rowid: 1 }, null, { v: 2 }]]);
  });

  it('and with a version that we do not know there is one warning', () => {
    class Database {
      run(): string {
        return 'ran';
      }
    }
    const unknown = { Database, Statement: class {} };
    driver.adopt(unknown);
    driver.adopt(unknown);
    expect(new Database().run()).toBe('ran');
    expect([...knownWarnings()].map(({ code, message }) => [code, message])).toEqual([
      ['changes-unmeasured', expect.stringContaining('it has no get, all, each')],
    ]);
  });
});

describe('the schema', () => {
  it('may change while rows are measured, also inside a transaction', async () => {
    const db = database();
    await driver.measure(true);
    await exec(db, 'CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)');
    await exec(db, "INSERT INTO t (a, b) VALUES ('a', 'b')");
    const alter = db.prepare('ALTER TABLE t ADD COLUMN c');
    await new Promise((resolve) => alter.run(resolve));
    await new Promise((resolve) => alter.finalize(resolve));
    await run(db, "UPDATE t SET c = 'first'");
    await run(db, 'ALTER TABLE t DROP COLUMN a');
    await exec(db, 'ALTER TABLE t RENAME COLUMN b TO bb; ALTER TABLE t RENAME TO tt;');
    await run(db, "UPDATE tt SET c = 'c'");
    await exec(db, 'BEGIN; ALTER TABLE tt DROP COLUMN bb');
    await run(db, "UPDATE tt SET c = 'lost'");
    await exec(db, 'ROLLBACK');
    await run(db, "UPDATE tt SET bb = 'again'");
    await exec(db, 'DROP TABLE tt; VACUUM; CREATE TABLE fresh (x PRIMARY KEY)');
    await run(db, 'INSERT INTO fresh VALUES (1)');
    await exec(db, 'CREATE TABLE seeded (id INTEGER PRIMARY KEY); INSERT INTO seeded VALUES (3)');
    expect((await short()).map((change) => (change as unknown[]).slice(0, 2).concat((change as unknown[]).slice(3)))).toEqual([
      ['insert', 't', null, { id: 1, a: 'a', b: 'b' }],
      ['update', 't', { id: 1, a: 'a', b: 'b', c: null }, { id: 1, a: 'a', b: 'b', c: 'first' }],
      ['update', 'tt', { id: 1, bb: 'b', c: 'first' }, { id: 1, bb: 'b', c: 'c' }],
      ['update', 'tt', { id: 1, bb: 'b', c: 'c' }, { id: 1, bb: 'again', c: 'c' }],
      ['insert', 'fresh', null, { x: 1 }],
      ['insert', 'seeded', null, { id: 3 }],
    ]);
  });

  it('and what the tables hold is told', async () => {
    const file = newFile();
    const db = database(file);
    await exec(db, 'CREATE TABLE p (id INTEGER PRIMARY KEY, mail TEXT UNIQUE); INSERT INTO p (mail) VALUES (1), (2)');
    await driver.measure(true);
    expect(driver.tables()).toMatchObject([{ name: 'p', key: ['id'], unique: ['mail'] }]);
    const [state] = await driver.states();
    expect(state).toMatchObject({ table: 'p', rows: 2, hash: expect.stringMatching(/^[0-9a-f]{16}$/) });
    await run(db, 'UPDATE p SET mail = 3 WHERE id = 1');
    expect((await driver.states())[0]!.hash).not.toBe(state!.hash);
  });

  // Now and then it was too late.
  it('what one connection creates by exec, another one may fill at once', { repeats: 10 }, async () => {
    const file = newFile();
    const db = database(file);
    await exec(db, 'CREATE TABLE p (id INTEGER PRIMARY KEY)');
    await driver.measure(true);
    const other = database(file);
    await all(other, 'SELECT * FROM p');
    await exec(db, 'CREATE TABLE later (id INTEGER PRIMARY KEY)');
    await run(other, 'INSERT INTO later VALUES (4)');
    expect((await short()).at(-1)).toEqual(['insert', 'later', { id: 4 }, null, { id: 4 }]);
  });

  it('is emptied of what was told long ago, without a word to the application', async () => {
    const db = database();
    await exec(db, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    await driver.measure(true);
    const many = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t (v) SELECT i FROM n';
    expect(await run(db, many)).toMatchObject({ changes: 3000 });
    await idle(db);
    await run(db, 'UPDATE t SET v = 0 WHERE id = 5');
    expect(await all(db, 'SELECT changes() AS c')).toEqual([{ c: 1 }]);
    expect(((await all(db, 'SELECT count(*) AS n FROM _socket_replay_log'))[0] as { n: number }).n).toBe(1);
    expect(await changes()).toHaveLength(3001);
  });
});
