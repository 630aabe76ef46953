import { symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREATE, CREATE_EVENT_TRIGGER, LOCKS, SCHEMA } from '../../src/wire/pg-sql.js';
import { type Postgres, startPostgres } from '../postgres.js';
import { createWorld, type World } from './run.js';

let server: Postgres;
let world: World;
const { Client } = createRequire(import.meta.url)('pg') as typeof import('pg');

beforeAll(async () => {
  server = await startPostgres();
  await server.create('app');
  world = createWorld();
});
afterAll(async () => {
  await world.clean();
  await server.stop();
});

const doctor = async (...args: string[]): Promise<{ code: number | null; text: string }> => {
  const running = world.cli('doctor', '--database', server.url('app'), ...args);
  const code = await running.ends();
  return { code, text: running.text() };
};

describe('doctor', () => {
  it('needs the driver of the project', async () => {
    const { code, text } = await doctor();
    expect(code).toBe(3);
    expect(text).toMatch(/^REPLAY_NO_DRIVER: pg, by which a PostgreSQL database is opened, is not installed in this project\n/);
    symlinkSync(
      createRequire(import.meta.url)
        .resolve('pg/package.json')
        .replace(/[\\/]pg[\\/]package\.json$/, ''),
      join(world.folder, 'node_modules'),
    );
  });

  it('says that nothing is there', async () => {
    expect(await doctor()).toEqual({ code: 0, text: 'Nothing of socket-replay is in this database.\n' });
  });

  it('shows and removes what was left, and nothing else', async () => {
    await server.sql(
      'app',
      `CREATE TABLE t (id int); CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER own AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION own()`,
    );
    for (const sql of [...CREATE, CREATE_EVENT_TRIGGER, `SELECT ${SCHEMA}.attach('t'::regclass)`]) await server.sql('app', sql);
    const shown = await doctor();
    expect(shown.code).toBe(0);
    expect(shown.text).toMatch(/event trigger +socket_replay\ntrigger +"!socket_replay" on public\.t\n[\s\S]*schema +socket_replay\nLeft behind: 4 objects/);
    const removed = await doctor('--remove');
    expect(removed.text).toMatch(/Removed: 4 objects\.\n$/);
    expect(removed.code).toBe(0);
    expect((await doctor()).text).toMatch(/^Nothing/);
    expect(await server.sql('app', `SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass`)).toEqual([{ tgname: 'own' }]);
  });

  it('leaves alone what a process uses', async () => {
    for (const sql of CREATE) await server.sql('app', sql);
    const user = new Client(server.config('app'));
    await user.connect();
    await user.query('SELECT pg_advisory_lock_shared($1, 2)', [LOCKS]);
    const { code, text } = await doctor('--remove');
    expect(text).toContain('In use: a process measures the rows');
    expect(code).toBe(3);
    await user.end();
    await expect.poll(async () => (await doctor('--remove')).code).toBe(0);
  });

  it('says what the database says, without the password', async () => {
    const running = world.cli('doctor', '--database', `postgres://somebody:hidden@127.0.0.1:${server.port}/nowhere`);
    expect(await running.ends()).toBe(3);
    expect(running.text()).toMatch(/^REPLAY_DATABASE: postgres:\/\/somebody:…@127\.0\.0\.1:\d+\/nowhere: (role|database) "\w+" does not exist\n/);
    expect(running.text()).not.toContain('hidden');
  });
});
