/** The application of the pg benchmarks in a process of its own, with the probe or without, and how it is left. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { io, type Socket } from 'socket.io-client';
import { LEFTOVERS } from '../src/wire/pg-sql.js';
import type { Postgres } from '../tests/postgres.js';

export interface App {
  child: ChildProcess;
  port: number;
  probePort: number;
}

export const TOKEN = 'bench';
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** In the project, because it reads the project's node_modules. */
export function bundleProbe(): { preload: string; remove(): void } {
  mkdirSync(here('../.socket-replay'), { recursive: true });
  const directory = mkdtempSync(here('../.socket-replay/bench-'));
  const preload = join(directory, 'preload.mjs');
  buildSync({ entryPoints: [here('../src/probe/preload.ts')], bundle: true, platform: 'node', format: 'esm', outfile: preload, logLevel: 'error' });
  return { preload, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

export async function start(server: Postgres, preload: string | undefined): Promise<App> {
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

export async function connect({ port }: App): Promise<Socket> {
  const client = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
  await new Promise<void>((resolve) => client.once('connect', resolve));
  return client;
}

/** Its reader has left before. */
export async function stop({ child }: App, clients: Socket[], wasRead: boolean): Promise<void> {
  for (const client of clients) client.close();
  // What the last reader leaves behind is removed while the application goes on.
  if (wasRead) await new Promise((resolve) => setTimeout(resolve, 1_000));
  const exit = once(child, 'exit');
  child.kill();
  await exit;
}

export async function gone(server: Postgres): Promise<void> {
  const left = await server.sql('app', LEFTOVERS);
  if (left.length > 0) console.log(`still in the database: ${left.length}`);
}
