/** The HTTP side of the proxy: what the application and the browser see of each other, and which requests are recorded. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { proxied, type World } from './proxied.js';

const SESSION = 'sid=s-0123456789abcdef0123';
let world: World;
/** the application's request handler, and the requests it has had */
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
let arrived: IncomingMessage[];
beforeEach(async () => {
  arrived = [];
  answer = (_, response) => void response.end();
  const listener: RequestListener = (request, response) => {
    arrived.push(request);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => answer(request, response, body));
  };
  world = await proxied({}, listener);
  // the proxy has asked whether anybody is there
  arrived.length = 0;
});
afterEach(() => world.close());

const cookieOf = (response: Response): string =>
  (response.headers.getSetCookie().find((cookie) => cookie.startsWith('socket-replay-client=')) ?? '').split(';')[0] ?? '';
const json = (response: ServerResponse, value: unknown): void =>
  void response.setHeader('content-type', 'application/json; charset=utf-8').end(JSON.stringify(value));
/** A browser that has opened the page, and is connected. */
async function browser(extra = ''): Promise<{ cookie: string; sid: string }> {
  const cookie = [cookieOf(await fetch(world.url)), extra].filter(Boolean).join('; ');
  const socket = await world.client({ transports: ['websocket'], extraHeaders: { cookie } });
  return { cookie, sid: socket.id ?? '' };
}
const post = (path: string, cookie: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${world.url}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', cookie, ...headers },
  });

describe('the application', () => {
  test('sees itself under its own address, and none of our cookie', async () => {
    await fetch(`${world.url}/a?b=%20c`, { headers: { origin: world.url, referer: `${world.url}/page`, cookie: 'socket-replay-client=x; a=b' } });
    await fetch(world.url, { headers: { origin: 'http://elsewhere.example', referer: 'http://elsewhere.example/x', cookie: 'socket-replay-client=x' } });
    const [first, second] = arrived.map(({ url, headers: { host, origin, referer, cookie } }) => ({ url, host, origin, referer, cookie }));
    const host = world.direct.slice('http://'.length);
    expect(first).toEqual({ url: '/a?b=%20c', host, origin: world.direct, referer: `${world.direct}/page`, cookie: 'a=b' });
    expect(second).toEqual({ url: '/', host, origin: 'http://elsewhere.example', referer: 'http://elsewhere.example/x', cookie: undefined });
  });

  test('sees neither the cookie nor the compression of a websocket, and its own origin', async () => {
    let headers: IncomingMessage['headers'] = {};
    world.io.engine.on('connection', (engine: { request: IncomingMessage }) => (headers = engine.request.headers));
    await world.client({ transports: ['websocket'], extraHeaders: { cookie: 'socket-replay-client=x; a=b', origin: world.url } });
    expect(headers).toMatchObject({ cookie: 'a=b', origin: world.direct, host: world.direct.slice('http://'.length) });
    expect(headers).not.toHaveProperty('sec-websocket-extensions');
  });
});

