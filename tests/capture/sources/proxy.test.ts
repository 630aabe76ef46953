import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { ask, plain, proxied, type World } from './proxied.js';

let world: World;
afterEach(() => world.close());

/** What was told of each socket is what its ends saw: everything once, unaltered, in order. */
function agrees(): void {
  expect(world.of('warning')).toEqual([]);
  expect(new Set(world.of('connect').map(({ socket }) => socket.sid))).toEqual(new Set(world.seen.keys()));
  for (const [sid, seen] of world.seen) {
    const emits = world.of('emit').filter((event) => event.sid === sid);
    expect(plain(emits.map(({ event, args, asks }) => [event, ...args, ...(asks ? ['(ack)'] : [])]))).toEqual(plain(seen.emits));
    expect(emits.map(({ n }) => n)).toEqual(emits.map((_, i) => i + 1));
    expect(
      plain(
        world
          .of('ack')
          .filter((event) => event.sid === sid)
          .map(({ args }) => args),
      ),
    ).toEqual(plain(seen.acks));
    expect(
      plain(
        world
          .of('push')
          .filter(({ to }) => to[0] === sid)
          .map(({ event, args }) => [event, ...args]),
      ),
    ).toEqual(plain(seen.pushes));
    expect(
      plain(
        world
          .of('answer')
          .filter((event) => event.sid === sid)
          .map(({ args }) => args),
      ),
    ).toEqual(plain(seen.answers));
  }
}

describe.each([
  ['websocket', ['websocket']],
  ['polling', ['polling']],
  ['an upgrade', ['polling', 'websocket']],
])('over %s', (_, transports) => {
  test('everything is told once, unaltered and in order, also with two namespaces and several clients', async () => {
    world = await proxied();
    const alice = await world.client({ transports, auth: { name: 'alice' }, query: { room: 'a' } });
    const bob = await world.client({ transports });
    const admin = await world.client({ transports, forceNew: false }, '/admin');
    for (const client of [alice, bob, admin])
      client.on('question', (text: unknown, done: (...args: unknown[]) => void) => done(`re: ${text}`, Buffer.from([7])));
    expect(await ask(world, alice, 'echo')).toEqual([]);
    expect(await ask(world, alice, 'echo', { deep: [1, null, 'ü€😀'] })).toHaveLength(1);
    expect(await ask(world, bob, 'echo', 1, 'two', [3])).toHaveLength(3);
    expect(await ask(world, admin, 'echo', Buffer.from([1, 2]), { file: new Uint8Array(0), also: Buffer.from('x') })).toHaveLength(2);
    bob.emit('all', 'hello', Buffer.alloc(0));
    await ask(world, alice, 'quiz', 'why');
    await Promise.all(Array.from({ length: 50 }, (_, i) => ask(world, [alice, bob, admin][i % 3] as never, 'echo', i)));
    for (let i = 0; i < 50; i++) alice.emit('all', i);
    await ask(world, alice, 'echo', 'last');
    expect((await world.source.drain(2_000)).open).toBe(0);
    agrees();
    expect(world.of('connect').find(({ socket }) => socket.sid === alice.id)?.socket).toMatchObject({
      namespace: '/',
      transport: transports[0],
      user: null,
      address: '127.0.0.1',
      handshake: { auth: { name: 'alice' }, query: { EIO: '4', room: 'a' } },
    });
    expect(world.source.sessions().map(({ sid, namespace }) => [sid, namespace])).toContainEqual([admin.id, '/admin']);
    alice.disconnect();
    await world.until('disconnect', ({ sid, reason }) => sid !== bob.id && reason === 'client namespace disconnect');
    expect(world.source.sessions()).toHaveLength(2);
  });

  test('2 MB pass in both directions', async () => {
    world = await proxied();
    const alice = await world.client({ transports });
    const [bytes, text] = [randomBytes(2 * 1024 * 1024), randomBytes(1024 * 1024).toString('hex')];
    const answer = await ask(world, alice, 'echo', bytes, text);
    expect(Buffer.compare(answer[0] as Buffer, bytes)).toBe(0);
    await world.source.drain(2_000);
    agrees();
  });

  test('the server sends away, from the namespace or altogether', async () => {
    world = await proxied();
    const ids: (string | undefined)[] = [];
    for (const event of ['kick', 'kickAll']) {
      const client = await world.client({ transports });
      ids.push(client.id);
      client.emit(event);
      await world.until('disconnect', ({ sid }) => sid === ids.at(-1));
    }
    expect(world.of('disconnect').map(({ sid, reason }) => [sid, reason])).toEqual(ids.map((id) => [id, 'server namespace disconnect']));
  });

  test('the client drops its connection', async () => {
    world = await proxied();
    const alice = await world.client({ transports });
    await ask(world, alice, 'echo');
    const { id } = alice;
    alice.io.engine.close();
    expect(await world.until('disconnect')).toMatchObject({ sid: id, reason: 'transport close' });
  });

  test('the server dies, and comes back', async () => {
    world = await proxied();
    const alice = await world.client({ transports });
    await ask(world, alice, 'echo');
    const gone = new Promise((resolve) => alice.once('disconnect', resolve));
    await world.crash();
    await gone;
    expect(await world.until('disconnect')).toMatchObject({ reason: 'transport error' });
    await world.restart();
    const again = await world.client({ transports });
    expect(await ask(world, again, 'echo', 1)).toEqual([1]);
  });
});
