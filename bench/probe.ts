/**
 * What the probe costs the application: server CPU per acknowledged emit without it, with it idle, and with a reader in replay
 * and in record mode. `npx tsx bench/probe.ts [emits a round]`. Rounds are interleaved; the best of each counts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { io, type Socket } from 'socket.io-client';
import { connectProbe, type ProbeConnection } from '../src/wire/client.js';

const CLIENTS = 20;
const WINDOW = 5;
const ROUNDS = 3;
const MODES = ['without', 'idle', 'replay', 'record'] as const;
const EVENTS = ['ask', 'write'] as const;
type Mode = (typeof MODES)[number];

interface Subject {
  mode: Mode;
  child: ChildProcess;
  clients: Socket[];
  reader: ProbeConnection | undefined;
}

async function main(): Promise<void> {
  const emits = Number(process.argv[2] ?? 6_000);
  const directory = mkdtempSync(join(tmpdir(), 'socket-replay-bench-'));
  const preload = join(directory, 'preload.mjs');
  buildSync({
    entryPoints: [here('../src/probe/preload.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: preload,
    logLevel: 'error',
  });
  const subjects: Subject[] = [];
  for (const mode of MODES) subjects.push(await start(mode, preload, directory));
  for (const event of EVENTS) {
    const best = new Map<Mode, number>();
    for (const subject of subjects) await round(subject, event, Math.ceil(emits / 3));
    for (let i = 0; i < ROUNDS; i += 1) {
      for (const subject of subjects) {
        const cost = await round(subject, event, emits);
        best.set(subject.mode, Math.min(cost, best.get(subject.mode) ?? Number.POSITIVE_INFINITY));
      }
    }
    const base = best.get('without') ?? Number.NaN;
    console.log(event === 'ask' ? 'acknowledgement only' : 'a row, a push and an acknowledgement');
    for (const [mode, cost] of best)
      console.log(
        `  ${mode.padEnd(8)} ${cost.toFixed(1).padStart(6)} us CPU an emit  ${Math.round(1e6 / cost)
          .toString()
          .padStart(6)} emits/s  x ${(cost / base).toFixed(2)}`,
      );
  }
  for (const { child, clients, reader } of subjects) {
    for (const client of clients) client.close();
    reader?.close();
    child.kill();
  }
  rmSync(directory, { recursive: true, force: true });
}

async function start(mode: Mode, preload: string, directory: string): Promise<Subject> {
  const child = fork(here('probe-server.mjs'), {
    execArgv: mode === 'without' ? [] : ['--import', pathToFileURL(preload).href],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    env: { ...process.env, REPLAY_PROBE_TOKEN: 'bench', REPLAY_RUNTIME_DIR: directory },
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  let reader: ProbeConnection | undefined;
  if (mode !== 'without') {
    let said = '';
    child.stderr?.setEncoding('utf8');
    while (!said.includes('\n')) said += String((await once(child.stderr as NodeJS.ReadableStream, 'data'))[0]);
    const probePort = Number(/:(\d+)/.exec(said)?.[1]);
    if (mode !== 'idle') reader = await connectProbe({ port: probePort, token: 'bench', mode });
    reader?.onMessage(() => undefined);
  }
  const clients = Array.from({ length: CLIENTS }, () => io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true }));
  await Promise.all(clients.map((client) => new Promise((resolve) => client.once('connect', () => resolve(undefined)))));
  return { mode, child, clients, reader };
}

/** Microseconds of server CPU an emit. */
async function round({ child, clients, reader }: Subject, event: string, emits: number): Promise<number> {
  const before = await cpu(child);
  let left = emits;
  const lane = async (client: Socket): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await client.emitWithAck(event, { text: 'a sentence of some length', list: [1, 2, 3], at: left });
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: WINDOW }, () => lane(client))));
  await reader?.drain(1_000);
  return ((await cpu(child)) - before) / emits;
}

async function cpu(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message') as Promise<[{ cpu: NodeJS.CpuUsage }]>;
  child.send('cpu');
  const [{ cpu: used }] = await answer;
  return used.user + used.system;
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

await main();
