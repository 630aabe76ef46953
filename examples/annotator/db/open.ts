import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from './better-sqlite3.cjs';
import { DDL } from './schema.js';
import { seed } from './seed.js';

export type Db = Database.Database;

/** Opens the file, makes the tables if there are none, and seeds an empty database. */
export function openDatabase(file: string): Db {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  const db = new Database(file);
  // WAL lets another process read the rows while this one writes.
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma('foreign_keys = ON');
  db.exec(DDL);
  const users = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM user').get();
  if (users?.n === 0) db.transaction(() => seed(db))();
  return db;
}
