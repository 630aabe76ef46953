import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { betterSqlite3 } from '../../../src/probe/changes/better-sqlite3.js';
import { type Connection, SqliteLog } from '../../../src/probe/changes/sqlite-log.js';
import { rootContext, within } from '../../../src/probe/context.js';
import { addReader, knownWarnings, removeReader } from '../../../src/probe/hub.js';
import type { Reader } from '../../../src/probe/reader.js';
import { type FromProbe, fromProbeSchema } from '../../../src/wire/messages.js';
import fc from '../../fast-check.js';

const Database = createRequire(import.meta.url)('../../../examples/annotator/db/better-sqlite3.cjs') as typeof BetterSqlite3;
const { adopt, flush, measure, tables } = betterSqlite3;
adopt(Database);

type Change = Extract<FromProbe, { type: 'change' }>;
const directory = mkdtempSync(join(tmpdir(), 'socket-replay-sqlite-'));
let lines: FromProbe[] = [];
const reader = { mode: 'record', push: (line: string) => lines.push(fromProbeSchema.parse(JSON.parse(line))) } as unknown as Reader;
let open: BetterSqlite3.Database[] = [];
let files = 0;

const database = (file = ':memory:', options = {}): BetterSqlite3.Database => {
  const db = new Database(file, options);
  open.push(db);
  return db;
};
const newFile = (): string => join(directory, `${(files += 1)}.db`);
const changes = (): Change[] => {
  flush();
  return lines.filter((line): line is Change => line.type === 'change');
};
const short = (): unknown[] => changes().map(({ op, table, key, before, after }) => [op, table, key, before, after]);
const as = <T>(id: string, run: () => T): T => within(rootContext(id), run);

beforeEach(() => {
  lines = [];
  addReader(reader);
});
afterEach(() => {
  measure(false);
  removeReader(reader);
  for (const db of open) if (db.open) db.close();
  open = [];
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
  expect([...knownWarnings()]).toEqual([]);
});

