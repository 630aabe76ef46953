import { rmSync } from 'node:fs';
import { createConnection, type Socket as NetSocket } from 'node:net';
import { pathToFileURL } from 'node:url';
import type { Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hashArgs } from '../../src/wire/encode.js';
import { PROTOCOL } from '../../src/wire/messages.js';
import { App, bundlePreload, emitAck, type Heard, TOKEN, temporary } from './helper.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const start = (options: Parameters<typeof App.start>[2] = {}): Promise<App> => App.start('values.cjs', preload, options);
const failures = (): unknown[] => app.messages.filter((message) => message.uncaught ?? message.unhandled);

/** Everything that a client can tell of the application: each value pushed, acknowledged and stored. */
async function transcript(client: Socket): Promise<unknown[]> {
  const seen: unknown[] = [];
  client.onAny((...args) => seen.push(digest(args)));
  const [names] = (await emitAck(client, 'names')) as [string[]];
  for (const name of names) {
    seen.push(await emitAck(client, 'push', name));
    const failed = new Promise((resolve) => client.once('failed', resolve));
    seen.push(digest([await Promise.race([emitAck(client, 'ack', name), failed])]));
  }
  for (const value of ['text', 1.5, null, Buffer.from([7]), '\0 in the middle']) seen.push(await emitAck(client, 'store', value));
  return seen;
}

const digest = (args: unknown[]): string => {
  const text = JSON.stringify(args, (_, value: unknown) => (Buffer.isBuffer(value) || value instanceof ArrayBuffer ? hashArgs([value]) : value));
  return text.length > 500 ? `${text.slice(0, 100)} ${hashArgs([text])}` : text;
};

describe('whatever it sends, the application', () => {
  let expected: unknown[] = [];
  let errors: unknown[] = [];
  beforeAll(async () => {
    app = await start({ execArgv: [], env: { LATE_PROBE: '1' } });
    expected = await transcript(await app.client());
    errors = failures();
    await app.stop();
  });

  it.each([[[]], [['record']], [['replay']], [['record', 'replay']]] as const)('sees the same with readers %j', async (modes) => {
    app = await start();
    const readers: Heard[] = [];
    for (const mode of modes) readers.push(await app.reader(mode));
    const client = await app.client();
    const seen = await transcript(client);
    expect(seen).toEqual(expected);
    expect(failures()).toEqual(errors);
    for (const reader of readers) expect(await reader.drain()).toMatchObject({ open: 0 });
    const [record] = readers.filter((_, index) => modes[index] === 'record');
    const [replay] = readers.filter((_, index) => modes[index] === 'replay');
    if (replay !== undefined) {
      // Both ends of the wire agree on the hash of everything that arrived.
      const received = new Set(replay.of('push').map(({ hash }) => hash));
      const arrived: string[] = [];
      client.onAny((_, ...args) => arrived.push(hashArgs(args)));
      for (const name of ['boxed', 'dates', 'sparse', 'arrayToJSON', 'numbers', 'proto', 'marks', 'binary', 'inherited', 'surrogate', 'wide'])
        await emitAck(client, 'push', name);
      expect(arrived.filter((hash) => !received.has(hash))).toEqual([]);
      expect(arrived).toHaveLength(11);
    }
    if (record !== undefined) {
      const pushes = record.of('push').filter(({ event }) => event === 'value');
      expect(pushes.every(({ args, hash }) => hash === '' && (args === undefined || args.length === 2))).toBe(true);
      // What has no JSON is told without its values.
      const untold = pushes.filter(({ args }) => args === undefined);
      expect(untold.length).toBeGreaterThan(3);
      expect(record.of('change').filter(({ op }) => op === 'insert')).toHaveLength(5);
      expect(record.of('lost')).toEqual([]);
    }
  });
});

