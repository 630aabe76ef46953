import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Session, SessionData } from 'express-session';
import type { AppServer, AppSocket, Context } from './context.js';
import { annotationHandlers } from './handlers/annotations.js';
import { appDataHandlers } from './handlers/appdata.js';
import { commentHandlers } from './handlers/comments.js';
import { documentHandlers } from './handlers/documents.js';
import { statisticHandlers } from './handlers/statistics.js';
import { subscriptionHandlers } from './handlers/subscriptions.js';
import { tagHandlers } from './handlers/tags.js';
import { uploadHandlers } from './handlers/uploads.js';
import { userRoom } from './push.js';

type WithSession = IncomingMessage & { session?: Session & Partial<SessionData> };

const AREAS = [documentHandlers, subscriptionHandlers, annotationHandlers, commentHandlers, tagHandlers, appDataHandlers, uploadHandlers, statisticHandlers];

/** The session is read here and never again: who a socket is does not change until it disconnects. */
export function requireLogin(io: AppServer): void {
  io.use((socket, next) => {
    const user = (socket.request as WithSession).session?.user;
    if (!user) return next(new Error('not logged in'));
    socket.data.user = user;
    next();
  });
}

/** The role is not in the session; looking it up takes a moment, as with any database over a network. */
async function loadRole(context: Context, socket: AppSocket): Promise<void> {
  await sleep(10);
  if (!socket.connected) return;
  const row = context.db.prepare<[number], { role: string }>('SELECT role FROM user WHERE id = ?').get(socket.data.user.id);
  socket.data.admin = row?.role === 'admin';
}

/** Handlers exist only after the role is known: whatever a client sends before `ready` is lost. */
export function acceptSockets(context: Context): void {
  context.io.on('connection', async (socket) => {
    try {
      await loadRole(context, socket);
      if (!socket.connected) return;
      await socket.join(userRoom(socket.data.user.id));
      for (const attach of AREAS) attach(context, socket);
      socket.emit('ready', { user: socket.data.user });
    } catch (error) {
      console.error('connection:', error);
      socket.disconnect(true);
    }
  });
}
