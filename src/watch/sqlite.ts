/**
 * A SQLite file: all rows read over a connection of our own that cannot write, when SQLite says that somebody else has committed.
 * Nothing is put into the file. Row changes that no look fell between are told as one.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { projectPackage } from '../database/database.js';
import { valuesText } from '../probe/changes/row-text.js';
import { type FoundTable, layoutOf, type Query, quoteName, readTables } from '../probe/changes/sqlite-schema.js';
import { changesBetween, MAX_ROWS, picked, type Snapshot } from './snapshots.js';
import { clock, type Look, type Technique, unreadable } from './watch.js';

/** what is used of better-sqlite3 */
interface Statement {
  all(...params: unknown[]): unknown[];
  raw(on: boolean): Statement;
  safeIntegers(on: boolean): Statement;
}
interface Database {
  prepare(sql: string): Statement;
  pragma(text: string, options: { simple: true }): unknown;
  exec(sql: string): unknown;
  close(): unknown;
}
type Constructor = new (file: string, options: { readonly: true; fileMustExist: true; timeout: number }) => Database;

/** A writer that has locked the file is waited for, but not by keeping this process from everything else. */
const BUSY_MS = 5_000;
const RETRY_MS = 5;

export async function watchSqlite(path: string): Promise<Technique> {
  const file = resolve(path);
  const Database = projectPackage('better-sqlite3', path) as Constructor;
  let open = connect(Database, file, path);
  let inode = statSync(file).ino;
  let begun = false;
  let version: unknown;
  let schema: unknown;
  let found: FoundTable[] = [];
  let tooLarge: string[] = [];
  let state = new Map<string, Snapshot>();

  const query: Query = (sql, ...params) => open.prepare(sql).all(...params) as Record<string, unknown>[];

  /** Another file of the same name: a reset that puts a copy in its place. */
  const follow = (): void => {
    const now = statSync(file, { throwIfNoEntry: false })?.ino;
    if (now === undefined || now === inode) return;
    const next = connect(Database, file, path);
    open.close();
    open = next;
    inode = now;
    version = schema = undefined;
  };

  const readAll = (): Map<string, Snapshot> => {
    const declared = open.pragma('schema_version', { simple: true });
    if (declared !== schema) found = readTables(query);
    schema = declared;
    const large: string[] = [];
    const read = new Map<string, Snapshot>();
    for (const one of found) {
      const snapshot = readRows(open, one);
      if (snapshot) read.set(one.table.name, snapshot);
      else large.push(one.table.name);
    }
    tooLarge = large;
    return read;
  };

  const lookOnce = (): Look => {
    follow();
    const now = open.pragma('data_version', { simple: true });
    if (now === version) return { changes: [], by: clock() };
    open.exec('BEGIN');
    try {
      const next = readAll();
      // Nothing else ran here meanwhile.
      const by = clock();
      const changes = begun ? changesBetween(state, next, by) : [];
      begun = true;
      state = next;
      version = now;
      return { changes, by };
    } finally {
      open.exec('COMMIT');
    }
  };
  const look = async (): Promise<Look> => {
    for (const deadline = clock() + BUSY_MS; ; ) {
      try {
        return lookOnce();
      } catch (error) {
        if (!isBusy(error) || clock() > deadline) throw unreadable(path, error);
      }
      await wait(RETRY_MS);
    }
  };
  await look();
  const wal = open.pragma('journal_mode', { simple: true }) === 'wal';
  return {
    database: path,
    how:
      'snapshots of all rows through a second connection that only reads, whenever something was committed: rows that were written several times between two looks are told once' +
      (wal ? '' : '; the file has no write-ahead log, so that a look and a commit wait for each other'),
    net: true,
    notWatched: () => tooLarge.map((table) => ({ table, why: `the table ${table} has more than ${MAX_ROWS} rows` })),
    tables: () => found.map(({ table }) => table),
    look,
    async close() {
      open.close();
    },
  };
}

function connect(Database: Constructor, file: string, path: string): Database {
  try {
    return new Database(file, { readonly: true, fileMustExist: true, timeout: 0 });
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** undefined: too many. */
function readRows(open: Database, found: FoundTable): Snapshot | undefined {
  const { target, key, columns, rowid } = layoutOf(found, 0);
  const keys = rowid === null ? key : [rowid];
  const sql = `SELECT ${[...keys, ...columns].map(quoteName).join(', ')} FROM ${target} LIMIT ${MAX_ROWS + 1}`;
  const all = open.prepare(sql).safeIntegers(true).raw(true).all() as unknown[][];
  if (all.length > MAX_ROWS) return undefined;
  return {
    table: found.table,
    rows: new Map(all.map((row) => [valuesText(row.splice(0, keys.length)), valuesText(row)])),
    read(text, keyText) {
      const row = zip(columns, text);
      return { row, key: rowid === null ? picked(row, key) : zip(['rowid'], keyText) };
    },
  };
}

function zip(columns: readonly string[], text: string): Record<string, unknown> {
  const values = JSON.parse(text) as unknown[];
  return Object.fromEntries(columns.map((column, index) => [column, values[index]]));
}

const isBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: unknown }).code));
