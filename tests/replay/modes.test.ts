/** The modes on real servers, in this process: levels and rounds, recorded times, overlap, and a harness that is too slow. */
import { afterEach, describe, expect, it } from 'vitest';
import type { LoadedRecording } from '../../src/recording/load.js';
import { climb, soak } from '../../src/replay/modes.js';
import type { ReplayInput } from '../../src/replay/replay.js';
import { type Sampled, takeSample } from '../../src/replay/sample.js';
import { judgeHarness } from '../../src/results/harness.js';
import type { CeilingSettings, Sample } from '../../src/results/schema.js';
import { client, record } from './record.js';
import { closeAll, connect, emit, goodbye, inputOf, recorded, run, serve, serveProbed, type World } from './world.js';

afterEach(closeAll);

const settings: CeilingSettings = { from: 1, step: 1, max: 5, latencyThreshold: 30_000, maxFailures: 0, failThreshold: 5 };
const never = new AbortController().signal;
const asks = recorded('asks', { alice: [connect(), emit('ask', [], { ack: [{ ok: true }] }), goodbye()] });

const sampler =
  (world: World, recording: LoadedRecording, more: Partial<ReplayInput> = {}) =>
  (copies: number, number: number): Promise<Sampled> =>
    takeSample(inputOf(world, recording, { copies, level: 'shared', ...more }), number, 0);

async function climbOn(world: World, recording: LoadedRecording, more: Partial<CeilingSettings> = {}, signal = never): Promise<Sample[]> {
  const told: Sample[] = [];
  const once = sampler(world, recording);
  // Server and harness are one process here, and compete for it: that is not what these levels are about.
  const idle = async (copies: number, number: number): Promise<Sampled> => {
    const sampled = await once(copies, number);
    return { ...sampled, sample: { ...sampled.sample, harness: judgeHarness({ p99: 0, max: 0, busy: 0 }) } };
  };
  await climb({ ...settings, ...more }, idle, ({ sample }) => told.push(sample), signal);
  return told;
}

describe('ceiling', () => {
  it('climbs by its step until a level breaks, says what failed, and goes no further', async () => {
    let connected = 0;
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        connected++;
        socket.on('disconnect', () => connected--);
        socket.on('ask', (answer) => answer(connected > 3 ? { ok: false, message: 'too many' } : { ok: true }));
      }),
    );
    const levels = await climbOn(world, asks, { step: 2 });
    expect(levels.map(({ copies, clients, failed }) => [copies, clients, failed])).toEqual([
      [1, 1, 0],
      [3, 3, 0],
      [5, 5, 5],
    ]);
    expect(levels.at(-1)?.broke?.map((reason) => reason.by)).toEqual(['failures', 'percentage']);
    expect(levels.at(-1)?.examples).toEqual([{ message: "asks: alice's ask — ack[0].ok is false, recorded true (refused: too many)", count: 5 }]);
    expect(levels[0]).toMatchObject({ number: 1, slowest: { event: expect.any(String) }, outcomes: { passed: 3 } });
  });

  it('breaks on latency, and ends at its last level where nothing breaks', async () => {
    const world = await serve((io) => io.on('connection', (socket) => socket.on('ask', (answer) => setTimeout(answer, 30, { ok: true }))));
    expect((await climbOn(world, asks, { latencyThreshold: 25 })).map(({ broke }) => broke?.map((reason) => reason.by))).toEqual([['latency']]);
    expect((await climbOn(world, asks, { max: 2 })).map(({ broke }) => broke)).toEqual([undefined, undefined]);
  });

  it('takes a level that was interrupted for none', async () => {
    const stop = new AbortController();
    const world = await serve((io) =>
      io.on('connection', (socket) =>
        socket.on('ask', (answer) => {
          if (io.of('/').sockets.size > 1) stop.abort();
          else answer({ ok: true });
        }),
      ),
    );
    const told: Sample[] = [];
    await climb(settings, sampler(world, asks, { signal: stop.signal }), ({ sample }) => told.push(sample), stop.signal);
    expect(told.map(({ copies }) => copies)).toEqual([1]);
  });
});

