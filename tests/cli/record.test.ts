import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadRecordings } from '../../src/recording/load.js';
import { isAlive } from '../../src/wire/process.js';
import { cluster, createWorld, notes, type World } from './run.js';

let world: World;
const sockets: Socket[] = [];
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await world.clean();
});

async function client(url: string, user?: string): Promise<Socket> {
  const socket = io(url, { auth: user === undefined ? {} : { user }, transports: ['websocket'], reconnection: false });
  sockets.push(socket);
  await new Promise<void>((resolve, reject) => socket.once('ready', resolve).once('connect_error', reject));
  return socket;
}

const recording = (name: string) => {
  const { recordings, errors } = loadRecordings(join(world.folder, 'recordings'));
  expect(errors).toEqual([]);
  const found = recordings.find((one) => one.recording.name === name);
  if (!found) throw new Error(`no recording ${name}`);
  return found.recording;
};
const yaml = (name: string) => readFileSync(join(world.folder, 'recordings', `${name}.yaml`), 'utf8');

describe('with a command', () => {
  test('starts it under the probe, records everybody, stops it, and writes what happened', async () => {
    const cli = world.cli('record', '--name', 'notes', '--no-replay', '--', process.execPath, notes);
    const url = (await cli.prints(/notes at (http:\S+)/))[1] ?? '';
    await cli.prints(/Recording\./);
    const alice = await client(url, 'alice');
    const bob = await client(url, 'bob');
    const seen = new Promise((resolve) => bob.once('noteAdded', resolve));
    expect(await alice.emitWithAck('noteAdd', { text: 'first' })).toEqual({ success: true, id: 1 });
    await seen;
    await alice.emitWithAck('login', { password: 'open sesame' });
    bob.emit('noteAdd', { text: 'second' });
    const heard = new Promise((resolve) => alice.once('noteAdded', resolve));
    await heard;
    cli.enter('stop');
    expect(await cli.ends()).toBe(0);
    const { sessions, status } = recording('notes');
    expect(status).toBe('finished');
    expect(sessions.map(({ id, user }) => [id, user])).toEqual([
      ['alice', 'alice'],
      ['bob', 'bob'],
    ]);
    expect(sessions[0]?.traces).toHaveLength(3);
    expect(sessions[0]?.traces[0]).toMatchObject({ connect: { namespace: '/', auth: { user: 'alice' } }, pushes: [{ to: 'alice', event: 'ready' }] });
    expect(sessions[0]?.traces[1]).toMatchObject({
      emit: 'noteAdd',
      args: [{ text: 'first' }],
      pushes: [{ to: ['alice', 'bob'], event: 'noteAdded' }],
      changes: [{ insert: 'note', row: { author: 'alice', text: 'first' } }],
    });
    expect(sessions[1]?.traces[1]).toMatchObject({ emit: 'noteAdd' });
    expect(sessions[1]?.traces[1]).not.toHaveProperty('ack');
    expect(yaml('notes')).not.toContain('open sesame');
    expect(cli.text()).toMatch(/2 sessions, 5 traces, 6 pushes, 2 changes, \d+ names?/);
    expect(readdirSync(join(world.folder, '.socket-replay', 'captures'))).toEqual([]);
    await expect(fetch(url)).rejects.toThrow();
  });

  test('a cluster: all workers are one recording, also one that is started anew', async () => {
    const cli = world.cli('record', '--name', 'cluster', '--no-replay', '--', process.execPath, cluster);
    const url = (await cli.prints(/cluster at (http:\S+)/))[1] ?? '';
    await cli.prints(/Recording\./);
    expect(cli.text()).toMatch(/Connected to .*processes \d+, \d+\)/);
    const said = (socket: Socket, text: string) => new Promise<void>((resolve) => socket.on('said', (heard) => heard === text && resolve()));
    // The primary hands connections out in turn.
    const clients = [await client(url), await client(url), await client(url)] as const;
    const pids: number[] = [];
    for (const [i, socket] of clients.entries()) {
      const heard = clients.map((other) => said(other, `hello ${i}`));
      pids.push(await socket.emitWithAck('say', `hello ${i}`));
      await Promise.all(heard);
    }
    expect(new Set(pids).size).toBe(2);
    const gone = new Promise((resolve) => clients[0].once('disconnect', resolve));
    // Only what its probe has told survives a process.
    await cli.prints(/3 sessions, 3 emits, 12 pushes/);
    process.kill(pids[0] as number, 'SIGKILL');
    await gone;
    await cli.prints(/Also process \d+\./);
    await vi.waitFor(async () => expect(pids).not.toContain(await (await client(url)).emitWithAck('say', 'back')), { timeout: 10_000, interval: 200 });
    cli.enter('stop');
    expect(await cli.ends()).toBe(0);
    // Which of two processes is heard first is chance.
    const begin = ({ times }: { times?: [number, ...unknown[]][] | undefined }) => times?.[0]?.[0] ?? 0;
    const sessions = [...recording('cluster').sessions].sort((a, b) => begin(a) - begin(b));
    expect(sessions.slice(0, 3).map(({ traces }) => traces.map((trace) => trace.ack ?? Object.keys(trace)[0]))).toEqual([
      ['connect', [pids[0]], 'disconnect'],
      ['connect', [pids[1]]],
      ['connect', [pids[2]], ...(pids[2] === pids[0] ? ['disconnect'] : [])],
    ]);
    expect(sessions[0]?.traces.at(-1)).toEqual({ disconnect: 'server shutting down' });
    const heard = (index: number) => {
      const own = sessions
        .flatMap(({ traces }) => traces.flatMap(({ pushes = [] }) => pushes))
        .filter(({ to }) => [to].flat().includes(sessions[index]?.id ?? ''));
      return [...own, ...(sessions[index]?.received ?? [])].flatMap(({ event, args }) => (event === 'said' ? args : [])).sort();
    };
    for (const index of [0, 1, 2]) expect(heard(index).slice(-3)).toEqual(['hello 0', 'hello 1', 'hello 2']);
    expect(sessions.at(-1)?.traces[1]).toMatchObject({ emit: 'say', args: ['back'] });
  });

  test.each([
    ['ends at once', ['-e', 'process.exit(4)'], /REPLAY_COMMAND_FAILED.*exit code 4/],
    ['does not exist', undefined, /REPLAY_COMMAND_FAILED.*ENOENT/],
  ])('a command that %s', async (_, args, message) => {
    const cli = world.cli('record', '--', ...(args ? [process.execPath, ...args] : ['no-such-command']));
    expect(await cli.ends()).toBe(3);
    expect(cli.text()).toMatch(message);
    expect(cli.text()).not.toMatch(/\n\s+at .*\.ts/);
  });

  test('the end of the application ends the recording as interrupted', async () => {
    const cli = world.cli('record', '--name', 'cut', '--', process.execPath, notes);
    const url = (await cli.prints(/notes at (http:\S+)/))[1] ?? '';
    await cli.prints(/Recording\./);
    const alice = await client(url, 'alice');
    await alice.emitWithAck('noteAdd', { text: 'x' });
    alice.emit('quit');
    expect(await cli.ends()).toBe(0);
    expect(recording('cut')).toMatchObject({ status: 'interrupted', statusReason: 'application_ended' });
  });

  test('Ctrl-C before it records ends the application too', async () => {
    const cli = world.cli('record', '--', process.execPath, '-e', 'console.log("pid", process.pid); setInterval(() => {}, 1000)');
    const pid = Number((await cli.prints(/pid (\d+)/))[1]);
    cli.signal('SIGINT');
    expect(await cli.ends()).toBe(130);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 10_000);
  });
});

