import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hashArgs } from '../../src/wire/encode.js';
import { App, bundlePreload, emitAck, fence, temporary } from './helper.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('what a client sends', () => {
  it('is numbered from 1 a connection, with its arguments and acknowledgements', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader();
    const alice = await app.client({ auth: { token: 't' }, query: { page: '7' } });
    const bob = await app.client();
    alice.emit('plain', 1, null, 'x', Buffer.from([1, 2]));
    expect(await emitAck(alice, 'echo', 0, '', false, { a: [undefined, 1] })).toEqual([0, '', false, { a: [null, 1] }]);
    expect(await emitAck(bob, 'ackNothing')).toEqual([]);
    expect(await emitAck(alice, 'ackTwice')).toEqual(['first']);
    alice.close();
    await heard.count('disconnect', 1);
    const mine = heard.all
      .filter((message) => (message.type === 'emit' || message.type === 'ack') && message.sid !== bob.id)
      .map(({ type, ...rest }) => ({ type, ...rest, sid: 0, at: 0 }));
    expect(mine).toEqual([
      { type: 'emit', sid: 0, n: 1, event: 'plain', args: [1, null, 'x', { '!binary': 'AQI=' }], asks: false, at: 0 },
      { type: 'emit', sid: 0, n: 2, event: 'echo', args: [0, '', false, { a: [null, 1] }], asks: true, at: 0 },
      { type: 'ack', sid: 0, n: 2, args: [0, '', false, { a: [null, 1] }], at: 0 },
      { type: 'emit', sid: 0, n: 3, event: 'ackTwice', args: [], asks: true, at: 0 },
      { type: 'ack', sid: 0, n: 3, args: ['first'], at: 0 },
    ]);
    expect(heard.of('ack').filter(({ sid }) => sid === bob.id)).toMatchObject([{ n: 1, args: [] }]);
    const { socket } = heard.of('connect')[0]!;
    expect(socket).toMatchObject({
      namespace: '/',
      transport: 'websocket',
      address: '127.0.0.1',
      user: null,
      handshake: { auth: { token: 't' }, query: { page: '7' } },
    });
    expect(heard.of('disconnect')[0]).toMatchObject({ sid: socket.sid, reason: 'client namespace disconnect' });
  });

  it.each([
    [{ as: 'username', name: 'ann' }, 'ann'],
    [{ as: 'username', name: 'ann', id: 7 }, 'ann'],
    [{ as: 'user', id: 7, age: 3 }, '7'],
    [{ as: 'data', username: 'ann', age: 3 }, 'ann'],
    [{ as: 'username', name: { first: 'ann' } }, null],
  ])('comes from somebody whom the application notes at the socket: %o', async (auth, user) => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader();
    await app.client({ auth });
    expect((await heard.count('connect', 1))[0]).toMatchObject({ socket: { user } });
  });

  it('goes on counting after the state of a connection was recovered', async () => {
    app = await App.start('app.mjs', preload, { env: { APP_RECOVERY: '1' } });
    const heard = await app.reader();
    const client = await app.client({ reconnection: false });
    const { id } = client;
    // The offset by which Socket.IO recovers comes with the first push.
    await heard.count('push', 1);
    await emitAck(client, 'ackNothing');
    client.io.engine.close();
    // A server that has not noticed yet has nothing to recover.
    await heard.count('disconnect', 1);
    client.connect();
    await new Promise((resolve) => client.once('connect', () => resolve(undefined)));
    expect([client.recovered, client.id]).toEqual([true, id]);
    await emitAck(client, 'ackNothing');
    await heard.drain();
    expect(heard.of('emit').map(({ sid, n }) => [sid, n])).toEqual([
      [id, 1],
      [id, 2],
    ]);
    expect(heard.of('connect').map(({ socket }) => socket.sid)).toEqual([id, id]);
  });

  it('arrives on polling as well, and causes what it causes', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader();
    const client = await app.client({ transports: ['polling'] });
    await emitAck(client, 'slow', 'p', [1]);
    await heard.drain();
    expect(heard.of('push').at(-1)).toMatchObject({ event: 'slowDone', cause: `${client.id}:1` });
    expect(heard.of('change').at(-1)).toMatchObject({ cause: `${client.id}:1`, after: { who: 'p' } });
  });
});

