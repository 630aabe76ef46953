/** What Socket.IO's own encoder puts on the wire is what is told. */
import { encodePacket } from 'engine.io-parser';
import { Encoder, PacketType } from 'socket.io-parser';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Engine, type Follow, frameFollower, messagesOf } from '../../../src/capture/frames/follow.js';
import { type SourceEvent, sourceEventSchema } from '../../../src/capture/source.js';
import { any } from '../../../src/recording/values.js';
import { FENCE_EVENT } from '../../../src/wire/messages.js';
import fc from '../../fast-check.js';

let told: SourceEvent[];
let follow: Follow;
beforeEach(() => {
  told = [];
  follow = frameFollower((event) => told.push(event));
});

const ask = (transport = 'websocket') => ({ url: `/socket.io/?EIO=4&transport=${transport}&room=a`, address: '127.0.0.1', user: null });
const { CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, ACK } = PacketType;

interface Sent {
  type: PacketType;
  nsp?: string;
  data?: unknown;
  id?: number;
}
/** Messages of one packet: as on a websocket, or with base64 as in a polling body. */
function wire({ nsp = '/', ...packet }: Sent, binary = true): (string | Uint8Array)[] {
  const messages: (string | Uint8Array)[] = [];
  for (const data of new Encoder().encode({ nsp, ...packet })) encodePacket({ type: 'message', data }, binary, (encoded) => messages.push(encoded));
  return messages;
}
function client(engine: Engine, packet: Sent, at = 1): void {
  for (const message of wire(packet)) engine.client(message, at);
}
function server(engine: Engine, packet: Sent, at = 2): void {
  for (const message of wire(packet)) engine.server(message, at);
}
function connected(sid = 's1', nsp = '/', engine = follow(ask())): Engine {
  client(engine, { type: CONNECT, nsp, data: { token: 't' } });
  server(engine, { type: CONNECT, nsp, data: { sid } });
  return engine;
}
const of = <T extends SourceEvent['type']>(type: T) => told.filter((event): event is Extract<SourceEvent, { type: T }> => event.type === type);

describe('a connection', () => {
  test('is told when the server accepts it, with what the client said', () => {
    const engine = follow(ask());
    client(engine, { type: CONNECT, data: { token: 't' } });
    expect(told).toEqual([]);
    server(engine, { type: CONNECT, data: { sid: 's1' } }, 7);
    const query = { EIO: '4', transport: 'websocket', room: 'a' };
    const socket = { sid: 's1', namespace: '/', user: null, transport: 'websocket', address: '127.0.0.1', handshake: { auth: { token: 't' }, query }, at: 7 };
    expect(told).toEqual([{ type: 'connect', socket }]);
    expect(sourceEventSchema.parse(told[0])).toEqual(told[0]);
  });

  test('without auth has an empty one, as the server sees it', () => {
    const engine = follow(ask());
    client(engine, { type: CONNECT });
    server(engine, { type: CONNECT, data: { sid: 's1' } });
    expect(of('connect')[0]?.socket.handshake.auth).toEqual({});
  });

  test('that the server refuses is none', () => {
    const engine = follow(ask());
    client(engine, { type: CONNECT, nsp: '/nope' });
    server(engine, { type: CONNECT_ERROR, nsp: '/nope', data: { message: 'Invalid namespace' } });
    engine.closed('client', 3);
    expect(told).toEqual([]);
  });

  test('has the transport it was made on, also after an upgrade', () => {
    const engine = follow(ask('polling'));
    connected('s1', '/', engine);
    engine.client('5', 3);
    connected('s2', '/admin', engine);
    expect(of('connect').map(({ socket }) => [socket.namespace, socket.transport])).toEqual([
      ['/', 'polling'],
      ['/admin', 'websocket'],
    ]);
  });

  test('whose state can be recovered says so, and goes on counting under the same id', () => {
    const recovered = (data: object) => {
      const engine = follow(ask());
      client(engine, { type: CONNECT, data });
      server(engine, { type: CONNECT, data: { sid: 's1', pid: 'p1' } });
      client(engine, { type: EVENT, data: ['a'] });
      return engine;
    };
    recovered({}).closed('broken', 5);
    recovered({ pid: 'p1', offset: 'o1' });
    expect(of('connect').map(({ socket }) => [socket.sid, socket.recovery])).toEqual([
      ['s1', true],
      ['s1', true],
    ]);
    expect(of('emit').map(({ n }) => n)).toEqual([1, 2]);
  });

  test('whose state can be recovered has neither its offset in pushes nor its place in the handshake', () => {
    const engine = follow(ask());
    client(engine, { type: CONNECT, data: { pid: 'p1', offset: 'o1', token: 't' } });
    server(engine, { type: CONNECT, data: { sid: 's1', pid: 'p1' } });
    server(engine, { type: EVENT, data: ['told', 'own', 'o2'] });
    server(engine, { type: EVENT, data: ['asked', 'own'], id: 0 });
    server(engine, { type: EVENT, data: ['volatile', 1] });
    expect(of('connect')[0]?.socket.handshake.auth).toEqual({ token: 't' });
    expect(of('push').map(({ args }) => args)).toEqual([['own', any('string')], ['own'], [1]]);
  });

  test('that comes back before its death was seen ends first', () => {
    const first = connected('s1');
    connected('s1');
    first.closed('broken', 9);
    expect(told.map(({ type }) => type)).toEqual(['connect', 'disconnect', 'connect']);
  });
});

