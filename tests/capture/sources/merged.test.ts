import { expect, test } from 'vitest';
import type { SourceEvent } from '../../../src/capture/source.js';
import { mergeSources } from '../../../src/capture/sources/merged.js';
import { answer, change, connect, connectedBefore, emit, http, push, socket } from '../events.js';
import { fakeSource } from '../fake-source.js';

const two = (drain?: () => Promise<{ open: number }>) => {
  const a = fakeSource('*:3000', [socket('a')], drain);
  const b = fakeSource('pid:2', [socket('b')], drain);
  return { a, b, merged: mergeSources(a, b) };
};

function heardOf(merged: ReturnType<typeof mergeSources>): SourceEvent[] {
  const events: SourceEvent[] = [];
  merged.start((event) => void events.push(event));
  return events;
}

test('sockets and addresses of all are there, and events come as they are', () => {
  const { a, b, merged } = two();
  expect(merged).toMatchObject({ targets: ['*:3000', 'pid:2'], changes: 'measured' });
  expect(merged.sessions().map(({ sid }) => sid)).toEqual(['a', 'b']);
  const events = heardOf(merged);
  a.tell(connect('a2'), emit('a2', 1, 'x'));
  b.tell(emit('b', 1, 'y'));
  expect(events).toEqual([connect('a2'), emit('a2', 1, 'x'), emit('b', 1, 'y')]);
});

test('numbers that each process counts for itself stay apart, and an answer keeps its push', () => {
  const { a, b, merged } = two();
  const events = heardOf(merged);
  for (const [source, sid] of [
    [a, 'a'],
    [b, 'b'],
  ] as const)
    source.tell(push(1, 'http:1', 'p', [sid]), answer(1, sid, []), change('http:1', 'insert', 't', { id: 1 }), push(2, `${sid}:1`, 'q', [sid]));
  const numbers = events.map((event) => ('push' in event ? event.push : 'cause' in event ? event.cause : ''));
  expect(numbers[1]).toBe(numbers[0]);
  expect(numbers[5]).toBe(numbers[4]);
  expect(new Set(numbers).size).toBe(6);
  expect(events.flatMap((event) => ('cause' in event ? [event.cause] : []))).toEqual(['http:0.1', 'http:0.1', 'a:1', 'http:1.1', 'http:1.1', 'b:1']);
  b.tell(http('b', 'http:1'));
  expect(events.at(-1)).toEqual(http('b', 'http:1.1'));
});

test('tables are those of all, and a warning of many is one', () => {
  const { a, b, merged } = two();
  const events = heardOf(merged);
  const table = (name: string) => ({ name, key: ['id'], columns: [], foreignKeys: [], unique: [] });
  a.tell({ type: 'tables', tables: [table('x')] }, { type: 'warning', code: 'c', message: 'm' });
  b.tell({ type: 'tables', tables: [table('x'), table('y')] }, { type: 'warning', code: 'c', message: 'm' });
  expect(events).toEqual([
    { type: 'tables', tables: [table('x')] },
    { type: 'warning', code: 'c', message: 'm' },
    { type: 'tables', tables: [table('x'), table('y')] },
  ]);
});

test('one that comes later is joined; one that ends takes its connections along; the last one ends it', async () => {
  const { a, b, merged } = two();
  const events = heardOf(merged);
  const c = fakeSource('pid:3', [socket('c')]);
  merged.join(c);
  c.tell(emit('c', 4, 'z'));
  expect(events).toEqual([connectedBefore('c'), emit('c', 4, 'z')]);
  a.end();
  await a.closed;
  expect(events.at(-1)).toMatchObject({ type: 'disconnect', sid: 'a', reason: 'server shutting down' });
  expect(merged.sessions().map(({ sid }) => sid)).toEqual(['b', 'c']);
  b.end();
  c.end();
  expect(await merged.closed).toEqual({ status: 'interrupted', reason: 'application_ended' });
});

test('each process tells its own clients that they are recorded', () => {
  const told: unknown[] = [];
  const of = (sid: string) => ({
    ...fakeSource('*:1', [socket(sid)]),
    notify: (sids: readonly string[], recording: boolean) => void told.push([sid, sids, recording]),
  });
  mergeSources(of('a'), of('b'), of('c')).notify?.(['c', 'a', 'gone'], true);
  expect(told).toEqual([
    ['a', ['a'], true],
    ['c', ['c'], true],
  ]);
});

test('what tables hold is asked of all, and is one answer for each', async () => {
  const of = (...names: string[]) => ({ ...fakeSource('*:1'), state: async () => names.map((table) => ({ table, rows: names.length, hash: table })) });
  const state = await mergeSources(fakeSource('*:1'), of('x', 'y'), of('x')).state?.();
  expect(state?.map(({ table, rows }) => [table, rows]).sort()).toEqual([
    ['x', 2],
    ['y', 2],
  ]);
});

test('what is open is counted over all; who does not answer any more has nothing open', async () => {
  expect(await two(async () => ({ open: 2 })).merged.drain(10)).toEqual({ open: 4 });
  expect(await two(() => Promise.reject(new Error('gone'))).merged.drain(10)).toEqual({ open: 0 });
});

test('stopped, it tells nothing more, and stops who comes too late', () => {
  const { a, b, merged } = two();
  const events = heardOf(merged);
  merged.stop();
  const late = fakeSource('pid:3');
  merged.join(late);
  a.tell(emit('a', 1, 'x'));
  expect([a.stopped, b.stopped, late.stopped, events]).toEqual([true, true, true, []]);
});