/** Subscribes, and leaves the rest to the test. */
async function rawReader(mode: string): Promise<NetSocket> {
  const socket = createConnection(app.probePort, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`${JSON.stringify({ type: 'subscribe', protocol: PROTOCOL, token: TOKEN, mode })}\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

describe('a reader', () => {
  it('that never reads costs a bounded amount of memory, and nothing else', async () => {
    app = await start({ execArgv: ['--expose-gc', '--import', pathToFileURL(preload).href] });
    const client = await app.client();
    const { memory: before } = (await app.ask({ memory: true })) as { memory: number };
    const reader = await rawReader('record');
    reader.pause();
    // 150 MB of rows, once inserted and once deleted.
    for (let i = 0; i < 15; i += 1) expect(await emitAck(client, 'fill', 1_000_000, 10)).toEqual([10]);
    const { memory } = (await app.ask({ memory: true })) as { memory: number };
    expect(memory - before).toBeLessThan(150 * 1024 * 1024);
    let rest = '';
    const lost = new Promise<string>((resolve) => {
      reader.setEncoding('utf8').on('data', (text: string) => {
        const found = /\{"type":"lost","count":\d+\}/.exec((rest += text))?.[0];
        if (found !== undefined) resolve(found);
        rest = rest.slice(-100);
      });
    });
    reader.resume();
    const { count } = JSON.parse(await lost) as { count: number };
    expect(count).toBeGreaterThan(150);
    expect(failures()).toEqual([]);
    reader.destroy();
  });

  it('that is killed in the middle is forgotten, and the next one hears everything', async () => {
    app = await start();
    const client = await app.client();
    for (let i = 0; i < 10; i += 1) {
      const reader = await rawReader(i % 2 === 0 ? 'record' : 'replay');
      const answers = Array.from({ length: 20 }, (_, k) => emitAck(client, 'slow', `${i}-${k}`, k % 5));
      reader.resetAndDestroy();
      expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, (_, k) => [`${i}-${k}`]));
    }
    const heard = await app.reader();
    expect(await emitAck(client, 'slow', 'after', 1)).toEqual(['after']);
    expect(await heard.drain()).toMatchObject({ open: 0 });
    expect(heard.of('change').map(({ after, cause }) => [after!.value, cause])).toEqual([['after', `${client.id}:201`]]);
    expect(failures()).toEqual([]);
  });

  it('that comes in the middle gets the causes of what begins then, and no cause for what began before', async () => {
    app = await start();
    const client = await app.client();
    // Longer than it takes to begin reading, also beside other tests.
    const early = emitAck(client, 'slow', 'early', 600);
    await emitAck(client, 'names');
    const heard = await app.reader();
    await emitAck(client, 'slow', 'late', 1);
    await early;
    await heard.drain();
    expect(heard.of('emit').map(({ n, args }) => [n, args![0]])).toEqual([[3, 'late']]);
    expect(heard.of('ack').map(({ n }) => n)).toEqual([3, 1]);
    expect(heard.of('push').map(({ args, cause }) => [args![0], cause])).toEqual([
      ['late', `${client.id}:3`],
      ['early', null],
    ]);
    expect(heard.of('change').map(({ after, cause }) => [after!.value, cause])).toEqual([
      ['late', `${client.id}:3`],
      ['early', null],
    ]);
    // The handler was added before anybody read, and is followed all the same.
    void emitAck(client, 'slow', 'followed', 60);
    await emitAck(client, 'names');
    expect(await heard.drain()).toMatchObject({ open: 0 });
    expect(heard.of('ack').map(({ n }) => n)).toEqual([3, 1, 5, 4]);
    // Gone and back again.
    heard.connection.close();
    await heard.connection.closed;
    await emitAck(client, 'slow', 'unheard', 1);
    const again = await app.reader('replay');
    await emitAck(client, 'slow', 'again', 1);
    await again.drain();
    expect(again.of('change').map(({ after, cause }) => [after!.value, cause])).toContainEqual(['again', `${client.id}:7`]);
  });

  it('is told the rest when the application ends', async () => {
    app = await start();
    const heard = await app.reader();
    const client = await app.client();
    const { id } = client;
    client.emit('exit');
    await heard.connection.closed;
    expect(heard.of('emit').map(({ event }) => event)).toEqual(['exit']);
    expect(heard.of('push').map(({ event, cause }) => [event, cause])).toEqual([['last', `${id}:1`]]);
    expect(heard.of('change').map(({ after, cause }) => [after!.value, cause])).toEqual([['last', `${id}:1`]]);
  });
});
