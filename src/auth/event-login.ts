/** Getting in by an event: on a connection of its own, whose acknowledgement, or a push after it, holds a token for all connections of that user. */
import { Manager, type Socket } from 'socket.io-client';
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { bringSchema, fillBring } from './bring.js';
import { at, type Entrance, type Identity, within } from './identity.js';
import { knownFieldsOf, usersShape } from './users.js';

export const eventLoginSchema = z.strictObject({
  strategy: z.literal('event-login'),
  ...usersShape,
  /** the event; its argument is the object of the user's fields. Default `login` */
  event: z.string().min(1).default('login'),
  /** default `/` */
  namespace: z.string().startsWith('/').default('/'),
  /** the push that answers it. Default: its acknowledgement */
  answer: z.string().min(1).optional(),
  /** where the token stands in the arguments of the answer. Default `0.token` */
  token: z.string().min(1).default('0.token'),
  /** where the token is put. Default `{ auth: { token: '{token}' } }` */
  bring: bringSchema.default({ auth: { token: '{token}' } }),
});
type EventLogin = z.infer<typeof eventLoginSchema>;

/** Throws REPLAY_LOGIN_UNKNOWN_USER, REPLAY_LOGIN_REFUSED or REPLAY_TARGET_UNREACHABLE. */
export async function eventLogin({ target, socketPath, transport = 'websocket', parser, user, signal, env }: Entrance, login: EventLogin): Promise<Identity> {
  const fields = knownFieldsOf(user, login, env);
  const began = performance.now();
  const manager = new Manager(new URL(target).origin, {
    autoConnect: false,
    reconnection: false,
    transports: [transport],
    timeout: login.timeout,
    ...(socketPath === undefined ? {} : { path: socketPath }),
    ...(parser && { parser }),
  });
  const socket = manager.socket(login.namespace);
  const said = `the event ${login.event} as ${user}`;
  try {
    const answer = await answerOf(socket, login, fields, within(login.timeout, signal), said);
    const token = at(answer, login.token);
    if (typeof token !== 'string' || token === '')
      throw new ReplayError('REPLAY_LOGIN_REFUSED', `${said} was answered, and there is no text at ${login.token}${messageIn(answer)}`);
    return { ...fillBring(login.bring, { ...fields, token }), took: performance.now() - began };
  } finally {
    socket.disconnect();
  }
}

function answerOf(socket: Socket, { event, answer }: EventLogin, fields: Record<string, string>, ended: AbortSignal, said: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string): void => reject(new ReplayError('REPLAY_LOGIN_REFUSED', `${said} ${why}`));
    ended.addEventListener('abort', () => refuse('was not answered in time'), { once: true });
    socket.once('connect_error', ({ message }) => reject(new ReplayError('REPLAY_TARGET_UNREACHABLE', `${said} could not be sent: ${message}`)));
    socket.once('disconnect', () => refuse('was answered with a disconnect'));
    if (answer !== undefined) socket.once(answer, (...args: unknown[]) => resolve(args));
    socket.once('connect', () => {
      if (answer === undefined) socket.emit(event, fields, (...args: unknown[]) => resolve(args));
      else socket.emit(event, fields);
    });
    socket.connect();
  });
}

/** What servers say instead of a token. */
function messageIn(answer: unknown[]): string {
  const message = ['0.msg', '0.message', '0.error', '0'].map((path) => at(answer, path)).find((text) => typeof text === 'string');
  return message === undefined ? '' : `: ${String(message).slice(0, 200)}`;
}