describe('soak', () => {
  it('begins rounds until its time is over, by the clock that it is given, and finds what gets slower', async () => {
    let slow = 1;
    const world = await serve((io) => io.on('connection', (socket) => socket.on('ask', (answer) => setTimeout(answer, slow, { ok: true }))));
    let clock = 0;
    const rounds: number[] = [];
    const once = sampler(world, asks);
    const { drift } = await soak(
      60_000,
      () => clock,
      async (number) => {
        slow = number * 60;
        clock += 20_000;
        return once(2, number);
      },
      ({ number }) => rounds.push(number),
      never,
    );
    expect(rounds).toEqual([1, 2, 3]);
    expect(drift).toMatchObject({ early: { rounds: 1, failed: 0 }, late: { rounds: 1, failed: 0 }, found: [expect.stringMatching(/^p95 grew from/)] });
  });

  it('measures the memory of an application under the probe, and says where it does not', async () => {
    const probed = await serveProbed('', (io) => io.on('connection', (socket) => socket.on('ask', (answer) => answer({ ok: true }))));
    const { sample } = await sampler(probed, asks)(1, 1);
    expect(sample.rss).toBeGreaterThan(10 * 2 ** 20);
    await probed.close();
    const plain = await serve((io) => io.on('connection', (socket) => socket.on('ask', (answer) => answer({ ok: true }))));
    expect((await sampler(plain, asks)(1, 1)).sample).not.toHaveProperty('rss');
  });
});

/** When what arrived at the server, milliseconds since before the replay: so never earlier than after its start. */
async function arrivals(recording: LoadedRecording, more: Partial<ReplayInput>): Promise<[what: string, at: number][]> {
  const seen: [string, number][] = [];
  const note = (what: string): void => void seen.push([what, performance.now()]);
  const world = await serve((io) =>
    io.on('connection', (socket) => {
      note('connect');
      socket.onAny((event: string) => note(event));
    }),
  );
  const began = performance.now();
  const { end } = await run(world, recording, { level: 'shared', ...more });
  expect(end.verdict).toBe('finished');
  await world.close();
  return seen.map(([what, at]) => [what, at - began]);
}

describe('behavioural', () => {
  const apart = recorded('apart', {
    alice: { times: [[0, 5], [4000, 0], [9000, 0]], traces: [connect(), emit('a1'), emit('a2')] }, // biome-ignore format: one line a session
    bob: { times: [[2000, 5], [6000, 0]], traces: [connect(), emit('b1')] }, // biome-ignore format: one line a session
  });

  it('keeps the recorded offsets between sessions, connects too, at any factor', async () => {
    const seen = await arrivals(apart, { speed: 20, connectInPlace: true });
    expect(seen.map(([what]) => what)).toEqual(['connect', 'connect', 'a1', 'b1', 'a2']);
    // Never before their time, whoever was late; how late they are is the machine's.
    const due = [0, 100, 200, 300, 450];
    for (const [i, [, at]] of seen.entries()) expect(at).toBeGreaterThanOrEqual(due[i] ?? 0);
    expect(seen.at(-1)?.[1]).toBeLessThan(3000);
  });

  it('connects those of before the first event at once without it, and cuts long pauses', async () => {
    const seen = await arrivals(apart, { speed: 1, maxGapMs: 40 });
    expect(seen.map(([what]) => what)).toEqual(['connect', 'connect', 'a1', 'b1', 'a2']);
    expect(seen.at(-1)?.[1]).toBeLessThan(3000);
  });
});

describe('a spread start', () => {
  const asked = recorded('asked', { alice: { times: [[0, 5], [10, 0]], traces: [connect(), emit('a1')] } }); // biome-ignore format: one line a session

  it('connects all copies at once, and lets them begin one after the other', async () => {
    const seen = await arrivals(asked, { copies: 4, spreadMs: 800 });
    expect(seen.map(([what]) => what)).toEqual([...Array(4).fill('connect'), ...Array(4).fill('a1')]);
    for (const [i, [, at]] of seen.slice(4).entries()) expect(at).toBeGreaterThanOrEqual(i * 200);
    expect(seen[4]?.[1]).toBeLessThan(seen[7]?.[1] as number);
  });
});

