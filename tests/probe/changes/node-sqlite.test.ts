import { isBuiltin } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adoptNodeSqlite, nodeSqlite } from '../../../src/probe/changes/node-sqlite.js';
import { rootContext, within } from '../../../src/probe/context.js';
import { addReader, knownWarnings, removeReader } from '../../../src/probe/hub.js';
import type { Reader } from '../../../src/probe/reader.js';
import { type FromProbe, fromProbeSchema } from '../../../src/wire/messages.js';

interface Database {
  exec(sql: string): void;
  prepare(sql: string): { run(...params: unknown[]): unknown; get(...params: unknown[]): unknown; all(...params: unknown[]): unknown[] };
  close(): void;
}
type Change = Extract<FromProbe, { type: 'change' }>;

const has = isBuiltin('node:sqlite');
let lines: FromProbe[] = [];
const reader = { mode: 'record', push: (line: string) => lines.push(fromProbeSchema.parse(JSON.parse(line))) } as unknown as Reader;
const as = <T>(id: string, run: () => T): T => within(rootContext(id), run);
const changes = (): Change[] => {
  void nodeSqlite.flush();
  return lines.filter((line): line is Change => line.type === 'change');
};

describe.skipIf(!has)('node:sqlite (where Node has it)', () => {
  let db: Database;
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.name);
  beforeEach(async () => {
    lines = [];
    addReader(reader);
    process.on('warning', onWarning);
    adoptNodeSqlite();
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
    const { DatabaseSync } = (process as unknown as { getBuiltinModule(name: string): { DatabaseSync: new (file: string) => Database } }).getBuiltinModule(
      'node:sqlite',
    );
    db = new DatabaseSync(':memory:');
    expect(nodeSqlite.measured()).toBe(false);
  });
  afterEach(() => {
    void nodeSqlite.measure(false);
    removeReader(reader);
    process.off('warning', onWarning);
    db.close();
    expect([...knownWarnings()]).toEqual([]);
  });

  it('has its rows with their causes, and the same results', () => {
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE, big INTEGER, bytes BLOB)');
    expect(nodeSqlite.measured()).toBe(true);
    void nodeSqlite.measure(true);
    const insert = db.prepare('INSERT INTO t (v, big, bytes) VALUES (?, ?, ?)');
    expect(as('s:1', () => insert.run('a', 9223372036854775807n, new Uint8Array([0, 255])))).toEqual({ changes: 1, lastInsertRowid: 1 });
    as('s:2', () => db.exec("REPLACE INTO t (id, v) VALUES (2, 'a')"));
    expect(changes()).toHaveLength(3);
    db.exec('BEGIN');
    as('s:3', () => insert.run('lost', 1, null));
    db.exec('ROLLBACK');
    as('s:4', () => db.exec('ALTER TABLE t DROP COLUMN bytes; CREATE TABLE u (x)'));
    as('s:5', () => db.prepare('INSERT INTO u VALUES (1) RETURNING x').get());
    expect(() => as('s:6', () => db.exec("INSERT INTO t (v) VALUES ('a')"))).toThrow('UNIQUE');
    expect(db.prepare('SELECT last_insert_rowid() AS id').get()).toEqual({ id: 1 });
    expect(changes().map(({ cause, op, table, before, after }) => [cause, op, table, before ?? after])).toEqual([
      ['s:1', 'insert', 't', { id: 1, v: 'a', big: '9223372036854775807', bytes: { '!binary': 'AP8=' } }],
      ['s:2', 'delete', 't', { id: 1, v: 'a', big: '9223372036854775807', bytes: { '!binary': 'AP8=' } }],
      ['s:2', 'insert', 't', { id: 2, v: 'a', big: null, bytes: null }],
      ['s:5', 'insert', 'u', { x: 1 }],
    ]);
    expect(nodeSqlite.tables().map(({ name }) => name)).toEqual(['t', 'u']);
    expect(nodeSqlite.states()).toMatchObject([
      { table: 't', rows: 1 },
      { table: 'u', rows: 1 },
    ]);
  });
});
