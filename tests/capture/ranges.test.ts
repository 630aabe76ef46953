import { describe, expect, test } from 'vitest';
import { parseRange } from '../../src/capture/parse-range.js';
import { inRange } from '../../src/capture/ranges.js';
import type { SourceEvent } from '../../src/capture/source.js';
import fc from '../fast-check.js';
import { captured, connect, disconnect, emit } from './events.js';

const checkpoint = (name: string, at: number): SourceEvent => ({ type: 'checkpoint', name, at });
const flow = [
  connect('a', { at: 0 }),
  emit('a', 1, 'x', { at: 10 }),
  checkpoint('cart', 15),
  connect('b', { at: 20 }),
  emit('a', 2, 'x', { at: 30 }),
  emit('b', 1, 'x', { at: 30 }),
  checkpoint('paid', 35),
  disconnect('a', 'transport close', 40),
  emit('b', 2, 'x', { at: 50 }),
];
const numbers = (events: readonly SourceEvent[]) => events.filter((event) => event.type === 'emit').map(({ sid, n }) => `${sid}${n}`);
const before = (events: readonly SourceEvent[]) => events.flatMap((event) => (event.type === 'connect' && event.before ? [event.socket.sid] : []));

describe('a range', () => {
  test.each([
    ['since a number', { since: 4 }, ['a2', 'b1', 'b2'], ['a', 'b']],
    ['both times are in it', { from: 10, to: 30 }, ['a1', 'a2', 'b1'], ['a']],
    ['a time without events', { from: 60, to: 90 }, [], []],
    ['between checkpoints', { between: ['cart', 'paid'] as [string, string] }, ['a2', 'b1'], ['a']],
    ['in the other order', { between: ['paid', 'cart'] as [string, string] }, ['a2', 'b1'], ['a']],
    ['who had gone is not in it', { since: 8 }, ['b2'], ['b']],
  ])('%s', (_, range, emits, open) => {
    const { events } = inRange(captured(flow), range);
    expect(numbers(events)).toEqual(emits);
    expect(before(events)).toEqual(open);
  });

  test('is half-open: the first checkpoint is in it, the last is not', () => {
    const names = inRange(captured(flow), { between: ['cart', 'paid'] }).events.flatMap((event) => (event.type === 'checkpoint' ? [event.name] : []));
    expect(names).toEqual(['cart']);
  });

  test('numbers stay when events were thrown away, and the missing ones are counted', () => {
    const cut = captured(flow.slice(3), { missing: 3 });
    expect(numbers(inRange(cut, { since: 5 }).events)).toEqual(['b1', 'b2']);
    expect(inRange(cut, { since: 5 }).missing).toBeUndefined();
    expect(inRange(cut, { since: 1 }).missing).toBe(2);
    expect(inRange(cut, { since: 0 }).missing).toBe(3);
  });

  test('every event from a number on is in it once, whatever was thrown away', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(40), fc.nat(40), (total, gone, since) => {
        const all = [connect('a'), ...Array.from({ length: total }, (_, i) => emit('a', i + 1, 'x'))];
        const kept = captured(all.slice(gone), { missing: Math.min(gone, all.length) });
        const { events, missing = 0 } = inRange(kept, { since });
        expect(numbers(events).length + missing).toBeLessThanOrEqual(Math.max(0, all.length - since));
        expect(events.filter((event) => !(event.type === 'connect' && event.before)).length + missing).toBe(Math.max(0, all.length - since));
      }),
    );
  });

  test('a checkpoint that is not there', () => {
    expect(() => inRange(captured(flow), { between: ['cart', 'sent'] })).toThrow(
      /REPLAY_CHECKPOINT: there is no checkpoint sent[\s\S]*Checkpoints: cart, paid/,
    );
  });
});

describe('from words', () => {
  test.each([
    [{}, undefined],
    [{ since: '7' }, { since: 7 }],
    [{ from: '2s' }, { from: 2000, to: Number.POSITIVE_INFINITY }],
    [{ to: '500ms' }, { from: 0, to: 500 }],
    [{ between: ['a', 'b'] }, { between: ['a', 'b'] }],
  ])('%j', (words, range) => expect(parseRange(words)).toEqual(range));

  test.each([[{ since: '-1' }], [{ since: '1', from: '2s' }], [{ between: ['a'] }], [{ from: '7' }]])('%j is refused', (words) =>
    expect(() => parseRange(words)).toThrow(/REPLAY_USAGE/),
  );
});
