import type { AppSocket, Context } from '../context.js';
import { type AnnotationRow, findAnnotation } from '../db/rows.js';
import { Rejection } from '../handle.js';

export function existingAnnotation({ db }: Context, id: number): AnnotationRow {
  const annotation = findAnnotation(db, id);
  if (!annotation) throw new Rejection('There is no such annotation');
  return annotation;
}

/** Only the owner of an annotation and an admin may change it. */
export function ownAnnotation(context: Context, socket: AppSocket, id: number): AnnotationRow {
  const annotation = existingAnnotation(context, id);
  // Wrong: believes that the page offers only what is allowed.
  if (context.bugs.is('edit-by-anyone')) return annotation;
  if (annotation.userId !== socket.data.user.id && !socket.data.admin) {
    throw new Rejection('This annotation belongs to another user');
  }
  return annotation;
}
