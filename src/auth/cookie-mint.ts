/** Getting in with a session of express-session that is made here: a function writes it into the store, the cookie is signed as the server would. */
import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { type CustomContext, called } from './custom.js';
import { type Entrance, type Identity, within } from './identity.js';
import { fieldsOf, usersShape } from './users.js';

/** `sid`: the id under which the server looks for the session. */
type Write = (user: string, context: CustomContext & { sid: string }) => Promise<unknown> | unknown;

export const cookieMintSchema = z.strictObject({
  strategy: z.literal('cookie-mint'),
  ...usersShape,
  /** name of the cookie. Default `connect.sid` */
  cookie: z.string().min(1).default('connect.sid'),
  /** the secret of the server's sessions; also `REPLAY_SESSION_SECRET`, which wins */
  secret: z.string().min(1).optional(),
  /** writes the session into the store; what it answers, if a function, takes it out again at the end */
  session: z.custom<Write>((input) => typeof input === 'function', 'expected a function'),
});

/** Throws REPLAY_LOGIN_FUNCTION or REPLAY_LOGIN_SECRET. */
export async function cookieMint({ target, user, signal, env = process.env }: Entrance, login: z.infer<typeof cookieMintSchema>): Promise<Identity> {
  const began = performance.now();
  const secret = env.REPLAY_SESSION_SECRET || login.secret;
  if (!secret) throw new ReplayError('REPLAY_LOGIN_SECRET', 'a cookie cannot be signed: neither REPLAY_SESSION_SECRET nor `use.login.secret` is set');
  // As express-session makes them.
  const sid = randomBytes(24).toString('base64url');
  const ended = within(login.timeout, signal);
  const end = await called('session', user, ended, () => login.session(user, { sid, target, signal: ended, fields: fieldsOf(user, login, env) ?? {} }));
  return {
    cookie: `${login.cookie}=${encodeURIComponent(`s:${signed(sid, secret)}`)}`,
    ...(typeof end === 'function' && { end: end as () => Promise<void> }),
    took: performance.now() - began,
  };
}

/** As cookie-signature does. */
const signed = (value: string, secret: string): string => `${value}.${createHmac('sha256', secret).update(value).digest('base64').replace(/=+$/, '')}`;
