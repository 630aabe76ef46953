/**
 * What a replay costs beside a bare socket.io-client that sends the same: user CPU of this process per trace, connecting and
 * disconnecting included, the journal's lines made and thrown away. `npx tsx bench/replay.ts`. The server is another process.
 * Rounds are interleaved; the best of each counts.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { io, type Socket } from 'socket.io-client';
import type { LoadedRecording } from '../src/recording/load.js';
import type { Trace } from '../src/recording/schema.js';
import { ignoreOf } from '../src/replay/ignore.js';
import type { replay as Replay } from '../src/replay/replay.js';

const SOCKETS = [10, 100];
const EMITS = 50;
const WARM = 3;
const ROUNDS = 7;
/** of replay over bare */
const GOAL = 1.6;

const value = (n: number) => ({ documentId: n, text: 'a lack of data', tags: ['one', 'two'], position: { start: n, end: n + 12 } });

/** As it is shipped: tsx would add calls of its own to every function. */
async function built(): Promise<typeof Replay> {
  const outfile = fileURLToPath(new URL('../node_modules/.cache/socket-replay-bench/replay.mjs', import.meta.url));
  buildSync({
    entryPoints: [fileURLToPath(new URL('../src/replay/replay.ts', import.meta.url))],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'error',
  });
  return ((await import(pathToFileURL(outfile).href)) as { replay: typeof Replay }).replay;
}

const replay = await built();

async function main(): Promise<void> {
  const server = fork(fileURLToPath(new URL('replay-server.mjs', import.meta.url)));
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  const target = `http://127.0.0.1:${port}`;
  for (const sockets of SOCKETS) {
    const traces = sockets * (EMITS + 2);
    const best = { bare: Number.POSITIVE_INFINITY, replay: Number.POSITIVE_INFINITY };
    for (let round = 1; round <= WARM + ROUNDS; round++)
      for (const [kind, run] of [
        ['bare', bare],
        ['replay', replayed],
      ] as const) {
        const cost = await cpuOf(() => run(target, sockets));
        // The first rounds only warm up.
        if (round > WARM) best[kind] = Math.min(best[kind], cost / traces);
      }
    const ratio = best.replay / best.bare;
    const show = (cost: number): string => `${cost.toFixed(1)} us`;
    console.log(
      `${sockets} sockets x ${EMITS} emits: bare ${show(best.bare)}, replay ${show(best.replay)} user CPU a trace: x ${ratio.toFixed(2)} ${ratio <= GOAL ? '' : `(goal ${GOAL})`}`,
    );
  }
  server.kill();
}

async function bare(target: string, sockets: number): Promise<void> {
  await Promise.all(
    Array.from({ length: sockets }, async () => {
      const socket: Socket = io(target, { forceNew: true, reconnection: false, transports: ['websocket'] });
      await new Promise<void>((done) => socket.once('connect', done));
      for (let n = 0; n < EMITS; n++) await new Promise((done) => socket.emit('ask', value(n), done));
      socket.disconnect();
    }),
  );
}

async function replayed(target: string, sockets: number): Promise<void> {
  const { verdict } = await replay({
    recordings: [recording],
    copies: sockets,
    level: 'shared',
    target,
    ackTimeout: 5000,
    connectTimeout: 5000,
    speed: 0,
    order: 'recording',
    measures: { acks: true, pushes: true, changes: false },
    ignore: ignoreOf([], []),
    secrets: new Map(),
    mutable: new Set(),
    login: () => Promise.reject(new Error('no login')),
    namespaceFence: false,
    errors: [],
    write: (record) => void JSON.stringify(record),
    signal: new AbortController().signal,
    progress: () => {},
  });
  if (verdict !== 'finished') throw new Error(`the replay was ${verdict}`);
}

const traces: Trace[] = [
  { connect: { namespace: '/' } },
  ...Array.from({ length: EMITS }, (_, n): Trace => ({ emit: 'ask', args: [value(n)], ack: [{ success: true, data: value(n) }] })),
  { disconnect: 'client namespace disconnect' },
];
const recording: LoadedRecording = {
  recording: { version: 1, name: 'bench', status: 'finished', sessions: [{ id: 'alice', traces }] },
  file: 'bench.yaml',
  lineOf: () => 1,
};

/** microseconds; user time only: what a write costs the kernel depends on whether the server sleeps */
async function cpuOf(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  return process.cpuUsage(before).user;
}

await main();
