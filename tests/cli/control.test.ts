/** A recording that runs, from another terminal and from code. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkpoint } from '../../src/capture/checkpoint.js';
import { findRecorders } from '../../src/capture/recorders.js';
import { loadRecordings } from '../../src/recording/load.js';
import { createWorld, type World } from './run.js';

let world: World;
const sockets: Socket[] = [];
beforeEach(() => {
  world = createWorld();
  process.env.REPLAY_RUNTIME_DIR = join(world.folder, 'runtime');
});
afterEach(async () => {
  delete process.env.REPLAY_RUNTIME_DIR;
  for (const socket of sockets.splice(0)) socket.disconnect();
  await world.clean();
});

async function client(url: string, user: string): Promise<Socket> {
  const socket = io(url, { auth: { user }, transports: ['websocket'], reconnection: false });
  sockets.push(socket);
  await new Promise<void>((resolve, reject) => socket.once('ready', resolve).once('connect_error', reject));
  return socket;
}

const says = async (pattern: RegExp, ...args: string[]): Promise<void> => {
  const cli = world.cli(...args);
  expect([await cli.ends(), cli.text()]).toEqual([0, expect.stringMatching(pattern)]);
};
const recording = (name: string) => loadRecordings(join(world.folder, 'recordings')).recordings.find((one) => one.recording.name === name)?.recording;

describe('a recording that runs', () => {
  test('is listed, gets checkpoints, gives what it has so far, and is stopped', async () => {
    const { url } = await world.application();
    const recorder = world.cli('record', '--name', 'checkout', '--target', url);
    await recorder.prints(/Recording\./);
    const alice = await client(url, 'alice');
    await alice.emitWithAck('noteAdd', { text: 'one' });
    await checkpoint('cart');
    await alice.emitWithAck('noteAdd', { text: 'two' });

    const checkpoints = world.cli('checkpoint', 'paid');
    expect(await checkpoints.ends()).toBe(0);
    await alice.emitWithAck('noteAdd', { text: 'three' });
    const listed = world.cli('captures');
    expect([await listed.ends(), listed.text()]).toEqual([0, expect.stringMatching(/^checkout: recording 0:\d\d {2}1 session, 3 emits, 4 pushes, 3 changes/)]);

    const part = world.cli('export', 'checkout', '--between', 'cart', 'paid', '--as', 'pay');
    expect([await part.ends(), part.text()]).toEqual([0, expect.stringContaining('connected before the recording began: alice')]);
    expect(recording('pay')?.sessions[0]?.traces).toMatchObject([{ connect: { before: true } }, { emit: 'noteAdd', args: [{ text: 'two' }] }]);

    await says(/truncated \(it is still being recorded\)/, 'export', 'checkout');
    expect(recording('checkout-so-far')?.sessions[0]?.traces).toHaveLength(4);

    const stopped = world.cli('stop');
    expect(await stopped.ends()).toBe(0);
    expect(await recorder.ends()).toBe(0);
    expect(recording('checkout')).toMatchObject({
      status: 'finished',
      checkpoints: [
        { name: 'cart', next: { alice: 2 }, tables: [{ table: 'note', rows: 1, hash: expect.stringMatching(/^[0-9a-f]{16}$/) }] },
        { name: 'paid', next: { alice: 3 }, tables: [{ table: 'note', rows: 2 }] },
      ],
    });
    expect(findRecorders()).toEqual([]);
    expect(existsSync(join(world.folder, '.socket-replay', 'captures', 'checkout.ndjson'))).toBe(false);
  });

  test('refuses a second checkpoint of a name; without one there is nothing to ask', async () => {
    const { url } = await world.application();
    const recorder = world.cli('record', '--name', 'one', '--target', url);
    await recorder.prints(/Recording\./);
    await vi.waitFor(() => expect(findRecorders()).toHaveLength(1), 10_000);
    await checkpoint('cart');
    await expect(checkpoint('cart')).rejects.toThrow(/REPLAY_CHECKPOINT: there is a checkpoint of the name cart/);
    await expect(checkpoint('cart', { recording: 'two' })).rejects.toThrow(/REPLAY_NO_CAPTURE: two is not recorded now/);
    recorder.enter('stop');
    await recorder.ends();
    await expect(checkpoint('late')).rejects.toThrow(/REPLAY_NO_CAPTURE: nothing is recorded now/);
  });

  test('tells its clients if it is asked to, and records nothing of it', async () => {
    const { url } = await world.application();
    const alice = await client(url, 'alice');
    const told: unknown[] = [];
    alice.on('socket-replay:recording', (state) => told.push(state));
    const recorder = world.cli('record', '--name', 'told', '--target', url, '--notify', '--new');
    await recorder.prints(/Recording\./);
    await vi.waitFor(() => expect(told).toEqual([{ recording: true }]), 10_000);
    await alice.emitWithAck('noteAdd', { text: 'one' });
    recorder.enter('stop');
    expect(await recorder.ends()).toBe(0);
    await vi.waitFor(() => expect(told).toEqual([{ recording: true }, { recording: false }]), 10_000);
    expect(JSON.stringify(recording('told'))).not.toContain('socket-replay:recording');
  });
});

describe('which connections', () => {
  test('a later one is captured only with --new; a rule holds for it too', async () => {
    const { url } = await world.application();
    await client(url, 'alice');
    await client(url, 'bob');
    const recorder = world.cli('record', '--name', 'rule', '--target', url, '--where', 'user=a*', 'auth.user=*', '--new');
    await recorder.prints(/Recording\./);
    const anna = await client(url, 'anna');
    await client(url, 'berta');
    await recorder.prints(/Not captured: berta connected/);
    await anna.emitWithAck('noteAdd', { text: 'x' });
    recorder.enter('stop');
    expect(await recorder.ends()).toBe(0);
    expect(recording('rule')?.sessions.map(({ id }) => id)).toEqual(['alice', 'anna']);
    expect(recording('rule')?.uncaptured).toEqual(['berta on /']);

    const without = world.cli('record', '--name', 'without', '--target', url);
    await without.prints(/Recording\./);
    await client(url, 'carol');
    await without.prints(/Not captured: carol connected/);
  });

  test('a rule that is none', async () => {
    const cli = world.cli('record', '--where', 'colour=red');
    expect([await cli.ends(), cli.text()]).toEqual([2, expect.stringMatching(/REPLAY_USAGE: --where colour=red is no rule/)]);
  });
});
