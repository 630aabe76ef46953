import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { type Application, startApplication, waitForProbe } from '../../src/capture/application.js';
import { findProbes } from '../../src/wire/client.js';
import type { ProbeFile } from '../../src/wire/messages.js';

const runs: Application = { command: 'node app', run: 'r', exited: new Promise(() => undefined), ended: () => undefined, stop: async () => undefined };
const probe = (pid: number, listening: string[], more: Partial<ProbeFile> = {}): ProbeFile => ({
  protocol: 2,
  pid,
  port: 1,
  token: 't',
  app: 'app',
  listening,
  at: 0,
  run: 'r',
  ...more,
});
/** Answers one list after the other, then the last one for ever. */
const finds = (...lists: ProbeFile[][]) => {
  let i = 0;
  return () => lists[Math.min(i++, lists.length - 1)] ?? [];
};

describe('waiting for the probe', () => {
  test('an application that comes to listen at several ports is found with all of them', async () => {
    const other = probe(1, ['127.0.0.1:9'], { run: 'other' });
    const find = finds([], [other], [probe(2, ['127.0.0.1:5000']), other], [probe(2, ['127.0.0.1:5000', '*:3000'])]);
    expect((await waitForProbe(runs, find, 5_000))[0]?.listening).toEqual(['127.0.0.1:5000', '*:3000']);
  });

  test('one that is wanted at a target is found when it listens there', async () => {
    const find = finds([probe(2, ['127.0.0.1:5000'])], [probe(2, ['127.0.0.1:5000', '*:3000'])]);
    expect((await waitForProbe(runs, find, 5_000, 'http://localhost:3000'))[0]?.listening).toContain('*:3000');
  });

  test('the primary of a cluster serves nobody: its workers are waited for', async () => {
    const primary = probe(1, ['*:3000'], { cluster: 1 });
    const find = finds([primary], [primary], [primary, probe(2, [], { cluster: 1 })]);
    expect(await waitForProbe(runs, find, 5_000, 'http://localhost:3000')).toHaveLength(2);
    await expect(waitForProbe(runs, finds([primary]), 1)).rejects.toThrow('REPLAY_NO_PROBE');
  });

  test('none in time', async () => {
    await expect(waitForProbe(runs, finds([]), 1)).rejects.toThrow('REPLAY_NO_PROBE: `node app` shows no Socket.IO server after');
    await expect(waitForProbe(runs, finds([probe(2, ['*:1'])]), 1, 'localhost:2')).rejects.toThrow('no Socket.IO server at localhost:2');
  });

  test('the end of the application is told at once', async () => {
    const ended: Application = { ...runs, exited: Promise.resolve('exit code 1'), ended: () => 'exit code 1' };
    await expect(waitForProbe(ended, finds([]), 60_000)).rejects.toThrow(/REPLAY_COMMAND_FAILED.*exit code 1/);
  });
});

describe('stopping', () => {
  // npm and shells go at once; a killed server would leave its triggers in PostgreSQL.
  test('gives the server behind a shell the time to clean up', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stop-'));
    vi.stubEnv('REPLAY_RUNTIME_DIR', join(folder, 'runtime'));
    writeFileSync(join(folder, 'server.mjs'), SLOW_TO_STOP);
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    const application = startApplication(['sh', '-c', `cd ${folder} && node server.mjs & wait`], resolve('dist/src/probe/preload.js'));
    await waitForProbe(application, findProbes, 10_000);
    await application.stop();
    expect(existsSync(join(folder, 'clean'))).toBe(true);
    expect(findProbes()).toEqual([]);
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
});

const SLOW_TO_STOP = `
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
const server = createServer().listen(0, '127.0.0.1');
new Server(server);
process.on('SIGTERM', () => setTimeout(() => (writeFileSync('clean', ''), process.exit()), 300));
`;
