import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CaptureOptions, startCapture } from '../../src/capture/capture.js';
import { saveCapture } from '../../src/capture/finish.js';
import { logFile } from '../../src/capture/log.js';
import { readLog } from '../../src/capture/read-log.js';
import { applyEdits } from '../../src/recording/edit.js';
import { give } from '../../src/recording/give.js';
import { loadRecordings, saveRecording } from '../../src/recording/load.js';
import { createRedactor } from '../../src/recording/redact.js';
import type { Recording } from '../../src/recording/schema.js';
import type { Value } from '../../src/recording/values.js';
import { holderOf } from '../../src/wire/target-lock.js';
import { ack, answer, change, connect, emit, http, push, socket } from './events.js';
import { fakeSource } from './fake-source.js';
import { unredacted } from './unredacted.js';

const TARGET = '127.0.0.1:4321';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'capture-'));
  process.env.REPLAY_RUNTIME_DIR = join(folder, 'runtime');
});
afterEach(() => {
  delete process.env.REPLAY_RUNTIME_DIR;
  rmSync(folder, { recursive: true, force: true });
});

const start = (source: ReturnType<typeof fakeSource>, more: Partial<CaptureOptions> = {}) =>
  startCapture({ name: 'one', source, select: () => true, redactor: unredacted, folder, ...more });

