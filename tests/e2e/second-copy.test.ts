/** The end of `record`, real: what a second copy collides with becomes `!unique`, or the recording is kept to one copy; both hold from then on. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { expect } from 'vitest';
import { createScratch, type Scratch } from '../docs/scratch.js';
import { slow } from '../slow.js';
import { type Finished, root } from './support.js';

async function club(): Promise<Scratch> {
  const scratch = await createScratch();
  copyFileSync(join(root, 'tests/e2e/apps/club.mjs'), join(scratch.folder, 'server.mjs'));
  await scratch.npx(['socket-replay', 'init']);
  const url = `http://127.0.0.1:${scratch.port}`;
  const config = [
    "import { defineReplayConfig } from 'socket-replay';",
    'export default defineReplayConfig({',
    `  use: { baseURL: '${url}', reset: { post: '/reset' } },`,
    `  webServer: { command: 'node server.mjs', url: '${url}' },`,
    '});',
  ];
  writeFileSync(join(scratch.folder, 'playwright.config.ts'), config.join('\n'));
  return scratch;
}

async function recorded({ shell, port }: Scratch, name: string, use: (alice: Socket, bob: Socket) => Promise<void>): Promise<Finished> {
  const recorder = shell(`npx socket-replay record --name ${name} --replay -- node server.mjs`);
  await recorder.prints('Recording.');
  const connected = async (): Promise<Socket> => {
    const socket = io(`http://127.0.0.1:${port}`, { forceNew: true, transports: ['websocket'] });
    await new Promise<void>((done) => socket.once('connect', () => done()));
    return socket;
  };
  const [alice, bob] = [await connected(), await connected()];
  await use(alice, bob);
  alice.disconnect();
  bob.disconnect();
  recorder.child.stdin?.write('stop\n');
  return recorder.ended;
}

slow('record ends with !unique or copies: 1, proven, and what it wrote is green in three copies', { timeout: 480_000 }, async () => {
  const scratch = await club();
  const yaml = (name: string): string => readFileSync(join(scratch.folder, `recordings/${name}.yaml`), 'utf8');

  const rooms = await recorded(scratch, 'rooms', async (alice, bob) => {
    await alice.emitWithAck('room:open', { name: 'greenhouse' });
    const news = new Promise((done) => bob.once('news', done));
    await alice.emitWithAck('room:close');
    await news;
  });
  expect(rooms.output).toContain('rooms is green, alone and in two copies; "greenhouse" must be new in each copy, and is `!unique` now.');
  expect(rooms.code).toBe(0);
  expect(yaml('rooms')).toContain('args: [{ name: !unique greenhouse }]');
  // The trace that it comes of does not send the name.
  expect(yaml('rooms')).toContain('args: [!text "The room ${greenhouse} was closed."]');

  const invitation = await recorded(scratch, 'invitation', async (alice) => {
    await alice.emitWithAck('invitation:accept', { id: 5 });
  });
  expect(invitation.output).toContain('invitation is green, alone; it is kept to one copy (`copies: 1`), and left out of the iterations.');
  expect(invitation.code).toBe(0);
  expect(yaml('invitation')).toContain('copies: 1\nreason: "a second copy collides: anonymous\'s invitation:accept: refused: it was accepted already"\n');

  for (const _ of ['once', 'again']) {
    const { code, output } = await scratch.npx(['playwright', 'test'], { REPLAY_ITERATIONS: '3' });
    expect(output).toContain('Passed: 2 recordings, 3 iterations, up to 6 clients');
    expect(code, output).toBe(0);
  }
});