describe('rows', () => {
  it('are reported exactly, with their cause', () => {
    const db = database();
    db.exec('CREATE TABLE kinds (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, any)');
    measure(true);
    as('s:1', () => db.prepare('INSERT INTO kinds VALUES (?, ?, ?, ?, ?, ?)').run(1, 9223372036854775807n, 0.1, "it's, ok\n", Buffer.from([0, 255]), null));
    as('s:2', () => db.prepare('UPDATE kinds SET i = 5 WHERE id = 1').run());
    db.prepare('DELETE FROM kinds').run();
    const row = { id: 1, i: '9223372036854775807', r: 0.1, t: "it's, ok\n", b: { '!binary': 'AP8=' }, any: null };
    expect(short()).toEqual([
      ['insert', 'kinds', { id: 1 }, null, row],
      ['update', 'kinds', { id: 1 }, row, { ...row, i: 5 }],
      ['delete', 'kinds', { id: 1 }, { ...row, i: 5 }, null],
    ]);
    expect(changes().map(({ cause }) => cause)).toEqual(['s:1', 's:2', null]);
  });

  it('of odd tables: keyword names, quotes, generated columns, no row id, composite and missing keys', () => {
    const db = database();
    db.exec(`
      CREATE TABLE "order" ("select" TEXT PRIMARY KEY, "a ""b"" c" INTEGER, 'group' TEXT) WITHOUT ROWID;
      CREATE TABLE pair (b INTEGER, a INTEGER, note TEXT, PRIMARY KEY (a, b));
      CREATE TABLE bare (rowid TEXT, x INTEGER);
      CREATE TABLE gen (id INTEGER PRIMARY KEY, w INTEGER, doubled INTEGER AS (w * 2), kept INTEGER AS (w + 1) STORED) STRICT;
      CREATE VIEW seen AS SELECT * FROM gen;
      CREATE VIRTUAL TABLE words USING fts5(text);
    `);
    measure(true);
    db.prepare('INSERT INTO "order" VALUES (?, ?, ?)').run('k', 1, 'g');
    db.prepare('INSERT INTO pair VALUES (2, 1, NULL)').run();
    db.prepare('INSERT INTO bare VALUES (?, ?)').run('mine', 3);
    db.prepare('INSERT INTO gen (id, w) VALUES (1, 4)').run();
    db.prepare('INSERT INTO words VALUES (?)').run('not seen');
    db.prepare('UPDATE pair SET b = 3').run();
    expect(short()).toEqual([
      ['insert', 'order', { select: 'k' }, null, { select: 'k', 'a "b" c': 1, group: 'g' }],
      ['insert', 'pair', { a: 1, b: 2 }, null, { b: 2, a: 1, note: null }],
      ['insert', 'bare', { rowid: 1 }, null, { rowid: 'mine', x: 3 }],
      ['insert', 'gen', { id: 1 }, null, { id: 1, w: 4, doubled: 8, kept: 5 }],
      ['update', 'pair', { a: 1, b: 2 }, { b: 2, a: 1, note: null }, { b: 3, a: 1, note: null }],
    ]);
  });

  it('have every value that SQLite stores, as it is stored', () => {
    const db = database();
    db.exec('CREATE TABLE v (id INTEGER PRIMARY KEY, v)');
    measure(true);
    const insert = db.prepare('INSERT INTO v (v) VALUES (?)');
    const stored = fc.oneof(
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double({ noNaN: true }),
      fc.string({ unit: 'grapheme' }),
      fc.constant(null),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    const told = (value: unknown): unknown => {
      if (Buffer.isBuffer(value)) return { '!binary': value.toString('base64') };
      if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
      return typeof value === 'number' && !Number.isFinite(value) ? null : value === 0 ? 0 : value;
    };
    fc.assert(
      fc.property(fc.array(stored, { maxLength: 20 }), (values) => {
        lines = [];
        for (const value of values) insert.run(value);
        expect(changes().map(({ after }) => after!.v)).toEqual(values.map(told));
      }),
      { numRuns: 100 },
    );
  });

  it('of a transaction that holds too much are counted as lost, the others told', () => {
    const db = database();
    const raw = Object.getPrototypeOf(db) as Record<string, (...args: unknown[]) => unknown>;
    const connection: Connection = {
      name: 'limited',
      open: true,
      readonly: false,
      get inTransaction() {
        return db.inTransaction;
      },
      exec: (sql) => void db.exec(sql),
      query: (sql, ...params) => db.prepare(sql).all(...params) as Record<string, unknown>[],
      define: (name, run) => void raw.function!.call(db, name, { varargs: true, safeIntegers: true }, run),
    };
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    const log = new SqliteLog(connection, () => undefined, 5_000);
    log.want(true);
    const insert = db.prepare('INSERT INTO t (v) VALUES (?)');
    db.transaction(() => {
      for (let i = 0; i < 20; i += 1) insert.run('x'.repeat(1_000));
    })();
    expect(log.flush()).toBe(true);
    insert.run('after');
    expect(log.flush()).toBe(true);
    expect(lines.map((line) => (line.type === 'lost' ? line.count : line.type === 'change' ? line.key.id : line.type))).toEqual([1, 2, 3, 4, 16, 21]);
    log.want(false);
  });

  it('of a table with 1500 columns', () => {
    const db = database();
    const names = Array.from({ length: 1500 }, (_, i) => `c${i}`);
    db.exec(`CREATE TABLE wide (${names.join(', ')})`);
    measure(true);
    db.prepare('INSERT INTO wide (c0, c1499) VALUES (?, ?)').run('a', 'z');
    expect(changes()[0]!.after).toMatchObject({ c0: 'a', c700: null, c1499: 'z' });
  });

  it("written by upserts, cascades, RETURNING, the application's triggers, and updates that change nothing", () => {
    const db = database();
    db.exec(`
      CREATE TABLE parent (id INTEGER PRIMARY KEY, n INTEGER UNIQUE);
      CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent ON DELETE CASCADE);
      CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT);
      CREATE TRIGGER noted AFTER INSERT ON parent BEGIN INSERT INTO audit (what) VALUES ('parent ' || NEW.id); END;
    `);
    measure(true);
    expect(db.prepare('INSERT INTO parent (n) VALUES (7) RETURNING id, n').all()).toEqual([{ id: 1, n: 7 }]);
    db.prepare('INSERT INTO parent (n) VALUES (7) ON CONFLICT (n) DO UPDATE SET n = n').run();
    db.prepare('INSERT INTO child (p) VALUES (1)').run();
    db.prepare('DELETE FROM parent').run();
    expect(
      changes()
        .map(({ op, table, after }) => `${op} ${table} ${JSON.stringify(after)}`)
        .sort(),
    ).toEqual([
      'delete child null',
      'delete parent null',
      'insert audit {"id":1,"what":"parent 1"}',
      'insert child {"id":1,"p":1}',
      'insert parent {"id":1,"n":7}',
      'update parent {"id":1,"n":7}',
    ]);
  });

  it('that REPLACE deletes are told, and only those', () => {
    const db = database();
    db.exec(`
      CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT UNIQUE COLLATE NOCASE, a, b, v, UNIQUE (a, b));
      CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
      CREATE TABLE c (id INTEGER PRIMARY KEY, v UNIQUE ON CONFLICT REPLACE);
      CREATE TABLE part (id INTEGER PRIMARY KEY, a, live);
      CREATE UNIQUE INDEX live_only ON part (a) WHERE live = 1;
      INSERT INTO t VALUES (1, 'a', 1, 1, 'one'), (2, 'b', 2, 2, 'two'), (3, 'c', 3, 3, 'three');
      INSERT INTO w VALUES ('k', 1);
      INSERT INTO c VALUES (1, 'x');
      INSERT INTO part VALUES (1, 'p', 0), (2, 'p', 1);
    `);
    measure(true);
    const deleted = (run: () => unknown): unknown[] => {
      flush();
      lines = [];
      run();
      return short().map((change) => (change as [string, string, Record<string, unknown>]).slice(0, 3));
    };
    // Three rows go for one.
    expect(deleted(() => db.prepare("INSERT OR REPLACE INTO t VALUES (1, 'B', 3, 3, 'all')").run())).toEqual([
      ['delete', 't', { id: 1 }],
      ['delete', 't', { id: 2 }],
      ['delete', 't', { id: 3 }],
      ['insert', 't', { id: 1 }],
    ]);
    expect(changes()[1]!.before).toEqual({ id: 2, mail: 'b', a: 2, b: 2, v: 'two' });
    expect(deleted(() => db.exec("REPLACE INTO w VALUES ('k', 2)"))).toEqual([
      ['delete', 'w', { k: 'k' }],
      ['insert', 'w', { k: 'k' }],
    ]);
    expect(deleted(() => db.exec("INSERT INTO c (v) VALUES ('x')"))).toEqual([
      ['delete', 'c', { id: 1 }],
      ['insert', 'c', { id: 2 }],
    ]);
    expect(deleted(() => db.exec("REPLACE INTO part VALUES (3, 'p', 1)"))).toEqual([
      ['delete', 'part', { id: 2 }],
      ['insert', 'part', { id: 3 }],
    ]);
    db.exec("INSERT INTO t VALUES (5, 'e', 5, 5, 'five')");
    expect(deleted(() => db.exec('UPDATE OR REPLACE t SET a = 5, b = 5 WHERE id = 1'))).toEqual([
      ['delete', 't', { id: 5 }],
      ['update', 't', { id: 1 }],
    ]);
    const upsert = "INSERT INTO t VALUES (1, 'B', 9, 9, 'no') ON CONFLICT (id) DO UPDATE SET v = 'upserted'";
    expect(deleted(() => db.exec(upsert))).toEqual([['update', 't', { id: 1 }]]);
    expect(deleted(() => db.exec("INSERT OR IGNORE INTO t VALUES (1, 'B', 9, 9, 'no')"))).toEqual([]);
    expect(() => db.exec("INSERT INTO t VALUES (1, 'B', 9, 9, 'no')")).toThrow('UNIQUE');
    expect(deleted(() => db.exec("INSERT INTO t VALUES (10, 'z', 10, 10, 'other')"))).toEqual([['insert', 't', { id: 10 }]]);
    expect(db.pragma('recursive_triggers', { simple: true })).toBe(0);
  });

  it("that REPLACE deletes inside a rolled back transaction are not told; those of the application's triggers are", () => {
    const db = database();
    db.exec(`
      CREATE TABLE t (id INTEGER PRIMARY KEY, v);
      CREATE TABLE copy (id INTEGER PRIMARY KEY, v);
      INSERT INTO t VALUES (1, 'first');
      INSERT INTO copy VALUES (1, 'first');
    `);
    measure(true);
    const replace = (): void => void db.prepare("REPLACE INTO t VALUES (1, 'second')").run();
    expect(() =>
      db.transaction(() => {
        replace();
        throw new Error('back');
      })(),
    ).toThrow('back');
    replace();
    db.exec('CREATE TRIGGER follow AFTER INSERT ON t BEGIN INSERT INTO copy VALUES (NEW.id, NEW.v); END');
    db.exec("REPLACE INTO t VALUES (1, 'third')");
    expect(short().map((change) => (change as unknown[]).slice(0, 2).join(' '))).toEqual([
      'delete t',
      'insert t',
      'delete t',
      'insert t',
      'delete copy',
      'insert copy',
    ]);
  });

  it('of rolled back transactions and savepoints are not reported', () => {
    const db = database();
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    measure(true);
    const insert = db.prepare('INSERT INTO t (v) VALUES (?)');
    expect(() =>
      db.transaction(() => {
        insert.run('lost');
        throw new Error('back');
      })(),
    ).toThrow('back');
    db.transaction(() => {
      insert.run('kept');
      expect(() =>
        db.transaction(() => {
          insert.run('inner');
          throw new Error('back');
        })(),
      ).toThrow('back');
      expect(changes()).toEqual([]);
    })();
    expect(changes().map(({ after }) => after!.v)).toEqual(['kept']);
  });

  it('keep their cause under 200 concurrent traces', async () => {
    const db = database(newFile());
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = OFF');
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, trace TEXT, step INTEGER)');
    measure(true);
    const insert = db.prepare('INSERT INTO t (trace, step) VALUES (?, ?)');
    const turn = (ms: number): Promise<void> => new Promise((resolve) => (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)));
    const handler = async (id: string, seed: number): Promise<void> => {
      for (let step = 0; step < 5; step += 1) {
        await turn((seed * 7 + step * 3) % 4);
        db.transaction(() => insert.run(id, step))();
      }
    };
    await Promise.all(Array.from({ length: 200 }, (_, i) => as(`s${i}:1`, () => handler(`s${i}:1`, i))));
    const found = changes();
    expect(found).toHaveLength(1000);
    expect(found.filter(({ cause, after }) => cause !== after!.trace)).toEqual([]);
  });
});