describe('one capture', () => {
  test('keeps every event, writes the same to its log, and saves a recording', async () => {
    const source = fakeSource(TARGET, [socket('alice')]);
    const capture = start(source);
    source.tell(
      connect('bob'),
      emit('bob', 1, 'save', { args: [new Uint8Array([1, 2])], asks: true }),
      ack('bob', 1, [true]),
      push(1, 'bob:1', 'saved', ['alice']),
      change('bob:1', 'delete', 't', { id: 1 }),
    );
    expect(capture.counts).toEqual({ sessions: 2, emits: 1, requests: 0, pushes: 1, changes: 1 });
    capture.stop();
    const { captured } = await capture.done;
    expect(captured.end).toEqual({ status: 'finished' });
    expect(captured.events[0]).toMatchObject({ type: 'connect', before: true });
    expect(readLog(folder, 'one')).toEqual(captured);
    const saved = saveCapture(captured, { out: join(folder, 'recordings'), captures: folder });
    expect(saved.recording.sessions.map(({ id }) => id)).toEqual(['alice', 'bob']);
    expect(loadRecordings(join(folder, 'recordings')).recordings[0]?.recording).toEqual(saved.recording);
    expect(existsSync(logFile(folder, 'one'))).toBe(false);
  });

  test('recorded again, the given names of the recording that it replaces stay', async () => {
    const out = join(folder, 'recordings');
    const saved = async (documentId: number) => {
      const source = fakeSource(TARGET, []);
      const capture = start(source);
      source.tell(connect('a'), emit('a', 1, 'open', { args: [{ documentId }], asks: true }), ack('a', 1, [true]));
      capture.stop();
      return saveCapture((await capture.done).captured, { out, captures: folder, force: true });
    };
    const { recording } = await saved(7);
    saveRecording(out, applyEdits(recording as unknown as Value, give(recording, 'document1', 7, ['documentId'])) as unknown as Recording);
    const again = await saved(7);
    expect(again.lostNames).toEqual([]);
    expect(readFileSync(again.file, 'utf8')).toMatch(/\ngiven: \{ document1: 7 \}\n[\s\S]*args: \[\{ documentId: !id document1 \}\]/);
    expect((await saved(8)).lostNames).toEqual([{ name: 'document1', value: 7 }]);
  });

  test('what the drain brings is in it', async () => {
    const source = fakeSource(TARGET, [], async () => {
      source.tell(push(1, 'a:1', 'late', ['a']));
      return { open: 2 };
    });
    const capture = start(source);
    source.tell(connect('a'), emit('a', 1, 'x'));
    capture.stop();
    const result = await capture.done;
    expect(result.open).toBe(2);
    expect(result.captured.events.at(-1)).toMatchObject({ type: 'push', event: 'late' });
    expect(source.stopped).toBe(true);
  });

  test('with chosen connections a later one is reported at once and named, its events are counted', async () => {
    const source = fakeSource(TARGET, [socket('a'), socket('b')]);
    const reported: string[] = [];
    const capture = start(source, { select: ({ sid }) => sid === 'a', onUncaptured: ({ sid }) => reported.push(sid) });
    source.tell(emit('a', 4, 'x'), emit('b', 9, 'x'), connect('c', { user: 'carol', handshake: { auth: { token: 'hidden' }, query: {} } }));
    expect(reported).toEqual(['c']);
    source.tell(emit('c', 1, 'x'), push(1, 'a:4', 'p', ['b', 'c']), change('c:1', 'delete', 't', { id: 1 }));
    capture.stop();
    const { captured, dropped } = await capture.done;
    expect(dropped.uncaptured).toBe(4);
    const saved = saveCapture(captured, { out: join(folder, 'out'), captures: folder });
    expect(saved.recording.uncaptured).toEqual(['carol on /']);
    expect(saved.recording.sessions.map(({ id }) => id)).toEqual(['a']);
    expect(JSON.stringify(captured)).not.toContain('hidden');
  });

  test('secrets reach neither memory nor log', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source, { redactor: createRedactor({ rules: ['pin'] }) });
    source.tell(
      connect('a', { handshake: { auth: { token: 'tok-secret-1' }, query: { token: 'tok-secret-2' } } }),
      emit('a', 1, 'login', { args: [{ password: 'pw-secret-3', pin: 'pin-secret-4' }], asks: true }),
      ack('a', 1, [{ token: 'tok-secret-5' }]),
      push(1, 'a:1', 'p', ['a'], { args: [{ pin: 'pin-secret-6' }] }),
      { type: 'answer', push: 1, sid: 'a', args: [{ pin: 'pin-secret-7' }], at: 1 },
      change('a:1', 'update', 't', { pin: 'pin-secret-8' }, { before: { pin: 'pin-secret-9' }, after: { pin: 'pin-secret-10' } }),
    );
    capture.stop();
    const { captured } = await capture.done;
    expect(JSON.stringify(captured) + readFileSync(logFile(folder, 'one'), 'utf8')).not.toMatch(/-secret-\d/);
  });

  test('excluded events take what they made happen with them', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source, { exclude: ['cursor*', 'table:log'] });
    source.tell(connect('a'), emit('a', 1, 'cursorMove', { asks: true }), ack('a', 1), push(1, 'a:1', 'moved', ['a']), change('a:1', 'delete', 't', {}));
    source.tell(emit('a', 2, 'save'), push(2, 'a:2', 'cursors', ['a']), change('a:2', 'delete', 'log', {}), change('a:2', 'delete', 'logs', {}));
    capture.stop();
    const { captured, dropped } = await capture.done;
    expect(dropped.excluded).toBe(6);
    expect(captured.events.map(({ type }) => type)).toEqual(['connect', 'emit', 'change']);
  });

  test('what an excluded request made happen goes with it, though it was told before', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source, { exclude: ['POST /beat*'] });
    const beat = [push(1, 'http:1', 'beat', ['a']), answer(1, 'a', []), change('http:1~', 'delete', 't', {})];
    source.tell(connect('a'), ...beat, change('http:2', 'delete', 't', {}), http('a', 'http:1', { url: '/beats' }), http('a', 'http:2', { url: '/notes' }));
    capture.stop();
    const { captured, dropped } = await capture.done;
    expect(dropped.excluded).toBe(4);
    expect(captured.events.map(({ type }) => type)).toEqual(['connect', 'change', 'http']);
  });
});

describe('limits', () => {
  const events = (count: number) => Array.from({ length: count }, (_, i) => emit('a', i + 1, 'x'));
  test.each([
    ['events', { events: 5 }, 'event_cap', 5],
    ['events of one session', { sessionEvents: 4 }, 'session_event_cap', 4],
    ['bytes', { bytes: 300 }, 'byte_cap', 3],
  ])('%s: ends as truncated, with the reason', async (_, limits, reason, kept) => {
    const source = fakeSource(TARGET);
    const capture = start(source, { limits });
    source.tell(connect('a'), ...events(10));
    const { captured } = await capture.done;
    expect(captured.end).toEqual({ status: 'truncated', reason });
    expect(captured.events).toHaveLength(kept);
    expect(holderOf(TARGET)).toBeUndefined();
  });

  test('as many as allowed is not too many', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source, { limits: { events: 5 } });
    source.tell(connect('a'), ...events(4));
    capture.stop();
    expect((await capture.done).captured.end).toEqual({ status: 'finished' });
  });

  test('the duration ends it as finished', async () => {
    const source = fakeSource(TARGET);
    const { captured } = await start(source, { limits: { duration: 1 } }).done;
    expect(captured.end).toEqual({ status: 'finished' });
  });
});

