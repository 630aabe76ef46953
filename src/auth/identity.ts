/** What a client brings to the handshake, whatever the way it got in. */
import type { CookieJar } from 'tough-cookie';
import { z } from 'zod';
import type { Value, ValueObject } from '../recording/values.js';
import type { Parser } from '../wire/parser.js';

const texts = z.record(z.string(), z.string());

/** What a function of the user's may answer. */
export const broughtSchema = z.strictObject({
  /** value of the Cookie header */
  cookie: z.string().optional(),
  /** of the handshake and of every request */
  headers: texts.optional(),
  /** instead of, or beside, what the recorded connect has under the same keys */
  auth: z.record(z.string(), z.custom<Value>()).optional(),
  query: texts.optional(),
  /** by name: `token` is `!secret token`, and `!secret token1` of this user's sessions */
  secrets: texts.optional(),
  /** what is to be done when the replay is over, however it ends */
  end: z.custom<() => Promise<void> | void>((input) => typeof input === 'function', 'expected a function').optional(),
});
export type Brought = z.infer<typeof broughtSchema>;

export interface Identity extends Omit<Brought, 'auth'> {
  auth?: ValueObject;
  /** the cookies with their paths, for requests */
  jar?: CookieJar;
  /** what is sent first on each connection */
  greeting?: Greeting;
  /** how long getting in took, ms */
  took: number;
}

/** A login event on the connection itself, before anything else is sent there. */
export interface Greeting {
  /** on connections to others nothing is sent */
  namespace: string;
  event: string;
  args: Value[];
  /** the push that answers it; absent: its acknowledgement */
  answer?: string;
  timeout: number;
  /** how it is spoken of */
  said: string;
  /** secrets of the recording that the answer gives, by name. Throws REPLAY_LOGIN_REFUSED where they are not in it */
  secrets(answer: unknown[]): Record<string, string>;
}

/** What a strategy is given: who wants in, and where. */
export interface Entrance {
  target: string;
  socketPath?: string | undefined;
  /** Default websocket */
  transport?: 'websocket' | 'polling' | undefined;
  parser?: Parser | undefined;
  /** the alias, or the account of the pool */
  user: string;
  signal?: AbortSignal | undefined;
  env?: NodeJS.ProcessEnv;
}

/** Why a fetch failed, without its wrapping: `connect ECONNREFUSED 127.0.0.1:3000`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}

/** The login ends with the run, and at its own timeout. */
export const within = (timeout: number, signal?: AbortSignal): AbortSignal =>
  signal ? AbortSignal.any([signal, AbortSignal.timeout(timeout)]) : AbortSignal.timeout(timeout);

/** What stands in an answer at `data.tokens.0`. */
export const at = (answer: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((value, key) => (typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined), answer);
