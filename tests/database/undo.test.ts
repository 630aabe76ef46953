/** Taking back what a replay wrote, on a real SQLite file and a real PostgreSQL. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { netChanges } from '../../src/database/net.js';
import { recreateFromTemplate } from '../../src/database/postgres.js';
import { undoRun } from '../../src/database/undo.js';
import { openWritten, type Written } from '../../src/database/written.js';
import fc from '../fast-check.js';
import { type Postgres, startPostgres } from '../postgres.js';

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3;
let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

interface Place {
  where: string;
  sql(text: string): Promise<void>;
  rows(table: string): Promise<Record<string, unknown>[]>;
}

const SCHEMA = `CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, photo BYTES, size BIGINT, "full name" TEXT GENERATED ALWAYS AS (name || '!') STORED);
  CREATE TABLE note (id INTEGER PRIMARY KEY, author INTEGER REFERENCES person, text TEXT);
  INSERT INTO person (id, name, photo, size) VALUES (1, 'ann', NULL, 9007199254740993), (2, 'bob', NULL, 5);
  INSERT INTO note VALUES (10, 1, 'first'), (11, 2, 'second')`;

async function sqlite(schema = SCHEMA): Promise<Place> {
  const file = join(mkdtempSync(join(tmpdir(), 'undo-')), 'app.db');
  const db = new Sqlite(file);
  db.pragma('foreign_keys = ON');
  db.exec(schema.replace('BYTES', 'BLOB'));
  return {
    where: file,
    sql: async (text) => void db.exec(text),
    rows: async (table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1`).safeIntegers().all() as Record<string, unknown>[],
  };
}

let databases = 0;
async function pg(schema = SCHEMA): Promise<Place> {
  const name = `undo${++databases}`;
  await postgres.create(name);
  await postgres.sql(name, schema.replace('BYTES', 'BYTEA'));
  return {
    where: postgres.url(name),
    sql: async (text) => void (await postgres.sql(name, text)),
    rows: (table) => postgres.sql(name, `SELECT * FROM ${table} ORDER BY 1`),
  };
}

async function run(...changes: Written[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'undo-run-'));
  const log = openWritten(join(directory, '1-regression-1-1'));
  for (const change of changes) log.add(change);
  await log.close();
  return directory;
}

type Row = NonNullable<Written['after']>;
const insert = (table: string, row: Row): Written => ({ op: 'insert', table, key: { id: row.id }, before: null, after: row });
const update = (table: string, before: Row, after: Row): Written => ({ op: 'update', table, key: { id: before.id }, before, after });
const remove = (table: string, row: Row): Written => ({ op: 'delete', table, key: { id: row.id }, before: row, after: null });
const person = (id: number, name: string, photo: unknown = null, size: unknown = 5): Row => ({ id, name, photo, size, 'full name': `${name}!` });

for (const [kind, open] of [
  ['a SQLite file', sqlite],
  ['PostgreSQL', pg],
] as const)
  describe(`undo on ${kind}`, () => {
    /** Writes of every kind, and how the probe tells them. */
    const everything = async (place: Place): Promise<Written[]> => {
      const photo = kind === 'PostgreSQL' ? `'\\x00ff'` : `X'00ff'`;
      await place.sql(`INSERT INTO person (id, name, photo, size) VALUES (3, 'cat', ${photo}, 7);
        INSERT INTO note VALUES (12, 3, 'third');
        UPDATE person SET name = 'anna' WHERE id = 1;
        UPDATE person SET name = 'annabel' WHERE id = 1;
        DELETE FROM note WHERE id = 11;
        DELETE FROM person WHERE id = 2;
        UPDATE note SET id = 20 WHERE id = 10;
        INSERT INTO note VALUES (30, 1, 'gone again');
        DELETE FROM note WHERE id = 30`);
      const big = '9007199254740993';
      return [
        insert('person', person(3, 'cat', { '!binary': 'AP8=' }, 7)),
        insert('note', { id: 12, author: 3, text: 'third' }),
        update('person', person(1, 'ann', null, big), person(1, 'anna', null, big)),
        update('person', person(1, 'anna', null, big), person(1, 'annabel', null, big)),
        remove('note', { id: 11, author: 2, text: 'second' }),
        remove('person', person(2, 'bob')),
        update('note', { id: 10, author: 1, text: 'first' }, { id: 20, author: 1, text: 'first' }),
        insert('note', { id: 30, author: 1, text: 'gone again' }),
        remove('note', { id: 30, author: 1, text: 'gone again' }),
      ];
    };

    it('brings back every row, whatever was done to it, and does so once', async () => {
      const place = await open();
      const before = [await place.rows('person'), await place.rows('note')];
      const directory = await run(...(await everything(place)));
      const written = [await place.rows('person'), await place.rows('note')];
      const dry = await undoRun(directory, place.where, false);
      expect([await place.rows('person'), await place.rows('note')]).toEqual(written);
      const done = await undoRun(directory, place.where, true);
      expect(done.left).toEqual([]);
      expect(done.restored).toHaveLength(6);
      expect(dry).toEqual(done);
      expect([await place.rows('person'), await place.rows('note')]).toEqual(before);
      expect(readdirSync(directory)).toEqual(['1-regression-1-1.undone']);
      expect(await undoRun(directory, place.where, true)).toEqual({ restored: [], left: [] });
    });

    it('leaves what somebody else has written since, and lists it; the rest comes back', async () => {
      const place = await open();
      await place.sql(
        `UPDATE person SET name = 'anna' WHERE id = 1; UPDATE person SET name = 'bobby' WHERE id = 2; DELETE FROM note WHERE id = 11; INSERT INTO note VALUES (12, 1, 'third')`,
      );
      const directory = await run(
        update('person', person(1, 'ann', null, '9007199254740993'), person(1, 'anna', null, '9007199254740993')),
        update('person', person(2, 'bob'), person(2, 'bobby')),
        remove('note', { id: 11, author: 2, text: 'second' }),
        insert('note', { id: 12, author: 1, text: 'third' }),
      );
      await place.sql(`UPDATE person SET name = 'somebody' WHERE id = 2; INSERT INTO note VALUES (11, 1, 'new'); UPDATE note SET text = 'mine' WHERE id = 12`);
      const { restored, left } = await undoRun(directory, place.where, true);
      expect(restored.map(({ table, key }) => [table, key.id])).toEqual([['person', 1]]);
      expect(left.map(({ change: { table, key }, why }) => [table, key.id, why])).toEqual([
        ['note', 12, 'it was changed or deleted since'],
        ['note', 11, 'there is such a row again'],
        ['person', 2, 'it was changed or deleted since'],
      ]);
      expect((await place.rows('person')).map(({ name }) => name)).toEqual(['ann', 'somebody']);
      // Once the others are gone, the rest can be taken back.
      await place.sql(`UPDATE person SET name = 'bobby' WHERE id = 2; DELETE FROM note WHERE id = 11; UPDATE note SET text = 'third' WHERE id = 12`);
      const again = await undoRun(directory, place.where, true);
      expect(again.left).toEqual([]);
      expect(again.restored).toHaveLength(3);
    });

    it('leaves a row that somebody else wrote in between, and one that others refer to by now', async () => {
      const place = await open();
      await place.sql(`INSERT INTO person (id, name, size) VALUES (3, 'cat', 5); UPDATE note SET text = 'c' WHERE id = 10`);
      const note = (text: string): Row => ({ id: 10, author: 1, text });
      const directory = await run(insert('person', person(3, 'cat')), update('note', note('first'), note('a')), update('note', note('b'), note('c')));
      await place.sql(`INSERT INTO note VALUES (40, 3, 'of a friend')`);
      const { restored, left } = await undoRun(directory, place.where, true);
      expect(restored).toEqual([]);
      expect(left.map(({ change: { table }, why }) => [table, why])).toEqual([
        ['note', 'somebody else wrote it between two changes of the replay'],
        ['person', expect.stringMatching(/foreign key/i)],
      ]);
      expect(await place.rows('person')).toHaveLength(3);
    });

    it('takes no row of somebody else away with one of ours', async () => {
      const cascade = (schema: string) => schema.replace('REFERENCES person', 'REFERENCES person ON DELETE CASCADE');
      const place = await open(cascade(SCHEMA));
      await place.sql(`INSERT INTO person (id, name, size) VALUES (3, 'cat', 5); INSERT INTO note VALUES (12, 3, 'ours'), (13, 3, 'of a friend')`);
      const directory = await run(insert('person', person(3, 'cat')), insert('note', { id: 12, author: 3, text: 'ours' }));
      const { restored, left } = await undoRun(directory, place.where, true);
      expect(restored.map(({ key }) => key.id)).toEqual([12]);
      expect(left.map(({ why }) => why)).toEqual(['taking it back would change other rows as well, by a cascade or a trigger']);
      expect((await place.rows('note')).map(({ id }) => Number(id))).toEqual([10, 11, 13]);
    });

    it('says what is wrong with a database that is not there', async () => {
      const directory = await run(insert('note', { id: 1 }));
      const where = kind === 'PostgreSQL' ? postgres.url('nobody').replace('//postgres@', '//postgres:secret1234@') : '/nowhere/app.db';
      const error = await undoRun(directory, where, true).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'REPLAY_DATABASE' });
      expect(String(error)).not.toContain('secret1234');
    });
  });

