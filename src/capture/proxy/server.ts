/**
 * An HTTP server in front of the application that forwards everything as it came, and shows what passes to taps. Traffic never
 * waits for a tap, and what a tap throws is its own.
 */
import { createServer, request as httpRequest, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import { ReplayError } from '../../errors.js';
import { normaliseTarget } from '../../wire/target-lock.js';
import type { RequestTap, SocketTap } from './engines.js';
import { type Ends, requestHeaders, responseHeaders } from './headers.js';

const ANSWER_MS = 10_000;

export interface Tap {
  /** the body that is kept of each side, at most this */
  limit: number;
  tap: Omit<RequestTap, 'answered'> & { answered(status: number, body: Buffer, answer: IncomingMessage): void };
  /** it has to be readable as it is, so nothing may be compressed */
  plain: boolean;
  /** a cookie to be set with the answer */
  cookie?: string;
}

export interface Taps {
  request(request: IncomingMessage): Tap;
  /** undefined: no connection of Socket.IO, nothing to be read */
  upgrade(request: IncomingMessage): SocketTap | undefined;
  /** a tap has thrown */
  failed(error: unknown): void;
}

export interface Proxy {
  readonly port: number;
  stop(): void;
}

/** Listens at this machine's own address only. */
export async function startProxy(target: URL, port: number, taps: Taps): Promise<Proxy> {
  const open = new Set<Duplex>();
  /** What Node refuses to send on, a strange path for example, is refused to the client. */
  const orRefuse = (client: Duplex, step: () => void): void => {
    try {
      step();
    } catch (error) {
      taps.failed(error);
      client.destroy();
    }
  };
  const server = createServer((request, response) => orRefuse(request.socket, () => forward(target, request, response, taps)));
  server.requestTimeout = 0;
  server.on('upgrade', (request: IncomingMessage, client: Duplex, head: Buffer) => orRefuse(client, () => forwardUpgrade(target, request, client, head, taps)));
  server.on('connection', (socket: Duplex) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new ReplayError('REPLAY_USAGE', `the proxy cannot listen at port ${port}: ${error.message}`, undefined, 'Choose another --port.')),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Rejects when nothing listens there. Nothing is asked: a server may answer Socket.IO's own path alone. */
export async function checkTarget({ hostname, port, protocol, origin }: URL): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error) =>
      reject(
        new ReplayError(
          'REPLAY_TARGET_UNREACHABLE',
          `nothing answers at ${origin}: ${error.message}`,
          undefined,
          'Start the application, or correct --target.',
        ),
      ),
    );
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
  });
}

function forward(target: URL, request: IncomingMessage, response: ServerResponse, taps: Taps): void {
  const ends = endsOf(target, request);
  const { limit, tap, plain, cookie } = taps.request(request);
  const guarded = guard(taps);
  let over = false;
  const fails = (by: 'client' | 'broken'): void => {
    if (over) return;
    over = true;
    guarded(() => tap.failed(by));
  };
  const upstream = open(target, { path: request.url, method: request.method, headers: requestHeaders(request.rawHeaders, ends, plain) as never });
  keepBody(request, limit, (body) => guarded(() => tap.sent(body)));
  request.pipe(upstream);
  upstream.on('response', (answer) => {
    keepBody(answer, limit, (body) => {
      if (over) return;
      over = true;
      guarded(() => tap.answered(answer.statusCode ?? 0, body, answer));
    });
    const headers = responseHeaders(answer.rawHeaders, ends);
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, cookie === undefined ? headers : [...headers, 'Set-Cookie', cookie]);
    answer.pipe(response);
    answer.once('error', () => {
      fails('broken');
      response.destroy();
    });
  });
  upstream.on('error', (error) => {
    fails('broken');
    if (response.headersSent) response.destroy();
    else
      response.writeHead(502, { 'content-type': 'text/plain' }).end(`socket-replay: the application at ${target.origin} does not answer: ${error.message}\n`);
  });
  response.once('close', () => {
    if (response.writableFinished) return;
    fails('client');
    upstream.destroy();
  });
}

function forwardUpgrade(target: URL, request: IncomingMessage, client: Duplex, head: Buffer, taps: Taps): void {
  const ends = endsOf(target, request);
  const tap = taps.upgrade(request);
  const upstream = open(target, {
    path: request.url,
    method: request.method,
    headers: requestHeaders(request.rawHeaders, ends, tap !== undefined, true) as never,
  });
  client.once('error', () => upstream.destroy());
  client.once('close', () => upstream.destroy());
  upstream.once('error', () => client.destroy());
  upstream.once('response', (answer) => {
    client.write(headOf(answer, ends));
    answer.pipe(client);
  });
  upstream.once('upgrade', (answer, server, serverHead) => {
    client.write(headOf(answer, ends));
    join(client, head, server, serverHead, tap, taps);
  });
  upstream.end();
}

/** Two sockets, each the other's end. The tap sees a piece before the other side does. */
function join(client: Duplex, head: Buffer, server: Duplex, serverHead: Buffer, tap: SocketTap | undefined, taps: Taps): void {
  const guarded = guard(taps);
  const ended = (by: 'client' | 'server' | 'broken') => (): void => guarded(() => tap?.ended(by));
  if (head.length > 0) client.unshift(head);
  if (serverHead.length > 0) server.unshift(serverHead);
  if (tap) {
    client.on('data', (chunk: Buffer) => guarded(() => tap.client(chunk)));
    server.on('data', (chunk: Buffer) => guarded(() => tap.server(chunk)));
  }
  client.once('end', ended('client')).once('error', ended('client'));
  server.once('end', ended('broken')).once('error', ended('broken'));
  client.once('close', () => {
    ended('client')();
    server.destroy();
  });
  server.once('close', () => {
    ended('broken')();
    client.destroy();
  });
  client.once('error', () => server.destroy());
  server.once('error', () => client.destroy());
  client.pipe(server);
  server.pipe(client);
}

/** What a tap throws is said once a connection, which is then no longer tapped: half of it would be wrong. */
function guard(taps: Taps): (step: () => void) => void {
  let broken = false;
  return (step) => {
    if (broken) return;
    try {
      step();
    } catch (error) {
      broken = true;
      taps.failed(error);
    }
  };
}

/** Beside the pipe, which alone says how fast it goes. Of a longer body only its beginning is kept. */
function keepBody(stream: IncomingMessage, limit: number, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size <= limit) chunks.push(chunk);
    size += chunk.length;
  });
  stream.once('end', () => done(Buffer.concat(chunks)));
}

const endsOf = (target: URL, { headers }: IncomingMessage): Ends => ({ own: `http://${headers.host ?? ''}`, target });

/** A certificate that nobody signed is accepted from this machine only. */
function open(target: URL, options: RequestOptions): ReturnType<typeof httpRequest> {
  const whole = { ...urlToHttpOptions(target), agent: false, ...options };
  if (target.protocol === 'http:') return httpRequest(whole);
  return httpsRequest({ ...whole, rejectUnauthorized: !normaliseTarget(target.origin).startsWith('localhost:') });
}

/** The head of an answer as it stands on the wire. Where it refuses the upgrade its end is the end of the connection. */
function headOf(answer: IncomingMessage, ends: Ends): string {
  const upgrade = answer.statusCode === 101;
  const headers = responseHeaders(answer.rawHeaders, ends, upgrade);
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let i = 0; i + 1 < headers.length; i += 2)
    if (upgrade || headers[i]?.toLowerCase() !== 'transfer-encoding') lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return `${[...lines, ...(upgrade ? [] : ['Connection: close'])].join('\r\n')}\r\n\r\n`;
}
