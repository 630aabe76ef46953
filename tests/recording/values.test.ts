import { expect, test } from 'vitest';
import { timeOf } from '../../src/recording/kinds.js';
import { pairUp } from '../../src/recording/pair.js';
import { mapValue, sameValue, Tagged, templateNames, typeOf, type Value, walk } from '../../src/recording/values.js';
import fc from '../fast-check.js';
import { value } from './arbitrary.js';

test('sameValue is an equivalence', () => {
  const copy = (item: Value): Value => mapValue(item, () => undefined);
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      expect(sameValue(a, a)).toBe(true);
      expect(sameValue(a, copy(a))).toBe(true);
      expect(sameValue(a, b)).toBe(sameValue(b, a));
      if (sameValue(a, b) && sameValue(b, c)) expect(sameValue(a, c)).toBe(true);
    }),
  );
});

test.each<[Value | undefined, Value | undefined, boolean]>([
  [Number.NaN, Number.NaN, true],
  [0, -0, true],
  [null, undefined, false],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
  [{ a: null }, {}, false],
  [{ toString: 1 }, { valueOf: 1 }, false],
  [[], {}, false],
  [new Uint8Array(2), [0, 0], false],
  [new Tagged({ tag: 'id', name: 'a' }), new Tagged({ tag: 'id', name: 'b' }), false],
  [new Tagged({ tag: 'some', items: [1] }), new Tagged({ tag: 'some', items: [1] }), true],
  [new Tagged({ tag: 'uuid' }), { tag: 'uuid' }, false],
])('sameValue(%j, %j) is %j', (a, b, same) => expect(sameValue(a, b)).toBe(same));

test('mapValue reaches every node, in lists of tags too, and keeps odd keys', () => {
  const tree: Value = JSON.parse('{"__proto__":[1,{"a":1}],"b":2}');
  const twice = mapValue([tree, new Tagged({ tag: 'some', items: [1] })], (item) => (typeof item === 'number' ? item * 2 : undefined));
  expect(sameValue(twice, [JSON.parse('{"__proto__":[2,{"a":2}],"b":4}'), new Tagged({ tag: 'some', items: [2] })])).toBe(true);
  const seen: Value[] = [];
  walk(twice, (item) => typeof item === 'number' && seen.push(item));
  expect(seen).toEqual([2, 2, 4, 2]);
});

test.each<[Value | undefined, string]>([
  [undefined, 'missing'],
  [null, 'null'],
  [[], 'list'],
  [new Uint8Array(), 'binary'],
  [{}, 'object'],
  [new Tagged({ tag: 'ignore' }), '!ignore'],
  [0, 'number'],
])('typeOf(%j) is %s', (item, type) => expect(typeOf(item)).toBe(type));

test('templateNames', () => expect(templateNames('/a/${a1}/${a 2}$x')).toEqual(['a1', 'a 2']));

test.each<[Value, string | undefined]>([
  ['2026-11-21T08:00:00Z', '2026-11-21T08:00:00.000Z'],
  ['2026-11-21 08:00:00', '2026-11-21T08:00:00.000Z'],
  ['2026-11-21T08:00:00', '2026-11-21T08:00:00.000Z'],
  ['2026-11-21 08:00:00.5+00', '2026-11-21T08:00:00.500Z'],
  ['2026-11-21 10:00:00+0200', '2026-11-21T08:00:00.000Z'],
  ['2026-11-21', '2026-11-21T00:00:00.000Z'],
  [1795248000000, '2026-11-21T08:00:00.000Z'],
  [1795248000, '2026-11-21T08:00:00.000Z'],
  ['2026-13-21', undefined],
  ['1795248000', undefined],
  [17952480, undefined],
  ['at 2026-11-21', undefined],
  [null, undefined],
])('timeOf(%j) is %s', (item, iso) => expect(timeOf(item)).toBe(iso === undefined ? undefined : Date.parse(iso)));

test('pairUp pairs as many as can be paired', () => {
  const can = [[0, 1], [0], [1, 2]];
  expect([...pairUp(3, 3, (item, at) => can[item]?.includes(at) ?? false)].sort()).toEqual([
    [0, 1],
    [1, 0],
    [2, 2],
  ]);
  expect(pairUp(2, 0, () => true).size).toBe(0);
});
