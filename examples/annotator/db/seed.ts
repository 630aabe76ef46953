import type Database from 'better-sqlite3';
import { hashPassword } from '../password.js';
import { TABLES } from './schema.js';

/** Fixed, because a reset must give back exactly the same rows. */
const SEEDED_AT = '2026-01-01T08:00:00.000Z';

// Hashed once when the module loads, with fixed salts, for the same reason.
const USERS = [
  { name: 'alice', role: 'user', passwordHash: hashPassword('alice-pw', 'salt-of-alice') },
  { name: 'bob', role: 'user', passwordHash: hashPassword('bob-pw', 'salt-of-bob') },
  { name: 'admin', role: 'admin', passwordHash: hashPassword('admin-pw', 'salt-of-admin') },
];

const DOCUMENTS = [
  {
    title: 'On reading together',
    body:
      'Reading is often called a lonely habit. Yet the margins of old books are full of voices: a student argues with the author, ' +
      'a later owner argues with the student, and a child has drawn a ship across both of them.\n\n' +
      'When two people mark the same page at the same time, the page becomes a conversation. Each remark changes how the next one is read.',
  },
  {
    title: 'A short history of the footnote',
    body:
      'The footnote began as a place for doubt. Scholars put there what they could not prove and did not want to lose.\n\n' +
      'Later it became a place for proof, and the doubts moved into private letters, where nobody checked them.',
  },
  {
    title: 'Field notes, spring',
    body: 'Two herons at the weir. The ice left early this year. Counted eleven nests along the north bank, four more than last spring.',
  },
];

const TAGS = [
  { name: 'question', colour: '#b45309' },
  { name: 'important', colour: '#b91c1c' },
];

/** Inserts the seed rows into empty tables. The caller holds the transaction. */
export function seed(db: Database.Database): void {
  const user = db.prepare('INSERT INTO user (name, passwordHash, role) VALUES (@name, @passwordHash, @role)');
  const ids = USERS.map((row) => user.run(row).lastInsertRowid);
  const admin = ids[2];
  const document = db.prepare('INSERT INTO document (title, body, rev, updatedBy, updatedAt) VALUES (?, ?, 1, ?, ?)');
  for (const row of DOCUMENTS) document.run(row.title, row.body, admin, SEEDED_AT);
  const tag = db.prepare('INSERT INTO tag (name, colour, createdBy) VALUES (?, ?, ?)');
  for (const row of TAGS) tag.run(row.name, row.colour, admin);
}

/** Back to the seed while other connections stay open: rows only, no DDL, all or nothing. */
export function resetRows(db: Database.Database): void {
  db.transaction(() => {
    for (const table of [...TABLES].reverse()) db.prepare(`DELETE FROM ${table}`).run();
    // The ids start at 1 again.
    db.prepare('DELETE FROM sqlite_sequence').run();
    seed(db);
  })();
}
