/** Getting in by a function of the user's. */
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { type Brought, broughtSchema, type Entrance, type Identity, reasonOf, within } from './identity.js';
import { fieldsOf, usersShape } from './users.js';

/** What the function is given beside the user. */
export interface CustomContext {
  target: string;
  /** aborted at the timeout, and when the run ends */
  signal: AbortSignal;
  /** what is configured for this user, with what the environment has */
  fields: Record<string, string>;
}

export const customSchema = z.strictObject({
  strategy: z.literal('custom'),
  ...usersShape,
  getIn: z.custom<(user: string, context: CustomContext) => Promise<Brought> | Brought>((input) => typeof input === 'function', 'expected a function'),
});

/** Throws REPLAY_LOGIN_FUNCTION. */
export async function customLogin({ target, user, signal, env }: Entrance, login: z.infer<typeof customSchema>): Promise<Identity> {
  const began = performance.now();
  const ended = within(login.timeout, signal);
  const brought = await called('getIn', user, ended, () => login.getIn(user, { target, signal: ended, fields: fieldsOf(user, login, env) ?? {} }));
  const { data, error } = broughtSchema.safeParse(brought);
  if (!data) {
    const issues = error.issues.map(({ path, message }) => `${path.join('.') || 'its answer'}: ${message}`).join('; ');
    throw new ReplayError('REPLAY_LOGIN_FUNCTION', `the function \`use.login.getIn\`, called as ${user} answered what no client can bring: ${issues}`);
  }
  return { ...data, took: performance.now() - began };
}

/** What a function of the user's answers; one that throws or does not answer in time is REPLAY_LOGIN_FUNCTION. */
export async function called<T>(name: string, user: string, signal: AbortSignal, call: () => Promise<T> | T): Promise<T> {
  try {
    return await Promise.race([
      Promise.resolve().then(call),
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })),
    ]);
  } catch (error) {
    throw error instanceof ReplayError
      ? error
      : new ReplayError('REPLAY_LOGIN_FUNCTION', `the function \`use.login.${name}\`, called as ${user} failed: ${reasonOf(error)}`);
  }
}
