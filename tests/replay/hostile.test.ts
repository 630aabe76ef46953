import { afterEach, describe, expect, it } from 'vitest';
import { createCopies } from '../../src/replay/copies.js';
import { createLedger } from '../../src/replay/ledger.js';
import { addPush, newRun } from '../../src/replay/state.js';
import { createWrites } from '../../src/replay/writes.js';
import { closeAll, connect, differences, emit, goodbye, inputOf, type ProbedWorld, recorded, run, serve, serveProbed } from './world.js';

let probed: ProbedWorld | undefined;
afterEach(async () => {
  await probed?.close();
  probed = undefined;
  await closeAll();
});

const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value };
  return value;
};

const hostile = [
  [
    'thousands of pushes in one tick',
    'flood',
    (push: (event: string, ...args: unknown[]) => void) => {
      for (let i = 0; i < 5000; i++) push('flood', i);
    },
  ],
  [
    'a huge push',
    'huge',
    (push: (event: string, ...args: unknown[]) => void) =>
      push(
        'huge',
        'x'.repeat(900_000),
        Array.from({ length: 50_000 }, (_, i) => i),
      ),
  ],
  [
    'event names of every kind',
    'constructor',
    (push: (event: string, ...args: unknown[]) => void) => {
      for (const event of ['__proto__', 'constructor', 'a\nb', '', 'x.y[0]', 'toString']) push(event, { ['__proto__']: 1, constructor: 2 });
    },
  ],
  ['values nested 200 levels deep', 'deep', (push: (event: string, ...args: unknown[]) => void) => push('deep', deep(195))],
  ['values nested deeper than anybody walks', 'deeper', (push: (event: string, ...args: unknown[]) => void) => push('deeper', deep(2000))],
] as const;

describe('a hostile server', () => {
  for (const [what, event, attack] of hostile)
    for (const under of ['without', 'under'] as const)
      it(`that sends ${what} breaks nothing, ${under} the probe`, async () => {
        const setup: Parameters<typeof serve>[0] = (io) =>
          io.on('connection', (socket) => {
            socket.on('attack', (reply: (...args: unknown[]) => void) => {
              attack((name, ...args) => socket.emit(name, ...args));
              reply();
            });
            socket.on('calm', (reply: () => void) => reply());
          });
        if (under === 'under') probed = await serveProbed('', setup);
        const world = probed ?? (await serve(setup));
        const { traces, records, end, took } = await run(
          world,
          recorded('hostile', { alice: [connect(), emit('attack', [], { ack: [] }), emit('calm', [], { ack: [] }), goodbye()] }),
          { ackTimeout: 2000 },
        );
        expect(traces['0/alice/3']?.outcome).toBe('passed');
        const found = Object.values(traces).flatMap((trace) => trace.differences ?? []);
        expect(found.some((difference) => difference.path.includes(event) && difference.class === 'added')).toBe(true);
        expect(found.length).toBeLessThanOrEqual(201);
        expect(JSON.stringify(records).length).toBeLessThan(1_000_000);
        expect(end.verdict).toBe('failed');
        expect(took).toBeLessThan(5000);
      });

  it('that acknowledges with what nobody can walk', async () => {
    const world = await serve((io) => io.on('connection', (socket) => socket.on('ask', (reply: (value: unknown) => void) => reply(deep(2000)))));
    const { traces } = await run(world, recorded('deepAck', { alice: [connect(), emit('ask', [], { ack: [1] })] }));
    expect(traces['0/alice/1']).toMatchObject({ outcome: 'mismatch', differences: [{ path: 'ack[0]', class: 'type' }] });
  });

  it('is judged on keys and events that objects have by nature', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) =>
        socket.on('ask', (reply: (value: unknown) => void) => {
          socket.emit('__proto__', JSON.parse('{"__proto__":1}'));
          reply({ a: 1 });
        }),
      ),
    );
    const args = [JSON.parse('{"__proto__":1}')];
    const { traces } = await run(
      world,
      recorded('proto', {
        alice: [connect(), emit('ask', [], { ack: [JSON.parse('{"a":1,"__proto__":2}')], pushes: [{ to: 'alice', event: '__proto__', args }] })],
      }),
    );
    expect(differences(traces['0/alice/1'])).toEqual(['ack[0].__proto__ removed']);
  });
});

describe('without a probe', () => {
  it('a push too many, or to the wrong session, is seen when alone', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) =>
        socket.on('tell', (times: number, reply: () => void) => {
          for (let i = 0; i < times; i++) io.emit('news', i);
          setTimeout(reply, 20);
        }),
      ),
    );
    const recording = (times: number, to: string[]) =>
      recorded('tell', {
        alice: {
          times: [
            [0, 1],
            [10, 5],
          ],
          traces: [connect(), emit('tell', [times], { ack: [], pushes: [{ to, event: 'news', args: [0] }] })],
        },
        bob: { times: [[0, 1]], traces: [connect()] },
      });
    expect((await run(world, recording(1, ['alice', 'bob']))).end.verdict).toBe('finished');
    const leak = await run(world, recording(1, ['alice']));
    expect(differences(leak.traces['0/bob/0'])).toEqual(['pushes.bob.news added']);
    expect((await run(world, recording(2, ['alice', 'bob']))).end.verdict).toBe('failed');
  });

  it('a push with another content is a value that differs, also among others', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) =>
        socket.on('tell', (reply: () => void) => {
          socket.emit('news', 'new');
          reply();
        }),
      ),
    );
    const recording = recorded('tell', { alice: [connect(), emit('tell', [], { ack: [], pushes: [{ to: 'alice', event: 'news', args: ['old'] }] })] });
    for (const copies of [1, 2])
      expect(differences((await run(world, recording, { copies, ackTimeout: 150 })).traces['0/alice/1'])).toEqual(['pushes.alice.news[0] value']);
  });
});

describe('what has passed', () => {
  it('leaves a few numbers, no observation', async () => {
    const input = inputOf(
      await serve(() => {}),
      recorded('memory', { alice: [connect(), emit('x', [], { pushes: [{ to: 'alice', event: 'y', args: ['one'] }] })] }),
      { copies: 2 },
    );
    const copies = createCopies(input);
    const [session] = copies[0]?.sessions ?? [];
    if (!session) throw new Error('no session');
    const ledger = createLedger(input, copies, createWrites(), { connected: 0, clients: 1, settled: 0, traces: 2, failed: 0 }, 0);
    const run = newRun(session, 1, session.session.traces[1] ?? {}, input);
    session.running.set(1, run);
    addPush(run, { to: 'alice', event: 'y', args: ['one'] });
    ledger.changed(run);
    expect(session.running.size).toBe(0);
    expect([...session.passed]).toEqual([[1, { startedAt: null, latency: null, compared: { value: 1, type: 0, ignored: 0 } }]]);
  });
});