describe('ways out', () => {
  test('the end of the application: interrupted', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source);
    source.tell(connect('a'));
    source.end();
    expect((await capture.done).captured.end).toEqual({ status: 'interrupted', reason: 'application_ended' });
  });

  test('an abort: interrupted at once, the log can be exported', async () => {
    const source = fakeSource(TARGET, [], () => new Promise(() => undefined));
    const capture = start(source);
    source.tell(connect('a'));
    capture.stop();
    capture.abort();
    expect((await capture.done).captured.end).toEqual({ status: 'interrupted', reason: 'aborted' });
    expect(readLog(folder, 'one').end).toEqual({ status: 'interrupted', reason: 'aborted' });
  });

  test('a lost piece of the log fails the capture at once; nothing is saved', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source, { writePiece: () => Promise.reject(new Error('ENOSPC')) });
    source.tell(connect('a'), ...Array.from({ length: 2000 }, (_, i) => emit('a', i + 1, 'x', { args: ['y'.repeat(50)] })));
    const { captured } = await capture.done;
    expect(captured.end).toEqual({ status: 'failed', reason: 'chunk_write_failed' });
    expect(() => saveCapture(captured, { out: join(folder, 'out'), captures: folder })).toThrow('REPLAY_CAPTURE_FAILED');
    expect(existsSync(join(folder, 'out'))).toBe(false);
    expect(holderOf(TARGET)).toBeUndefined();
  });

  test('also the last piece', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source, { writePiece: () => Promise.reject(new Error('ENOSPC')) });
    source.tell(connect('a'));
    capture.stop();
    expect((await capture.done).captured.end).toEqual({ status: 'failed', reason: 'chunk_write_failed' });
  });

  test('what comes after the end is not in it', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source);
    source.tell(connect('a'));
    capture.abort();
    source.tell(emit('a', 1, 'late'));
    expect((await capture.done).captured.events).toHaveLength(1);
  });

  test('an event that cannot be redacted fails the capture and is written nowhere', async () => {
    const source = fakeSource(TARGET);
    const redact = () => {
      throw new Error('no');
    };
    const capture = start(source, { redactor: { ...unredacted, redact } });
    expect(() => source.tell(connect('a', { handshake: { auth: { token: 'tok-secret' } } }))).not.toThrow();
    const { captured } = await capture.done;
    expect(captured.end).toEqual({ status: 'failed', reason: 'event_failed' });
    const save = () => saveCapture(captured, { out: join(folder, 'recordings'), captures: folder });
    expect(save).toThrow(/the capture failed: an event could not be read or redacted/);
    expect(save).not.toThrow(/disk/);
    expect(readFileSync(logFile(folder, 'one'), 'utf8')).not.toContain('tok-secret');
  });

  test('more than 20 MB is saved only by force, side files counted; the log stays until then', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source);
    source.tell(connect('a'), emit('a', 1, 'upload', { args: [new Uint8Array(21 * 1024 * 1024)] }));
    capture.stop();
    const { captured } = await capture.done;
    const out = join(folder, 'out');
    expect(() => saveCapture(captured, { out, captures: folder })).toThrow(/REPLAY_RECORDING_LIMITS: the recording one has 21\.0 MB.*export one --force/s);
    expect(existsSync(out)).toBe(false);
    expect(readLog(folder, 'one').events).toHaveLength(2);
    expect(saveCapture(captured, { out, captures: folder, force: true }).bytes).toBeLessThan(1000);
  });

  test('an empty capture is not written', async () => {
    const source = fakeSource(TARGET, [socket('a')]);
    const capture = start(source);
    capture.stop();
    const { captured } = await capture.done;
    expect(() => saveCapture(captured, { out: join(folder, 'out'), captures: folder })).toThrow('REPLAY_CAPTURE_EMPTY');
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});

