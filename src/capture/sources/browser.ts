/**
 * What is seen of browsers from outside, their WebSockets and requests, as events of a capture. A page under Playwright and a
 * HAR file tell the same things. Socket.IO is decoded by `frames/`.
 */

import { answerOf, BODY_LIMIT, bodyOf, isRecorded, isWrite, keptHeaders } from '../../recording/http.js';
import { type Engine, frameFollower, messagesOf } from '../frames/follow.js';
import type { SourceEvent } from '../source.js';

export interface SeenSocket {
  sent(data: string | Uint8Array, at: number): void;
  received(data: string | Uint8Array, at: number): void;
  closed(at: number, broken?: boolean): void;
}

interface SeenRequest {
  method: string;
  url: string;
  headers: SeenHeaders;
  /** undefined: not known */
  body: Uint8Array | undefined;
  at: number;
}

/** `aborted`: by the browser; `failed`: the server did not answer. */
export type SeenAnswer = { status: number; headers: SeenHeaders; body: Uint8Array | undefined } | 'aborted' | 'failed';

/** by their names in small letters */
export type SeenHeaders = Readonly<Record<string, string>>;

/** One page: a document and what comes after it in the same place. */
export interface BrowserClient {
  webSocket(url: string): SeenSocket;
  /** A request that is sent; the result takes what came back. */
  request(request: SeenRequest): (answer: SeenAnswer, at: number) => void;
  /** Nothing more is on its way at the moment. */
  quiet(at: number): void;
  /** Its document has gone, and with it its connections. */
  left(at: number): void;
}

/** An Engine.IO connection of a page. */
interface Line {
  engine: Engine;
  /** what waits for frames that were not told */
  quiet: Set<(at: number) => void>;
}

/** `content`: what to say where the contents of answers are missing. */
export function followBrowsers(tell: (event: SourceEvent) => void, content: string): (id: string, user: string | null) => BrowserClient {
  /** the sockets of each client, in the order of their connects */
  const open = new Map<string, { sid: string; namespace: string }[]>();
  const lines = new Map<string, Line>();
  const warned = new Set<string>();
  /** how many writing requests of a socket's page are under way, and the disconnect that came meanwhile */
  const writing = new Map<string, number>();
  const held = new Map<string, SourceEvent>();
  let requests = 0;

  const warn = (code: string, message: string): void => {
    if (!warned.has(code)) tell({ type: 'warning', code, message });
    warned.add(code);
  };
  const lost = (code: string, message: string): void => {
    warn(code, message);
    tell({ type: 'lost', count: 1 });
  };
  const follow = frameFollower((event) => {
    if (event.type === 'connect') open.get(event.socket.address)?.push(event.socket);
    if (event.type === 'disconnect') {
      for (const [id, sockets] of open) open.set(id, withoutSid(sockets, event.sid));
      // The answer to a logout may come after what it ended.
      if (writing.has(event.sid)) return void held.set(event.sid, event);
    }
    tell(event);
  });
  const earlier = (): undefined =>
    void warn('connected_before', 'a connection was made before the recording began, and is not recorded: begin it before the page is opened');

  return (id, user) => {
    open.set(id, []);
    const own = new Set<Line>();
    const hosts = new Set<string>();
    const writers = new Set<string>();

    const newLine = (url: URL): Line => {
      const line = { engine: follow({ url: `${url.pathname}${url.search}`, address: id, user }), quiet: new Set<(at: number) => void>() };
      hosts.add(url.host);
      own.add(line);
      return line;
    };
    /** The connection that a URL names by its id, or a new one. */
    const lineOf = (url: URL): Line | undefined => {
      const sid = url.searchParams.get('sid');
      return sid === null ? newLine(url) : (lines.get(sid) ?? earlier());
    };
    /** The server names the connection in its first message. */
    const server = (line: Line, message: string | Uint8Array, at: number): void => {
      const sid = typeof message === 'string' && message.startsWith('0') ? sidIn(message) : undefined;
      if (sid !== undefined) lines.set(sid, line);
      line.engine.server(message, at);
    };
    const close = (line: Line, by: 'client' | 'broken', at: number): void => {
      if (!own.delete(line)) return;
      for (const quiet of line.quiet) quiet(at);
      line.engine.closed(by, at);
    };

    const poll = (request: SeenRequest, url: URL): ((answer: SeenAnswer, at: number) => void) => {
      const line = lineOf(url);
      if (!line) return () => undefined;
      if (request.method === 'POST') {
        if (request.body) for (const message of messagesOf(text(request.body))) line.engine.client(message, request.at);
        else lost('content_missing', content);
      }
      return (answer, at) => {
        if (answer === 'aborted') return;
        if (answer === 'failed' || answer.status !== 200) close(line, 'broken', at);
        else if (request.method !== 'GET') return;
        else if (answer.body) for (const message of messagesOf(text(answer.body))) server(line, message, at);
        else lost('content_missing', content);
      };
    };

    /** Whose request it is: the page's first connection, if there was one when it was sent. */
    const sender = (): string | null => {
      const sockets = open.get(id) ?? [];
      return (sockets.find(({ namespace }) => namespace === '/') ?? sockets[0])?.sid ?? null;
    };
    const written = (sid: string, all = false): void => {
      const left = all ? 0 : (writing.get(sid) ?? 1) - 1;
      if (left > 0) return void writing.set(sid, left);
      writing.delete(sid);
      const disconnect = held.get(sid);
      held.delete(sid);
      if (disconnect) tell(disconnect);
    };
    const small = (body: Uint8Array | undefined, { method, url }: SeenRequest): Buffer => {
      if (body && body.length <= BODY_LIMIT) return Buffer.from(body);
      if (body) warn('http_body', `a body of ${method} ${url.split('?', 1)[0]} is larger than 5 MB and left out`);
      return Buffer.alloc(0);
    };
    const http = (request: SeenRequest, url: URL, sid: string | null, answer: SeenAnswer, end: number): void => {
      if (typeof answer === 'string') return;
      const { method, headers, at } = request;
      const path = `${url.pathname}${url.search}`;
      if (!isRecorded(method, path, headers, answer.headers)) return;
      if (hosts.size > 0 && !hosts.has(url.host)) return warn('http_elsewhere', `requests to ${url.host} are left out: the sockets are connected elsewhere`);
      if (method === 'GET' && answer.status === 200 && !answer.body) warn('content_missing', content);
      const kept = keptHeaders(headers);
      const body = bodyOf(small(request.body, request), headers);
      const answered = answerOf(small(answer.body, request), unpacked(answer.headers));
      tell({
        type: 'http',
        sid,
        id: `http:${++requests}`,
        method,
        url: path,
        ...(kept && { headers: kept }),
        ...(body !== undefined && { body }),
        status: answer.status,
        ...(answered !== undefined && { answer: answered }),
        at,
        end,
      });
    };

    return {
      webSocket(address) {
        const url = new URL(address);
        const line = isEngine(url) ? lineOf(url) : undefined;
        if (!line) return deaf;
        let carries = !url.searchParams.has('sid');
        const ambiguous = (): void =>
          lost('attachment_empty', 'of several attachments of one event some were empty, and which ones cannot be seen: they stand last in the recording');
        const sent = withEmptyFrames((data, time) => line.engine.client(data, time), ambiguous);
        const received = withEmptyFrames((data, time) => server(line, data, time), ambiguous);
        const quiet = (time: number): void => {
          sent.quiet(time);
          received.quiet(time);
        };
        line.quiet.add(quiet);
        return {
          sent(data, time) {
            carries ||= data === UPGRADE;
            // An event is answered when it is there as a whole.
            if (typeof data === 'string' && received.asks !== undefined && ackOf(data) === received.asks) received.quiet(time);
            sent.take(data, time);
          },
          received(data, time) {
            // A browser sends an event and its attachments at once.
            sent.quiet(time);
            received.take(data, time);
          },
          closed(time, broken = false) {
            line.quiet.delete(quiet);
            quiet(time);
            // An upgrade that did not happen leaves the connection where it is.
            if (carries) close(line, broken ? 'broken' : 'client', time);
          },
        };
      },
      request(request) {
        const url = new URL(request.url);
        if (isEngine(url)) return poll(request, url);
        const sid = sender();
        const waited = sid !== null && isWrite(request.method);
        if (waited) {
          writers.add(sid);
          writing.set(sid, (writing.get(sid) ?? 0) + 1);
        }
        return (answer, at) => {
          http(request, url, sid, answer, at);
          if (waited) written(sid);
        };
      },
      quiet(at) {
        for (const line of own) for (const quiet of line.quiet) quiet(at);
      },
      left(at) {
        for (const line of own) close(line, 'client', at);
        for (const sid of writers) written(sid, true);
      },
    };
  };
}

