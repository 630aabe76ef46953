/** Getting in by HTTP: one request a user, its cookies or its token shared by all clients of that user. */
import { CookieJar } from 'tough-cookie';
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { bringSchema, fillBring } from './bring.js';
import { csrfIn, csrfSchema, parsed } from './csrf.js';
import { at, type Entrance, type Identity, reasonOf, within } from './identity.js';
import { knownFieldsOf, usersShape } from './users.js';

/** Of a refusing body so many characters are shown. */
const SHOWN = 200;

export const httpLoginSchema = z.strictObject({
  strategy: z.literal('http-login').default('http-login'),
  ...usersShape,
  /** where the form or JSON is posted, or what is asked for by HTTP Basic, relative to the target. Default `/login` */
  path: z.string().default('/login'),
  /** how the credentials are sent. `basic`: a GET with the header of HTTP Basic. Default `json` */
  as: z.enum(['json', 'form', 'basic']).default('json'),
  /** further headers, such as an Origin */
  headers: z.record(z.string(), z.string()).default({}),
  /** a token that the login wants, and perhaps the handshake too */
  csrf: csrfSchema.optional(),
  /** where a token stands in the JSON answer, such as `data.token`: `{token}` in `bring`. A cookie is not needed then */
  token: z.string().min(1).optional(),
  /** where token, CSRF token, cookies and the header of HTTP Basic are put. Default: the token into `auth.token`; without a token and a cookie that header */
  bring: bringSchema.optional(),
});
type HttpLogin = z.infer<typeof httpLoginSchema>;

/** Throws REPLAY_LOGIN_UNKNOWN_USER, REPLAY_LOGIN_REFUSED, REPLAY_LOGIN_CSRF or REPLAY_TARGET_UNREACHABLE. */
export async function httpLogin({ target, socketPath = '/socket.io', user, signal, env }: Entrance, login: HttpLogin): Promise<Identity> {
  const fields = knownFieldsOf(user, login, env);
  const began = performance.now();
  const jar = new CookieJar(undefined, { looseMode: true });
  const ended = within(login.timeout, signal);
  const ask = (path: string, init: RequestInit = {}): Promise<Answer> => exchange(new URL(path, target), init, jar, login.headers, ended);
  const { csrf } = login;
  const csrfAt = async (path: string): Promise<string> => {
    const { response, text, url } = await ask(path);
    if (response.status >= 300) throw new ReplayError('REPLAY_LOGIN_CSRF', `GET ${url.href}, which has the CSRF token, was answered with ${response.status}`);
    return csrfIn(text, url.href, jar, (csrf as NonNullable<typeof csrf>).from);
  };
  let sent = csrf && (await csrfAt(csrf.page ?? login.path));
  const csrfField = csrf && sent !== undefined && 'field' in csrf.send && { [csrf.send.field]: sent };
  const csrfHeader = csrf && sent !== undefined && 'header' in csrf.send && { [csrf.send.header]: sent };
  const basic = login.as === 'basic' ? basicOf(user, fields) : undefined;
  const init = basic === undefined ? posted(login.as, { ...fields, ...csrfField }) : { method: 'GET', headers: { authorization: basic } };
  const answer = await ask(login.path, { ...init, headers: { ...init.headers, ...csrfHeader } });
  const said = `${init.method} ${answer.url.href} as ${user}`;
  const refused = refusal(answer, login.as);
  if (refused !== undefined)
    throw new ReplayError(
      'REPLAY_LOGIN_REFUSED',
      withoutSecrets(`${said} ${refused}`, { ...fields, ...csrfField, ...(basic !== undefined && { token: basic }) }),
    );
  const cookie = await jar.getCookieString(new URL(socketPath, target).href);
  const token = login.token === undefined ? undefined : at(parsed(answer.text), login.token);
  if (login.token !== undefined && typeof token !== 'string')
    throw new ReplayError('REPLAY_LOGIN_REFUSED', `${said} was answered with ${answer.response.status}, and there is no text at ${login.token}`);
  if (token === undefined && basic === undefined && cookie === '')
    throw new ReplayError('REPLAY_LOGIN_REFUSED', `${said} was answered with ${answer.response.status} and set no cookie`);
  if (csrf?.after !== undefined) sent = await csrfAt(csrf.after);
  const values = {
    ...fields,
    ...(typeof token === 'string' && { token }),
    ...(sent !== undefined && { csrf: sent }),
    ...(cookie !== '' && { cookie }),
    ...(basic !== undefined && { basic }),
  };
  // A browser goes on sending the header; where there is a cookie, that is what the server looks at.
  const otherwise =
    token !== undefined ? { auth: { token: '{token}' } } : basic !== undefined && cookie === '' ? { headers: { authorization: '{basic}' } } : {};
  return { ...fillBring(login.bring ?? otherwise, values), ...(cookie !== '' && { cookie, jar }), took: performance.now() - began };
}

