import { z } from 'zod';
import type { AppSocket, Context } from '../context.js';
import { type AnnotationRow, type CommentRow, findComment } from '../db/rows.js';
import { type Ack, failure, handle, Rejection } from '../handle.js';
import { existingAnnotation } from './access.js';

const Text = z.string().trim().min(1).max(2000);
const Create = z.strictObject({ annotationId: z.number().int(), text: Text, private: z.boolean().default(false) });
const Change = z.object({ commentId: z.number().int(), text: Text });
const Update = z.union([Change, Create]);

export function commentHandlers(context: Context, socket: AppSocket): void {
  const update = async (data: z.infer<typeof Update>): Promise<void> => {
    if ('commentId' in data) changeComment(context, socket, data);
    else createComment(context, socket, data);
  };

  if (context.bugs.is('comment-never-acks')) {
    // Wrong: written by hand beside the wrapper, and only the failure is answered.
    socket.on('commentUpdate', async (data: unknown, ack?: (answer: Ack) => void) => {
      try {
        await update(Update.parse(data));
      } catch (error) {
        ack?.(failure('commentUpdate', error));
      }
    });
  } else {
    handle(socket, 'commentUpdate', Update, update);
  }
}

function createComment(context: Context, socket: AppSocket, data: z.infer<typeof Create>): void {
  const { db, push, activity } = context;
  const { user } = socket.data;
  const annotation = existingAnnotation(context, data.annotationId);
  const values = { annotationId: annotation.id, userId: user.id, text: data.text, createdAt: new Date().toISOString() };
  const { lastInsertRowid } = db
    .prepare('INSERT INTO comment (annotationId, userId, text, private, createdAt) VALUES (@annotationId, @userId, @text, @private, @createdAt)')
    .run({ ...values, private: data.private ? 1 : 0 });
  publish(context, annotation, { id: Number(lastInsertRowid), ...values, userName: user.name, private: data.private });
  if (annotation.userId !== user.id) {
    const { id: annotationId, documentId } = annotation;
    push.toUser(annotation.userId, 'notification', { kind: 'comment', documentId, annotationId, from: user.name, text: data.text });
  }
  activity.record({ documentId: annotation.documentId, user, action: 'commented', quiet: data.private });
}

function changeComment(context: Context, socket: AppSocket, data: z.infer<typeof Change>): void {
  const comment = findComment(context.db, data.commentId);
  if (!comment) throw new Rejection('There is no such comment');
  if (comment.userId !== socket.data.user.id) throw new Rejection('This comment belongs to another user');
  context.db.prepare('UPDATE comment SET text = ? WHERE id = ?').run(data.text, comment.id);
  publish(context, existingAnnotation(context, comment.annotationId), { ...comment, text: data.text });
}

/** A private comment is only for its author and for the owner of the annotation. */
function publish({ push, bugs }: Context, annotation: AnnotationRow, row: CommentRow): void {
  // Wrong: the row is saved, the client shows its own copy, and nobody else hears of it.
  if (bugs.is('comment-push-missing')) return;
  // Wrong: only the list at opening looks at the flag.
  if (row.private && !bugs.is('private-comment-leak')) {
    push.toUsersInDocument(annotation.documentId, [row.userId, annotation.userId], 'commentRefresh', [row]);
  } else {
    push.toDocument(annotation.documentId, 'commentRefresh', [row]);
  }
}
