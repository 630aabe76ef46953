/** Getting in by HTTP: one POST a user, its cookies shared by all clients of that user. */
import { CookieJar } from 'tough-cookie';
import { z } from 'zod';
import { ReplayError } from '../errors.js';

/** Of a refusing body so many characters are shown. */
const SHOWN = 200;

export const httpLoginSchema = z.strictObject({
  /** where the form or JSON is posted, relative to the target. Default `/login` */
  path: z.string().default('/login'),
  /** how the credentials are sent. Default `json` */
  as: z.enum(['json', 'form']).default('json'),
  /** further headers, such as an Origin */
  headers: z.record(z.string(), z.string()).default({}),
  /** credentials by the alias of the recording: each is the body that is posted. A field `password` may come from `REPLAY_USER_ALIAS_PASSWORD` */
  users: z.record(z.string(), z.record(z.string(), z.string())),
  /** milliseconds. Default 10,000 */
  timeout: z.int().min(100).max(120_000).default(10_000),
});
export type HttpLogin = z.infer<typeof httpLoginSchema>;

/** What a client brings to the handshake. */
export interface Identity {
  cookie?: string;
  headers?: Record<string, string>;
  /** how long getting in took, ms */
  took: number;
}

/** Logs `user` in at `target`. Throws REPLAY_LOGIN_UNKNOWN_USER, REPLAY_LOGIN_REFUSED or REPLAY_TARGET_UNREACHABLE. */
export async function httpLogin(target: string, user: string, login: HttpLogin, signal?: AbortSignal, env: NodeJS.ProcessEnv = process.env): Promise<Identity> {
  const configured = Object.hasOwn(login.users, user) ? login.users[user] : undefined;
  const password = env[`REPLAY_USER_${user.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_PASSWORD`];
  if (!configured)
    throw new ReplayError(
      'REPLAY_LOGIN_UNKNOWN_USER',
      `a recording needs the user ${user}, and \`use.login.users\` has only ${Object.keys(login.users).join(', ') || 'none'}`,
    );
  const body = { ...configured, ...(password === undefined ? {} : { password }) };
  const url = new URL(login.path, target);
  const began = performance.now();
  const timeout = AbortSignal.timeout(login.timeout);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      headers: {
        accept: 'application/json, text/html;q=0.5',
        'content-type': login.as === 'json' ? 'application/json' : 'application/x-www-form-urlencoded',
        ...login.headers,
      },
      body: login.as === 'json' ? JSON.stringify(body) : new URLSearchParams(body).toString(),
    });
    text = await response.text();
  } catch (error) {
    throw new ReplayError('REPLAY_TARGET_UNREACHABLE', `POST ${url.href} got no answer: ${reasonOf(error)}`);
  }
  const refused = refusal(response, text, url);
  if (refused !== undefined) throw new ReplayError('REPLAY_LOGIN_REFUSED', withoutSecrets(`POST ${url.href} as ${user} ${refused}`, body));
  const jar = new CookieJar(undefined, { looseMode: true });
  for (const cookie of response.headers.getSetCookie()) await jar.setCookie(cookie, url.href, { ignoreError: true });
  const cookie = await jar.getCookieString(target);
  if (cookie === '') throw new ReplayError('REPLAY_LOGIN_REFUSED', `POST ${url.href} as ${user} was answered with ${response.status} and set no cookie`);
  return { cookie, took: performance.now() - began };
}

/** Why it is no login: the status, a body that says no, or a form that is shown again. undefined: it is one, as far as this tells. */
function refusal(response: Response, text: string, url: URL): string | undefined {
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const answered = `was answered with ${response.status} ${response.statusText}`.trimEnd();
  if (response.status >= 400) return isJson && text !== '' ? `${answered}: ${text.slice(0, SHOWN)}` : answered;
  if (isJson && saysNo(text)) return `${answered}: ${text.slice(0, SHOWN)}`;
  const location = response.status >= 300 ? response.headers.get('location') : null;
  return location !== null && new URL(location, url).pathname === url.pathname ? `was sent back to ${location}` : undefined;
}

function saysNo(text: string): boolean {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && (('success' in body && body.success === false) || ('ok' in body && body.ok === false));
  } catch {
    return false;
  }
}

/** A server may repeat what it was sent. */
const withoutSecrets = (text: string, body: Record<string, string>): string =>
  Object.entries(body).reduce(
    (shown, [field, value]) => (/pass|secret|token|pin|code/i.test(field) && value.length > 2 ? shown.replaceAll(value, '***') : shown),
    text,
  );

/** Why a fetch failed, without its wrapping: `connect ECONNREFUSED 127.0.0.1:3000`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
