/** `socket-replay learn`: a recording that is red because of noise becomes green, and a dropped field stays red. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { createScratch, type Scratch } from '../docs/scratch.js';
import { full, slow } from '../slow.js';
import { root } from './support.js';

let scratch: Scratch;
const file = () => join(scratch.folder, 'recordings/shelf.yaml');
const text = () => readFileSync(file(), 'utf8');

beforeAll(async () => {
  scratch = await createScratch();
  copyFileSync(join(root, 'tests/e2e/apps/noisy.mjs'), join(scratch.folder, 'server.mjs'));
  await scratch.npx(['socket-replay', 'init']);
  const url = `http://127.0.0.1:${scratch.port}`;
  const config = [
    "import { defineReplayConfig } from 'socket-replay';",
    'export default defineReplayConfig({',
    `  use: { baseURL: '${url}', reset: { command: 'true' } },`,
    `  webServer: { command: 'node server.mjs', url: '${url}' },`,
    '});',
  ];
  writeFileSync(join(scratch.folder, 'playwright.config.ts'), config.join('\n'));
  const recorder = scratch.shell('npx socket-replay record --name shelf --no-replay -- node server.mjs');
  await recorder.prints('Recording.');
  const socket = io(url, { forceNew: true, transports: ['websocket'] });
  await socket.emitWithAck('note:paint', { text: 'Wall' });
  await socket.emitWithAck('shelf:list');
  socket.disconnect();
  recorder.child.stdin?.write('stop\n');
  const { code, output } = await recorder.ended;
  expect(code, output).toBe(0);
  writeFileSync(file(), text().replace('sessions:', '# who was there\nsessions:'));
});

describe.skipIf(!full)('learn (slow)', () => {
  it('shows what it would write, without a terminal and without --yes too', { timeout: 90_000 }, async () => {
    const before = text();
    const { code, output } = await scratch.npx(['socket-replay', 'learn', 'shelf', '--dry-run']);
    expect(output).toMatch(/\n\+.*items: !unordered \[/);
    expect(output).toContain('Nothing was written (--dry-run).');
    expect(code).toBe(1);
    expect(text()).toBe(before);
  });

  it('learns colour, time and order, refuses the dropped field, and is still red', { timeout: 120_000 }, async () => {
    const before = text();
    const { code, output } = await scratch.npx(['socket-replay', 'learn', '--yes'], { NOISY_BUG: '1' });
    const learnt = output.split('\n').filter((line) => line.startsWith('learnt '));
    expect(learnt.map((line) => line.replace(/^learnt recordings\/shelf.yaml:\d+ /, '')).sort()).toEqual([
      'anonymous/1 note:paint ack[0].said: !any string',
      'anonymous/1 note:paint pushes.anonymous["note:painted"][0].colour: !any string',
      'anonymous/2 shelf:list ack[0].items: !unordered',
    ]);
    const refused = output.split('\n').filter((line) => line.startsWith('not learnt'));
    expect(refused).toEqual([
      expect.stringMatching(/^not learnt: look at it: recordings\/shelf.yaml:\d+ \S+ note:paint ack\[0\]\.owner: missing, recorded "alice"$/),
    ]);
    expect(output).toContain('Still red: ');
    expect(code, output).toBe(1);
    // Nothing else has changed.
    const unchanged = (yaml: string): string[] => yaml.split('\n').filter((line) => !/colour|said|items|ink/.test(line));
    expect(unchanged(text())).toEqual(unchanged(before));
    expect(text()).toContain('# who was there\n');
    expect(text()).toContain('owner: alice');
  });

  it('what was learnt is green in the application as it was recorded', { timeout: 120_000 }, async () => {
    const { code, output } = await scratch.npx(['socket-replay', 'learn', 'shelf']);
    expect(output).toContain('There is nothing to learn: shelf is green, alone and in two copies.');
    expect(code, output).toBe(0);
  });
});

slow('ids that are counted in memory get names at the end of `record`', { timeout: 240_000 }, async () => {
  copyFileSync(join(root, 'tests/e2e/apps/counted.mjs'), join(scratch.folder, 'server.mjs'));
  const recorder = scratch.shell('npx socket-replay record --name counted --replay -- node server.mjs');
  await recorder.prints('Recording.');
  const socket = io(`http://127.0.0.1:${scratch.port}`, { forceNew: true, transports: ['websocket'] });
  const { list } = await socket.emitWithAck('list:create', { name: 'groceries' });
  const { id } = await socket.emitWithAck('todo:create', { listId: list.id, title: 'milk' });
  await socket.emitWithAck('todo:done', { id });
  socket.disconnect();
  recorder.child.stdin?.write('stop\n');
  const { code, output } = await recorder.ended;
  expect(output).toContain('counted is green, alone and in two copies; 2 names learnt.');
  expect(code, output).toBe(0);
  const yaml = readFileSync(join(scratch.folder, 'recordings/counted.yaml'), 'utf8');
  expect(yaml).toContain('args: [{ listId: !id list1, title: milk }]');
  expect(yaml).toContain('args: [{ id: !id todo1 }]');
});
