/** Getting in with a token that each user has already: a text of the configuration or of REPLAY_USER_ALIAS_TOKEN. */
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { bringSchema, fillBring } from './bring.js';
import type { Entrance, Identity } from './identity.js';
import { knownFieldsOf, usersShape } from './users.js';

export const tokenSchema = z.strictObject({
  strategy: z.literal('token'),
  ...usersShape,
  /** where the token is put. Default `{ auth: { token: '{token}' } }` */
  bring: bringSchema.default({ auth: { token: '{token}' } }),
});

/** Throws REPLAY_LOGIN_UNKNOWN_USER. */
export function tokenLogin({ user, env = process.env }: Entrance, login: z.infer<typeof tokenSchema>): Identity {
  const fields = knownFieldsOf(user, login, env);
  if (fields.token === undefined)
    throw new ReplayError('REPLAY_LOGIN_UNKNOWN_USER', `the user ${user} has no token: neither \`use.login.users.${user}.token\` nor the environment`);
  return { ...fillBring(login.bring, fields), took: 0 };
}
