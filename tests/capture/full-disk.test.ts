/** A disk that is really full: a file system of 256 KB in memory. Only root may mount one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCapture } from '../../src/capture/capture.js';
import { exportLog } from '../../src/capture/export.js';
import { saveCapture } from '../../src/capture/finish.js';
import { createRedactor } from '../../src/recording/redact.js';
import { connect, emit } from './events.js';
import { fakeSource } from './fake-source.js';

const folder = mkdtempSync(join(tmpdir(), 'full-disk-'));
const disk = join(folder, 'disk');
spawnSync('mkdir', [disk]);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]).status === 0;
beforeAll(() => {
  process.env.REPLAY_RUNTIME_DIR = join(folder, 'runtime');
});
afterAll(() => {
  delete process.env.REPLAY_RUNTIME_DIR;
  if (mounted) spawnSync('umount', [disk]);
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf(!mounted)('fails the capture, not the source; what was written before can be exported', async () => {
  const source = fakeSource('127.0.0.1:4322');
  const capture = startCapture({ name: 'full', source, select: () => true, redactor: createRedactor(), folder: disk });
  source.tell(connect('a'));
  for (let n = 1; n <= 40; n++) source.tell(emit('a', n, 'x', { args: ['y'.repeat(20_000)] }));
  const { captured } = await capture.done;
  expect(captured.end).toEqual({ status: 'failed', reason: 'chunk_write_failed' });
  expect(source.stopped).toBe(true);
  expect(() => saveCapture(captured, { out: join(folder, 'recordings'), captures: disk })).toThrow(/REPLAY_CAPTURE_FAILED[\s\S]*Make room on the disk/);
  const { recording } = exportLog('full', { out: join(folder, 'recordings'), captures: disk });
  expect(recording.status).toBe('interrupted');
  const emits = recording.sessions[0]?.traces.filter((trace) => trace.emit) ?? [];
  expect(emits.length).toBeGreaterThan(5);
  expect(emits.length).toBeLessThan(20);
});
