/** Which trace a row belongs to that was seen from outside: the only one that was open meanwhile, or none. */
import { expect, it } from 'vitest';
import type { SourceEvent, TraceSource } from '../../../src/capture/source.js';
import { watchedSource } from '../../../src/capture/sources/watched.js';
import type { Seen, Watch, WatchedChange } from '../../../src/watch/watch.js';

const change: WatchedChange = {
  type: 'change',
  cause: null,
  op: 'insert',
  table: 'note',
  key: { id: 1 },
  before: null,
  after: { id: 1, data: { '!binary': 'AQI=' } },
  at: 0,
};

/** What a row is told as that was seen between two looks, after these events. */
async function told(events: SourceEvent[], seen: Seen): Promise<SourceEvent[]> {
  let feed: (event: SourceEvent) => void = () => {};
  let row: (changes: WatchedChange[], seen: Seen) => void = () => {};
  const source: TraceSource = {
    kind: 'proxy',
    app: '',
    targets: [],
    changes: 'none',
    sessions: () => [],
    start: (listener) => (feed = listener),
    drain: async () => ({ open: 0 }),
    closed: new Promise(() => {}),
    stop: () => {},
  };
  const watch: Watch = {
    database: 'app.db',
    how: '',
    net: true,
    notWatched: () => [],
    tables: () => [{ name: 'note', key: ['id'], columns: [], foreignKeys: [], unique: [] }],
    onChanges: (listener) => {
      row = listener;
      return () => {};
    },
    flush: async () => {},
    close: async () => {},
  };
  const all: SourceEvent[] = [];
  const watched = watchedSource(source, watch);
  watched.start((event) => all.push(event));
  for (const event of events) feed(event);
  row([change], seen);
  await watched.drain(0);
  watched.stop();
  return all;
}

const emit = (sid: string, at: number, asks = true): SourceEvent => ({ type: 'emit', sid, n: 1, event: 'add', args: [], asks, at });
const ack = (sid: string, at: number): SourceEvent => ({ type: 'ack', sid, n: 1, args: [], at });
const request = (at: number, end: number): SourceEvent => ({ type: 'http', sid: 'a', id: 'http:1', method: 'POST', url: '/', status: 200, at, end });

it.each<[string, SourceEvent[], Seen, string | null]>([
  ['the trace that waits for its acknowledgement', [emit('a', 100)], { from: 110, to: 120 }, 'a:1'],
  ['the trace that was acknowledged since the last look', [emit('a', 100), ack('a', 115)], { from: 110, to: 120 }, 'a:1'],
  ['the one that is open, not the one that has ended', [emit('a', 100), ack('a', 105), emit('b', 112)], { from: 110, to: 120 }, 'b:1'],
  ['nobody, where two were open', [emit('a', 100), emit('b', 112)], { from: 110, to: 120 }, null],
  ['nobody, where one ended and another began between the looks', [emit('a', 100), ack('a', 115), emit('b', 118)], { from: 110, to: 120 }, null],
  ['nobody, where none has begun', [], { from: 110, to: 120 }, null],
  ['the trace that ended last, where it may go on', [emit('a', 100), ack('a', 105)], { from: 300, to: 320 }, 'a:1'],
  ['nobody, long after', [emit('a', 100), ack('a', 105)], { from: 5000, to: 5020 }, null],
  ['a trace that asks for no answer', [emit('a', 100, false)], { from: 110, to: 120 }, 'a:1'],
  ['a request that was told when it had ended', [request(100, 400)], { from: 110, to: 120 }, 'http:1'],
])('%s', async (_, events, seen, cause) => {
  const all = await told(events, seen);
  expect(all.filter(({ type }) => type === 'change')).toEqual([expect.objectContaining({ cause, table: 'note', after: { id: 1, data: Uint8Array.of(1, 2) } })]);
  expect(all.findIndex(({ type }) => type === 'tables')).toBe(0);
});