describe('what the server sends', () => {
  it('is one message an emission, however many receive it', async () => {
    app = await App.start('app.mjs', preload);
    const [heard, replay] = [await app.reader(), await app.reader('replay')];
    const clients = await Promise.all(Array.from({ length: 12 }, () => app.client()));
    const [first] = clients as [(typeof clients)[0]];
    await emitAck(first, 'broadcast', 'all', { value: 1 });
    await heard.drain();
    const [news, others] = heard.of('push').filter(({ event }) => event === 'news' || event === 'others');
    const ids = clients.map(({ id }) => id).sort();
    expect(news).toMatchObject({ cause: `${first.id}:1`, event: 'news', args: [{ value: 1 }], hash: '', asks: false });
    await replay.drain();
    const { args: _, ...told } = news!;
    expect(replay.of('push').find(({ event }) => event === 'news')).toEqual({ ...told, hash: hashArgs([{ value: 1 }]) });
    expect([...news!.to].sort()).toEqual(ids);
    expect([...others!.to].sort()).toEqual(ids.filter((id) => id !== first.id));
    expect(heard.of('push').filter(({ event }) => event === 'news')).toHaveLength(1);
    const numbers = heard.of('push').map(({ push }) => push);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('names who a broadcast left out, also where it reached nobody', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader();
    const alone = await app.client();
    await emitAck(alone, 'broadcast', 'all', 1);
    await heard.drain();
    const pushes = heard.of('push').filter(({ event }) => event === 'news' || event === 'others');
    // `news` went to everybody, `others` to all but its sender.
    expect(pushes.map(({ event, to, except, cause }) => ({ event, to, except, cause }))).toEqual([
      { event: 'news', to: [alone.id], except: undefined, cause: `${alone.id}:1` },
      { event: 'others', to: [], except: [alone.id], cause: `${alone.id}:1` },
    ]);
  });

  it('is grouped also where every emission goes through the adapter that recovers', async () => {
    app = await App.start('app.mjs', preload, { env: { APP_RECOVERY: '1' } });
    const heard = await app.reader('replay');
    const clients = await Promise.all([app.client(), app.client(), app.client()]);
    const received = new Promise<unknown[]>((resolve) => clients[0].once('news', (...args) => resolve(args)));
    await emitAck(clients[0], 'broadcast', 'all', 5);
    await heard.drain();
    const news = heard.of('push').filter(({ event }) => event === 'news');
    expect(news.map(({ to }) => to.length)).toEqual([3]);
    // The recovery's offset is part of what both ends see.
    expect(news[0]!.hash).toBe(hashArgs(await received));
    expect(heard.of('push').filter(({ event }) => event === 'welcome')).toHaveLength(3);
  });

  it('carries the answers of its receivers, and their consequences their cause', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader();
    const clients = await Promise.all([app.client(), app.client()]);
    for (const [index, client] of clients.entries()) client.on('question', (id, answer) => answer(`${id} from ${index}`));
    clients[0].emit('asks', 'one');
    const [thanks] = await new Promise<unknown[]>((resolve) => clients[0].once('thanks', (...args) => resolve(args)));
    expect(thanks).toBe('one from 0');
    clients[1].emit('asksAll', 'two');
    await new Promise((resolve) => clients[1].once('allThanks', resolve));
    await heard.until(() => heard.of('push').some(({ event }) => event === 'allThanks'));
    const [one, two] = heard.of('push').filter(({ event }) => event === 'question');
    expect([one, two]).toMatchObject([{ asks: true, to: [clients[0].id] }, { asks: true }]);
    expect(heard.of('answer').map(({ push, sid, args }) => ({ push, sid, args }))).toEqual(
      expect.arrayContaining([
        { push: one!.push, sid: clients[0].id, args: ['one from 0'] },
        { push: two!.push, sid: clients[0].id, args: ['two from 0'] },
        { push: two!.push, sid: clients[1].id, args: ['two from 1'] },
      ]),
    );
    expect(heard.of('push').find(({ event }) => event === 'thanks')!.cause).toBe(`${clients[0].id}:1`);
    expect(heard.of('push').find(({ event }) => event === 'allThanks')!.cause).toBe(`${clients[1].id}:1`);
  });

  it('counts a volatile push as handed over, and marks what a timer sent', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader('replay');
    const client = await app.client();
    client.emit('volatile');
    client.emit('beats', 'b');
    await heard.until(() => heard.of('push').filter(({ event }) => event === 'beat').length > 1);
    expect(heard.of('push').find(({ event }) => event === 'maybe')).toMatchObject({ cause: `${client.id}:1`, to: [client.id] });
    expect(
      new Set(
        heard
          .of('push')
          .filter(({ event }) => event === 'beat')
          .map(({ cause }) => cause),
      ),
    ).toEqual(new Set([`${client.id}:2~`]));
  });
});

