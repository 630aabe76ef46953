import { afterEach, describe, expect, it } from 'vitest';
import type { ReplayInput } from '../../src/replay/replay.js';
import { closeAll, connect, emit, goodbye, type Outcome, recorded, run, serve, serveProbed, type World } from './world.js';

afterEach(closeAll);

/** Nothing of ours is open any more: no socket at the server, no connection and no timer here. */
async function expectNothingLeft(world: World, before: string[]): Promise<void> {
  for (let i = 0; i < 100 && world.io.engine.clientsCount > 0; i++) await new Promise((done) => setTimeout(done, 5));
  expect(world.io.engine.clientsCount).toBe(0);
  const now = process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name.startsWith('TCPSocket'));
  expect(now.length).toBeLessThanOrEqual(before.length);
}

const resources = (): string[] => process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name.startsWith('TCPSocket'));

/** Aborted as soon as `reached` is. */
async function aborted(
  world: World,
  session: Parameters<typeof recorded>[1],
  reached: Promise<unknown>,
  more: Partial<ReplayInput> = {},
): Promise<Outcome & { late: number }> {
  const controller = new AbortController();
  let at = 0;
  void reached.then(() => {
    at = performance.now();
    controller.abort();
  });
  const outcome = await run(world, recorded('aborted', session), { ackTimeout: 5000, connectTimeout: 5000, signal: controller.signal, ...more });
  return { ...outcome, late: performance.now() - at };
}

/** A moment of the test, and what tells of it. */
function moment(): { reached: Promise<void>; reach: () => void } {
  let reach = (): void => {};
  const reached = new Promise<void>((done) => {
    reach = done;
  });
  return { reached, reach };
}

const people = { alice: { user: 'alice', traces: [connect(), emit('hang', [], { ack: [] }), emit('echo', [], { ack: [] }), goodbye()] } };
const hanging = (hangs: () => void = () => {}) =>
  serve((io) =>
    io.on('connection', (socket) => {
      socket.on('hang', () => hangs());
      socket.on('echo', (reply: () => void) => reply());
    }),
  );
const login = async () => ({ took: 1 });

describe('an abort', () => {
  it('before it begins: nothing is sent', async () => {
    const world = await hanging();
    const controller = new AbortController();
    controller.abort();
    const { outcomes, end } = await run(world, recorded('aborted', people), { signal: controller.signal, login });
    expect([...new Set(Object.values(outcomes))]).toEqual(['aborted']);
    expect(end.verdict).toBe('interrupted');
    expect(world.io.engine.clientsCount).toBe(0);
  });

  it('while it logs in, also while others wait for their turn', async () => {
    const world = await hanging();
    const before = resources();
    const { reached, reach } = moment();
    let logins = 0;
    const { outcomes, end, late, sessions } = await aborted(
      world,
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`s${i}`, { user: `u${i}`, traces: [connect(), emit('echo', [], { ack: [] })] }])),
      reached,
      {
        login: (_, signal) => {
          if (++logins === 4) setImmediate(reach);
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))));
        },
      },
    );
    expect(logins).toBe(4);
    expect([...new Set(Object.values(outcomes))]).toEqual(['aborted']);
    expect(sessions).toEqual([]);
    expect(end.verdict).toBe('interrupted');
    expect(late).toBeLessThan(2000);
    await expectNothingLeft(world, before);
  });

  it('while it connects', async () => {
    const { reached, reach } = moment();
    const world = await serve((io) => io.use((socket, next) => (socket.handshake.query.n === '0' ? next() : undefined)));
    const before = resources();
    const { outcomes, end, late } = await aborted(
      world,
      Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`s${i}`, [{ connect: { namespace: '/', query: { n: i } } }, emit('echo', [], { ack: [] })]])),
      reached,
      { progress: ({ settled }) => settled > 0 && reach() },
    );
    expect([...new Set(Object.values(outcomes))].sort()).toEqual(['aborted', 'passed']);
    expect(end.verdict).toBe('interrupted');
    expect(late).toBeLessThan(2000);
    await expectNothingLeft(world, before);
  });

  it('in the middle: what is under way and what never began is aborted, what passed stays', async () => {
    const { reached, reach } = moment();
    const world = await hanging(reach);
    const before = resources();
    const { traces, end, late, summary } = await aborted(world, people, reached, { login });
    expect(Object.values(traces).map(({ outcome, start }) => [outcome, start === null])).toEqual([
      ['passed', false],
      ['aborted', false],
      ['aborted', true],
      ['aborted', true],
    ]);
    expect(summary.verdict).toBe(end.verdict);
    expect(end.verdict).toBe('interrupted');
    expect(late).toBeLessThan(2000);
    await expectNothingLeft(world, before);
  });

  it('while names are awaited, and while recorded gaps are', async () => {
    const world = await hanging();
    const { Tagged } = await import('../../src/recording/values.js');
    const before = resources();
    const waiting = {
      alice: [connect(), emit('echo', [new Tagged({ tag: 'id', name: 'never' })], { ack: [] })],
      bob: {
        times: [
          [0, 1],
          [60_000, 1],
        ] as [number, number][],
        traces: [connect(), emit('echo', [], { ack: [] })],
      },
    };
    const { outcomes, late } = await aborted(world, waiting, new Promise((done) => setTimeout(done, 100)), { speed: 1 });
    expect(outcomes).toMatchObject({ '0/alice/1': 'aborted', '0/bob/1': 'aborted' });
    expect(late).toBeLessThan(2000);
    await expectNothingLeft(world, before);
  });

  it('while the fence is awaited', async () => {
    const { reached, reach } = moment();
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        socket.on('block', (reply: () => void) => {
          reply();
          // Answers nothing from here on, as a server that hangs.
          socket.conn.removeAllListeners('packet');
          socket.conn.on('packet', reach);
          socket.client.conn.removeAllListeners('data');
        });
      }),
    );
    const before = resources();
    const { outcomes, end, late } = await aborted(world, { alice: [connect(), emit('block', [], { ack: [] }), goodbye()] }, reached);
    expect(outcomes).toEqual({ '0/alice/0': 'passed', '0/alice/1': 'passed', '0/alice/2': 'aborted' });
    expect(end.verdict).toBe('interrupted');
    expect(late).toBeLessThan(1500);
    await expectNothingLeft(world, before);
  });

  it('while the probe drains', async () => {
    const { reached, reach } = moment();
    const world = await serveProbed('', (io) =>
      io.on('connection', (socket) =>
        socket.on('busy', async (reply: () => void) => {
          reply();
          socket.on('seen', () => setTimeout(reach, 200));
          await new Promise((done) => setTimeout(done, 5000));
        }),
      ),
    );
    const { outcomes, end, late } = await aborted(world, { alice: [connect(), emit('busy', [], { ack: [] }), emit('seen'), goodbye()] }, reached);
    expect(outcomes).toEqual({ '0/alice/0': 'passed', '0/alice/1': 'passed', '0/alice/2': 'passed', '0/alice/3': 'aborted' });
    expect(end.verdict).toBe('interrupted');
    expect(late).toBeLessThan(2000);
    await world.close();
  });
});

describe('the end', () => {
  it('leaves nothing open, and writes nothing after the end record', async () => {
    const world = await hanging();
    const before = resources();
    const { records, end } = await run(
      world,
      recorded('ends', { alice: [connect(), emit('echo', [], { ack: [] }), goodbye()], bob: [connect(), emit('echo', [], { ack: [] })] }),
      { copies: 5 },
    );
    expect(end.verdict).toBe('finished');
    expect(records.at(-1)?.type).toBe('end');
    await expectNothingLeft(world, before);
  });
});
