import { rmSync } from 'node:fs';
import type { Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { App, bundlePreload, temporary } from './helper.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const receives = (socket: Socket, event: string): Promise<void> => new Promise((resolve) => socket.once(event, () => resolve()));

it('sees what an adapter of another package sends, from here and from other processes, each once', async () => {
  app = await App.start('foreign-adapter.mjs', preload);
  const heard = await app.reader();
  const alice = await app.client();
  const bob = await app.client();
  const said = receives(bob, 'said');
  alice.emit('say', 'hello');
  await said;
  const far = [receives(alice, 'far'), receives(bob, 'far')];
  bob.emit('far', 'away');
  await Promise.all(far);
  await heard.drain();
  expect(heard.of('push').map(({ event, args, to, except }) => ({ event, args, to: [...to].sort(), except }))).toEqual([
    { event: 'ready', args: [], to: [alice.id] },
    { event: 'ready', args: [], to: [bob.id] },
    { event: 'said', args: ['hello', { '!binary': 'aGVsbG8=' }], to: [bob.id], except: [alice.id] },
    { event: 'far', args: ['away'], to: [alice.id, bob.id].sort() },
  ]);
});

it('knows the cause of what another process sends, and what clients get is the same', async () => {
  app = await App.start('foreign-adapter.mjs', preload);
  const heard = await app.reader();
  const alice = await app.client();
  const sent = new Promise<Record<string, unknown>>((resolve) => app.child.once('message', (message) => resolve(message as Record<string, unknown>)));
  alice.emit('shout', 'hello');
  const message = await sent;
  expect(message).toEqual({ packet: { type: 2, data: ['loud', 'hello'] }, flags: { compress: false, '$socket-replay:cause': `${alice.id}:1` } });
  const loud = new Promise<unknown[]>((resolve) => alice.once('loud', (...args) => resolve(args)));
  // A timer that lies between is told too.
  app.child.send({ ...message, flags: { '$socket-replay:cause': 'SIDfar:7~' } });
  expect(await loud).toEqual(['hello']);
  await heard.drain();
  expect(heard.of('push').map(({ event, cause, to }) => ({ event, cause, to }))).toEqual([
    { event: 'ready', cause: `${alice.id}:0`, to: [alice.id] },
    { event: 'loud', cause: 'SIDfar:7~', to: [alice.id] },
  ]);
});