/** What the client says on a WebSocket when it leaves polling for it. */
export const UPGRADE = '5';
const deaf: SeenSocket = { sent: () => undefined, received: () => undefined, closed: () => undefined };

export const isEngine = (url: URL): boolean => url.searchParams.has('EIO') && url.searchParams.has('transport');

/** Whether a page asked a server for it: no `data:` or `blob:` of its own. */
export const isWeb = (url: string): boolean => /^https?:/.test(url) && URL.canParse(url);

/** A browser has unpacked the content that it shows. */
const unpacked = ({ 'content-encoding': _, ...headers }: SeenHeaders): SeenHeaders => headers;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const withoutSid = <T extends { sid: string }>(list: readonly T[], sid: string): T[] => list.filter((one) => one.sid !== sid);

function sidIn(open: string): string | undefined {
  try {
    const { sid } = JSON.parse(open.slice(1)) as { sid?: unknown };
    return typeof sid === 'string' ? sid : undefined;
  } catch {
    return undefined;
  }
}

/** A packet with attachments: how many, and the id by which it is answered with its namespace. */
const BINARY = /^4[56](\d+)-((?:\/[^,]*,)?\d+)?/;
/** The same id in an answer. */
const ackOf = (packet: string): string | undefined => /^4(?:3|6\d+-)((?:\/[^,]*,)?\d+)/.exec(packet)?.[1];

interface EmptyFrames {
  take: Take;
  /** Nothing more comes: what is missing was empty. */
  quiet(at: number): void;
  /** the id of the event that waits for attachments */
  readonly asks: string | undefined;
}

type Take = (data: string | Uint8Array, at: number) => void;

/**
 * Playwright does not tell of frames without content, and an empty attachment is one. The text of an event says how many
 * attachments follow it, and nothing comes between: what is missing before the next text was empty.
 */
function withEmptyFrames(pass: Take, ambiguous: () => void): EmptyFrames {
  let asks: string | undefined;
  let expected = 0;
  let seen = 0;
  const quiet = (at: number): void => {
    if (seen > 0 && seen < expected) ambiguous();
    for (; seen < expected; seen++) pass(new Uint8Array(0), at);
  };
  return {
    quiet,
    get asks() {
      return seen < expected ? asks : undefined;
    },
    take(data, at) {
      if (typeof data !== 'string') seen++;
      else {
        quiet(at);
        const [, count, id] = BINARY.exec(data) ?? [];
        expected = Number(count ?? 0);
        asks = id;
        seen = 0;
      }
      pass(data, at);
    },
  };
}
