/**
 * Whether every row change is tied to the trace that wrote it, and what that costs: `npx tsx bench/attribution.ts [traces] [driver ...]`.
 * 200 clients, five traces of each under way at once; half of the traces write in autocommit, half in transactions that overlap, a tenth
 * is rolled back. Each row says itself which trace wrote it. Ends with 1 unless nothing is wrong, missing, a phantom or unattributed.
 * A driver is a file in bench/attribution/ (see subject.d.mts there) and an entry in DRIVERS.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { io, type Socket } from 'socket.io-client';
import { connectProbe, type ProbeConnection } from '../src/wire/client.js';
import type { FromProbe } from '../src/wire/messages.js';

type Change = Extract<FromProbe, { type: 'change' }>;
type Mode = 'without' | 'idle' | 'replay';

/** in a Node that has not got it, a driver is left out */
const DRIVERS: { name: string; exists: boolean }[] = [
  { name: 'better-sqlite3', exists: true },
  { name: 'sqlite3', exists: true },
  { name: 'node-sqlite', exists: isBuiltin('node:sqlite') },
];
const CLIENTS = 200;
const UNDER_WAY = 5;
const ROUNDS = 7;
/** a smaller run only proves the attribution */
const MEASURED_FROM = 2_000;
const ROWS = 500;

interface Running {
  child: ChildProcess;
  url: string;
  directory: string;
  reader: ProbeConnection | undefined;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function main(traces: number, names: string[]): Promise<void> {
  mkdirSync(here('../.socket-replay'), { recursive: true });
  const directory = mkdtempSync(here('../.socket-replay/attribution-'));
  const preload = join(directory, 'preload.mjs');
  buildSync({ entryPoints: [here('../src/probe/preload.ts')], bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile: preload });
  for (const { name } of DRIVERS.filter(({ name, exists }) => exists && (names.length === 0 || names.includes(name)))) {
    if (!(await attribution(name, traces, preload, directory))) process.exitCode = 1;
    if (traces >= MEASURED_FROM) await cost(name, preload, directory);
  }
  rmSync(directory, { recursive: true, force: true });
}

async function attribution(driver: string, traces: number, preload: string, root: string): Promise<boolean> {
  const running = await start(driver, 'replay', preload, root);
  const changes: Change[] = [];
  let lost = 0;
  running.reader?.onMessage((message) => {
    if (message.type === 'change') changes.push(message);
    if (message.type === 'lost') lost += message.count;
    if (message.type === 'warning') console.error(driver, message);
  });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connected(running.url)));
  const began = performance.now();
  const expected = await write(clients, traces);
  await running.reader?.drain(10_000);
  const seconds = (performance.now() - began) / 1000;
  const rows = [...expected.values()].reduce((sum, count) => sum + count, 0);
  // The cause of a timer's work ends in "~".
  const found = changes.map(({ op, table, cause, before, after }) => ({
    cause: cause?.replace(/~$/, ''),
    trace: String((after ?? before)?.trace),
    what: `${op} ${table.split('.').at(-1)}`,
  }));
  const seen = new Map<string, number>();
  for (const { trace, what } of found) seen.set(`${trace} ${what}`, (seen.get(`${trace} ${what}`) ?? 0) + 1);
  const unattributed = found.filter(({ cause }) => cause === undefined).length;
  const wrong = found.filter(({ cause, trace }) => cause !== undefined && cause !== trace).length;
  const missing = excess(expected, seen);
  const phantom = excess(seen, expected);
  console.log(`${driver}: ${traces} traces of ${CLIENTS} clients, ${rows} row changes in ${seconds.toFixed(1)} s`);
  console.log(`  wrong ${wrong}, missing ${missing}, phantom ${phantom}, unattributed ${unattributed}, lost ${lost}`);
  await stop(running, clients);
  return rows > traces && wrong + missing + phantom + unattributed + lost === 0;
}

/** What the application says that it has committed: how often, by trace, operation and table. */
async function write(clients: readonly Socket[], traces: number): Promise<Map<string, number>> {
  const expected = new Map<string, number>();
  let next = 0;
  const lane = async (client: Socket): Promise<void> => {
    while (next < traces) {
      const number = next;
      next += 1;
      const event = number % 2 === 0 ? 'autocommit' : 'transaction';
      const [trace, done] = await asked(client, event, { on: number >> 1, rollback: number % 10 === 1 });
      for (const what of done as string[]) expected.set(`${trace} ${what}`, (expected.get(`${trace} ${what}`) ?? 0) + 1);
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: UNDER_WAY }, () => lane(client))));
  return expected;
}

