import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { App, bundlePreload, emitAck, fence, temporary } from './helper.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('is never hit by a failure of the probe', async () => {
  app = await App.start('hostile.cjs', preload);
  const heard = await app.reader();
  const client = await app.client();
  let deep = {};
  for (let i = 0; i < 300; i += 1) deep = { next: deep };
  const echoed = new Promise((resolve) => client.once('deepToo', resolve));
  expect(await emitAck(client, 'deep', deep)).toEqual([300]);
  expect(await echoed).toEqual(deep);
  expect(await heard.drain()).toMatchObject({ open: 0 });
  expect(heard.of('connect')).toMatchObject([{ socket: { user: null, handshake: { auth: null } } }]);
  expect(heard.of('emit')).toMatchObject([{ n: 1, event: 'deep' }]);
  expect(heard.of('emit')[0]!.args).toBeUndefined();
  expect(heard.of('ack')).toMatchObject([{ n: 1, args: [300] }]);
  expect(heard.of('push').map(({ event, to, hash }) => ({ event, to, hash }))).toEqual([{ event: 'deepToo', to: [client.id], hash: '' }]);
  expect(
    heard
      .of('warning')
      .map(({ code }) => code)
      .sort(),
  ).toEqual(['not-encodable', 'probe-failed']);
  expect(app.messages.filter((message) => message.uncaught ?? message.unhandled)).toEqual([]);
});

it('sees its own errors as without the probe', async () => {
  app = await App.start('hostile.cjs', preload);
  const heard = await app.reader();
  const client = await app.client();
  client.emit('handled');
  client.emit('rejects');
  client.emit('throws');
  await fence(client);
  expect(await heard.drain()).toMatchObject({ open: 0 });
  await fence(client);
  while (app.messages.length < 3) await new Promise((resolve) => app.child.once('message', resolve));
  expect(
    app.messages
      .slice(1)
      .map((message) => message.uncaught ?? message.unhandled)
      .sort(),
  ).toEqual(['Error: rejected by the handler', 'Error: thrown by the handler']);
});

it('finds its listeners as it added them', async () => {
  app = await App.start('hostile.cjs', preload);
  await app.reader();
  const client = await app.client();
  expect(await emitAck(client, 'listeners')).toEqual([[true, 1, 0, true, 0, true, true, true, 4, 0]]);
});

it('has its handlers followed also where a connection middleware added them', async () => {
  app = await App.start('hostile.cjs', preload);
  const heard = await app.reader('record');
  const client = await app.client();
  client.emit('early', () => undefined);
  await fence(client);
  expect(await heard.drain()).toMatchObject({ open: 0 });
  expect(heard.of('ack')).toHaveLength(1);
});
