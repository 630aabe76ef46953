import { expect, it } from 'vitest';
import type { ProbeConnection } from '../../src/wire/client.js';
import { mergeProbes } from '../../src/wire/merged.js';
import type { FromProbe } from '../../src/wire/messages.js';

type Hello = Extract<FromProbe, { type: 'hello' }>;

function fake(name: string, more: Partial<ProbeConnection> = {}, hello: Partial<Hello> = {}) {
  const listeners = new Set<(message: FromProbe) => void>();
  const asked: string[] = [];
  const connection: ProbeConnection = {
    hello: { type: 'hello', protocol: 2, pid: 1, app: 'a', node: 'v20', at: 1, listening: [name], sockets: [], changes: 'none', ...hello },
    tables: [],
    onMessage(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    drain: () => Promise.resolve({ open: 0, waited: 1 }),
    state: () => Promise.resolve([]),
    notify: (sids) => void asked.push(...sids),
    closed: new Promise(() => undefined),
    error: undefined,
    close: () => void asked.push('close'),
    ...more,
  };
  const tell = (message: FromProbe): void => {
    for (const listener of listeners) listener(message);
  };
  return { connection, tell, asked };
}

it('is one probe that hears all, and stops hearing', () => {
  const [a, b] = [fake('*:1'), fake('*:2', {}, { changes: 'measured' })];
  const merged = mergeProbes(a.connection, [b.connection]);
  expect(merged.hello).toMatchObject({ listening: ['*:1', '*:2'], changes: 'measured' });
  const heard: unknown[] = [];
  const stop = merged.onMessage((message) => heard.push(message));
  a.tell({ type: 'lost', count: 1 });
  b.tell({ type: 'lost', count: 2 });
  stop();
  b.tell({ type: 'lost', count: 3 });
  expect(heard).toEqual([
    { type: 'lost', count: 1 },
    { type: 'lost', count: 2 },
  ]);
  merged.close();
  expect([a.asked, b.asked]).toEqual([['close'], ['close']]);
});

it('keeps requests apart, which each process numbers for itself, and leaves the causes of sockets as they are', () => {
  const [a, b] = [fake('*:1'), fake('*:2')];
  const heard: FromProbe[] = [];
  mergeProbes(a.connection, [b.connection]).onMessage((message) => heard.push(message));
  const change = (cause: string | null): FromProbe => ({ type: 'change', cause, op: 'delete', table: 't', key: {}, before: null, after: null, at: 1 });
  for (const { tell } of [a, b]) {
    tell({ type: 'request', id: 'http:7', method: 'GET', url: '/', from: '', port: 1, cookies: [], at: 1 });
    for (const cause of ['http:7~', 'sid:7', null]) tell(change(cause));
  }
  expect(heard.map((message) => ('id' in message ? message.id : 'cause' in message && message.cause))).toEqual([
    ...['http:0.7', 'http:0.7~', 'sid:7', null],
    ...['http:1.7', 'http:1.7~', 'sid:7', null],
  ]);
});

it('drains what one process has sent to another before it was quiet, and counts what is open over all', async () => {
  const timeouts: number[] = [];
  let left = 2;
  const slow = fake('slow', {
    drain: (timeout) => {
      timeouts.push(timeout);
      return Promise.resolve({ open: left--, waited: 30 });
    },
  });
  const drained = await mergeProbes(fake('quick').connection, [slow.connection]).drain(100);
  expect(drained).toEqual({ open: 1, waited: 60 });
  expect(timeouts).toEqual([100, 70]);
});

it('says of each table once what it holds, and ends with the first that ends', async () => {
  const state = (table: string, rows: number) => ({ table, rows, hash: null });
  const a = fake('a', { state: () => Promise.resolve([state('x', 1), state('y', 2)]) });
  const b = fake('b', { state: () => Promise.resolve([state('y', 2), state('z', 3)]), closed: Promise.resolve() });
  const merged = mergeProbes(a.connection, [b.connection]);
  expect(await merged.state()).toEqual([state('x', 1), state('y', 2), state('z', 3)]);
  await merged.closed;
  await expect(mergeProbes(a.connection, [fake('c', { drain: () => Promise.reject(new Error('gone')) }).connection]).drain(1)).rejects.toThrow('gone');
});