/** Rounds of the modes are interleaved; a ratio is the median of the ratios of the same round. */
async function cost(driver: string, preload: string, root: string): Promise<void> {
  const modes: Mode[] = ['without', 'idle', 'replay'];
  const all = await Promise.all(modes.map(async (mode) => ({ mode, running: await start(driver, mode, preload, root) })));
  const subjects = await Promise.all(all.map(async (one) => ({ ...one, client: await connected(one.running.url) })));
  const loads = [
    { title: 'CPU an autocommitted row', event: 'rows', times: 10, data: { count: ROWS }, units: 10 * ROWS },
    { title: 'CPU an emit with five autocommitted rows', event: 'autocommit', times: 400, data: { on: 0 }, units: 400 },
  ];
  for (const { title, event, times, data, units } of loads) {
    const costs = new Map<Mode, number[]>(modes.map((mode) => [mode, []]));
    for (let round = -2; round < ROUNDS; round += 1) {
      const first = (round + 2) % subjects.length;
      for (const { mode, running, client } of [...subjects.slice(first), ...subjects.slice(0, first)]) {
        const before = await cpu(running.child);
        for (let i = 0; i < times; i += 1) await asked(client, event, data);
        await running.reader?.drain(10_000);
        if (round >= 0) costs.get(mode)?.push(((await cpu(running.child)) - before) / units);
      }
    }
    const base = costs.get('without') ?? [];
    const text = modes.map((mode) => {
      const own = costs.get(mode) ?? [];
      const ratio = median(own.map((value, i) => value / (base[i] ?? Number.NaN)));
      return `${mode} ${median(own).toFixed(1)} us${mode === 'without' ? '' : ` (x ${ratio.toFixed(2)})`}`;
    });
    console.log(`  ${title}: ${text.join(', ')}`);
  }
  for (const { running, client } of subjects) await stop(running, [client]);
}

async function start(driver: string, mode: Mode, preload: string, root: string): Promise<Running> {
  const directory = mkdtempSync(join(root, `${driver}-${mode}-`));
  const imports = [here('probe-cpu.mjs'), ...(mode === 'without' ? [] : [preload])];
  const child = fork(here('attribution/server.mjs'), {
    execArgv: imports.flatMap((file) => ['--import', pathToFileURL(file).href]),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', SUBJECT: driver, DIRECTORY: directory, REPLAY_PROBE_TOKEN: 'bench', REPLAY_RUNTIME_DIR: directory },
  });
  const ready = mode === 'without' ? undefined : said(child.stderr, /probe ready on \S+:(\d+)/);
  const url = await said(child.stdout, /on (http:\S+)/);
  const port = Number(await ready);
  const reader = mode === 'replay' ? await connectProbe({ port, token: 'bench', mode }) : undefined;
  return { child, url, directory, reader };
}

async function stop({ child, reader, directory }: Running, clients: readonly Socket[]): Promise<void> {
  for (const client of clients) client.close();
  reader?.close();
  child.disconnect();
  await once(child, 'exit');
  rmSync(directory, { recursive: true, force: true });
}

function connected(url: string): Promise<Socket> {
  const socket = io(url, { transports: ['websocket'], forceNew: true });
  return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
}

const asked = (client: Socket, event: string, data: object): Promise<unknown[]> =>
  new Promise((resolve) => client.emit(event, data, (...answer: unknown[]) => resolve(answer)));

async function cpu(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message') as Promise<[{ cpu: NodeJS.CpuUsage }]>;
  child.send('cpu');
  const [{ cpu: used }] = await answer;
  return used.user + used.system;
}

/** What the first group finds in what a process says; the rest goes to our own stderr. */
function said(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      const known = pattern.test(text);
      text += piece;
      const match = pattern.exec(text)?.[1];
      if (known) process.stderr.write(piece);
      else if (match !== undefined) resolve(match);
    });
  });
}

/** How many more the first has. */
function excess(of: ReadonlyMap<string, number>, over: ReadonlyMap<string, number>): number {
  return [...of].reduce((sum, [key, count]) => sum + Math.max(0, count - (over.get(key) ?? 0)), 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

const [traces, ...names] = process.argv.slice(2);
await main(Number(traces ?? 10_000), names);
