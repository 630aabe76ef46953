/**
 * The requests that reach the application's own HTTP servers: told when they begin, and, to who records, with bodies and answer when
 * they are over. Bodies are seen where Node puts them into the stream, and where the application writes them: nothing is read, no
 * listener is added, and an answer is over when its `close` passes the hook of all events.
 */
import { createHash } from 'node:crypto';
import { IncomingMessage, type ServerResponse } from 'node:http';
import { longCookies } from '../wire/cookies.js';
import type { Context } from './context.js';
import type { AnyFunction } from './foreign.js';
import { guarded } from './guard.js';
import { isRecorded, now, reportAnswered, reportRequest } from './hub.js';
import { followRequest } from './work.js';

/** spelled again, because recording/ is not for the probe: a larger body is not recorded */
const BODY_LIMIT = 5 * 1024 * 1024;
/** Of other answers no recorder keeps the content. */
const KEPT_ANSWER = /^content-type: *(?:[^;\r\n]*json|text\/plain)/im;

interface Body {
  pieces: Buffer[];
  size: number;
}

interface Seen {
  id: string;
  headers: Record<string, string>;
  body: Body;
  answer: Body;
}

/** by response */
const open = new Map<unknown, Seen>();
const begun = new WeakMap<object, Context>();

/** What tells clients apart, so that no cookie leaves the process. */
export const cookieHashes = (header: unknown): string[] =>
  typeof header === 'string' ? longCookies(header).map((pair) => createHash('sha256').update(pair).digest('base64url').slice(0, 22)) : [];

/** Of a request that an application hands on to another server of its own: it is still the same. */
export const contextOf = (request: object): Context | undefined => begun.get(request);

export function beginRequest(request: IncomingMessage, response: ServerResponse, context: Context): void {
  if (!(request instanceof IncomingMessage) || begun.has(request)) return;
  begun.set(request, context);
  const { method = 'GET', url = '/', headers, socket } = request;
  const from = `${(socket?.remoteAddress ?? '').replace(/^::ffff:/, '')}:${socket?.remotePort ?? ''}`;
  reportRequest({ id: context.id, method, url, from, port: socket?.localPort ?? 0, cookies: isRecorded() ? cookieHashes(headers.cookie) : [], at: now() });
  if (!isRecorded()) return;
  const seen: Seen = { id: context.id, headers: plainHeaders(headers), body: { pieces: [], size: 0 }, answer: { pieces: [], size: 0 } };
  open.set(response, seen);
  tapBody(request, seen.body);
  tapAnswer(response, seen.answer);
  // A stream that is read may never end.
  if (method !== 'GET') followRequest(() => open.has(response), context);
}

export const isOpenRequest = (response: unknown): boolean => open.has(response);

export function endRequest(response: unknown): void {
  const seen = open.get(response);
  if (seen === undefined) return;
  open.delete(response);
  const { statusCode, writableFinished } = response as ServerResponse;
  const { id, headers } = seen;
  const body = textOf(seen.body);
  const answer = textOf(seen.answer);
  reportAnswered({
    id,
    headers,
    ...(body !== undefined && { body }),
    ...(writableFinished && { status: statusCode }),
    answerHeaders: headersIn(headOf(response)),
    ...(answer !== undefined && { answer }),
    at: now(),
  });
}

/** Node's parser pushes what arrives, whether or not anybody reads it, and is through with it when the message is complete. */
function tapBody(request: IncomingMessage, body: Body): void {
  const { push } = request as unknown as { push: AnyFunction };
  own(request, 'push', function (this: unknown, ...args) {
    if (this === request && !request.complete) guarded('body', () => keep(body, args[0]));
    return Reflect.apply(push, this, args);
  });
}

/** Below whatever the application puts around `write` and `end`: what leaves, packed if it is packed. */
function tapAnswer(response: ServerResponse, answer: Body): void {
  for (const name of ['write', 'end'] as const) {
    const original = response[name] as AnyFunction;
    own(response, name, function (this: unknown, ...args) {
      const wasOpen = this === response && !response.writableEnded;
      const result = Reflect.apply(original, this, args);
      // The head is made by the first of these calls.
      if (wasOpen) guarded('answer', () => isKept(response) && keep(answer, args[0], args[1]));
      return result;
    });
  }
}

function own(target: object, name: string, value: AnyFunction): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}

const isKept = (response: unknown): boolean => (response as { _hasBody?: unknown })._hasBody !== false && KEPT_ANSWER.test(headOf(response));

/** The application may change its bytes afterwards. Of what is too large nothing is kept but its size. */
function keep(body: Body, piece: unknown, encoding?: unknown): void {
  const bytes =
    typeof piece === 'string'
      ? Buffer.from(piece, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
      : piece instanceof Uint8Array
        ? Buffer.from(piece)
        : undefined;
  if (bytes === undefined) return;
  body.size += bytes.length;
  if (body.size > BODY_LIMIT) body.pieces = [];
  else body.pieces.push(bytes);
}

const textOf = ({ size, pieces }: Body): string | null | undefined =>
  size === 0 ? undefined : size > BODY_LIMIT ? null : Buffer.concat(pieces).toString('base64');

/** As it leaves: also what `writeHead` was given, which `getHeaders` does not know. */
const headOf = (response: unknown): string => {
  const { _header: head } = response as { _header?: unknown };
  return typeof head === 'string' ? head : '';
};

const headersIn = (head: string): Record<string, string> =>
  Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const)
      .filter(([name]) => name.startsWith('content-')),
  );

const plainHeaders = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' && name !== 'cookie' ? [[name, value]] : [])));
