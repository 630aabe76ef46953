/**
 * Whether every row that pg writes has the trace that wrote it, and what that costs. `npx tsx bench/attribution-pg.ts [traces] [rounds]`:
 * that many traces (10,000) of 200 clients at once, half of them in autocommit, half in transactions, a tenth rolled back; then rounds (5) of
 * one-row transactions without the probe, with it idle, and while somebody records. Rounds are interleaved, ratios are medians of rounds.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { io, type Socket } from 'socket.io-client';
import { connectProbe, type ProbeConnection } from '../src/wire/client.js';
import type { FromProbe } from '../src/wire/messages.js';
import { LEFTOVERS } from '../src/wire/pg-sql.js';
import { type Postgres, startPostgres } from '../tests/postgres.js';

type Change = Extract<FromProbe, { type: 'change' }>;
type How = 'autocommit' | 'COMMIT' | 'ROLLBACK';

const CLIENTS = 200;
const LOAD_MS = 2_000;
const TOKEN = 'bench';
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface App {
  child: ChildProcess;
  port: number;
  probePort: number;
}

async function main(traces: number, rounds: number): Promise<void> {
  mkdirSync(here('../.socket-replay'), { recursive: true });
  const directory = mkdtempSync(here('../.socket-replay/bench-'));
  const preload = join(directory, 'preload.mjs');
  buildSync({ entryPoints: [here('../src/probe/preload.ts')], bundle: true, platform: 'node', format: 'esm', outfile: preload, logLevel: 'error' });
  const server = await startPostgres();
  await server.create('app');
  await server.sql(
    'app',
    `CREATE TABLE note (id bigserial PRIMARY KEY, tag text UNIQUE, body jsonb); CREATE TABLE line (id bigserial PRIMARY KEY, tag text, n int);
     CREATE TABLE entry (id bigserial PRIMARY KEY, tag text); CREATE TABLE cost (id bigserial PRIMARY KEY, a text, b int, c text)`,
  );
  try {
    const good = await attribution(server, preload, traces);
    if (rounds > 0) await cost(server, preload, rounds);
    const left = await server.sql('app', LEFTOVERS);
    console.log(`left in the database: ${left.length}`);
    process.exitCode = good && left.length === 0 ? 0 : 1;
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function attribution(server: Postgres, preload: string, traces: number): Promise<boolean> {
  const app = await start(server, preload);
  const reader = await connectProbe({ port: app.probePort, token: TOKEN, mode: 'record' });
  const changes: Change[] = [];
  let lost = 0;
  reader.onMessage((message) => {
    if (message.type === 'change') changes.push(message);
    else if (message.type === 'lost') lost += message.count;
    else if (message.type === 'warning') console.log(`warning: ${message.message}`);
  });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(app)));
  const causes = new Map<string, string>();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: traces }, async (_, index) => {
      const who = clients[index % CLIENTS] as Socket;
      const tag = `t${index}`;
      causes.set(tag, `${who.id}:${Math.floor(index / CLIENTS) + 1}`);
      await who.emitWithAck('write', tag, howOf(index));
    }),
  );
  const wrote = performance.now() - began;
  const { open } = await reader.drain(30_000);
  const took = performance.now() - began;
  const committed = Array.from({ length: traces }, (_, index) => index).filter((index) => howOf(index) !== 'ROLLBACK');
  const wanted = new Map<string, number>(
    committed.flatMap((index) => ROWS.map((what): [string, number] => [`${what} t${index}`, what === 'insert line' ? 2 : 1])),
  );
  let [wrong, unattributed, phantom] = [0, 0, 0];
  for (const { cause, op, table, before, after } of changes) {
    const tag = String((after ?? before)?.tag);
    const key = `${op} ${table} ${tag}`;
    const rest = wanted.get(key) ?? 0;
    if (rest === 0) phantom += 1;
    else wanted.set(key, rest - 1);
    if (cause === null) unattributed += 1;
    else if (cause !== causes.get(tag)) wrong += 1;
  }
  const missing = [...wanted.values()].reduce((sum, rest) => sum + rest, 0);
  const [stored] = await server.sql('app', 'SELECT (SELECT count(*) FROM note) + (SELECT count(*) FROM line) + (SELECT count(*) FROM entry) AS n');
  console.log(
    `pg: ${traces} traces of ${CLIENTS} clients, ${traces - committed.length} rolled back, ${changes.length} rows told, ${String(stored?.n)} in the tables, ${Math.round(wrote)} ms, and ${Math.round(took - wrote)} until all was told`,
  );
  console.log(`pg: wrong ${wrong}, missing ${missing}, phantom ${phantom}, unattributed ${unattributed}, lost ${lost}, open ${open}`);
  await stop(app, clients, reader);
  await gone(server);
  return wrong + missing + phantom + unattributed + lost + open === 0 && Number(stored?.n) === committed.length * 4;
}

const ROWS = ['insert note', 'update note', 'insert line', 'insert entry'];
const howOf = (index: number): How => (index % 10 === 7 ? 'ROLLBACK' : index % 2 === 0 ? 'autocommit' : 'COMMIT');

async function cost(server: Postgres, preload: string, rounds: number): Promise<void> {
  const modes = ['without', 'idle', 'recording'] as const;
  const all: Record<(typeof modes)[number], { rate: number; cpu: number }>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const found: Partial<(typeof all)[number]> = {};
    for (let turn = 0; turn < modes.length; turn += 1) {
      const mode = modes[(round + turn) % modes.length] as (typeof modes)[number];
      await server.sql('app', 'TRUNCATE cost');
      const app = await start(server, mode === 'without' ? undefined : preload);
      const client = await connect(app);
      await client.emitWithAck('load', 300);
      const reader = mode === 'recording' ? await connectProbe({ port: app.probePort, token: TOKEN, mode: 'record' }) : undefined;
      let told = 0;
      reader?.onMessage((message) => {
        if (message.type === 'change') told += 1;
      });
      const { rows, cpu } = (await client.emitWithAck('load', LOAD_MS)) as { rows: number; cpu: number };
      await reader?.drain(30_000);
      if (reader !== undefined && told !== rows) console.log(`  ${rows} rows, ${told} told`);
      found[mode] = { rate: rows / (LOAD_MS / 1000), cpu: cpu / rows };
      await stop(app, [client], reader);
      await gone(server);
    }
    all.push(found as (typeof all)[number]);
  }
  const base = (pick: 'rate' | 'cpu', mode: (typeof modes)[number]): number => median(all.map((round) => round[mode][pick]));
  const ratio = (pick: 'rate' | 'cpu', mode: (typeof modes)[number]): number => median(all.map((round) => round[mode][pick] / round.without[pick]));
  for (const mode of modes)
    console.log(
      `pg, one-row transactions, ${mode}: ${Math.round(base('rate', mode))} a second (${ratio('rate', mode).toFixed(2)} x), ${Math.round(base('cpu', mode))} microseconds of the application's CPU a row (${ratio('cpu', mode).toFixed(2)} x)`,
    );
}

async function start(server: Postgres, preload: string | undefined): Promise<App> {
  const child = fork(here('attribution-pg-server.mjs'), [], {
    execArgv: preload === undefined ? [] : ['--import', pathToFileURL(preload).href],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: server.url('app'), REPLAY_PROBE_TOKEN: TOKEN },
  });
  let said = '';
  const ready = new Promise<number>((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const port = /probe ready on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(Number(port));
      else if (preload === undefined) process.stderr.write(text);
    });
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, port, probePort: preload === undefined ? 0 : await ready };
}

async function connect({ port }: App): Promise<Socket> {
  const client = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
  await new Promise<void>((resolve) => client.once('connect', resolve));
  return client;
}

async function stop({ child }: App, clients: Socket[], reader: ProbeConnection | undefined): Promise<void> {
  for (const client of clients) client.close();
  reader?.close();
  // What the last reader leaves behind is removed while the application goes on.
  if (reader !== undefined) await new Promise((resolve) => setTimeout(resolve, 1_000));
  const exit = once(child, 'exit');
  child.kill();
  await exit;
}

async function gone(server: Postgres): Promise<void> {
  const left = await server.sql('app', LEFTOVERS);
  if (left.length > 0) console.log(`still in the database: ${left.length}`);
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

await main(Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 5));
