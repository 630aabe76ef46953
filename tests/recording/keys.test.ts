/** `!keys`: names in the keys of an object, from recording to replay. */
import { describe, expect, test } from 'vitest';
import { compareValue } from '../../src/recording/compare.js';
import { bind, neededNames, resolve } from '../../src/recording/scope.js';
import type { Value, ValueObject } from '../../src/recording/values.js';
import { id } from '../../src/recording/values.js';
import { contextOf, names, scopeOf, tag } from './scopes.js';

const keys = (entries: ValueObject): Value => tag({ tag: 'keys', entries });
const send = (value: Value, known = names({ author1: 'a.1', row1: 7 })): Value => resolve(value, scopeOf({ names: known }), 'alice', 0, () => 'uuid');
const differences = (expected: Value, actual: Value, level: 'exact' | 'shared' = 'exact', known = names({ author1: 'a.1' })) =>
  compareValue(expected, actual, 'ack', contextOf(scopeOf({ level, names: known }))).differences.map((one) => [one.class, one.path]);

describe('sent', () => {
  test('keys are filled, and what stands under them', () => {
    expect(send(keys({ '${author1}': { by: id('row1') }, 'x,${author1}': 0, plain: keys({ '${row1}': true }) }))).toEqual({
      'a.1': { by: 7 },
      'x,a.1': 0,
      plain: { 7: true },
    });
  });
  test('a trace waits for the names in keys', () => {
    expect(neededNames([keys({ '${author1}': id('row1'), '${a}:${b}': 1 })])).toEqual(['author1', 'a', 'b', 'row1']);
  });
});

describe('bound', () => {
  test.each<[string, ValueObject, Value, Record<string, Value>]>([
    ['the only key that can be meant', { '${author1}': 1, other: 2 }, { other: 2, 'a.9': 1 }, { author1: 'a.9' }],
    ['by the text around it', { 'author,${author1}': 0, 'draft,${draft1}': 1 }, { 'draft,d': 1, 'author,a.9': 0 }, { author1: 'a.9', draft1: 'd' }],
    ['not where two can be', { '${author1}': 1 }, { a: 1, b: 1 }, {}],
    ['what stands under a known key', { '${known}': id('inner') }, { k: 5, l: 6 }, { inner: 5 }],
  ])('%s', (_, entries, actual, bound) => {
    const scope = scopeOf({ names: names({ known: 'k' }) });
    bind(keys(entries), actual, scope);
    expect(Object.fromEntries([...scope.names].filter(([name]) => name !== 'known'))).toEqual(bound);
  });
});

describe('compared', () => {
  const expected = keys({ '${author1}': { n: 1 }, other: 2 });
  test('the same', () => expect(differences(expected, { other: 2, 'a.1': { n: 1 } })).toEqual([]));
  test.each<[string, Value, [string, string][]]>([
    [
      'another author',
      { other: 2, 'a.2': { n: 1 } },
      [
        ['removed', 'ack["a.1"]'],
        ['added', 'ack["a.2"]'],
      ],
    ],
    ['another value', { other: 2, 'a.1': { n: 3 } }, [['value', 'ack["a.1"].n']]],
    ['no object', [1], [['type', 'ack']]],
  ])('%s', (_, actual, found) => expect(differences(expected, actual)).toEqual(found));
  test('a name that was never made', () => expect(differences(expected, { other: 2 }, 'exact', names({}))).toEqual([['removed', 'ack["${author1}"]']]));
  test('among others, keys without names are theirs; what stands under ours is exact', () => {
    expect(differences(expected, { 'a.1': { n: 1 }, 'a.2': { n: 5 } }, 'shared')).toEqual([]);
    expect(differences(expected, { 'a.1': { n: 2 } }, 'shared')).toEqual([['value', 'ack["a.1"].n']]);
    expect(differences(expected, { other: 2 }, 'shared')).toEqual([['removed', 'ack["a.1"]']]);
  });
});