describe('the application', () => {
  it('sees the same results', () => {
    const results = (measured: boolean): unknown[] => {
      const db = database();
      db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE u (id INTEGER PRIMARY KEY, v)');
      measure(measured);
      const insert = db.prepare('INSERT INTO t (v) VALUES (?)');
      const out: unknown[] = [insert.run(1), insert.run(2), db.prepare('UPDATE t SET v = v + 1').run(), db.prepare('DELETE FROM t WHERE v > 100').run()];
      out.push(db.prepare('INSERT INTO u SELECT id + 10, v FROM t').run(), db.prepare('SELECT last_insert_rowid(), changes()').raw().all());
      db.defaultSafeIntegers(true);
      out.push(db.prepare('INSERT INTO t (v) VALUES (5)').run(), db.prepare('SELECT max(id) AS id FROM t').get());
      db.function('twice', (x: bigint) => Number(x) * 2);
      out.push(db.prepare('INSERT INTO t (v) VALUES (twice(4)) RETURNING v').pluck().get(), [...db.prepare('SELECT id, v FROM t').iterate()]);
      out.push(db.prepare('SELECT count(*) FROM sqlite_master').pluck().get());
      try {
        db.prepare('INSERT INTO t (id) VALUES (1)').run();
      } catch (error) {
        out.push((error as { code: string }).code, (error as Error).message);
      }
      measure(false);
      return out;
    };
    expect(results(true)).toEqual(results(false));
  });

  it('finds nothing of ours in its file', () => {
    const file = newFile();
    const db = database(file);
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    measure(true);
    db.prepare('INSERT INTO t (v) VALUES (1)').run();
    db.close();
    expect(changes()).toHaveLength(1);
    const again = database(file, { readonly: true });
    expect(again.prepare('SELECT name FROM sqlite_master').pluck().all()).toEqual(['t']);
    expect(again.prepare('SELECT count(*) FROM t').pluck().get()).toBe(1);
  });

  it('is left without triggers when the last reader goes, and its rows are no longer copied', () => {
    const db = database();
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    measure(true);
    expect(db.prepare('SELECT count(*) FROM sqlite_temp_master').pluck().get()).toBe(5);
    measure(false);
    expect(db.prepare('SELECT count(*) FROM sqlite_temp_master').pluck().get()).toBe(0);
    db.prepare('INSERT INTO t (v) VALUES (1)').run();
    measure(true);
    expect(changes()).toEqual([]);
  });

  it('keeps read-only databases, open iterators and open transactions undisturbed', async () => {
    const file = newFile();
    const db = database(file);
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t (v) VALUES (1), (2), (3)');
    const readonly = database(file, { readonly: true });
    expect(readonly.prepare('SELECT count(*) FROM t').pluck().get()).toBe(3);
    const iterator = db.prepare('SELECT v FROM t').pluck().iterate();
    expect(iterator.next().value).toBe(1);
    measure(true);
    expect([...iterator]).toEqual([2, 3]);
    db.exec('BEGIN');
    const installed = (): number => Number(db.prepare('SELECT count(*) FROM sqlite_temp_master').pluck().get());
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(installed()).toBe(0);
    db.exec('ROLLBACK');
    while (installed() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    db.prepare('INSERT INTO t (v) VALUES (4)').run();
    expect(changes().map(({ after }) => after!.v)).toEqual([4]);
    const second = db.prepare('SELECT v FROM t').pluck().iterate();
    second.next();
    flush();
    expect([...second]).toEqual([2, 3, 4]);
  });

  it('may distrust its schema, defer foreign keys and use recursive triggers', () => {
    const db = database();
    db.pragma('trusted_schema = OFF');
    db.pragma('recursive_triggers = ON');
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    measure(true);
    db.prepare('INSERT INTO t (v) VALUES (1)').run();
    db.prepare('REPLACE INTO t (id, v) VALUES (1, 2)').run();
    expect(changes().map(({ op }) => op)).toEqual(['insert', 'delete', 'insert']);
  });
});

describe('the schema', () => {
  it('may change while rows are measured, also by prepared statements', () => {
    const db = database();
    measure(true);
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)');
    db.exec("INSERT INTO t (a, b) VALUES ('a', 'b')");
    db.prepare('ALTER TABLE t ADD COLUMN c').run();
    db.exec("UPDATE t SET c = 'first'");
    db.prepare('ALTER TABLE t DROP COLUMN a').run();
    db.exec('ALTER TABLE t RENAME COLUMN b TO bb; ALTER TABLE t RENAME TO tt;');
    db.prepare("UPDATE tt SET c = 'c'").run();
    db.exec('DROP TABLE tt; VACUUM; CREATE TABLE fresh (x PRIMARY KEY)');
    db.prepare('INSERT INTO fresh VALUES (1)').run();
    expect(short()).toEqual([
      ['insert', 't', { id: 1 }, null, { id: 1, a: 'a', b: 'b' }],
      ['update', 't', { id: 1 }, { id: 1, a: 'a', b: 'b', c: null }, { id: 1, a: 'a', b: 'b', c: 'first' }],
      ['update', 'tt', { id: 1 }, { id: 1, bb: 'b', c: 'first' }, { id: 1, bb: 'b', c: 'c' }],
      ['insert', 'fresh', { x: 1 }, null, { x: 1 }],
    ]);
  });

  it('may begin with rows: a table filled by the call that makes it', () => {
    const db = database();
    db.exec('CREATE TABLE old (id INTEGER PRIMARY KEY, v); INSERT INTO old VALUES (7, 1)');
    measure(true);
    db.exec("CREATE TABLE seeded (id INTEGER PRIMARY KEY, v); INSERT INTO seeded VALUES (3, 'first'), (5, 'second'); UPDATE old SET v = 2");
    expect(db.prepare('SELECT last_insert_rowid()').pluck().get()).toBe(5);
    db.prepare('CREATE TABLE copied AS SELECT * FROM old').run();
    expect(short()).toEqual([
      ['update', 'old', { id: 7 }, { id: 7, v: 1 }, { id: 7, v: 2 }],
      ['insert', 'seeded', { id: 3 }, null, { id: 3, v: 'first' }],
      ['insert', 'seeded', { id: 5 }, null, { id: 5, v: 'second' }],
      ['insert', 'copied', { rowid: 1 }, null, { id: 7, v: 2 }],
    ]);
    expect(() => db.exec('BEGIN; CREATE TABLE gone AS SELECT * FROM old; ROLLBACK; no sql')).toThrow();
    expect(changes()).toHaveLength(4);
  });

  it('may change inside a transaction, and be rolled back with it', () => {
    const db = database();
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a)');
    measure(true);
    const migrate = (fail: boolean) => (): void => {
      db.exec('ALTER TABLE t ADD COLUMN b');
      db.prepare("INSERT INTO t (a, b) VALUES ('in', 'tx')").run();
      db.exec('ALTER TABLE t DROP COLUMN a');
      if (fail) throw new Error('back');
    };
    expect(() => db.transaction(migrate(true))()).toThrow('back');
    db.prepare("INSERT INTO t (a) VALUES ('after')").run();
    db.transaction(migrate(false))();
    db.prepare("INSERT INTO t (b) VALUES ('last')").run();
    db.exec('BEGIN; ALTER TABLE t ADD COLUMN c');
    db.exec('ROLLBACK');
    db.prepare("INSERT INTO t (b) VALUES ('still')").run();
    expect(changes().map(({ after }) => after)).toEqual([
      { id: 1, a: 'after' },
      { id: 2, a: 'in', b: 'tx' },
      { id: 3, b: 'last' },
      { id: 4, b: 'still' },
    ]);
  });

  it('changed by another connection never breaks the application', () => {
    const file = newFile();
    const db = database(file);
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)');
    const other = database(file);
    other.exec('SELECT 1');
    measure(true);
    const insert = db.prepare('INSERT INTO t (b) VALUES (?)');
    insert.run(1);
    other.exec('CREATE TABLE later (id INTEGER PRIMARY KEY)');
    db.prepare('INSERT INTO later VALUES (1)').run();
    other.exec('ALTER TABLE t DROP COLUMN a');
    insert.run(2);
    other.prepare('INSERT INTO t (b) VALUES (3)').run();
    expect(changes().map(({ table, after }) => [table, after])).toEqual([
      ['t', { id: 1, a: null, b: 1 }],
      ['later', { id: 1 }],
      ['t', { id: 2, b: 2 }],
      ['t', { id: 3, b: 3 }],
    ]);
  });

  it('changed behind our back (another process) is noticed when a statement no longer fits', () => {
    const file = newFile();
    const db = database(file);
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)');
    measure(true);
    const insert = db.prepare('INSERT INTO t (b) VALUES (?)');
    insert.run(1);
    const unknown = new (createRequire(import.meta.url)('better-sqlite3/lib/database.js') as typeof BetterSqlite3)(file);
    const raw = Object.getOwnPropertySymbols(unknown)[0]!;
    (unknown as unknown as Record<symbol, { exec(sql: string): void }>)[raw]!.exec('ALTER TABLE t DROP COLUMN a');
    unknown.close();
    expect(insert.run(2)).toEqual({ changes: 1, lastInsertRowid: 2 });
    expect(changes().map(({ after }) => after)).toEqual([
      { id: 1, a: null, b: 1 },
      { id: 2, b: 2 },
    ]);
  });

  it('is told: keys, types, foreign keys, unique columns; and again when it changes', async () => {
    const db = database();
    db.exec('CREATE TABLE p (id INTEGER PRIMARY KEY, mail TEXT UNIQUE, a, b, UNIQUE (a, b)); CREATE TABLE c (k TEXT PRIMARY KEY, p INTEGER REFERENCES p)');
    measure(true);
    expect(tables()).toEqual([
      {
        name: 'c',
        key: ['k'],
        columns: [
          { name: 'k', type: 'TEXT' },
          { name: 'p', type: 'INTEGER' },
        ],
        foreignKeys: [{ column: 'p', table: 'p', references: 'id' }],
        unique: [],
      },
      {
        name: 'p',
        key: ['id'],
        columns: [
          { name: 'id', type: 'INTEGER' },
          { name: 'mail', type: 'TEXT' },
          { name: 'a', type: '' },
          { name: 'b', type: '' },
        ],
        foreignKeys: [],
        unique: ['mail'],
      },
    ]);
    lines = [];
    db.exec('CREATE TABLE d (x)');
    await Promise.resolve();
    expect(lines).toMatchObject([{ type: 'tables', tables: [{ name: 'c' }, { name: 'd', key: [] }, { name: 'p' }] }]);
  });

  it('of attached databases is measured as well', () => {
    const db = database();
    measure(true);
    db.exec(`ATTACH '${newFile()}' AS side; CREATE TABLE side.t (id INTEGER PRIMARY KEY)`);
    db.prepare('INSERT INTO side.t VALUES (1)').run();
    expect(short()).toEqual([['insert', 'side.t', { id: 1 }, null, { id: 1 }]]);
    db.exec('DETACH side');
  });
});
