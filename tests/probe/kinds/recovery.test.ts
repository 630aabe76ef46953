import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { App, bundlePreload, temporary } from '../helper.js';
import { hashesOf } from './compare.js';
import { connected, managed, observe } from './observer.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('what a recovered connection missed is told when it is sent again: once, equal, as what its connect made happen', async () => {
  app = await App.start('kinds/http.cjs', preload, { env: { APP_RECOVERY: '1' } });
  const heard = await app.reader();
  const replaying = await app.reader('replay');
  const alice = await connected(observe(managed(app.port)));
  const bob = await connected(observe(managed(app.port)));
  await alice.pushes('ready');
  await bob.pushes('ready');
  await bob.ask('joins', 'r1');
  const { sid } = alice;
  alice.socket.io.engine.close();
  await heard.until(() => heard.of('disconnect').length === 1);
  await bob.pushes('leftLater');
  await bob.ask('rooms');
  const known = alice.received.length;
  await connected(alice);
  expect([alice.socket.recovered, alice.sid]).toEqual([true, sid]);
  await alice.pushes('ready', 2);
  await heard.drain();
  await replaying.drain();
  const hashes = hashesOf(replaying);
  const seen = alice.received.slice(known);
  // Its own leaving too; not what went to a room that it was not in. Then what the new connection makes the application send.
  const missed = ['leaving', 'left', 'toTheGone', 'leftLater', 'toAll', 'toOthers', 'toOthersExcept'];
  expect(seen.map(({ event }) => event)).toEqual([...missed, 'hello', 'ready']);
  const back = heard.all.findLastIndex((message) => message.type === 'connect');
  const told = heard.all.slice(back).filter((message) => message.type === 'push');
  expect(told.map(({ to, cause, event, args, push, offset }) => ({ to, cause, event, args, hash: hashes.get(push), offset }))).toEqual(
    seen.map(({ event, args, hash }) => ({ to: [sid], cause: `${sid}:0`, event, args, hash, offset: true })),
  );
  // Nothing of it was told as received before.
  const before = heard.all.slice(0, back).filter((message) => message.type === 'push' && message.to.includes(sid));
  expect(before).toHaveLength(known);
  // What the client asked recovery with is not the user's.
  expect(heard.of('connect').map(({ socket }) => socket.handshake.auth)).toEqual([{}, {}, {}]);
});
