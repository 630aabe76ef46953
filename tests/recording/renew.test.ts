/** An expectation renewed by what was seen: what holds stays, the rest is as it would have been recorded. */
import { describe, expect, it, test } from 'vitest';
import { compareValue } from '../../src/recording/compare.js';
import { type Renewing, renew } from '../../src/recording/renew.js';
import { fillTemplate } from '../../src/recording/scope.js';
import { any, id, sameValue, type Value } from '../../src/recording/values.js';
import fc from '../fast-check.js';
import { concrete, contextOf, names, scopeOf, tag } from './scopes.js';

const scope = scopeOf({ names: names({ note1: 5, author1: 'a.7' }) });
const how: Renewing = {
  holds: (expected, value, key) => compareValue(expected, value, '', contextOf(scope), key).differences.length === 0,
  keyOf: (template) => fillTemplate(template, scope),
};
/** Seen and recorded alike but for ids. */
const renewed = (expected: Value, value: Value, recorded: Value = value): Value => renew(expected, { value, recorded }, how);

describe('renewed', () => {
  test.each<[string, Value, Value, Value]>([
    ['a matcher that fits stays', { a: any('number'), b: 1 }, { a: 7, b: 2 }, { a: any('number'), b: 2 }],
    ['a name stays', { id: id('note1'), b: 1 }, { id: 5, b: 2 }, { id: id('note1'), b: 2 }],
    ['a matcher of another type goes', { a: any('number') }, { a: 'x' }, { a: 'x' }],
    ['a pattern that fits no longer goes', [tag({ tag: 'regex', source: '^a' })], ['b'], ['b']],
    ['what is gone is taken out, what is new stands where it came', { a: 1, c: 3 }, { b: 2, c: 3 }, { b: 2, c: 3 }],
    ['an element in the middle', [any('string'), 'b', id('note1')], ['x', 5], [any('string'), id('note1')]],
    ['an element that came', [1, id('note1')], [1, 2, 5], [1, 2, id('note1')]],
    ['a list in any order', tag({ tag: 'unordered', items: [id('note1'), 2] }), [3, 5], tag({ tag: 'unordered', items: [id('note1'), 3] })],
    ['some of a list', tag({ tag: 'some', items: [id('note1'), 2] }), [9, 5], tag({ tag: 'some', items: [id('note1'), 9] })],
    [
      'keys that are names',
      tag({ tag: 'keys', entries: { '${author1}': 1, x: 2 } }),
      { 'a.7': 3, y: 4 },
      tag({ tag: 'keys', entries: { '${author1}': 3, y: 4 } }),
    ],
  ])('%s', (_, expected, value, after) => {
    expect(renewed(expected, value)).toEqual(after);
    expect(Object.keys(renewed(expected, value) as object)).toEqual(Object.keys(after as object));
  });

  it('takes what is new as it would have been recorded', () => {
    expect(renewed([{ n: 1 }], [{ n: 1, id: 5 }, 5], [{ n: 1, id: id('note1') }, id('note1')])).toEqual([{ n: 1, id: id('note1') }, id('note1')]);
  });

  it('is what was seen, whatever that is, and nothing else where it held', () => {
    fc.assert(
      fc.property(concrete, concrete, (expected, value) => {
        expect(sameValue(renewed(expected, value), value)).toBe(true);
        expect(renewed(expected, expected)).toBe(expected);
      }),
    );
  });
});