describe('events', () => {
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.string(),
      fc.uint8Array({ maxLength: 20 }),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('any'), { maxKeys: 3 }).filter((object) => !('_placeholder' in object)),
    ),
  })).any;
  const packet = fc.record({
    from: fc.constantFrom('client', 'server'),
    nsp: fc.constantFrom('/', '/admin'),
    event: fc.string().filter((name) => !/^(connect|connect_error|disconnect|disconnecting|newListener|removeListener)$/.test(name)),
    args: fc.array(value, { maxLength: 3 }),
    answer: fc.option(fc.array(value, { maxLength: 3 })),
    polling: fc.boolean(),
  });

  test('are told as they were sent: each once, unaltered, in order, with its answer', () => {
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 8 }), (packets) => {
        told = [];
        const engine = follow(ask());
        const sids = { '/': 'root', '/admin': 'admin' };
        for (const [nsp, sid] of Object.entries(sids)) connected(sid, nsp, engine);
        told = [];
        const expected: unknown[] = [];
        const counts: Record<string, number> = { root: 0, admin: 0 };
        const send = (from: string, sent: Sent, polling: boolean): void => {
          const messages = polling ? messagesOf(wire(sent, false).join('\x1e')) : wire(sent);
          for (const message of messages) engine[from as 'client' | 'server'](message, 1);
        };
        for (const [id, { from, nsp, event, args, answer, polling }] of packets.entries()) {
          const sid = sids[nsp as '/'];
          const asks = answer !== null;
          send(from, { type: EVENT, nsp, data: [event, ...args], ...(asks && { id }) }, polling);
          if (answer) send(from === 'client' ? 'server' : 'client', { type: ACK, nsp, data: answer, id }, polling);
          if (from === 'client') {
            const n = ++(counts as { root: number })[sid as 'root'];
            expected.push({ type: 'emit', sid, n, event, args, asks, at: 1 });
            if (answer) expected.push({ type: 'ack', sid, n, args: answer, at: 1 });
          } else {
            expected.push({ type: 'push', cause: null, event, args, to: [sid], asks, at: 1 });
            if (answer) expected.push({ type: 'answer', sid, args: answer, at: 1 });
          }
        }
        const wireForm = (list: unknown) => JSON.parse(JSON.stringify(list, (_, item) => (item instanceof Uint8Array ? { bytes: [...item] } : item)));
        const withoutNumbers = told.map((event) => {
          const { push: _, ...rest } = { push: 0, ...event };
          return rest;
        });
        expect(wireForm(withoutNumbers)).toEqual(wireForm(expected));
        const numbers = of('push').map(({ push }) => push);
        expect(new Set(numbers).size).toBe(numbers.length);
        expect(of('answer').every(({ push }) => numbers.includes(push))).toBe(true);
      }),
    );
  });

  test('bytes are a copy, because buffers are used again', () => {
    const engine = connected();
    const [text = '', bytes = ''] = wire({ type: EVENT, data: ['file', Buffer.from([1, 2])] });
    engine.client(text, 1);
    engine.client(bytes, 1);
    (bytes as Uint8Array).fill(9);
    expect(of('emit')[0]?.args).toEqual([new Uint8Array([1, 2])]);
  });

  test('an acknowledgement that nobody asked for, and a second one, are nothing', () => {
    const engine = connected();
    client(engine, { type: EVENT, data: ['a'], id: 0 });
    for (const id of [0, 0, 5]) server(engine, { type: ACK, data: [], id });
    client(engine, { type: ACK, data: [], id: 3 });
    expect(told.map(({ type }) => type)).toEqual(['connect', 'emit', 'ack']);
  });

  test("the harness's own are neither told nor counted", () => {
    const engine = connected();
    client(engine, { type: EVENT, data: [FENCE_EVENT], id: 0 });
    server(engine, { type: ACK, data: [], id: 0 });
    client(engine, { type: EVENT, data: ['a'] });
    expect(told.slice(1)).toMatchObject([{ type: 'emit', n: 1, event: 'a' }]);
  });

  test('pushes that were on their way when the client said goodbye are told, its later events are not', () => {
    const engine = connected();
    client(engine, { type: DISCONNECT });
    server(engine, { type: EVENT, data: ['late'] });
    client(engine, { type: EVENT, data: ['ignored'] });
    expect(told.map(({ type }) => type)).toEqual(['connect', 'disconnect', 'push']);
  });
});