describe('the browser', () => {
  test('stays at the proxy when it is redirected, and gets cookies that it keeps', async () => {
    answer = (_, response) => {
      const port = new URL(world.direct).port;
      response
        .writeHead(302, { location: `http://localhost:${port}/next?x=1#y`, 'set-cookie': [`${SESSION}; Domain=localhost; Path=/; HttpOnly`, 'b=c'] })
        .end();
    };
    const response = await fetch(world.url, { redirect: 'manual' });
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe(`${world.url}/next?x=1#y`);
    expect(response.headers.getSetCookie().slice(0, 2)).toEqual([`${SESSION}; Path=/; HttpOnly`, 'b=c']);
  });

  test('gets our cookie once', async () => {
    const cookie = cookieOf(await fetch(world.url));
    expect(cookie).toMatch(/^socket-replay-client=[\w-]{36}$/);
    expect(cookieOf(await fetch(world.url, { headers: { cookie } }))).toBe('');
  });

  test('gets answers as they are: status, headers, compressed bytes, redirects elsewhere', async () => {
    answer = (_, response) =>
      void response
        .writeHead(418, 'Short and stout', { 'content-encoding': 'gzip', 'x-own': 'a', location: 'https://elsewhere.example/' })
        .end(gzipSync('tea'));
    const response = await fetch(world.url);
    expect([response.status, response.statusText, await response.text()]).toEqual([418, 'Short and stout', 'tea']);
    expect([response.headers.get('x-own'), response.headers.get('location')]).toEqual(['a', 'https://elsewhere.example/']);
  });

  test('gets what another origin may read', async () => {
    world.io.engine.opts.cors = { origin: 'http://page.example', credentials: true };
    answer = (_, response) => void response.writeHead(204, { 'access-control-allow-origin': 'http://page.example' }).end();
    const response = await fetch(world.url, { method: 'OPTIONS', headers: { origin: 'http://page.example' } });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, 'http://page.example']);
  });

  test('is told when the application does not answer', async () => {
    await world.crash();
    const response = await fetch(world.url);
    expect([response.status, await response.text()]).toEqual([502, expect.stringContaining('does not answer')]);
    await world.restart();
  });
});