describe('causes', () => {
  it('are right under 50 concurrent handlers with timers and nested awaits', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader('replay');
    const clients = await Promise.all([app.client(), app.client(), app.client(), app.client(), app.client()]);
    await Promise.all(
      clients.flatMap((client, c) => Array.from({ length: 10 }, (_, i) => emitAck(client, 'slow', `${c}-${i}`, [(i * 7) % 5, (c * 3) % 4, 1]))),
    );
    expect(await heard.drain()).toMatchObject({ open: 0 });
    const emitted = new Map<string, string>(
      clients.flatMap((client, c) => Array.from({ length: 10 }, (_, i) => [`${c}-${i}`, `${client.id}:${i + 1}`] as const)),
    );
    const rows = heard.of('change').map(({ cause, after }) => [after!.who, cause]);
    expect(rows).toHaveLength(50);
    for (const [who, cause] of rows) expect(cause).toBe(emitted.get(String(who)));
    const done = heard.of('push').filter(({ event }) => event === 'slowDone');
    const expected = [...emitted].map(([id, cause]) => `${cause} ${hashArgs([id])}`);
    expect(done.map(({ cause, hash }) => `${cause} ${hash}`).sort()).toEqual(expected.sort());
    expect(heard.of('ack').every(({ args }) => args === undefined)).toBe(true);
  });

  it('reach onAny listeners, deferred work after the acknowledgement, requests, connects and disconnects', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader();
    const client = await app.client();
    const { id } = client;
    client.emit('anyEmits', 'x');
    await emitAck(client, 'later', 'l', 10);
    await emitAck(client, 'fetches', 'f', 10);
    await heard.drain();
    await fetch(`http://127.0.0.1:${app.port}/write`);
    client.close();
    await heard.until(() => heard.of('change').some(({ after }) => after?.who === 'gone'));
    const causes = Object.fromEntries(heard.of('push').map(({ event, cause }) => [event, cause]));
    expect(causes).toEqual({ welcome: `${id}:0`, fromAny: `${id}:1`, laterDone: `${id}:2~`, fetched: `${id}:3` });
    const rows = Object.fromEntries(heard.of('change').map(({ after, cause }) => [after!.who, cause]));
    expect(rows).toEqual({ l: `${id}:2~`, f: `${id}:3`, http: expect.stringMatching(/^http:\d+$/), gone: `${id}:x` });
  });
});

describe('the end of what a trace started', () => {
  it('is awaited: handlers, timers, requests to other services; not intervals', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader('replay');
    const client = await app.client();
    await emitAck(client, 'later', 'l', 60);
    expect(await heard.drain()).toMatchObject({ open: 0 });
    expect(heard.of('change').map(({ after }) => after!.who)).toEqual(['l']);
    await emitAck(client, 'fetches', 'f', 60);
    expect(await heard.drain()).toMatchObject({ open: 0 });
    expect(heard.of('change').map(({ after }) => after!.who)).toEqual(['l', 'f']);
    // No acknowledgement to wait for: the fence tells that the event has been handed over.
    client.emit('slow', 's', [30, 30], 'no ack');
    client.emit('beats', 'b');
    await fence(client);
    const { open, waited } = await heard.drain();
    expect(open).toBe(0);
    expect(waited).toBeLessThan(2_000);
    expect(heard.of('change').map(({ after }) => after!.who)).toEqual(['l', 'f', 's']);
  });

  it('that does not come is counted, and later work of others is not waited for', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader('replay');
    const client = await app.client();
    client.emit('never');
    await fence(client);
    const { open, waited } = await heard.drain(50);
    expect(open).toBe(1);
    expect(waited).toBeGreaterThanOrEqual(50);
    expect(waited).toBeLessThan(1_000);
  });

  it('does not wait for a timer that is due later than the drain may take', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader('replay');
    const client = await app.client();
    await emitAck(client, 'later', 'l', 60_000);
    const { open, waited } = await heard.drain(2_000);
    expect(open).toBe(0);
    expect(waited).toBeLessThan(1_000);
  });

  it('is known by the fence, which the application never sees', async () => {
    app = await App.start('app.mjs', preload);
    const heard = await app.reader();
    const client = await app.client();
    const seen: string[] = [];
    client.onAny((event) => seen.push(event));
    for (let i = 0; i < 50; i += 1) {
      client.emit('broadcast', 'all', i);
      await fence(client);
      expect(seen.filter((event) => event === 'news')).toHaveLength(i + 1);
    }
    await heard.drain();
    expect(heard.of('emit').map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(heard.of('emit').every(({ event }) => event === 'broadcast')).toBe(true);
  });
});
