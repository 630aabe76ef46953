import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { App, type AppOptions, bundlePreload, root, temporary } from '../helper.js';
import { type Counts, compare } from './compare.js';
import { type FlowOptions, flow, LARGE, SMALLER } from './flow.js';
import type { Observer } from './observer.js';

const require = createRequire(import.meta.url);
const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const loadedBy = (...loader: string[]): string[] => [...loader, '--import', pathToFileURL(preload).href];

async function tried(file: string, started: AppOptions = {}, options: FlowOptions = {}): Promise<Counts> {
  app = await App.start(`kinds/${file}`, preload, { ...started, env: { APP_LARGE: String(options.large ?? SMALLER), ...started.env } });
  const heard = await app.reader();
  const replaying = await app.reader('replay');
  const observers = await flow(app, options);
  await heard.drain();
  await replaying.drain();
  expect(heard.of('warning')).toEqual([]);
  return compare(heard, replaying, observers);
}

/** What both saw of the same flow; some of it is there from some version on. */
const everything: Counts = { emits: 45, acks: 38, pushes: 130, answers: 5 };

describe('everything that clients see is told once, equal, with its cause:', () => {
  it('plain http, CommonJS', async () => {
    expect(await tried('http.cjs', {}, { large: LARGE })).toEqual(everything);
  });
  it('plain http, ES modules', async () => {
    expect(await tried('http.mjs')).toEqual(everything);
  });
  it('Express', async () => {
    expect(await tried('express.cjs')).toEqual(everything);
  });
  it('Fastify', async () => {
    expect(await tried('fastify.mjs')).toEqual(everything);
  });
  it('NestJS, with its own ways to answer', async () => {
    const more = async ([alice, bob]: Observer[]): Promise<void> => {
      expect(await alice!.ask('returns')).toEqual([{ tag: expect.any(String) }]);
      expect(await bob!.ask('both')).toEqual(['done']);
      alice!.tell('replies');
      alice!.tell('streams');
      await alice!.pushes('nestStream', 3);
      await alice!.pushes('nestOthers');
    };
    // Of its own: five greetings, nine times that somebody hears of one who leaves, and the five pushes above.
    expect(await tried('nest.mjs', {}, { more })).toEqual({ emits: 49, acks: 40, pushes: 149, answers: 5 });
  });
  it.each(['tsx.ts', 'tsx.mts'])('%s under tsx', async (file) => {
    expect(await tried(file, { execArgv: loadedBy('--import', 'tsx') })).toEqual(everything);
  });
  it('tsx.cts under tsx', async () => {
    expect(await tried('cts.cjs', { execArgv: loadedBy('--require', 'tsx/cjs') })).toEqual(everything);
  });
  it.each([
    ['4.0', { pushes: 122, answers: 1 }],
    ['4.4', { pushes: 123, answers: 1 }],
    ['4.5', { pushes: 128, answers: 4 }],
    ['4.6', {}],
    ['4.7', {}],
  ])('Socket.IO %s', async (version, less) => {
    expect(await tried('http.cjs', { env: { APP_SOCKET_IO: `socket.io-${version}` } }, { timeouts: version !== '4.0' })).toEqual({ ...everything, ...less });
  });
  it('polling', async () => {
    expect(await tried('http.cjs', {}, { transports: ['polling'], large: LARGE })).toEqual(everything);
  });
  it('msgpack', async () => {
    expect(await tried('http.cjs', { env: { APP_PARSER: 'socket.io-msgpack-parser' } }, { parser: require('socket.io-msgpack-parser'), large: LARGE })).toEqual(
      everything,
    );
  });
  it('a parser for JSON only', async () => {
    const parser = join(root, 'tests/probe/apps/kinds/json-parser.cjs');
    const started = { env: { APP_PARSER: parser } };
    expect(await tried('http.cjs', started, { parser: require(parser), jsonOnly: true, large: 1000 })).toEqual(everything);
  });
  it('connection state recovery', async () => {
    // One volatile push less: a broadcast is what keeps the transport busy.
    expect(await tried('http.cjs', { env: { APP_RECOVERY: '1' } })).toEqual({ ...everything, pushes: 129 });
  });
});

it('clients see the same without the probe', async () => {
  const seen = async (started: AppOptions): Promise<unknown> => {
    app = await App.start('kinds/http.cjs', preload, { ...started, env: { APP_LARGE: String(SMALLER), ...started.env } });
    const observers = await flow(app);
    await app.stop();
    const names = observers.map(({ sid }, index) => [sid, `client ${index}`] as const);
    const named = (value: unknown): string => names.reduce((text, [sid, name]) => text.replaceAll(sid, name), JSON.stringify(value));
    return observers.map(({ acked, received }) => ({ acked: acked.map(named).sort(), received: received.map(({ hash: _, ...push }) => named(push)).sort() }));
  };
  const without = await seen({ execArgv: [], env: { LATE_PROBE: '1' } });
  expect(await seen({})).toEqual(without);
});
