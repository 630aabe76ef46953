import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { Agent, request as send } from 'node:http';
import { createConnection } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { App, bundlePreload, type Heard, temporary } from './helper.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** In production Express sends no stack, in which frames of the probe stand. */
const start = ({ env, ...options }: Parameters<typeof App.start>[2] = {}): Promise<App> =>
  App.start('requests.mjs', preload, { ...options, env: { NODE_ENV: 'production', ...env } });
const hash = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  agent?: Agent;
}

/** What a client can tell of an answer. */
async function ask(path: string, { method = 'GET', headers = {}, body, agent }: Asked = {}): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    const sent = send({ port: app.port, path, method, headers, ...(agent && { agent }) }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('close', () => {
        const bytes = Buffer.concat(pieces);
        const head = answer.rawHeaders.map((text, i) => (answer.rawHeaders[i - 1] === 'Date' ? '' : text));
        const content = bytes.length < 1000 ? bytes.toString('latin1') : `${bytes.length} ${hash(bytes)}`;
        resolve({ path, status: answer.statusCode, head, content, complete: answer.complete, again: sent.reusedSocket });
      });
    });
    sent.on('error', (error) => resolve({ path, error: error.message }));
    sent.end(body);
  });
}

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
const JSON_TYPE = { 'content-type': 'application/json' };

/** Everything that a client can tell of the application. */
async function transcript(): Promise<unknown[]> {
  const seen: unknown[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const path of ['/looks', '/express?a=1', '/pieces', '/packed', '/file', '/nothing', '/throws', '/page', '/large', '/missing'])
    seen.push(await ask(path, { agent }));
  for (const path of ['/pieces', '/page', '/express']) seen.push(await ask(path, { method: 'HEAD', agent }));
  seen.push(await ask('/echo', { method: 'POST', body: BYTES, agent }));
  seen.push(await ask('/echo', { method: 'PUT', headers: { ...JSON_TYPE, expect: '100-continue' }, body: '{"a":1}', agent }));
  seen.push(await ask('/slowly', { method: 'POST', body: BYTES, agent }));
  seen.push(await ask('/express', { method: 'POST', headers: JSON_TYPE, body: JSON.stringify({ text: 'ü'.repeat(10_000) }), agent }));
  seen.push(await ask('/express', { method: 'POST', headers: JSON_TYPE, body: '{"not json', agent }));
  seen.push(await ask('/unread', { method: 'POST', body: BYTES }));
  seen.push(await ask('/broken'), await ask('/twice'));
  while (!app.messages.some((message) => message.twice)) await new Promise((resolve) => app.child.once('message', resolve));
  agent.destroy();
  seen.push(await pipelined());
  return [...seen, app.messages.filter((message) => message.twice ?? message.uncaught)];
}

/** Two requests in one piece, and one that is no request. */
async function pipelined(): Promise<string> {
  const socket = createConnection(app.port, '127.0.0.1');
  socket.write(
    'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabPOST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n0\r\n\r\n',
  );
  let text = '';
  for await (const piece of socket.setEncoding('utf8')) {
    text += piece;
    if (text.includes('cd') && !socket.writableEnded) socket.end('NO REQUEST\r\n\r\n');
  }
  return text.replaceAll(/Date: .*/g, '');
}

describe('whatever is asked, the application and its clients', () => {
  let expected: unknown[] = [];
  beforeAll(async () => {
    app = await start({ execArgv: [], env: { LATE_PROBE: '1' } });
    expected = await transcript();
    await app.stop();
  });

  it.each([[[]], [['record']], [['replay']], [['record', 'replay', 'list']]] as const)('see the same with readers %j', async (modes) => {
    app = await start();
    const readers: Heard[] = [];
    for (const mode of modes) readers.push(await app.reader(mode));
    expect(await transcript()).toEqual(expected);
    for (const [index, reader] of readers.entries()) {
      expect(await reader.drain()).toMatchObject({ open: 0 });
      expect(reader.of('warning')).toEqual([]);
      expect(reader.of('request').length > 0).toBe(modes[index] !== 'list');
      expect(reader.of('answered').length).toBe(modes[index] === 'record' ? reader.of('request').length : 0);
    }
  });
});

