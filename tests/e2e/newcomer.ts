/** What a new user does in a project of their own: init, edit the configuration, record, replay. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { freePort } from '../ports.js';
import { type Finished, root, run } from './support.js';

export interface Newcomer {
  folder: string;
  port: number;
  /** runs a command of the project's own node_modules/.bin */
  npx(args: string[], env?: NodeJS.ProcessEnv): Promise<Finished>;
}

/** The folder has node_modules with socket-replay, @playwright/test, socket.io and socket.io-client. */
export async function newcomer(folder: string): Promise<Newcomer> {
  const port = await freePort();
  copyFileSync(join(root, 'tests/e2e/apps/notes.mjs'), join(folder, 'server.mjs'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'notes', private: true, type: 'module', scripts: { start: 'node server.mjs' } }));
  return {
    folder,
    port,
    npx: (args, env = {}) =>
      run('npx', ['--no-install', ...args], { cwd: folder, env: { PORT: String(port), REPLAY_RUNTIME_DIR: join(folder, '.runtime'), ...env } }).ended,
  };
}

/** `init`, then what it says the next step is. */
export async function initialise(project: Newcomer): Promise<Finished> {
  const done = await project.npx(['socket-replay', 'init']);
  const file = join(project.folder, 'playwright.config.ts');
  const config = readFileSync(file, 'utf8')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, `http://127.0.0.1:${project.port}`)
    .replace(/users: \{ alice: \{[^}]*\} \}/, "users: { alice: { username: 'alice', password: 'alice-pw' }, bob: { username: 'bob', password: 'bob-pw' } }");
  writeFileSync(file, config);
  return done;
}

/** `record -- npm start`, and two people at work. */
export async function recordNotes(project: Newcomer): Promise<Finished> {
  const recorder = run('npx', ['--no-install', 'socket-replay', 'record', '--name', 'notes', '--no-replay', '--', 'npm', 'start'], {
    cwd: project.folder,
    stdin: 'pipe',
    env: { PORT: String(project.port), REPLAY_RUNTIME_DIR: join(project.folder, '.runtime') },
  });
  await recorder.prints('Recording.');
  const url = `http://127.0.0.1:${project.port}`;
  const alice = await connect(url, 'alice');
  const bob = await connect(url, 'bob');
  const added = new Promise<{ id: string }>((done) => bob.once('note:added', done));
  await alice.emitWithAck('note:add', { text: 'Buy ink' });
  await bob.emitWithAck('note:done', { id: (await added).id });
  await bob.emitWithAck('note:done', { id: 'nothing' });
  const left = new Promise((done) => alice.once('disconnect', done));
  bob.disconnect();
  alice.disconnect();
  await left;
  recorder.child.stdin?.write('stop\n');
  return recorder.ended;
}

async function connect(url: string, username: string) {
  const login = await fetch(`${url}/login`, { method: 'POST', body: JSON.stringify({ username, password: `${username}-pw` }) });
  const socket = io(url, { forceNew: true, transports: ['websocket'], extraHeaders: { cookie: login.headers.getSetCookie()[0]?.split(';')[0] ?? '' } });
  await new Promise((done, fail) => {
    socket.once('connect', () => done(undefined));
    socket.once('connect_error', fail);
  });
  return socket;
}
