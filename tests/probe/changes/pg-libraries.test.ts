/** What people put above pg, each in an application under the probe: every row has the event that wrote it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import type { Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LEFTOVERS } from '../../../src/wire/pg-sql.js';
import { type Postgres, startPostgres } from '../../postgres.js';
import { App, bundlePreload, emitAck, type Heard, root } from '../helper.js';

let server: Postgres;
let preload: string;
let folder: string;
const apps: App[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'socket-replay-libraries-'));
  preload = bundlePreload(folder);
  server = await startPostgres();
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = async (kind: string, database: string, env: Record<string, string> = {}): Promise<App> => {
  const app = await App.start('postgres.mjs', preload, { env: { KIND: kind, DATABASE_URL: server.url(database), ...env } });
  apps.push(app);
  return app;
};
const PER_CLIENT = 6;

/** By tag: the trace that sent it. */
async function drive(clients: Socket[]): Promise<Map<string, string>> {
  const causes = new Map<string, string>();
  await Promise.all(
    clients.map(async (client, who) => {
      const sent = Array.from({ length: PER_CLIENT }, async (_, index) => {
        const tag = `t${who}-${index}`;
        causes.set(tag, `${client.id}:${index + 1}`);
        expect(await emitAck(client, index === 3 ? 'fail' : 'write', tag)).toEqual([true]);
      });
      await Promise.all(sent);
    }),
  );
  return causes;
}

const tagOf = (row: Record<string, unknown> | null): string => String(row?.tag);
const rowsOf = (heard: Heard): { cause: string | null; tag: string; what: string }[] =>
  heard.of('change').map(({ cause, op, table, before, after }) => ({ cause, tag: tagOf(after ?? before), what: `${op} ${table}` }));

async function expectTrueCauses(kind: string, rows: Record<string, number>, env: Record<string, string> = {}): Promise<void> {
  await server.create(kind);
  const app = await start(kind, kind, env);
  const clients = await Promise.all(Array.from({ length: 10 }, () => app.client()));
  const heard = await app.reader();
  const causes = await drive(clients);
  expect((await heard.drain()).open).toBe(0);
  const told = rowsOf(heard);
  expect(told.filter(({ cause, tag }) => cause !== causes.get(tag))).toEqual([]);
  const counts: Record<string, number> = {};
  for (const { what } of told) counts[what] = (counts[what] ?? 0) + 1;
  const written = 10 * (PER_CLIENT - 1);
  expect(counts).toEqual(Object.fromEntries(Object.entries(rows).map(([what, each]) => [what, each * written])));
  expect(heard.of('warning')).toEqual([]);
}

describe('rows have their true cause', () => {
  it('through Sequelize: hooks, transactions, bulkCreate, raw SQL', async () => {
    await expectTrueCauses('sequelize', { 'insert notes': 3, 'update notes': 1, 'insert logs': 2, 'update logs': 2 });
  });

  it('through Knex: transactions in transactions, upsert, batchInsert, raw SQL', async () => {
    await expectTrueCauses('knex', { 'insert notes': 1, 'update notes': 1, 'delete notes': 1, 'insert logs': 4 });
  });

  it('through Drizzle: transactions, upsert, prepared statements, raw SQL', async () => {
    await expectTrueCauses('drizzle', { 'insert notes': 1, 'update notes': 1, 'delete notes': 1, 'insert logs': 4 });
  });

  it('through Prisma with its adapter for pg: batches, transactions, upsert, createMany, raw SQL', async () => {
    const client = prismaClient();
    await expectTrueCauses('prisma', { 'insert notes': 1, 'update notes': 1, 'delete notes': 1, 'insert logs': 4 }, { PRISMA_CLIENT: client });
  });

  it('in the session store connect-pg-simple: those of a request are the request', async () => {
    await server.create('session');
    const app = await start('session', 'session');
    const client = await app.client();
    const heard = await app.reader();
    const tags = Array.from({ length: 20 }, (_, index) => `q${index}`);
    await Promise.all([
      ...tags.map((tag) => fetch(`http://127.0.0.1:${app.port}/?tag=${tag}`).then((response) => response.text())),
      ...tags.map((tag) => emitAck(client, 'write', tag)),
    ]);
    await heard.drain();
    const sessions = heard.of('change').filter(({ table }) => table === 'session');
    expect(new Set(sessions.map(({ cause }) => cause)).size).toBe(20);
    expect(sessions.every(({ cause }) => cause?.startsWith('http:'))).toBe(true);
    const notes = heard.of('change').filter(({ table }) => table === 'notes');
    expect(notes.map(({ cause, after }) => [after?.tag, cause]).sort()).toEqual(tags.map((tag, index) => [tag, `${client.id}:${index + 1}`]).sort());
  });
});

