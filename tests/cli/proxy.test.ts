/** `record --target` where no probe runs: the person opens the proxy's address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import msgpack from 'socket.io-msgpack-parser';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRecordings } from '../../src/recording/load.js';
import type { Recording } from '../../src/recording/schema.js';
import { freePort } from '../ports.js';
import { createWorld, notes, type World } from './run.js';

let world: World;
const sockets: Socket[] = [];
const processes: ChildProcess[] = [];
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  for (const child of processes.splice(0)) {
    if (child.exitCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await world.clean();
});

/** The notes application without a probe. */
async function application(env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn(process.execPath, [notes], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  processes.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return /notes at (http:\S+)/.exec(line.toString())?.[1] ?? '';
}

async function client(url: string, user: string, transports = ['polling', 'websocket'], parser?: unknown): Promise<Socket> {
  const socket = io(url, { auth: { user }, transports, reconnection: false, ...(parser !== undefined && { parser }) });
  sockets.push(socket);
  await new Promise<void>((resolve, reject) => socket.once('ready', resolve).once('connect_error', reject));
  return socket;
}

function recording(name: string): Recording {
  const { recordings, errors } = loadRecordings(join(world.folder, 'recordings'));
  expect(errors).toEqual([]);
  const found = recordings.find((one) => one.recording.name === name);
  if (!found) throw new Error(`no recording ${name}`);
  return found.recording;
}

/** Alice writes, bob hears it. */
async function use(url: string): Promise<void> {
  const alice = await client(url, 'alice');
  const bob = await client(url, 'bob', ['websocket']);
  const heard = new Promise((resolve) => bob.once('noteAdded', resolve));
  await alice.emitWithAck('noteAdd', { text: 'first' });
  await heard;
  const late = new Promise((resolve) => alice.once('noteAdded', resolve));
  bob.emit('noteAdd', { text: 'second' });
  await late;
}

test('records what passes, says where to go, and writes it', async () => {
  const target = await application();
  const port = String(await freePort());
  const cli = world.cli('record', '--name', 'notes', '--target', target, '--port', port, '--no-replay');
  const url = (await cli.prints(/Open (http:\S+) in place of/))[1] ?? '';
  expect(url).toBe(`http://localhost:${port}`);
  await cli.prints(/Recording\./);
  await use(url);
  cli.enter('stop');
  expect(await cli.ends()).toBe(0);
  const { sessions, status, recorded } = recording('notes');
  expect([status, recorded?.source]).toEqual(['finished', 'proxy']);
  expect(sessions.map(({ traces, received = [] }) => [traces.map(({ connect, emit }) => connect?.auth ?? emit), received.map(({ event }) => event)])).toEqual([
    [
      [{ user: 'alice' }, 'noteAdd'],
      ['ready', 'noteAdded', 'noteAdded'],
    ],
    [
      [{ user: 'bob' }, 'noteAdd'],
      ['ready', 'noteAdded', 'noteAdded'],
    ],
  ]);
  expect(sessions[0]?.traces[1]).toMatchObject({ args: [{ text: 'first' }], ack: [{ success: true }] });
  expect(cli.text()).toContain('6 pushes without a proven cause');
});

test('--proxy is put in front of an application under the probe too', async () => {
  const { url: target } = await world.application();
  const cli = world.cli('record', '--name', 'notes', '--target', target, '--proxy', '--no-replay');
  const url = (await cli.prints(/Open (http:\S+) in place of/))[1] ?? '';
  await cli.prints(/Recording\./);
  await use(url);
  cli.enter('stop');
  expect(await cli.ends()).toBe(0);
  expect(recording('notes')).toMatchObject({ recorded: { source: 'proxy' }, status: 'finished' });
});

test('an application with another parser is read with --parser', async () => {
  const file = createRequire(import.meta.url).resolve('socket.io-msgpack-parser');
  const target = await application({ NOTES_PARSER: file });
  const cli = world.cli('record', '--name', 'notes', '--target', target, '--parser', file, '--no-replay');
  const url = (await cli.prints(/Open (http:\S+) in place of/))[1] ?? '';
  await cli.prints(/Recording\./);
  const alice = await client(url, 'alice', ['polling', 'websocket'], msgpack);
  await alice.emitWithAck('noteAdd', { text: 'packed' });
  alice.disconnect();
  cli.enter('stop');
  expect(await cli.ends()).toBe(0);
  expect(recording('notes').sessions[0]?.traces[1]).toMatchObject({ emit: 'noteAdd', args: [{ text: 'packed' }], ack: [{ success: true }] });
});

test('two recordings of one target: the second is refused', async () => {
  const target = await application();
  const first = world.cli('record', '--target', target);
  await first.prints(/Recording\./);
  const second = world.cli('record', '--target', target, '--name', 'second');
  expect(await second.ends()).toBe(3);
  expect(second.text()).toMatch(/REPLAY_TARGET_BUSY/);
});

test.each([
  ['no application', ['--target', 'http://127.0.0.1:9'], 3, /REPLAY_TARGET_UNREACHABLE: nothing answers at http:\/\/127\.0\.0\.1:9: /],
  ['no address', ['--target', 'ftp://x'], 2, /REPLAY_USAGE: --target ftp:\/\/x/],
  ['no target', ['--proxy'], 2, /REPLAY_USAGE: --proxy, --port and --parser need --target/],
  ['a command', ['--target', 'http://127.0.0.1:9', '--proxy', '--', 'true'], 2, /REPLAY_USAGE: --proxy, --port and --parser need --target, and no command/],
  ['no parser', ['--target', 'http://127.0.0.1:9', '--parser', 'nothing-of-this-name'], 2, /REPLAY_PARSER: the parser nothing-of-this-name is not installed/],
  ['no port', ['--target', 'http://127.0.0.1:9', '--port', 'x'], 2, /REPLAY_USAGE: --port x/],
])('%s', async (_, args, code, message) => {
  const cli = world.cli('record', ...args);
  expect(await cli.ends()).toBe(code);
  expect(cli.text()).toMatch(message);
  expect(cli.text()).not.toMatch(/\n\s+at .*\.ts/);
});

test('a port that is taken is said', async () => {
  const target = await application();
  const cli = world.cli('record', '--target', target, '--port', new URL(target).port);
  expect(await cli.ends()).toBe(2);
  expect(cli.text()).toMatch(/REPLAY_USAGE: the proxy cannot listen at port \d+: .*\n +Choose another --port/);
});