describe('attached', () => {
  test('to the one that runs; who was connected before is said, the first signal stops and writes', async () => {
    const { url, app } = await world.application();
    const alice = await client(url, 'alice');
    await alice.emitWithAck('noteAdd', { text: 'before' });
    const cli = world.cli('record', '--name', 'late', '--user', 'alice=anna', '--duration', '5m');
    await cli.prints(/alice[\s\S]*Recording\./);
    await alice.emitWithAck('noteAdd', { text: 'during' });
    cli.signal('SIGINT');
    expect(await cli.ends()).toBe(0);
    const { sessions } = recording('late');
    expect(sessions).toMatchObject([{ id: 'anna', user: 'anna', traces: [{ connect: { before: true } }, { emit: 'noteAdd' }] }]);
    expect(cli.text()).toContain('connected before the recording began: anna');
    expect(app.child.exitCode).toBeNull();
  });

  test('picked connections only; a later one is reported and named', async () => {
    const { url } = await world.application();
    const alice = await client(url, 'alice');
    await client(url, 'bob');
    const cli = world.cli('record', '--name', 'picked', '--pick', 'alice');
    await cli.prints(/Recording\./);
    await client(url, 'carol');
    await cli.prints(/Not captured: carol connected/);
    await alice.emitWithAck('noteAdd', { text: 'x' });
    cli.enter('stop');
    expect(await cli.ends()).toBe(0);
    const picked = recording('picked');
    expect(picked.sessions.map(({ id }) => id)).toEqual(['alice']);
    expect(picked.uncaptured).toEqual(['carol on /']);
    expect(picked.sessions[0]?.traces[1]?.pushes).toMatchObject([{ to: 'alice' }]);
  });

  test('two at once on one application: the second is refused', async () => {
    const { url } = await world.application();
    const first = world.cli('record', '--target', url);
    await first.prints(/Recording\./);
    const second = world.cli('record', '--target', url, '--name', 'second');
    expect(await second.ends()).toBe(3);
    expect(second.text()).toMatch(new RegExp(`REPLAY_TARGET_BUSY.*process ${first.child.pid}`));
  });

  test('nothing happened: nothing is written', async () => {
    const { url } = await world.application();
    const cli = world.cli('record', '--target', url, '--duration', '1ms');
    expect(await cli.ends()).toBe(2);
    expect(cli.text()).toContain('REPLAY_CAPTURE_EMPTY');
    expect(existsSync(join(world.folder, 'recordings'))).toBe(false);
  });

  test('several applications: one must be named', async () => {
    const one = await world.application();
    await world.application();
    const cli = world.cli('record');
    expect(await cli.ends()).toBe(2);
    expect(cli.text()).toContain('Choose one with --target URL');
    const listed = world.cli('sessions', '--target', one.url);
    expect(await listed.ends()).toBe(0);
    expect(listed.text()).toMatch(new RegExp(`process ${one.app.child.pid}\\)\\n {2}nobody is connected\\n$`));
  });
});

