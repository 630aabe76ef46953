/** An HTTP trace: the request with the cookies of its user's browser, and what was answered. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { CookieJar } from 'tough-cookie';
import { reasonOf } from '../auth/http-login.js';
import { answerOf, bytesOf } from '../recording/http.js';
import type { HttpRequest } from '../recording/schema.js';
import { bind, resolve } from '../recording/scope.js';
import { isObject, type Value } from '../recording/values.js';
import { needsOf } from './names.js';
import { force } from './runs.js';
import { type Replaying, type SessionState, type TraceRun, wake } from './state.js';

/** What has to be known before it can be sent. */
export const partsOf = ({ url, headers, body }: HttpRequest): Value[] => [url, headers ?? {}, ...(body === undefined ? [] : [body])];

/** Settles the trace when the answer has come; one that does not come in time is a timeout. Never rejects. */
export async function request(session: SessionState, run: TraceRun, recorded: HttpRequest, replaying: Replaying): Promise<void> {
  const { input, ledger } = replaying;
  const { copy } = session;
  const [url, headers, body] = partsOf(recorded).map((part) => resolve(part, copy.scope, session.session.id, Date.now(), randomUUID));
  if (!URL.canParse(String(url), input.target)) return force(run, replaying, 'skipped', `it cannot be sent: ${String(url)} is no address`);
  const { href } = new URL(String(url), input.target);
  const given = Object.fromEntries(Object.entries(isObject(headers) ? headers : {}).map(([name, value]) => [name, String(value)]));
  run.request = {
    method: recorded.method,
    url: String(url),
    ...(headers !== undefined && recorded.headers && { headers }),
    ...(body !== undefined && { body }),
  };
  try {
    const jar = jarOf(session, input.target);
    const cookie = await jar.getCookieString(href);
    const response = await fetch(href, {
      method: recorded.method,
      redirect: 'manual',
      // A later answer would be a timeout too: the trace has been settled by its own timer.
      signal: AbortSignal.any([input.signal, AbortSignal.timeout(input.ackTimeout)]),
      headers: { ...session.identity?.headers, ...given, ...(cookie !== '' && { cookie }) },
      ...(body !== undefined && { body: bytesOf(body, given) }),
    });
    const answer = answerOf(Buffer.from(await response.arrayBuffer()), answerHeaders(response));
    await keepCookies(session, jar, response, href, input.target);
    if (run.settled) return;
    run.answer = { status: response.status, ...(answer !== undefined && { answer }) };
    run.latency = performance.now() - (run.startedAt ?? 0);
    if (recorded.answer !== undefined && answer !== undefined && !needsOf([recorded.answer]).plain && bind(recorded.answer, answer, copy.scope).length > 0)
      wake(copy);
    ledger.changed(run);
  } catch (error) {
    if (input.signal.aborted) return;
    force(run, replaying, error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'disconnected', `no answer: ${reasonOf(error)}`);
  }
}

/** fetch has unpacked the body already. */
function answerHeaders(response: Response): IncomingHttpHeaders {
  const { 'content-encoding': _, ...headers } = Object.fromEntries(response.headers);
  return headers;
}

/** Of one user in one copy: one browser. Somebody without a user has one of their own. */
function jarOf(session: SessionState, target: string): CookieJar {
  const { jars } = session.copy;
  const owner = ownerOf(session);
  const known = jars.get(owner);
  if (known) return known;
  const jar = new CookieJar(undefined, { looseMode: true });
  for (const pair of session.identity?.cookie?.split('; ') ?? []) jar.setCookieSync(`${pair}; Path=/`, target, { ignoreError: true });
  jars.set(owner, jar);
  return jar;
}

/** A connect that comes later brings what was set meanwhile. */
async function keepCookies(session: SessionState, jar: CookieJar, response: Response, href: string, target: string): Promise<void> {
  const set = response.headers.getSetCookie();
  if (set.length === 0) return;
  for (const cookie of set) await jar.setCookie(cookie, href, { ignoreError: true });
  const cookie = await jar.getCookieString(target);
  for (const other of session.copy.sessions) if (ownerOf(other) === ownerOf(session)) other.identity = { took: 0, ...other.identity, cookie };
}

const ownerOf = ({ session }: SessionState): string => (session.user === undefined ? `session ${session.id}` : `user ${session.user}`);
