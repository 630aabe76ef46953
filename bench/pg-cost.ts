/**
 * What measuring the rows of pg costs. `npx tsx bench/pg-cost.ts [rounds] [ms]`: rounds (5) of writing for so long (2,000 ms) from twenty sides,
 * without the probe, with it idle, and while somebody records: one-row transactions, transactions of five rows, and one-row transactions that
 * wait for the disk. Rounds are interleaved, ratios are medians of rounds. CPU (Linux only) is told by who uses it, in microseconds a row.
 * The reader throws away what it is told, so that its own work is not in the figures. More probes to compare with: PROBES=name=FILE,…
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createConnection, type Socket as TcpSocket } from 'node:net';
import { PROTOCOL } from '../src/wire/messages.js';
import { type Postgres, startPostgres } from '../tests/postgres.js';
import { type App, bundleProbe, connect, gone, start, stop, TOKEN } from './pg-app.js';

interface Figures {
  rate: number;
  app: number;
  /** the backends of the application, with our triggers */
  backends: number;
  /** the backend that reads the log, and PostgreSQL's own helpers */
  rest: number;
}
interface Probe {
  name: string;
  preload: string | undefined;
  recording: boolean;
}

const WARM_MS = 700;
/** how many a second `/proc` counts in */
const TICKS = 100;

async function main(rounds: number, ms: number): Promise<void> {
  const { preload, remove } = bundleProbe();
  const others = (process.env.PROBES ?? '').split(',').filter(Boolean);
  const probes: Probe[] = [
    { name: 'without', preload: undefined, recording: false },
    { name: 'idle', preload, recording: false },
    { name: 'recording', preload, recording: true },
    ...others.map((other) => ({ name: other.split('=')[0] ?? '', preload: other.split('=')[1], recording: true })),
  ];
  try {
    for (const { what, event, settings } of [
      { what: 'one-row transactions', event: 'load', settings: [] },
      { what: 'transactions of five rows', event: 'load five', settings: [] },
      { what: 'one-row transactions that wait for the disk', event: 'load', settings: ['fsync=on'] },
    ])
      await measure(what, event, settings, probes, rounds, ms);
  } finally {
    remove();
  }
}

async function measure(what: string, event: string, settings: string[], probes: Probe[], rounds: number, ms: number): Promise<void> {
  const server = await startPostgres(settings);
  try {
    await server.create('app');
    await server.sql('app', 'CREATE TABLE cost (id bigserial PRIMARY KEY, a text, b int, c text)');
    const all: Figures[][] = [];
    for (let round = 0; round < rounds; round += 1) {
      const found: Figures[] = [];
      for (let turn = 0; turn < probes.length; turn += 1) {
        const index = (round + turn) % probes.length;
        found[index] = await load(server, probes[index] as Probe, event, ms);
      }
      all.push(found);
    }
    const middle = (index: number, pick: keyof Figures): number => median(all.map((found) => (found[index] as Figures)[pick]));
    for (const [index, { name }] of probes.entries()) {
      const ratio = median(all.map((found) => (found[index] as Figures).rate / (found[0] as Figures).rate));
      const cpu = (['app', 'backends', 'rest'] as const).map((pick) => Math.round(middle(index, pick)));
      console.log(
        `pg, ${what}, ${name}: ${Math.round(middle(index, 'rate'))} rows a second (${ratio.toFixed(2)} x); CPU a row: application ${cpu[0]}, its backends ${cpu[1]}, rest of PostgreSQL ${cpu[2]}`,
      );
    }
  } finally {
    await server.stop();
  }
}

async function load(server: Postgres, { preload, recording }: Probe, event: string, ms: number): Promise<Figures> {
  await server.sql('app', 'TRUNCATE cost');
  const app = await start(server, preload);
  const client = await connect(app);
  const reader = recording ? await discard(app) : undefined;
  // Warm on both sides: each backend compiles the triggers once.
  const { rows: warm } = (await client.emitWithAck(event, WARM_MS)) as { rows: number };
  await reader?.drain();
  const before = await backends(server);
  const { rows, cpu } = (await client.emitWithAck(event, ms)) as { rows: number; cpu: number };
  await reader?.drain();
  const after = await backends(server);
  const [own, rest] = [true, false].map((isOwn) =>
    [...after].reduce((sum, [pid, { used, own }]) => sum + (own === isOwn ? used - (before.get(pid)?.used ?? 0) : 0), 0),
  ) as [number, number];
  if (reader !== undefined && reader.told() !== warm + rows) console.log(`  ${warm + rows} rows, ${reader.told()} told`);
  reader?.close();
  await stop(app, [client], recording);
  await gone(server);
  return { rate: rows / (ms / 1000), app: cpu / rows, backends: own / rows, rest: rest / rows };
}

/** A reader that only counts. */
async function discard({ probePort }: App): Promise<{ told(): number; drain(): Promise<void>; close(): void }> {
  const socket: TcpSocket = createConnection({ host: '127.0.0.1', port: probePort });
  socket.setEncoding('utf8');
  const MARK = '{"type":"change"';
  let [told, tail, drained] = [0, '', () => {}];
  const greeted = once(socket, 'data');
  socket.on('data', (piece: string) => {
    const text = tail + piece;
    let at = -1;
    while ((at = text.indexOf(MARK, at + 1)) !== -1) told += 1;
    if (text.includes('{"type":"drained"')) drained();
    tail = text.slice(-(MARK.length - 1));
  });
  socket.write(`${JSON.stringify({ type: 'subscribe', protocol: PROTOCOL, token: TOKEN, mode: 'record' })}\n`);
  await greeted;
  return {
    told: () => told,
    drain: () =>
      new Promise((resolve) => {
        drained = resolve;
        socket.write(`${JSON.stringify({ type: 'drain', id: 1, timeout: 30_000 })}\n`);
      }),
    close: () => void socket.destroy(),
  };
}

/** The CPU that each process of the server has used so far, in microseconds; `own`: it serves the application. */
async function backends(server: Postgres): Promise<Map<string, { used: number; own: boolean }>> {
  if (process.platform !== 'linux') return new Map();
  const [{ file } = { file: '' }] = await server.sql('app', `SELECT pg_read_file('postmaster.pid') AS file`);
  const postmaster = String(file).split('\n')[0] ?? '';
  const clients = await server.sql('app', `SELECT pid::text, application_name AS name FROM pg_stat_activity WHERE backend_type = 'client backend'`);
  const names = new Map(clients.map(({ pid, name }) => [String(pid), String(name)]));
  const found = new Map<string, { used: number; own: boolean }>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const fields = statOf(pid);
    if (fields === undefined || fields[1] !== postmaster) continue;
    found.set(pid, { used: ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS, own: names.has(pid) && names.get(pid) !== 'socket-replay' });
  }
  return found;
}

/** from the state on: the parent is the second, user and system time the twelfth and thirteenth */
function statOf(pid: string): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

await main(Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 2_000));
