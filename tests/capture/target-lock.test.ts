import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { holderOf, lockTarget, normaliseTarget } from '../../src/wire/target-lock.js';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  process.env.REPLAY_RUNTIME_DIR = folder;
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  delete process.env.REPLAY_RUNTIME_DIR;
  rmSync(folder, { recursive: true, force: true });
});

async function other(target: string, owner: string): Promise<{ child: ChildProcess; says: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('hold-lock.ts', import.meta.url)), target, owner], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  if (!child.stdout) throw new Error('no output');
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, says: chunk.toString().trim() };
}

test('another process is refused with pid, purpose and since; released, it may', async () => {
  const lock = lockTarget('http://localhost:4000', 'capture', 'me');
  expect((await other('http://127.0.0.1:4000/', 'me')).says).toMatch(
    new RegExp(`REPLAY_TARGET_BUSY: a capture of localhost:4000 is under way: process ${process.pid}, since \\d{4}-`),
  );
  lock.release();
  const { child, says } = await other('localhost:4000', 'you');
  expect(says).toBe('held');
  expect(holderOf('localhost:4000')).toMatchObject({ pid: child.pid, purpose: 'replay', owner: 'you' });
  expect(() => lockTarget('localhost:4000', 'capture', 'you')).toThrow(`a replay of localhost:4000 is under way: process ${child.pid}`);
  child.stdin?.end();
  await once(child, 'exit');
  expect(readdirSync(folder)).toEqual([]);
});

test('the lock of a process that was killed is taken over', async () => {
  const { child } = await other('localhost:4000', 'you');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readdirSync(folder)).toHaveLength(1);
  expect(holderOf('localhost:4000')).toBeUndefined();
  lockTarget('localhost:4000', 'capture', 'me').release();
  expect(readdirSync(folder)).toEqual([]);
});

test('a process id that came back does not hold the lock of its predecessor', async () => {
  const lock = lockTarget('localhost:4000', 'capture', 'me');
  const [file = ''] = readdirSync(folder);
  const holder = { ...holderOf('localhost:4000'), owner: 'dead', pid: process.ppid, began: '1' };
  lock.release();
  writeFileSync(join(folder, file), JSON.stringify(holder));
  lockTarget('localhost:4000', 'capture', 'me').release();
});

test('only one of several that race for a stale lock gets it', async () => {
  const { child } = await other('localhost:4000', 'dead');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const said = await Promise.all(['a', 'b', 'c'].map((owner) => other('localhost:4000', owner)));
  expect(said.filter(({ says }) => says === 'held')).toHaveLength(1);
});

test('the same owner in the same process may take it again; it is free after the last release', () => {
  const first = lockTarget('localhost:4000', 'replay', 'run-1');
  const second = lockTarget('127.0.0.1:4000', 'replay', 'run-1');
  first.release();
  first.release();
  expect(() => lockTarget('localhost:4000', 'replay', 'run-2')).toThrow('REPLAY_TARGET_BUSY');
  second.release();
  lockTarget('localhost:4000', 'replay', 'run-2').release();
});

test('a file that is no lock holds nobody up', () => {
  const lock = lockTarget('localhost:4000', 'replay', 'x');
  const [file = ''] = readdirSync(folder);
  lock.release();
  writeFileSync(join(folder, file), 'garbage');
  lockTarget('localhost:4000', 'replay', 'x').release();
});

test.each([
  ['http://127.0.0.1:3000/', 'localhost:3000'],
  ['*:3000', 'localhost:3000'],
  ['[::]:3000', 'localhost:3000'],
  ['[::1]:3000', 'localhost:3000'],
  ['0.0.0.0:3000', 'localhost:3000'],
  ['http://[::ffff:127.0.0.1]:3000', 'localhost:3000'],
  ['https://example.org/app', 'example.org:443'],
  ['http://localhost', 'localhost:80'],
  ['10.0.0.1:3000', '10.0.0.1:3000'],
  ['/run/app.sock', '/run/app.sock'],
  ['pid:77', 'pid:77'],
])('%s is %s', (target, name) => expect(normaliseTarget(target)).toBe(name));