describe('a recorder that is killed', () => {
  test('leaves a log; the next start names it, export saves it', async () => {
    const { url } = await world.application();
    const first = world.cli('record', '--name', 'killed', '--target', url);
    await first.prints(/Recording\./);
    const alice = await client(url, 'alice');
    await alice.emitWithAck('noteAdd', { text: 'kept' });
    const log = join(world.folder, '.socket-replay', 'captures', 'killed.ndjson');
    await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('"ack"'), 5_000);
    first.signal('SIGKILL');
    await first.ends();
    const second = world.cli('record', '--name', 'next', '--target', url, '--duration', '1ms');
    await second.prints(/A recording was interrupted: killed. Save it with: npx socket-replay export killed/);
    await second.ends();
    const cli = world.cli('export', 'killed');
    expect(await cli.ends()).toBe(0);
    expect(recording('killed')).toMatchObject({ status: 'interrupted', statusReason: 'crashed' });
    expect(recording('killed').sessions[0]?.traces[1]).toMatchObject({ emit: 'noteAdd', args: [{ text: 'kept' }] });
  });
});

describe('wrong use', () => {
  test.each([
    ['no application', ['record'], 3, /REPLAY_NO_PROBE: no application runs under the probe/],
    ['an unknown command', ['recrod'], 2, /unknown command/],
    ['an unknown option', ['record', '--nam', 'x'], 2, /unknown option/],
    ['no duration', ['record', '--duration', '5'], 2, /REPLAY_USAGE: --duration 5 is no duration/],
    ['no name', ['record', '--name', '../x'], 2, /REPLAY_USAGE/],
    ['no alias', ['record', '--user', 'alice'], 2, /REPLAY_USAGE: --user alice/],
    ['both', ['record', '--all', '--pick', 'x'], 2, /exclude each other/],
    ['no log', ['export', 'nothing'], 2, /REPLAY_CAPTURE_LOG/],
    ['help', ['record', '--help'], 0, /Examples:/],
  ])('%s', async (_, args, code, message) => {
    const cli = world.cli(...args);
    expect(await cli.ends()).toBe(code);
    expect(cli.text()).toMatch(message);
    expect(cli.text()).not.toMatch(/\n\s+at .*\.ts/);
  });
});