describe('the end', () => {
  const ends: [what: string, reason: string, end: (engine: Engine) => void][] = [
    ['the client leaves', 'client namespace disconnect', (engine) => client(engine, { type: DISCONNECT })],
    ['the server sends it away', 'server namespace disconnect', (engine) => server(engine, { type: DISCONNECT })],
    ['the client drops the connection', 'transport close', (engine) => engine.closed('client', 3)],
    ['the server closes the connection', 'forced server close', (engine) => engine.closed('server', 3)],
    ['the connection breaks', 'transport error', (engine) => engine.closed('broken', 3)],
  ];
  test.each(ends)('%s', (_, reason, end) => {
    const engine = connected();
    end(engine);
    engine.closed('client', 9);
    expect(of('disconnect').map((event) => event.reason)).toEqual([reason]);
  });

  test('the server closes because no pong came', () => {
    const engine = connected();
    engine.server('2', 3);
    engine.client('3', 4);
    engine.server('2', 5);
    engine.closed('server', 6);
    expect(of('disconnect')).toEqual([{ type: 'disconnect', sid: 's1', reason: 'ping timeout', at: 6 }]);
  });

  test('the server closes after a pong came', () => {
    const engine = connected();
    engine.server('2', 3);
    engine.client('3', 4);
    engine.closed('server', 5);
    expect(of('disconnect')).toMatchObject([{ reason: 'forced server close' }]);
  });

  test('a polling connection is closed by a packet; after the upgrade that means only the old transport', () => {
    const [stays, goes] = ['s1', 's2'].map((sid) => connected(sid, '/', follow(ask('polling'))));
    stays?.client('5', 3);
    stays?.server('1', 4);
    goes?.client('1', 5);
    expect(of('disconnect')).toEqual([{ type: 'disconnect', sid: 's2', reason: 'transport close', at: 5 }]);
  });
});

describe('what cannot be read', () => {
  test('is one warning, and nothing afterwards', () => {
    for (const engine of [connected('s1'), connected('s2')]) {
      engine.client(Buffer.from([0x82]), 3);
      client(engine, { type: EVENT, data: ['a'] });
    }
    expect(told.map(({ type }) => type)).toEqual(['connect', 'connect', 'warning']);
    expect(of('warning')[0]).toMatchObject({ code: 'frames_unreadable' });
  });

  test.each(['4', '4x', '42', '451-["a",{"_placeholder":true,"num":7}]', '40{"sid":5}', '', 'x', '42["connect"]'])('hostile text %j does not throw', (text) => {
    for (const from of ['client', 'server'] as const) {
      const engine = connected();
      engine[from](text, 3);
      engine[from](new Uint8Array(3), 3);
    }
    for (const event of told) expect(sourceEventSchema.parse(event)).toEqual(event);
  });

  const nested = (depth: number, leaf = '1'): string => `${'['.repeat(depth)}${leaf}${']'.repeat(depth)}`;
  test('an event of any depth that the probe takes too is told', () => {
    client(connected(), { type: EVENT, data: ['deep', JSON.parse(nested(200))] });
    expect(told.map(({ type }) => type)).toEqual(['connect', 'emit']);
  });
  test.each([
    ['deeper than the probe goes', (levels: string) => `42["deep",${levels}]`, 202],
    ['far deeper', (levels: string) => `42["deep",${levels}]`, 100_000],
    ['with an acknowledgement', (levels: string) => `421["deep",${levels}]`, 100_000],
  ])('an event nested %s is lost, with the reason once, and what follows is told', (_, message, depth) => {
    const engine = connected();
    engine.client(message(nested(depth)), 3);
    engine.server(message(nested(depth)), 3);
    client(engine, { type: EVENT, data: ['next'] });
    expect(told.map(({ type }) => type)).toEqual(['connect', 'warning', 'lost', 'lost', 'emit']);
    expect(of('warning')[0]).toMatchObject({ code: 'frames_too_deep', message: expect.stringContaining('deeper than 200 levels') });
    // As the server counts.
    expect(of('emit')[0]).toMatchObject({ n: 2, event: 'next' });
  });
  test('neither does an attachment in such an event end the recording of its connection', () => {
    const engine = connected();
    engine.server(`451-["deep",${nested(50_000, '{"_placeholder":true,"num":0}')}]`, 3);
    engine.server(new Uint8Array(3), 3);
    server(engine, { type: EVENT, data: ['next'] });
    expect(told.map(({ type }) => type)).toEqual(['connect', 'warning', 'lost', 'push']);
  });
  test('a handshake of such a depth connects without it', () => {
    const engine = follow(ask());
    engine.client(`40{"a":${nested(100_000)}}`, 1);
    server(engine, { type: CONNECT, data: { sid: 's1' } });
    expect(of('connect')[0]?.socket.handshake.auth).toEqual({});
    expect(of('lost')).toHaveLength(1);
  });

  test('an older protocol is one warning', () => {
    for (const url of ['/socket.io/?EIO=3&transport=polling', '/socket.io/?transport=polling']) connected('s1', '/', follow({ ...ask(), url }));
    expect(told).toMatchObject([{ type: 'warning', code: 'frames_protocol' }]);
  });
});