/** What a recorder is told of one request. */
async function told(path: string, asked: Asked = {}): Promise<Record<string, unknown>> {
  app = await start();
  const reader = await app.reader();
  const answer = ask(path, asked);
  await reader.count('answered', 1);
  await reader.drain();
  const [begun] = reader.of('request');
  const [{ id, body, answer: content, ...more }] = reader.of('answered') as [ReturnType<typeof reader.of<'answered'>>[number]];
  expect({ id: begun?.id, path: begun?.url, method: begun?.method }).toEqual({ id, path, method: asked.method ?? 'GET' });
  const plain = (text: string | null | undefined): unknown => (typeof text === 'string' ? Buffer.from(text, 'base64') : text);
  return { ...more, body: plain(body), answer: plain(content), seen: await answer };
}

describe('a recorder', () => {
  it.each([
    ['/pieces', '["x","ü",4]'],
    ['/throws', undefined],
    ['/twice', '{"first":true}'],
    ['/page', undefined],
    ['/nothing', undefined],
    ['/large', null],
  ])('is told of %s the answer %j', async (path, content) => {
    const { answer, status, seen } = await told(path);
    expect(Buffer.isBuffer(answer) ? answer.toString() : answer).toBe(content);
    expect(status).toBe((seen as { status: number }).status);
  });

  it('is told bodies as they came, whatever the application does with its bytes, and not who asked', async () => {
    const headers = { 'content-type': 'text/plain', cookie: 'sid=0123456789abcdef0123', 'x-kind': 'a' };
    const { body, answer, headers: kept, answerHeaders, status } = await told('/echo', { method: 'PUT', headers, body: BYTES });
    expect([hash(body as Buffer), hash(answer as Buffer), status]).toEqual([hash(BYTES), hash(BYTES), 200]);
    expect(kept).toMatchObject({ 'content-type': 'text/plain', 'x-kind': 'a' });
    expect(kept).not.toHaveProperty('cookie');
    expect(answerHeaders).toEqual({ 'content-type': 'text/plain' });
  });

  it('is told packed answers as they left', async () => {
    const { answer, answerHeaders } = await told('/packed');
    expect(answerHeaders).toMatchObject({ 'content-type': 'application/json', 'content-encoding': 'gzip' });
    expect(gunzipSync(answer as Buffer).toString()).toBe('{"packed":true}');
  });

  it('is told that an answer broke off, and is not kept waiting by one that never ends', async () => {
    expect(await told('/broken')).not.toHaveProperty('status');
    const reader = await app.reader();
    const sent = send({ port: app.port, path: '/never' }, (answer) => answer.resume()).on('error', () => undefined);
    sent.end();
    await reader.until(() => reader.of('request').length > 0);
    expect(await reader.drain(2000)).toMatchObject({ open: 0 });
    sent.destroy();
    await reader.count('answered', 1);
  });

  it('is told once of a request that is handed to another server, with what it causes there', async () => {
    app = await start();
    const client = await app.client();
    const reader = await app.reader();
    const heard = new Promise((resolve) => client.once('handed', resolve));
    await ask('/handed');
    await heard;
    await reader.count('answered', 1);
    expect(reader.of('request')).toHaveLength(1);
    expect(reader.of('push').map(({ event, cause }) => [event, cause])).toEqual([['handed', reader.of('request')[0]?.id]]);
  });

  it('knows the cookies of a client by their hashes, at its handshake and in its requests; short ones say nothing', async () => {
    app = await start();
    const reader = await app.reader();
    const cookie = 'sid=0123456789abcdef0123; theme=dark';
    await app.client({ extraHeaders: { cookie } });
    await ask('/page', { headers: { cookie } });
    const [connected] = await reader.count('connect', 1);
    const [request] = await reader.count('request', 1);
    expect(request).toMatchObject({ cookies: [expect.stringMatching(/^[\w-]{22}$/)], port: app.port, from: expect.stringMatching(/^(127\.0\.0\.1|::1):\d+$/) });
    expect(connected?.socket).toMatchObject({ cookies: request?.cookies, port: app.port });
  });
});