const posted = (as: HttpLogin['as'], body: Record<string, string>): { method: string; headers: Record<string, string>; body: string } => ({
  method: 'POST',
  headers: { 'content-type': as === 'form' ? 'application/x-www-form-urlencoded' : 'application/json' },
  body: as === 'form' ? new URLSearchParams(body).toString() : JSON.stringify(body),
});

/** Throws REPLAY_LOGIN_UNKNOWN_USER where there is no password. */
function basicOf(user: string, { username = user, password }: Record<string, string>): string {
  if (password !== undefined) return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  throw new ReplayError('REPLAY_LOGIN_UNKNOWN_USER', `the user ${user} has no password: neither \`use.login.users.${user}.password\` nor the environment`);
}

interface Answer {
  response: Response;
  text: string;
  url: URL;
}

/** One request with the cookies of the jar, into which go those that come. Redirects are not followed. */
async function exchange(url: URL, init: RequestInit, jar: CookieJar, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
  try {
    const cookie = await jar.getCookieString(url.href);
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal,
      headers: {
        accept: 'application/json, text/html;q=0.5',
        ...(init.headers as Record<string, string> | undefined),
        ...headers,
        ...(cookie !== '' && { cookie }),
      },
    });
    const text = await response.text();
    for (const set of response.headers.getSetCookie()) await jar.setCookie(set, url.href, { ignoreError: true });
    return { response, text, url };
  } catch (error) {
    throw new ReplayError('REPLAY_TARGET_UNREACHABLE', `${init.method ?? 'GET'} ${url.href} got no answer: ${reasonOf(error)}`);
  }
}

/** Why it is no login: the status, a body that says no, or a form that is shown again. undefined: it is one, as far as this tells. */
function refusal({ response, text, url }: Answer, as: HttpLogin['as']): string | undefined {
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const answered = `was answered with ${response.status} ${response.statusText}`.trimEnd();
  if (response.status >= 400) return isJson && text !== '' ? `${answered}: ${text.slice(0, SHOWN)}` : answered;
  if (isJson && saysNo(parsed(text))) return `${answered}: ${text.slice(0, SHOWN)}`;
  // A page behind HTTP Basic may well ask for a password.
  if (as !== 'basic' && !isJson && response.status < 300 && /<input\b[^>]*\btype\s*=\s*["']?password/i.test(text))
    return `${answered} and a form that asks for the password again`;
  const location = response.status >= 300 ? response.headers.get('location') : null;
  return location !== null && new URL(location, url).pathname === url.pathname ? `was sent back to ${location}` : undefined;
}

const saysNo = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && (('success' in body && body.success === false) || ('ok' in body && body.ok === false));

/** A server may repeat what it was sent. */
const withoutSecrets = (text: string, body: Record<string, string>): string =>
  Object.entries(body).reduce(
    (shown, [field, value]) => (/pass|secret|token|pin|code|csrf/i.test(field) && value.length > 2 ? shown.replaceAll(value, '***') : shown),
    text,
  );