it('a table of SQLite without a key is found by its rowid', async () => {
  const place = await sqlite("CREATE TABLE log (line TEXT); INSERT INTO log VALUES ('one'), ('two')");
  await place.sql(`DELETE FROM log WHERE rowid = 1; INSERT INTO log VALUES ('three')`);
  const directory = await run(
    { op: 'delete', table: 'log', key: { rowid: 1 }, before: { line: 'one' }, after: null },
    { op: 'insert', table: 'log', key: { rowid: 3 }, before: null, after: { line: 'three' } },
  );
  expect((await undoRun(directory, place.where, true)).left).toEqual([]);
  expect((await place.rows('log')).map(({ line }) => line).sort()).toEqual(['one', 'two']);
});

it('the net effect of any changes is that of all of them', () => {
  const step = fc.record({ id: fc.nat(3), next: fc.nat(3), text: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const rows = new Map<number, Row>([[0, { id: 0, text: 'seed' }]]);
      const before = new Map(rows);
      const changes: Written[] = [];
      for (const { id, next, text } of steps) {
        const known = rows.get(id);
        if (!known) {
          rows.set(id, { id, text });
          changes.push(insert('note', { id, text }));
        } else if (text === 'c') {
          rows.delete(id);
          changes.push(remove('note', known));
        } else if (id === next || !rows.has(next)) {
          rows.delete(id);
          rows.set(next, { id: next, text });
          changes.push(update('note', known, { id: next, text }));
        }
      }
      // Taken back on the model, all deletes first.
      const net = netChanges(changes);
      for (const { key, after, foreign } of net) {
        expect(foreign).toBe(false);
        expect(rows.get(Number(key.id)) ?? null).toEqual(after);
        rows.delete(Number(key.id));
      }
      for (const { before: row } of net) if (row) rows.set(Number(row.id), row);
      expect([...rows].sort()).toEqual([...before].sort());
    }),
  );
});

it('a database is made anew from its template, whoever is connected', async () => {
  await postgres.create('seeded');
  await postgres.sql('seeded', 'CREATE TABLE note (id int); INSERT INTO note VALUES (1)');
  await postgres.create('app');
  const somebody = new Client(postgres.config('app'));
  somebody.on('error', () => {});
  await somebody.connect();
  const asleep = somebody.query('SELECT pg_sleep(60)').catch((error: unknown) => String(error));
  await recreateFromTemplate({ url: postgres.url('app'), template: 'seeded' });
  expect(await asleep).toMatch(/terminat/);
  await postgres.sql('app', 'INSERT INTO note VALUES (2)');
  await recreateFromTemplate({ url: postgres.url('app'), template: 'seeded' });
  expect(await postgres.sql('app', 'SELECT * FROM note')).toEqual([{ id: 1 }]);
  await expect(recreateFromTemplate({ url: postgres.url('app'), template: 'no such' })).rejects.toMatchObject({ code: 'REPLAY_DATABASE' });
});
