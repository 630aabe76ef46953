/**
 * Getting in by an event: on a connection of its own, whose acknowledgement, or a push after it, holds a token for all connections of
 * that user; or on each connection itself, before anything else is sent there.
 */
import { Manager, type Socket } from 'socket.io-client';
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { bringSchema, fillBring, fillText } from './bring.js';
import { at, type Entrance, type Greeting, type Identity, within } from './identity.js';
import { knownFieldsOf, usersShape } from './users.js';

const texts = z.record(z.string(), z.string());

export const eventLoginSchema = z
  .strictObject({
    strategy: z.literal('event-login'),
    ...usersShape,
    /** `connection`: on each connection of the user, before its first trace. Default: once, on a connection of its own */
    on: z.literal('connection').optional(),
    /** the event. Default `login` */
    event: z.string().min(1).default('login'),
    /** its arguments: texts, or objects of texts, with `{username}` or any other field of the user in them. Default: one object of all fields */
    args: z.array(z.union([z.string(), texts])).optional(),
    /** default `/` */
    namespace: z.string().startsWith('/').default('/'),
    /** the push that answers it. Default: its acknowledgement */
    answer: z.string().min(1).optional(),
    /** where the token stands in the arguments of the answer. Default `0.token` */
    token: z.string().min(1).default('0.token'),
    /** where the token is put. Default `{ auth: { token: '{token}' } }`; on the connection itself nowhere, and `secrets` only */
    bring: bringSchema.optional(),
  })
  .refine(({ on, bring }) => on === undefined || Object.keys(bring ?? {}).every((part) => part === 'secrets'), {
    path: ['bring'],
    message: "with `on: 'connection'` only `secrets`: the handshake lies before the login",
  });
type EventLogin = z.infer<typeof eventLoginSchema>;

/** Throws REPLAY_LOGIN_UNKNOWN_USER, REPLAY_LOGIN_REFUSED or REPLAY_TARGET_UNREACHABLE. */
export async function eventLogin({ target, socketPath, transport = 'websocket', parser, user, signal, env }: Entrance, login: EventLogin): Promise<Identity> {
  const fields = knownFieldsOf(user, login, env);
  const { on, bring = on === undefined ? { auth: { token: '{token}' } } : undefined } = login;
  const greeting = greetingOf(login, bring, fields, `the event ${login.event} as ${user}`);
  if (on === 'connection') return { greeting, took: 0 };
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
  const ended = within(login.timeout, signal);
  try {
    await connected(socket, ended, greeting.said);
    const token = tokenIn(await greet(socket, greeting, ended), login.token, greeting.said);
    return { ...fillBring(bring ?? {}, { ...fields, token }), took: performance.now() - began };
  } finally {
    socket.disconnect();
  }
}

function greetingOf(
  { namespace, event, args, answer, token, timeout }: EventLogin,
  bring: EventLogin['bring'],
  fields: Record<string, string>,
  said: string,
): Greeting {
  const filled = (text: string, index: number): string => fillText(`args.${index}`, text, fields);
  const made = args?.map((arg, index) =>
    typeof arg === 'string' ? filled(arg, index) : Object.fromEntries(Object.entries(arg).map(([key, text]) => [key, filled(text, index)])),
  );
  return {
    namespace,
    event,
    args: made ?? [fields],
    ...(answer !== undefined && { answer }),
    timeout,
    said,
    secrets: (given) => (bring ? (fillBring(bring, { ...fields, token: tokenIn(given, token, said) }).secrets ?? {}) : {}),
  };
}

function connected(socket: Socket, ended: AbortSignal, said: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new ReplayError('REPLAY_TARGET_UNREACHABLE', `${said} could not be sent: ${why}`));
    ended.addEventListener('abort', () => fail('no answer to the handshake in time'), { once: true });
    socket.once('connect', () => resolve());
    socket.once('connect_error', ({ message }) => fail(message));
    socket.io.once('close', (reason) => queueMicrotask(() => fail(`the server closed the connection before it answered the handshake (${reason})`)));
    socket.connect();
  });
}

/** Sends it on a connected socket, and resolves with the arguments of its answer. Throws REPLAY_LOGIN_REFUSED. */
export function greet(socket: Socket, { event, args, answer, said }: Greeting, ended: AbortSignal): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    let last: string | undefined;
    const onAny = (name: unknown): void => {
      last = String(name);
    };
    const settle = (given?: unknown[]): void => {
      ended.removeEventListener('abort', onEnd);
      socket.off('disconnect', onEnd).offAny(onAny);
      if (answer !== undefined) socket.off(answer, onAnswer);
      const why = socket.connected ? 'was not answered in time' : 'was answered with a disconnect';
      if (given) resolve(given);
      else reject(new ReplayError('REPLAY_LOGIN_REFUSED', `${said} ${why}${last === undefined ? '' : `; the last event was ${last}`}`));
    };
    const onEnd = (): void => settle();
    const onAnswer = (...given: unknown[]): void => settle(given);
    ended.addEventListener('abort', onEnd, { once: true });
    socket.once('disconnect', onEnd).onAny(onAny);
    if (answer !== undefined) socket.once(answer, onAnswer);
    if (answer === undefined) socket.emit(event, ...args, onAnswer);
    else socket.emit(event, ...args);
  });
}

function tokenIn(answer: unknown[], path: string, said: string): string {
  const token = at(answer, path);
  if (typeof token === 'string' && token !== '') return token;
  throw new ReplayError('REPLAY_LOGIN_REFUSED', `${said} was answered, and there is no text at ${path}${messageIn(answer)}`);
}

/** What servers say instead of a token. */
function messageIn(answer: unknown[]): string {
  const message = ['0.msg', '0.message', '0.error', '0'].map((path) => at(answer, path)).find((text) => typeof text === 'string');
  return message === undefined ? '' : `: ${String(message).slice(0, 200)}`;
}