describe('requests', () => {
  test('that write are recorded of the client that made them, with the push that follows', async () => {
    const { cookie, sid } = await browser();
    await browser();
    answer = (_, response, body) => {
      world.io.emit('changed', JSON.parse(body));
      json(response, { ok: true });
    };
    await post('/api/notes?x=1', cookie, { text: 'ü' }, { 'x-csrf-token': 'c', accept: 'application/json', 'x-forwarded-for': '1.2.3.4' });
    await world.source.drain(2_000);
    expect(world.of('http')).toEqual([
      {
        type: 'http',
        id: 'http:1',
        sid,
        method: 'POST',
        url: '/api/notes?x=1',
        headers: { 'content-type': 'application/json', 'x-csrf-token': 'c', accept: 'application/json' },
        body: { text: 'ü' },
        status: 200,
        answer: { ok: true },
        at: expect.any(Number),
        end: expect.any(Number),
      },
    ]);
    expect(world.of('push').filter(({ event }) => event === 'changed')).toMatchObject([{ args: [{ text: 'ü' }], cause: null }, { args: [{ text: 'ü' }] }]);
  });

  test('go to the connection of the client that was active last', async () => {
    const { cookie } = await browser();
    const [first, second] = [await world.client({ extraHeaders: { cookie } }), await world.client({ extraHeaders: { cookie } })];
    for (const [path, socket] of Object.entries({ '/1': first, '/2': second, '/3': first })) {
      socket.emit('all', path);
      await world.until('emit', ({ args }) => args[0] === path);
      await post(path, cookie, {});
    }
    expect(world.of('http').map(({ url, sid }) => [url, sid])).toEqual([
      ['/1', first.id],
      ['/2', second.id],
      ['/3', first.id],
    ]);
  });

  test("are a client's by an equal session cookie too, else by nothing", async () => {
    const socket = await world.client({ transports: ['polling'], extraHeaders: { cookie: `${SESSION}; theme=dark` } });
    await post('/mine', SESSION, {});
    await post('/theirs', 'theme=dark', {});
    await post('/nobodys', '', {});
    expect(world.of('http').map(({ url, sid }) => [url, sid])).toEqual([
      ['/mine', socket.id],
      ['/theirs', null],
      ['/nobodys', null],
    ]);
  });

  test("of before the first connection are nobody's: logins and pages", async () => {
    const cookie = cookieOf(await fetch(world.url));
    await post('/login', cookie, { user: 'a' });
    await world.client({ transports: ['websocket'], extraHeaders: { cookie } });
    expect(world.of('http').map(({ sid }) => sid)).toEqual([null]);
  });

  test.each([
    ['JSON that a script asked for', 'GET', 'application/json', 'empty', 1],
    ['JSON of a client without such headers', 'GET', 'application/problem+json', undefined, 1],
    ['a manifest', 'GET', 'application/manifest+json', 'manifest', 0],
    ['a document', 'GET', 'text/html', 'document', 0],
    ['a picture', 'GET', 'image/png', 'image', 0],
    ['a form that was sent', 'POST', 'text/html', 'document', 1],
    ['a deletion', 'DELETE', 'text/plain', 'empty', 1],
    ['a question before the question', 'OPTIONS', 'application/json', 'empty', 0],
  ])('%s', async (_, method, type, destination, count) => {
    const { cookie } = await browser();
    answer = (__, response) => void response.setHeader('content-type', type).end('{"a":1}');
    await fetch(`${world.url}/x`, { method, headers: { cookie, ...(destination && { 'sec-fetch-dest': destination }) } });
    expect(world.of('http')).toHaveLength(count);
  });

  test('have their bodies as values: JSON also where it is compressed, forms as objects, text, bytes', async () => {
    const { cookie } = await browser();
    answer = (_, response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync('{"a":[1]}'));
    await post('/form', cookie, 'password=x&tag=1&tag=2', { 'content-type': 'application/x-www-form-urlencoded' });
    await post('/text', cookie, 'plain', { 'content-type': 'text/plain' });
    await post('/bytes', cookie, 'ab', { 'content-type': 'application/octet-stream' });
    await post('/broken', cookie, '{', {});
    expect(world.of('http').map(({ body }) => body)).toEqual([{ password: 'x', tag: ['1', '2'] }, 'plain', new Uint8Array([97, 98]), '{']);
    expect(world.of('http').map(({ answer: value }) => value)).toEqual(Array.from({ length: 4 }, () => ({ a: [1] })));
  });

  test('of 2 MB are kept as bytes, of 6 MB not at all, with a warning; both arrive whole', async () => {
    const { cookie } = await browser();
    answer = (_, response, body) => response.end(String(body.length));
    for (const size of [2, 6]) {
      const response = await post(`/${size}`, cookie, JSON.stringify('x'.repeat(size * 1024 * 1024 - 2)));
      expect(await response.text()).toBe(String(size * 1024 * 1024));
    }
    expect(world.of('http').map(({ body }) => (body as Uint8Array | undefined)?.length)).toEqual([2 * 1024 * 1024, undefined]);
    expect(world.of('warning')).toMatchObject([{ code: 'proxy_body' }]);
  });

  test('that end their own connection are told before its end', async () => {
    const { cookie, sid } = await browser();
    const gone = world.until('disconnect');
    answer = (_, response) => {
      world.io.disconnectSockets();
      const client = world.io.sockets.sockets.size;
      setImmediate(() => response.end(String(client)));
    };
    await post('/logout', cookie, {});
    await gone;
    expect(world.told.filter((event) => event.type === 'http' || event.type === 'disconnect')).toMatchObject([
      { type: 'http', sid },
      { type: 'disconnect', sid, reason: 'server namespace disconnect' },
    ]);
  });
});

describe('users', () => {
  test('are told by the address that they open', async () => {
    const host = `alice.localhost:${new URL(world.url).port}`;
    await world.client({ transports: ['websocket'], extraHeaders: { host } });
    await world.client({ transports: ['websocket'] });
    expect(world.of('connect').map(({ socket }) => socket.user)).toEqual(['alice', null]);
  });
});

describe('draining', () => {
  test('waits for what was asked and is not answered, and says what stayed open', async () => {
    const socket = await world.client({ transports: ['websocket'] });
    let done: () => void = () => undefined;
    world.io.sockets.sockets.get(socket.id ?? '')?.on('slow', (callback: () => void) => (done = callback));
    socket.emit('slow', () => undefined);
    await world.until('emit', ({ event }) => event === 'slow');
    expect(await world.source.drain(50)).toEqual({ open: 1 });
    const drained = world.source.drain(5_000);
    done();
    expect(await drained).toEqual({ open: 0 });
    expect(world.of('ack')).toHaveLength(1);
  });
});
