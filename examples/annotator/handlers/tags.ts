import { z } from 'zod';
import type { AppSocket, Context } from '../context.js';
import Database from '../db/better-sqlite3.cjs';
import { handle, Rejection } from '../handle.js';

export const TagName = z.string().trim().min(1).max(60);
export const Colour = z.string().regex(/^#[0-9a-f]{6}$/i, 'must look like #1f6feb');
const Create = z.object({ name: TagName, colour: Colour });

/** The database decides whether a name is free: asking first would leave a gap for a second user. */
export function refuseDuplicate(name: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_CONSTRAINT_UNIQUE') {
      throw new Rejection(`A tag named ${name} exists`);
    }
    throw error;
  }
}

export function tagHandlers({ db, push }: Context, socket: AppSocket): void {
  handle(socket, 'tagCreate', Create, async ({ name, colour }) => {
    const createdBy = socket.data.user.id;
    let id = 0;
    refuseDuplicate(name, () => {
      id = Number(db.prepare('INSERT INTO tag (name, colour, createdBy) VALUES (?, ?, ?)').run(name, colour, createdBy).lastInsertRowid);
    });
    const row = { id, name, colour, createdBy };
    push.toTable('tag', 'tagRefresh', [row]);
    return row;
  });
}