describe('several processes on one database', () => {
  it('tell each row once, each its own, and the last one removes everything', async () => {
    await server.create('shared');
    await server.sql('shared', 'CREATE TABLE other (id int PRIMARY KEY, tag text)');
    const first = await start('drizzle', 'shared');
    await server.sql('shared', 'ALTER TABLE notes RENAME TO kept; ALTER TABLE logs RENAME TO kept_logs');
    const second = await start('drizzle', 'shared');
    await server.sql('shared', 'DROP TABLE kept, kept_logs');
    const both = [first, second];
    const heard = await Promise.all(both.map((app) => app.reader()));
    const clients = await Promise.all(both.flatMap((app) => [app.client(), app.client(), app.client()]));
    const causes = await drive(clients);
    await server.sql('shared', "INSERT INTO other SELECT n, 'nobody' FROM generate_series(1, 50) n");
    for (const one of heard) await one.drain();
    const told = heard.map(rowsOf);
    expect(told.flat().filter(({ cause, tag }) => cause !== (causes.get(tag) ?? null))).toEqual([]);
    expect(told.flat().filter(({ tag }) => tag === 'nobody')).toHaveLength(50);
    expect(told.flat()).toHaveLength(50 + 6 * (PER_CLIENT - 1) * 7);
    for (const [index, rows] of told.entries()) {
      const own = new Set(clients.slice(3 * index, 3 * index + 3).map(({ id }) => id));
      expect(rows.every(({ cause }) => cause === null || own.has(cause.split(':')[0]))).toBe(true);
    }
    heard[0]!.connection.close();
    await emitAck(clients[3]!, 'write', 'more');
    await heard[1]!.drain();
    expect(rowsOf(heard[1]!).filter(({ tag }) => tag === 'more')).toHaveLength(7);
    expect((await server.sql('shared', LEFTOVERS)).length).toBeGreaterThan(3);
    heard[1]!.connection.close();
    await expect.poll(() => server.sql('shared', LEFTOVERS), { timeout: 10_000 }).toEqual([]);
  });
});

/** Generated here, without a network. */
function prismaClient(): string {
  const home = join(folder, 'prisma');
  mkdirSync(home);
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  writeFileSync(
    join(home, 'schema.prisma'),
    `generator client {\n  provider = "prisma-client"\n  output = "./generated"\n}\ndatasource db {\n  provider = "postgresql"\n}\n` +
      `model notes {\n  id Int @id @default(autoincrement())\n  tag String? @unique\n  n Int?\n}\nmodel logs {\n  id Int @id @default(autoincrement())\n  tag String?\n}\n`,
  );
  execFileSync(process.execPath, [join(root, 'node_modules/prisma/build/index.js'), 'generate', '--schema', 'schema.prisma'], {
    cwd: home,
    env: { ...process.env, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1', PRISMA_SCHEMA_ENGINE_BINARY: process.execPath },
    stdio: 'pipe',
  });
  const outfile = join(home, 'client.mjs');
  buildSync({
    entryPoints: [join(home, 'generated/client.ts')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  });
  return pathToFileURL(outfile).href;
}
