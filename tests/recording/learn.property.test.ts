/** The laws of learning, over what a real comparison tells: what is learnt fits, and what has another structure stays red. */
import { expect, it } from 'vitest';
import { compareValue } from '../../src/recording/compare.js';
import { applyEdits } from '../../src/recording/edit.js';
import { toJson } from '../../src/recording/json.js';
import { learn, type SeenReplay } from '../../src/recording/learn.js';
import type { Recording } from '../../src/recording/schema.js';
import { isObject, type Value } from '../../src/recording/values.js';
import fc from '../fast-check.js';
import { contextOf, scopeOf } from './scopes.js';

const context = contextOf(scopeOf());
const at = Date.parse('2026-01-01T00:00:00Z');

const item = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), n: fc.nat(3), colour: fc.constantFrom('red', 'blue') });
const answer = fc.record({
  title: fc.constantFrom('x', 'y'),
  count: fc.nat(5),
  done: fc.boolean(),
  items: fc.array(item, { maxLength: 4 }),
  tags: fc.array(fc.constantFrom('p', 'q', 'r'), { maxLength: 3 }),
});
type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never;

/** What one replay makes of the answer: other values at some keys, lists in another order. */
const replay = fc.record({ noisy: fc.subarray(['title', 'count', 'done', 'colour', 'n']), turn: fc.nat(3), seed: fc.nat(1000) });
type Replay = typeof replay extends fc.Arbitrary<infer T> ? T : never;

const turned = <T>(list: T[], by: number): T[] => (list.length === 0 ? list : [...list.slice(by % list.length), ...list.slice(0, by % list.length)]);
const other = (value: Value, seed: number): Value => (typeof value === 'boolean' ? seed % 2 === 0 : typeof value === 'number' ? seed : `text ${seed}`);

function played(recorded: Answer, { noisy, turn, seed }: Replay): Value {
  let n = seed;
  const noise = (value: Value, key = ''): Value => {
    if (Array.isArray(value)) return value.map((item) => noise(item));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, noise(item, name)]));
    return noisy.includes(key) ? other(value, n++) : value;
  };
  return noise({ ...recorded, items: turned(recorded.items, turn), tags: turned(recorded.tags, turn) });
}

function learnt(recorded: Answer, came: readonly Value[]) {
  const recording: Recording = { version: 1, name: 'r', status: 'finished', sessions: [{ id: 'alice', traces: [{ emit: 'go', ack: [recorded as Value] }] }] };
  const replays = came.map((value): SeenReplay => {
    const differences = compareValue([recorded as Value], [value], 'ack', context).differences.map(({ expected, actual, ...rest }) => ({
      ...rest,
      ...(expected === undefined ? {} : { expected: toJson(expected) }),
      ...(actual === undefined ? {} : { actual: toJson(actual) }),
    }));
    return { exact: true, at, traces: differences.length === 0 ? [] : [{ session: 'alice', trace: 0, outcome: 'mismatch', differences }] };
  });
  const lesson = learn(recording, replays);
  const after = (applyEdits(recording as unknown as Value, lesson.edits) as unknown as Recording).sessions[0]?.traces[0]?.ack as Value[];
  return { ...lesson, left: came.map((value) => compareValue(after, [value], 'ack', context).differences) };
}

it('what was learnt fits everything that came, where nothing was refused', () => {
  let green = 0;
  let orders = 0;
  fc.assert(
    fc.property(answer, fc.array(replay, { minLength: 2, maxLength: 4 }), (recorded, replays) => {
      const {
        edits,
        refused,
        learnt: all,
        left,
      } = learnt(
        recorded,
        replays.map((one) => played(recorded, one)),
      );
      if (refused.length > 0 || edits.length === 0) return;
      green++;
      if (all.some(({ matcher }) => matcher === '!unordered')) orders++;
      expect(left.flat()).toEqual([]);
    }),
    { numRuns: 1000 },
  );
  expect(green).toBeGreaterThan(50);
  expect(orders).toBeGreaterThan(10);
});

it('a key or an element that is gone in one replay stays a difference', () => {
  fc.assert(
    fc.property(
      answer,
      fc.array(replay, { minLength: 2, maxLength: 3 }),
      fc.constantFrom('title', 'done', 'item', 'tag', 'name'),
      (recorded, replays, gone) => {
        const came = replays.map((one) => played(recorded, one));
        const last = came.at(-1) as { [key: string]: Value };
        const items = last.items as { [key: string]: Value }[];
        if (((gone === 'item' || gone === 'name') && items.length === 0) || (gone === 'tag' && (last.tags as Value[]).length === 0)) return;
        if (gone === 'item') items.pop();
        else if (gone === 'tag') (last.tags as Value[]).pop();
        else if (gone === 'name') delete items[0]?.name;
        else delete last[gone];
        expect(learnt(recorded, came).left.at(-1)).not.toEqual([]);
      },
    ),
    { numRuns: 1000 },
  );
});