describe('load keeps what the recording says of time', () => {
  it('order: session holds the order of each session of each copy, and lets no session wait for another', async () => {
    // As recorded, bob speaks when alice has been answered. Here alice is never answered before bob has spoken.
    const recording = recorded('ordered', {
      alice: { times: [[0, 1], [10, 5], [40, 5]], traces: [connect(), emit('a', [], { ack: [{ ok: true }] }), emit('a', [], { ack: [{ ok: true }] })] }, // biome-ignore format: one line a session
      bob: { times: [[1, 1], [20, 5], [30, 5]], traces: [connect(), emit('b', [1], { ack: [{ ok: true }] }), emit('b', [2], { ack: [{ ok: true }] })] }, // biome-ignore format: one line a session
    });
    const spoken = new Map<string, number[]>();
    const waiting: (() => void)[] = [];
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        socket.on('a', (answer) => (spoken.size === 3 ? answer({ ok: true }) : waiting.push(() => answer({ ok: true }))));
        socket.on('b', (n: number, answer) => {
          spoken.set(socket.id, [...(spoken.get(socket.id) ?? []), n]);
          answer({ ok: true });
          if (spoken.size === 3) for (const go of waiting.splice(0)) go();
        });
      }),
    );
    const { end } = await run(world, recording, { copies: 3, order: 'session', ackTimeout: 5000 });
    expect(end.verdict).toBe('finished');
    expect([...spoken.values()]).toEqual([[1, 2], [1, 2], [1, 2]]); // biome-ignore format: one line
  });

  it('events that the recorded client sent without waiting are under way together again, in each copy; those it waited for are not', async () => {
    let most = 0;
    const world = await serveProbed('', (io) =>
      io.on('connection', (socket) => {
        let inFlight = 0;
        socket.on('work', async (_n: number, answer) => {
          most = Math.max(most, ++inFlight);
          await new Promise((done) => setTimeout(done, 60));
          inFlight--;
          answer({ ok: true });
        });
      }),
    );
    const together = await record('together', async () => {
      const socket = await client(world);
      await Promise.all([1, 2, 3].map((n) => socket.emitWithAck('work', n)));
      socket.disconnect();
    });
    const apart = await record('apart', async () => {
      const socket = await client(world);
      for (const n of [1, 2, 3]) await socket.emitWithAck('work', n);
      socket.disconnect();
    });
    for (const [recording, copies, expected] of [
      [together, 1, 3],
      [together, 2, 3],
      [apart, 1, 1],
      [apart, 2, 1],
    ] as const) {
      most = 0;
      const { end } = await run(world, recording.loaded, { copies, ackTimeout: 2000 });
      expect(end.verdict).toBe('finished');
      expect([copies, most]).toEqual([copies, expected]);
    }
    await world.close();
  });
});

describe('the harness', () => {
  const talk = recorded('talk', { alice: [connect(), ...Array.from({ length: 6 }, () => emit('ask', [], { ack: [{ ok: true }] })), goodbye()] });
  const answering = () => serve((io) => io.on('connection', (socket) => socket.on('ask', (answer) => setTimeout(answer, 15, { ok: true }))));

  it('says that it is saturated when its loop is blocked while it replays, and not otherwise', async () => {
    const world = await answering();
    const free = await run(world, talk);
    expect(free.end.harness).toMatchObject({ p99: expect.any(Number) });
    expect(judgeHarness(free.end.harness!).saturated).toBe(false);

    let on = true;
    const block = (): void => {
      for (const until = performance.now() + 50; performance.now() < until; );
      if (on) setTimeout(block, 1);
    };
    setTimeout(block, 1);
    const blocked = await run(world, talk, { ackTimeout: 5000 });
    on = false;
    expect(blocked.end.harness?.p99).toBeGreaterThan(40);
    expect(judgeHarness(blocked.end.harness!).saturated).toBe(true);
  });
});
