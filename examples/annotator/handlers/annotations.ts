import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AppSocket, Context } from '../context.js';
import { type AnnotationRow, findDocument } from '../db/rows.js';
import { handle, Rejection } from '../handle.js';
import { ownAnnotation } from './access.js';
import { loadPresence } from './presence.js';
import { revisionOf } from './revision.js';

const Text = z.string().trim().min(1).max(2000);
const Offset = z.number().int().min(0);
// Strict, or a change with a malformed annotationId would pass as a new annotation.
const Create = z.strictObject({ documentId: z.number().int(), text: Text, start: Offset, end: Offset });
const Change = z.object({ annotationId: z.number().int(), text: Text, start: Offset.optional(), end: Offset.optional() });
/** One event for both; what has an annotationId is a change. */
const Update = z.union([Change, Create]);
const Which = z.object({ annotationId: z.number().int() });

/** The ack says only that it worked. The id comes with the push, as in many real applications. */
export function annotationHandlers(context: Context, socket: AppSocket): void {
  handle(socket, 'annotationUpdate', Update, async (data) => {
    if ('annotationId' in data) await changeAnnotation(context, socket, data);
    else await createAnnotation(context, socket, data);
  });

  handle(socket, 'annotationDelete', Which, async ({ annotationId }) => {
    const { id, documentId } = ownAnnotation(context, socket, annotationId);
    const count = revisionOf(context, documentId);
    context.db.transaction(() => {
      context.db.prepare('DELETE FROM annotation WHERE id = ?').run(id);
      count(socket.data.user.id);
    })();
    context.push.toDocument(documentId, 'annotationRefresh', [{ id, documentId, deleted: true }]);
    context.activity.record({ documentId, user: socket.data.user, action: 'deleted' });
  });
}

async function createAnnotation(context: Context, socket: AppSocket, data: z.infer<typeof Create>): Promise<void> {
  const { db, words, epoch } = context;
  const { user } = socket.data;
  if (!findDocument(db, data.documentId)) throw new Rejection('There is no such document');
  const check = epoch.guard();
  const count = revisionOf(context, data.documentId);
  const { words: wordCount, label } = await words.analyse(data.text);
  check();

  const now = new Date().toISOString();
  const values = { ...data, userId: user.id, tagId: null, wordCount, label, shareKey: randomUUID(), createdAt: now, updatedAt: now };
  const id = db.transaction(() => {
    const inserted = insertAnnotation(context, values);
    count(user.id);
    return inserted;
  })();
  await publish(context, { id, userName: user.name, ...values }, check);
  context.activity.record({ documentId: data.documentId, user, action: 'annotated' });
}

function insertAnnotation({ db, bugs }: Context, values: Omit<AnnotationRow, 'id' | 'userName'>): number {
  // Wrong: the column got lost when the statement was rewritten. It may be NULL, so nothing complains.
  const sql = bugs.is('annotation-end-not-written')
    ? `INSERT INTO annotation (documentId, userId, text, start, wordCount, label, shareKey, createdAt, updatedAt)
       VALUES (@documentId, @userId, @text, @start, @wordCount, @label, @shareKey, @createdAt, @updatedAt)`
    : `INSERT INTO annotation (documentId, userId, text, start, "end", wordCount, label, shareKey, createdAt, updatedAt)
       VALUES (@documentId, @userId, @text, @start, @end, @wordCount, @label, @shareKey, @createdAt, @updatedAt)`;
  return Number(db.prepare(sql).run(values).lastInsertRowid);
}

async function changeAnnotation(context: Context, socket: AppSocket, data: z.infer<typeof Change>): Promise<void> {
  const { db, words, epoch } = context;
  const { user } = socket.data;
  const before = ownAnnotation(context, socket, data.annotationId);
  const check = epoch.guard();
  const count = revisionOf(context, before.documentId);
  const { words: wordCount, label } = await words.analyse(data.text);
  check();

  const row: AnnotationRow = {
    // Read again: somebody may have set a tag while the word service was thinking.
    ...ownAnnotation(context, socket, data.annotationId),
    text: data.text,
    ...(data.start !== undefined && { start: data.start }),
    ...(data.end !== undefined && { end: data.end }),
    wordCount,
    label,
    updatedAt: new Date().toISOString(),
  };
  db.transaction(() => {
    db.prepare(
      'UPDATE annotation SET text = @text, start = @start, "end" = @end, wordCount = @wordCount, label = @label, updatedAt = @updatedAt WHERE id = @id',
    ).run(row);
    count(user.id);
  })();
  await publish(context, row, check);
  context.activity.record({ documentId: row.documentId, user, action: 'edited' });
}

async function publish({ io, push, bugs }: Context, row: AnnotationRow, check: () => void): Promise<void> {
  if (bugs.is('slow-with-clients')) await loadPresence(io, row.documentId, check);
  push.toDocument(row.documentId, 'annotationRefresh', [row]);
}
