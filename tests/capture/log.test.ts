import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { exportLog } from '../../src/capture/export.js';
import { logFile, openLog } from '../../src/capture/log.js';
import { leftLogs, readLog } from '../../src/capture/read-log.js';
import type { CapturedHead } from '../../src/capture/source.js';
import { connect, emit } from './events.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const head: CapturedHead = { name: 'one', source: 'probe', app: 'app', aliases: {} };
const fail = (error: Error) => {
  throw error;
};
const file = () => logFile(folder, 'one');

/** Beyond the largest process id. */
const DEAD = 2 ** 22 + 1;
/** The log of a process that is gone. */
function crash(...lines: string[]): void {
  writeFileSync(file(), [JSON.stringify({ type: 'start', version: 1, pid: DEAD, at: 0, ...head }), ...lines].join('\n'));
}

describe('writing', () => {
  test('pieces of 64 KB go through one queue, in order, while the caller never waits', async () => {
    const pieces: string[] = [];
    const waiting: (() => void)[] = [];
    const log = openLog(folder, head, fail, {
      write: (_fd, text) => {
        pieces.push(text);
        return new Promise((resolve) => waiting.push(resolve));
      },
    });
    for (let i = 1; i <= 300; i++) log.append(emit('a', i, 'x', { args: ['y'.repeat(1000)] }));
    await vi.waitFor(() => expect(pieces).toHaveLength(1), 10_000);
    expect(pieces[0]?.length).toBeGreaterThanOrEqual(64 * 1024);
    const ended = log.end({ status: 'finished' });
    const pump = setInterval(() => waiting.shift()?.(), 1);
    await ended;
    clearInterval(pump);
    const numbers = pieces
      .join('')
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { n?: number }).n]));
    expect(numbers).toEqual([...Array.from({ length: 300 }, (_, i) => i + 1), undefined]);
  });

  test('what waits is written after a second', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const pieces: string[] = [];
      const log = openLog(folder, head, fail, { write: async (_fd, text) => void pieces.push(text) });
      log.append(connect('a'));
      vi.advanceTimersByTime(999);
      await Promise.resolve();
      expect(pieces).toEqual([]);
      vi.advanceTimersByTime(1);
      await vi.waitFor(() => expect(pieces).toHaveLength(1), 10_000);
      await log.end({ status: 'finished' });
    } finally {
      vi.useRealTimers();
    }
  });

  test('a name that waits to be saved is not overwritten, unless told to', async () => {
    await openLog(folder, head, fail).end({ status: 'finished' });
    expect(() => openLog(folder, head, fail)).toThrow('REPLAY_CAPTURE_LOG');
    await openLog(folder, head, fail, { replace: true }).end({ status: 'interrupted' });
    expect(readLog(folder, 'one').end).toEqual({ status: 'interrupted' });
  });
});

describe('after a crash', () => {
  const lines = [JSON.stringify(connect('alice')), JSON.stringify(emit('alice', 1, 'save'))];

  test('the log is marked and named once as crashed, and can be exported; the cut-off line is ignored', () => {
    crash(...lines, '{"type":"emit","sid":"al');
    expect(leftLogs(folder)).toEqual([{ name: 'one', crashed: true }]);
    expect(leftLogs(folder)).toEqual([{ name: 'one', crashed: false }]);
    expect(readLog(folder, 'one').end).toEqual({ status: 'interrupted', reason: 'crashed' });
    const saved = exportLog('one', { out: join(folder, 'out'), captures: folder });
    expect(saved.recording).toMatchObject({ name: 'one', status: 'interrupted', statusReason: 'crashed' });
    expect(saved.recording.sessions[0]?.traces).toHaveLength(2);
    expect(existsSync(saved.file)).toBe(true);
    expect(leftLogs(folder)).toEqual([]);
  });

  test('it can be exported without having been marked', () => {
    crash(...lines, '{"ty');
    expect(exportLog('one', { out: join(folder, 'out'), captures: folder }).recording.status).toBe('interrupted');
  });

  test('a log whose process still writes is neither marked nor exported', () => {
    crash(...lines);
    writeFileSync(file(), readFileSync(file(), 'utf8').replace(String(DEAD), String(process.ppid)));
    const text = readFileSync(file(), 'utf8');
    expect(leftLogs(folder)).toEqual([]);
    expect(readFileSync(file(), 'utf8')).toBe(text);
    expect(() => exportLog('one', { out: join(folder, 'out'), captures: folder })).toThrow(/REPLAY_CAPTURE_LOG.*still writes/);
  });

  test.each([
    ['a line that is broken in the middle', () => crash('{"ty', ...lines), /line is broken[\s\S]*:2/],
    ['a file that is no log', () => writeFileSync(file(), '{}\n'), /no log of a capture/],
    ['no file', () => undefined, /no capture log of the name one/],
  ])('%s is an error', (_, make, message) => {
    make();
    expect(() => readLog(folder, 'one')).toThrow(message);
  });

  test('a recording of that name is kept, and the log with it', () => {
    crash(...lines);
    const options = { out: join(folder, 'out'), captures: folder };
    exportLog('one', options);
    crash(...lines);
    expect(() => exportLog('one', options)).toThrow('REPLAY_RECORDING_EXISTS');
    appendFileSync(file(), '');
    expect(existsSync(file())).toBe(true);
  });
});
