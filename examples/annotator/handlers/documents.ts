import { z } from 'zod';
import type { AppSocket, Context } from '../context.js';
import { annotationsOf, commentsVisibleTo, documentTitles, findDocument, uploadsOf } from '../db/rows.js';
import { handle, Rejection } from '../handle.js';
import { documentRoom } from '../push.js';

const Which = z.object({ documentId: z.number().int() });

export function documentHandlers({ db }: Context, socket: AppSocket): void {
  handle(socket, 'documentList', z.unknown(), async () => documentTitles(db));

  /** Opening is subscribing: from here on the socket gets every push of the document. */
  handle(socket, 'documentOpen', Which, async ({ documentId }) => {
    const document = findDocument(db, documentId);
    if (!document) throw new Rejection('There is no such document');
    await socket.join(documentRoom(documentId));
    return {
      document,
      annotations: annotationsOf(db, documentId),
      comments: commentsVisibleTo(db, documentId, socket.data.user.id),
      uploads: uploadsOf(db, documentId),
    };
  });

  handle(socket, 'documentClose', Which, async ({ documentId }) => {
    await socket.leave(documentRoom(documentId));
  });
}
