import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AppSocket, Context } from '../context.js';
import { allTags, documentTitles } from '../db/rows.js';
import { handle, Rejection } from '../handle.js';
import { tableRoom } from '../push.js';

const Subscribe = z.object({ table: z.enum(['tag', 'document']) });
const Unsubscribe = z.object({ subscriptionId: z.string() });

/** Tables that belong to no document. The rows there are come as a push, like every later change. */
export function subscriptionHandlers({ db }: Context, socket: AppSocket): void {
  const subscriptions = new Map<string, string>();

  handle(socket, 'subscribe', Subscribe, async ({ table }) => {
    const subscriptionId = randomUUID();
    subscriptions.set(subscriptionId, table);
    await socket.join(tableRoom(table));
    socket.emit(`${table}Refresh`, table === 'tag' ? allTags(db) : documentTitles(db));
    return { subscriptionId };
  });

  handle(socket, 'unsubscribe', Unsubscribe, async ({ subscriptionId }) => {
    const table = subscriptions.get(subscriptionId);
    if (!table) throw new Rejection('There is no such subscription');
    subscriptions.delete(subscriptionId);
    // Another subscription to the same table may still need the room.
    if (![...subscriptions.values()].includes(table)) await socket.leave(tableRoom(table));
  });
}
