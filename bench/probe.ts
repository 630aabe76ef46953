/**
 * What the probe costs the application: server CPU per acknowledged emit without it, with it idle, and with a reader in replay and
 * in record mode. `npx tsx bench/probe.ts [rounds]`. The rounds of the modes are interleaved, each begins with another one, and
 * each round pays for its own garbage: it is collected at its end. Other programs on the machine only ever add to a round, so besides the
 * ratio of all rounds there is that of the lower quartiles, which leaves the disturbed rounds out. Subjects: the annotator under load
 * (its word service is a process of its own, and not counted), and as the worst case a server that does next to nothing.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import type { Socket } from 'socket.io-client';
import { connectProbe, type ProbeConnection } from '../src/wire/client.js';
import { annotator, type Load, trivial } from './probe-load.js';

const MODES = ['without', 'idle', 'replay', 'record'] as const;
type Mode = (typeof MODES)[number];

const SUBJECTS: { title: string; script: string; load: Load }[] = [
  { title: 'the annotator under load', script: 'annotator', load: annotator },
  { title: 'worst case, an acknowledgement only', script: 'probe-server.mjs', load: trivial('ask') },
  { title: 'worst case, a row, a push and an acknowledgement', script: 'probe-server.mjs', load: trivial('write') },
];

interface Subject {
  mode: Mode;
  child: ChildProcess;
  url: string;
  clients: Socket[];
  reader: ProbeConnection | undefined;
}

const EXPLANATION = `us: CPU of the server process an acknowledged emit (user and system, with the threads that collect garbage), lower quartile and median of the rounds.
x: times what it costs without the probe, by the lower quartiles | by the sums of all rounds | by the median of the ratios within a round (and its range).
Where the three disagree the machine was busy; the first is the least disturbed.`;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function main(rounds: number): Promise<void> {
  // In the project, so that what is built here finds its packages.
  mkdirSync(here('../.socket-replay'), { recursive: true });
  const directory = mkdtempSync(here('../.socket-replay/bench-'));
  const preload = buildPreload(directory);
  const example = buildAnnotator(directory);
  const words = fork(join(example, 'wordservice.js'), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, WORD_SERVICE_PORT: '0' },
  });
  const wordService = await found(words.stdout, /on (http:\S+)/);
  console.log(EXPLANATION);
  for (const { title, script, load } of SUBJECTS) {
    const file = script === 'annotator' ? join(example, 'server.js') : here(script);
    const subjects = await Promise.all(MODES.map((mode) => start(mode, file, load, preload, directory, wordService)));
    // Long enough for the compilers to have done their work.
    for (const subject of subjects) await round(subject, load, load.emits * 2);
    const costs = new Map<Mode, number[]>(MODES.map((mode) => [mode, []]));
    for (let i = 0; i < rounds; i += 1) {
      const first = i % subjects.length;
      for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) costs.get(subject.mode)?.push(await round(subject, load, load.emits));
    }
    console.log(`${title} (${rounds} rounds of ${load.emits} acknowledged emits)`);
    const base = costs.get('without') ?? [];
    for (const [mode, cost] of costs) console.log(lineFor(mode, cost, base));
    for (const { child, clients, reader } of subjects) {
      for (const client of clients) client.close();
      reader?.close();
      child.disconnect();
      await once(child, 'exit');
    }
  }
  words.kill();
  rmSync(directory, { recursive: true, force: true });
}

/** The probe as it is shipped in effect: one file without dependencies. */
function buildPreload(directory: string): string {
  const outfile = join(directory, 'preload.mjs');
  buildSync({ entryPoints: [here('../src/probe/preload.ts')], bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile, logLevel: 'error' });
  return outfile;
}

/** Plain JavaScript, as an application is deployed: no loader in the measured process. */
function buildAnnotator(directory: string): string {
  const from = here('../examples/annotator');
  const files = readdirSync(from, { recursive: true, encoding: 'utf8' });
  const entryPoints = files.filter((file) => file.endsWith('.ts')).map((file) => join(from, file));
  buildSync({ entryPoints, outbase: from, outdir: join(directory, 'annotator'), format: 'esm', target: 'node20', logLevel: 'error' });
  for (const file of files.filter((name) => name.endsWith('.cjs'))) cpSync(join(from, file), join(directory, 'annotator', file));
  return join(directory, 'annotator');
}

async function start(mode: Mode, script: string, load: Load, preload: string, directory: string, wordService: string): Promise<Subject> {
  const imports = [here('probe-cpu.mjs'), ...(mode === 'without' ? [] : [preload])];
  const child = fork(script, {
    execArgv: ['--expose-gc', ...imports.flatMap((file) => ['--import', pathToFileURL(file).href])],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      PORT: '0',
      ANNOTATOR_DB: join(directory, `${mode}.db`),
      ANNOTATOR_WORD_SERVICE: wordService,
      REPLAY_PROBE_TOKEN: 'bench',
      REPLAY_RUNTIME_DIR: directory,
    },
  });
  const ready = mode === 'without' ? undefined : found(child.stderr, /probe ready on \S+:(\d+)/);
  const url = await found(child.stdout, /on (http:\S+)/);
  const port = Number(await ready);
  const reader = mode === 'replay' || mode === 'record' ? await connectProbe({ port, token: 'bench', mode }) : undefined;
  reader?.onMessage((message) => {
    if (message.type === 'lost' || message.type === 'warning') console.error(mode, message);
  });
  return { mode, child, url, clients: await load.connect(url), reader };
}

/** Microseconds of server CPU an acknowledged emit. */
async function round({ child, url, clients }: Subject, load: Load, emits: number): Promise<number> {
  await load.prepare(url, clients);
  const before = await cpu(child);
  await load.run(clients, emits);
  return ((await cpu(child)) - before) / emits;
}

async function cpu(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message') as Promise<[{ cpu: NodeJS.CpuUsage }]>;
  child.send('cpu');
  const [{ cpu: used }] = await answer;
  return used.user + used.system;
}

/** What the first group finds in what a process says; the rest goes to our own stderr. */
function found(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<string> {
  let said = '';
  return new Promise((resolve) => {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const known = pattern.test(said);
      said += text;
      const match = pattern.exec(said)?.[1];
      if (known) process.stderr.write(text);
      else if (match !== undefined) resolve(match);
    });
  });
}

function lineFor(mode: Mode, costs: readonly number[], base: readonly number[]): string {
  const ratios = costs.map((cost, i) => cost / (base[i] ?? Number.NaN));
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
  const times = [quantile(costs, 0.25) / quantile(base, 0.25), sum(costs) / sum(base), quantile(ratios, 0.5)].map((ratio) => ratio.toFixed(3));
  const [quarter, half] = [0.25, 0.5].map((part) => quantile(costs, part).toFixed(1).padStart(6));
  return `  ${mode.padEnd(8)} ${quarter} ${half} us   x ${times.join(' | ')}  (${low} to ${high})`;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = part * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return below + (above - below) * (place - Math.floor(place));
}

await main(Number(process.argv[2] ?? 15));
