import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AppSocket, Context } from '../context.js';
import { findDocument } from '../db/rows.js';
import { handle, Rejection } from '../handle.js';

const Upload = z.object({ documentId: z.number().int(), name: z.string().trim().min(1).max(200), file: z.instanceof(Buffer) });
const Which = z.object({ uploadId: z.number().int() });
const MAX_BYTES = 4 * 1024 * 1024;

/** Files travel as binary attachments of the event, not as base64. An empty file is a file. */
export function uploadHandlers({ db, push, activity, bugs }: Context, socket: AppSocket): void {
  handle(socket, 'documentUpload', Upload, async ({ documentId, name, file }) => {
    const { user } = socket.data;
    if (!findDocument(db, documentId)) throw new Rejection('There is no such document');
    if (file.length > MAX_BYTES) throw new Rejection('The file is larger than 4 MB');
    const values = {
      documentId,
      userId: user.id,
      name,
      size: file.length,
      sha256: createHash('sha256').update(file).digest('hex'),
      createdAt: new Date().toISOString(),
    };
    const { lastInsertRowid } = db
      .prepare(
        'INSERT INTO upload (documentId, userId, name, size, sha256, bytes, createdAt) VALUES (@documentId, @userId, @name, @size, @sha256, @bytes, @createdAt)',
      )
      .run({ ...values, bytes: file });
    const id = Number(lastInsertRowid);
    push.toDocument(documentId, 'uploadRefresh', [{ id, ...values }]);
    activity.record({ documentId, user, action: 'uploaded' });
    // Wrong: formatted for display in the wrong place.
    const size = bugs.is('upload-size-string') ? String(file.length) : file.length;
    return { id, size, sha256: values.sha256 };
  });

  handle(socket, 'uploadGet', Which, async ({ uploadId }) => {
    const row = db.prepare<[number], { name: string; bytes: Buffer }>('SELECT name, bytes FROM upload WHERE id = ?').get(uploadId);
    if (!row) throw new Rejection('There is no such file');
    return { name: row.name, file: row.bytes };
  });
}
