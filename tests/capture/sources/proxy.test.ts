import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import msgpack from 'socket.io-msgpack-parser';
import { afterEach, describe, expect, test } from 'vitest';
import type { Parser } from '../../../src/wire/parser.js';
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

test('a websocket that is tried beside polling and fails ends nothing', async () => {
  world = await proxied();
  const alice = await world.client({ transports: ['polling'] });
  const tried = request(`${world.url}/socket.io/?EIO=4&transport=websocket&sid=${alice.io.engine.id}`, {
    headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
  }).end();
  const [, socket] = (await once(tried, 'upgrade')) as [IncomingMessage, Duplex];
  socket.end();
  await once(socket.resume(), 'close');
  expect(await ask(world, alice, 'echo', 1)).toEqual([1]);
  await world.source.drain(1_000);
  agrees();
  expect(world.of('disconnect')).toEqual([]);
});

/** A parser of an application's own: everything is bytes. */
const ownParser = {
  Encoder: class {
    encode(packet: unknown): Buffer[] {
      return [Buffer.from(JSON.stringify(packet))];
    }
  },
  Decoder: class extends EventEmitter {
    add(bytes: Buffer): void {
      this.emit('decoded', JSON.parse(Buffer.from(bytes).toString()));
    }
    destroy(): void {}
  },
};

describe.each([
  ['msgpack', msgpack as unknown as Parser],
  ["an application's own", ownParser as unknown as Parser],
])('with the parser given, %s:', (name, parser) => {
  test.each([[['websocket']], [['polling']], [['polling', 'websocket']]])('everything is told over %s', async (transports) => {
    world = await proxied({ parser }, undefined, parser);
    const alice = await world.client({ transports, parser, auth: { name: 'alice' } });
    alice.on('question', (text: unknown, done: (...args: unknown[]) => void) => done(`re: ${text}`));
    expect(await ask(world, alice, 'echo', { deep: [1, null, 'ü€😀'] }, 2 ** 40)).toHaveLength(2);
    if (name === 'msgpack') expect(await ask(world, alice, 'echo', Buffer.from([1, 2]), { file: Buffer.from('x') })).toHaveLength(2);
    alice.emit('all', 'hello');
    await ask(world, alice, 'quiz', 'why');
    await world.source.drain(1_000);
    agrees();
    expect(world.of('connect')[0]?.socket.handshake.auth).toEqual({ name: 'alice' });
    alice.disconnect();
    expect(await world.until('disconnect')).toMatchObject({ reason: 'client namespace disconnect' });
  });
});

test('what a parser carries and JSON does not have is told as the probe tells it', async () => {
  const parser = msgpack as unknown as Parser;
  world = await proxied({ parser }, undefined, parser);
  const alice = await world.client({ transports: ['websocket'], parser });
  await ask(world, alice, 'echo', new Date(0), undefined, { gone: undefined });
  await world.source.drain(1_000);
  expect([world.of('emit')[0]?.args, world.of('ack')[0]?.args]).toEqual(Array(2).fill(['1970-01-01T00:00:00.000Z', null, {}]));
});

describe('what cannot be read', () => {
  test.each([[['websocket']], [['polling']]])('another parser passes over %s, with one warning', async (transports) => {
    const parser = ownParser;
    world = await proxied({ parser });
    const clients = [await world.client({ transports, parser }), await world.client({ transports, parser })];
    for (const client of clients) expect(await ask(world, client, 'echo', 'a', { b: 1 })).toEqual(['a', { b: 1 }]);
    await world.source.drain(1_000);
    expect(world.told).toMatchObject([{ type: 'warning', code: 'frames_unreadable' }]);
  });

  test('what a tap stumbles over passes, and is said', async () => {
    world = await proxied({}, (_, response) => void response.end('0{this is no handshake'));
    const response = await fetch(`${world.url}/other?EIO=4&transport=polling`);
    expect(await response.text()).toBe('0{this is no handshake');
    expect(world.told).toMatchObject([{ type: 'warning', code: 'proxy_tap' }]);
  });

  test('a websocket that is not of Socket.IO passes untouched, its compression too; a refused one is refused', async () => {
    world = await proxied();
    world.http.on('upgrade', ({ url, headers }, socket) => {
      if (url === '/refused') return socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno');
      if (url !== '/own') return undefined;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\nx-asked: ${headers['sec-websocket-extensions']}\r\n\r\nfirst`);
      return socket.pipe(socket);
    });
    const upgrade = (path: string) =>
      request(`${world.url}${path}`, { headers: { connection: 'upgrade', upgrade: 'other', 'sec-websocket-extensions': 'permessage-deflate' } }).end();
    const [answer, socket, head] = (await once(upgrade('/own'), 'upgrade')) as [IncomingMessage, Duplex, Buffer];
    expect(answer.headers['x-asked']).toBe('permessage-deflate');
    const bytes = randomBytes(300_000);
    socket.write(bytes);
    let echo = head;
    for await (const chunk of socket) {
      echo = Buffer.concat([echo, chunk as Buffer]);
      if (echo.length >= bytes.length + 5) break;
    }
    expect(Buffer.compare(echo, Buffer.concat([Buffer.from('first'), bytes]))).toBe(0);
    const [refused] = (await once(upgrade('/refused'), 'response')) as [IncomingMessage];
    expect([refused.statusCode, String((await once(refused, 'data'))[0])]).toEqual([403, 'no']);
    expect(world.told).toEqual([]);
  });

  test('an application that answers nothing but Socket.IO is recorded, and its silence holds nothing up', async () => {
    world = await proxied({}, null);
    const hanging = new AbortController();
    const asked = once(world.http, 'request');
    const unanswered = fetch(`${world.url}/`, { signal: hanging.signal }).catch((error: Error) => error.name);
    await asked;
    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      const socket = await world.client({ transports });
      expect(await ask(world, socket, 'echo', transports)).toEqual([transports]);
    }
    expect(await world.source.drain(2_000)).toEqual({ open: 0 });
    expect(world.of('ack').map(({ args }) => args)).toEqual([[['polling']], [['websocket']], [['polling', 'websocket']]]);
    expect(world.of('http')).toEqual([]);
    hanging.abort();
    expect(await unanswered).toBe('AbortError');
  });
});
