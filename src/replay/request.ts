/** An HTTP trace: the request with the cookies of its user's browser, and what was answered. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Identity, reasonOf } from '../auth/identity.js';
import { answerOf, bytesOf } from '../recording/http.js';
import type { HttpRequest } from '../recording/schema.js';
import { bind, resolve } from '../recording/scope.js';
import { isObject, type Value } from '../recording/values.js';
import { jarOf, keepCookies } from './cookies.js';
import { needsOf } from './names.js';
import { force, patienceOf } from './runs.js';
import { type Replaying, type SessionState, type TraceRun, wake } from './state.js';

/** What has to be known before it can be sent. Headers that the login brings are its own, whatever was recorded. */
export const partsOf = ({ url, headers, body }: HttpRequest, identity: Identity | undefined): Value[] => [
  url,
  Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !brings(identity, name))),
  ...(body === undefined ? [] : [body]),
];

const brings = (identity: Identity | undefined, header: string): boolean =>
  Object.keys(identity?.headers ?? {}).some((name) => name.toLowerCase() === header.toLowerCase());

/** Settles the trace when the answer has come; one that does not come in time is a timeout. Never rejects. */
export async function request(session: SessionState, run: TraceRun, recorded: HttpRequest, replaying: Replaying): Promise<void> {
  const { input, ledger, requests } = replaying;
  const { copy } = session;
  const [url, headers, body] = partsOf(recorded, session.identity).map((part) => resolve(part, copy.scope, session.session.id, Date.now(), randomUUID));
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
    const ask = async (): Promise<Response> => {
      const cookie = await jar.getCookieString(href);
      const send = (): Promise<Response> =>
        fetch(href, {
          method: recorded.method,
          redirect: 'manual',
          // A later answer would be a timeout too: the trace has been settled by its own timer.
          signal: AbortSignal.any([input.signal, AbortSignal.timeout(patienceOf(run, input))]),
          headers: { ...session.identity?.headers, ...given, ...(cookie !== '' && { cookie }) },
          ...(body !== undefined && { body: bytesOf(body, given) }),
        });
      return requests.sending({ session, number: run.number }, send);
    };
    const { browser } = session;
    const login = browser?.logins ?? 0;
    let response = await ask();
    if (response.status === 401 && recorded.status !== 401 && (await replaying.logins.renew(session, login))) {
      await response.arrayBuffer();
      response = await ask();
      if (browser && response.status === 401) browser.hopeless = true;
    }
    const answer = answerOf(Buffer.from(await response.arrayBuffer()), answerHeaders(response));
    keepCookies(session, response.headers.getSetCookie(), href, input);
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
