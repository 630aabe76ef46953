import { z } from 'zod';
import type { AppSocket } from './context.js';

export type Ack = { success: true; data?: unknown } | { success: false; message: string };

/** Something the user did is not allowed or not possible; the message is for the user. */
export class Rejection extends Error {}

export function failure(event: string, error: unknown): Ack {
  if (error instanceof Rejection) return { success: false, message: error.message };
  if (error instanceof z.ZodError) {
    const issue = error.issues[0];
    return { success: false, message: `Invalid data: ${issue?.path.join('.') || 'payload'}: ${issue?.message ?? ''}` };
  }
  // Details of an unexpected error are for the log, not for the client.
  console.error(`${event}:`, error);
  return { success: false, message: 'Internal error' };
}

/** The one wrapper of all handlers: checks the payload, runs the handler, acks exactly once if the client wants one. */
export function handle<T>(socket: AppSocket, event: string, schema: z.ZodType<T>, run: (data: T) => Promise<unknown>): void {
  socket.on(event, async (...args: unknown[]) => {
    const last = args.at(-1);
    const reply = typeof last === 'function' ? (last as (answer: Ack) => void) : () => undefined;
    try {
      const data = await run(schema.parse(typeof args[0] === 'function' ? undefined : args[0]));
      reply(data === undefined ? { success: true } : { success: true, data });
    } catch (error) {
      reply(failure(event, error));
    }
  });
}
