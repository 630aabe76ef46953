import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Reader } from '../../src/probe/reader.js';
import { hashArgs } from '../../src/wire/encode.js';
import { App, bundlePreload, emitAck, TOKEN, temporary } from './helper.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What the probe says to these bytes until it hangs up. */
async function say(text: string): Promise<unknown[]> {
  const socket = createConnection(app.probePort, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece));
  socket.write(text);
  await once(socket, 'close');
  return answer
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}

it('refuses a wrong token, another protocol, and what is no subscription', async () => {
  app = await App.start('app.cjs', preload);
  const subscribe = (change: object): string => `${JSON.stringify({ type: 'subscribe', protocol: 2, token: TOKEN, mode: 'list', ...change })}\n`;
  const reason = async (text: string): Promise<unknown> => {
    const answers = await say(text);
    expect(answers).toHaveLength(1);
    return answers[0];
  };
  expect(await reason(subscribe({ token: 'guess' }))).toEqual({ type: 'refused', message: 'the token is not the one of this probe' });
  expect(await reason(subscribe({ token: 1 }))).toMatchObject({ type: 'refused' });
  expect(await reason(subscribe({ protocol: 1 }))).toMatchObject({ message: expect.stringContaining('protocol 2') });
  expect(await reason(subscribe({ mode: 'all' }))).toMatchObject({ message: expect.stringContaining('mode') });
  expect(await reason('{"type":"drain","id":1,"timeout":1}\n')).toMatchObject({ message: 'the first line must be subscribe' });
  expect(await reason('GET / HTTP/1.1\r\n\r\n')).toMatchObject({ type: 'refused' });
  expect(await reason('x'.repeat(70_000))).toMatchObject({ message: 'the line is too long' });
});

it('serves several readers at once, each what its mode asks for', async () => {
  app = await App.start('app.cjs', preload);
  const early = await app.client();
  const [list, replay, record] = [await app.reader('list'), await app.reader('replay'), await app.reader('record')];
  for (const heard of [list, replay, record])
    expect(heard.connection.hello).toMatchObject({
      app: 'socket-replay',
      changes: 'measured',
      listening: [`127.0.0.1:${app.port}`],
      sockets: [{ sid: early.id }],
    });
  const client = await app.client();
  await emitAck(client, 'write', 'x');
  client.close();
  for (const heard of [list, replay, record]) await heard.count('disconnect', 1);
  await Promise.all([replay.drain(), record.drain()]);
  expect(list.all.map(({ type }) => type)).toEqual(['hello', 'connect', 'disconnect']);
  const kinds = ['hello', 'tables', 'connect', 'emit', 'change', 'push', 'ack', 'disconnect', 'drained'];
  // What a replaying client sees by itself is not told to it.
  expect(replay.all.map(({ type }) => type).sort()).toEqual(kinds.filter((kind) => kind !== 'emit' && kind !== 'ack').sort());
  expect(record.all.map(({ type }) => type).sort()).toEqual([...kinds].sort());
  expect(replay.of('push')[0]!.args).toBeUndefined();
  expect([record.of('emit')[0]!.args, record.of('ack')[0]!.args, record.of('push')[0]!.args]).toEqual([['x'], ['x'], ['x']]);
  expect([replay.of('push')[0]!.hash, record.of('push')[0]!.hash]).toEqual([hashArgs(['x']), '']);
  expect(replay.of('change')).toEqual(record.of('change'));
});

it('measures rows only while somebody reads them', async () => {
  app = await App.start('app.cjs', preload);
  const client = await app.client();
  const first = await app.reader('replay');
  await emitAck(client, 'write', 'one');
  await first.drain();
  first.connection.close();
  const list = await app.reader('list');
  await emitAck(client, 'write', 'two');
  const second = await app.reader('replay');
  await emitAck(client, 'write', 'three');
  await second.drain();
  expect(first.of('change').map(({ after }) => after!.text)).toEqual(['one']);
  expect(second.of('change').map(({ after }) => after!.text)).toEqual(expect.arrayContaining(['three']));
  expect(list.of('change')).toEqual([]);
});

it('tells a reader that is too slow how much it lost, and goes on', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createConnection((server.address() as { port: number }).port, '127.0.0.1');
  await once(server, 'connection');
  const reader = new Reader(sockets[0]!, 'record', 10_000);
  client.pause();
  const line = (i: number): string => `${JSON.stringify({ i, pad: 'x'.repeat(1000) })}\n`;
  for (let i = 0; i < 100; i += 1) reader.push(line(i));
  reader.answer('{"drained":true}\n');
  let text = '';
  const got = new Promise<void>((resolve) =>
    client.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.includes('"last"')) resolve();
    }),
  );
  client.resume();
  await new Promise((resolve) => setImmediate(resolve));
  reader.push('{"last":true}\n');
  await got;
  const messages = text
    .trim()
    .split('\n')
    .map((part) => JSON.parse(part) as { i?: number; type?: string; count?: number; drained?: boolean });
  const kept = messages.filter(({ i }) => i !== undefined).length;
  expect(kept).toBeGreaterThan(5);
  expect(messages.slice(kept)).toEqual([{ type: 'lost', count: 100 - kept }, { drained: true }, { last: true }]);
  client.destroy();
  server.close();
});