describe('one a target', () => {
  test('a second capture is refused before it touches anything, also under another address of the same port', async () => {
    const first = start(fakeSource(TARGET));
    expect(() => start(fakeSource('*:4321'), { name: 'two' })).toThrow(new RegExp(`REPLAY_TARGET_BUSY.*capture.*process ${process.pid}`, 's'));
    expect(existsSync(logFile(folder, 'two'))).toBe(false);
    first.stop();
    await first.done;
    const second = start(fakeSource(TARGET), { name: 'two' });
    second.abort();
    await second.done;
  });

  test('a capture that cannot begin leaves no lock', async () => {
    const first = start(fakeSource('*:1'));
    first.abort();
    await first.done;
    expect(() => start(fakeSource(TARGET))).toThrow('REPLAY_CAPTURE_LOG');
    expect(holderOf(TARGET)).toBeUndefined();
  });
});

describe('a flight recorder', () => {
  test('keeps the newest, numbers only grow, and says what is missing, in memory and on disk', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source, { newest: true, limits: { events: 8 } });
    source.tell(connect('gone'), { type: 'disconnect', sid: 'gone', reason: 'transport close', at: 1 }, connect('a'));
    for (let n = 1; n <= 30; n++) source.tell(emit('a', n, 'x', { at: 1000 + n }));
    capture.stop();
    const { captured } = await capture.done;
    expect(captured.end).toEqual({ status: 'finished' });
    expect(captured.events.map((event) => (event.type === 'emit' ? event.n : event.type))).toEqual(['connect', 23, 24, 25, 26, 27, 28, 29, 30]);
    expect(captured.events[0]).toMatchObject({ before: true, socket: { sid: 'a' } });
    expect((captured.missing ?? 0) + captured.events.length).toBe(33);
    expect(readLog(folder, 'one')).toEqual(captured);
    const saved = saveCapture(captured, { out: join(folder, 'recordings'), captures: folder });
    expect(saved.recording).toMatchObject({ status: 'truncated', statusReason: 'head_missing', missing: 24 });
    expect(loadRecordings(join(folder, 'recordings')).errors).toEqual([]);
  });

  test('also by size', async () => {
    const source = fakeSource(TARGET);
    const capture = start(source, { newest: true, limits: { bytes: 4_000 } });
    source.tell(connect('a'));
    for (let n = 1; n <= 20; n++) source.tell(emit('a', n, 'x', { args: ['y'.repeat(1_000)] }));
    capture.stop();
    const { captured } = await capture.done;
    expect(captured.events.filter((event) => event.type === 'emit').map((event) => 'n' in event && event.n)).toEqual([18, 19, 20]);
    expect(readFileSync(logFile(folder, 'one')).length).toBeLessThan(5_500);
  });
});

describe('checkpoints', () => {
  test('stand where the tables were read; a name is taken at once', async () => {
    const source = fakeSource(TARGET);
    let read: (tables: { table: string; rows: number; hash: string | null }[]) => void = () => undefined;
    const capture = start(Object.assign(source, { state: () => new Promise<Parameters<typeof read>[0]>((resolve) => (read = resolve)) }));
    source.tell(connect('a'), emit('a', 1, 'x'));
    const set = capture.checkpoint('cart');
    await expect(capture.checkpoint('cart')).rejects.toThrow(/there is a checkpoint of the name cart/);
    source.tell(emit('a', 2, 'x'));
    read([
      { table: 'note', rows: 2, hash: 'abc' },
      { table: 'big', rows: 90_000, hash: null },
    ]);
    await set;
    source.tell(emit('a', 3, 'x'));
    capture.stop();
    const { captured } = await capture.done;
    await expect(capture.checkpoint('late')).rejects.toThrow(/REPLAY_CHECKPOINT: the capture is over/);
    const { recording } = saveCapture(captured, { out: join(folder, 'recordings'), captures: folder });
    expect(recording.checkpoints).toEqual([
      {
        name: 'cart',
        next: { a: 3 },
        tables: [
          { table: 'note', rows: 2, hash: 'abc' },
          { table: 'big', rows: 90_000 },
        ],
      },
    ]);
  });

  test('at most 1,000, and none without a name', async () => {
    const capture = start(fakeSource(TARGET));
    await expect(capture.checkpoint('')).rejects.toThrow(/1 to 100 characters/);
    for (let i = 0; i < 1_000; i++) await capture.checkpoint(`c${i}`);
    await expect(capture.checkpoint('more')).rejects.toThrow(/at most 1000 checkpoints/);
    capture.abort();
    await capture.done;
  });
});
