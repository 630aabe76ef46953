import { z } from 'zod';
import type { AppSocket, Context } from '../context.js';
import { handle } from '../handle.js';

const Count = z.number().int().min(0).max(10_000);
const Statistic = z.object({ clicks: Count, keys: Count.default(0) });

/** Fire and forget: clients send no callback and wait for nothing. */
export function statisticHandlers({ statistics }: Context, socket: AppSocket): void {
  handle(socket, 'statistic', Statistic, async ({ clicks, keys }) => {
    statistics.add(socket.id, socket.data.user.id, clicks, keys);
  });
  socket.on('disconnect', () => statistics.save(socket.id));
}
