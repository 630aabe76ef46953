/** `use.login`: one option, told apart by `strategy`, and what each of them does. */
import { z } from 'zod';
import { cookieMint, cookieMintSchema } from './cookie-mint.js';
import { customLogin, customSchema } from './custom.js';
import { eventLogin, eventLoginSchema } from './event-login.js';
import { httpLogin, httpLoginSchema } from './http-login.js';
import type { Entrance, Identity } from './identity.js';
import { tokenLogin, tokenSchema } from './token.js';

export const loginSchema = z.discriminatedUnion('strategy', [httpLoginSchema, tokenSchema, eventLoginSchema, cookieMintSchema, customSchema]);
export type Login = z.output<typeof loginSchema>;

/** Throws a ReplayError that says why not. */
export async function getIn(entrance: Entrance, login: Login): Promise<Identity> {
  switch (login.strategy) {
    case 'http-login':
      return httpLogin(entrance, login);
    case 'token':
      return tokenLogin(entrance, login);
    case 'event-login':
      return eventLogin(entrance, login);
    case 'cookie-mint':
      return cookieMint(entrance, login);
    case 'custom':
      return customLogin(entrance, login);
  }
}
