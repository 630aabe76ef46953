import { describe, expect, test } from 'vitest';
import { compareValue } from '../../src/recording/compare.js';
import type { Scope } from '../../src/recording/scope.js';
import { isObject, sameValue, type TagBody, Tagged, type Value, type ValueObject } from '../../src/recording/values.js';
import fc from '../fast-check.js';
import { concrete, contextOf, names, scopeOf, tag } from './scopes.js';

const exact = (expected: Value, actual: Value) => compareValue(expected, actual, 'ack', contextOf(scopeOf({ names: names({ a1: 5, s1: 'tok' }) })));
const classes = (comparison: { differences: { path: string; class: string }[] }) =>
  comparison.differences.map((difference) => `${difference.class} ${difference.path}`);

/** Every value that differs from `value` in one place: a leaf, a key more, a key less, a type. */
function mutants(value: Value): Value[] {
  if (Array.isArray(value))
    return [...value.flatMap((item, i) => mutants(item).map((other) => value.with(i, other))), value.slice(1), [...value, null]].filter(
      (other) => !sameValue(other, value),
    );
  if (isObject(value)) {
    const entries = Object.entries(value);
    const more = Object.fromEntries([...entries, ['one more', null]]);
    return [
      more,
      ...entries.flatMap(([key, item], i): Value[] => [
        Object.fromEntries(entries.toSpliced(i, 1)),
        ...mutants(item).map((other) => Object.fromEntries(entries.with(i, [key, other]))),
      ]),
    ];
  }
  const others: Value[] = [null, 0, '', false, true, 1, '0', [], {}, String(value instanceof Uint8Array ? value.length : value), new Uint8Array(1)];
  return others.filter((other) => !sameValue(other, value));
}

describe('exact', () => {
  test('a value does not differ from itself, whatever the order of its keys', () => {
    const reversed = (value: Value): Value =>
      Array.isArray(value)
        ? value.map(reversed)
        : isObject(value)
          ? Object.fromEntries(
              Object.entries(value)
                .map(([key, item]) => [key, reversed(item)] as const)
                .reverse(),
            )
          : value;
    fc.assert(fc.property(concrete, (value) => void expect(exact(value, reversed(value)).differences).toEqual([])));
  });

  test('a value differs from everything that differs from it in one place', () => {
    fc.assert(
      fc.property(concrete, (value) => {
        for (const other of mutants(value)) expect(exact(value, other).differences.length, JSON.stringify(other)).toBeGreaterThan(0);
      }),
    );
  });

  test.each<[Value, Value, string[]]>([
    [{ a: 0 }, { a: false }, ['type ack.a']],
    [{ a: 0 }, { a: '' }, ['type ack.a']],
    [{ a: 0 }, { a: null }, ['type ack.a']],
    [{ a: null }, {}, ['removed ack.a']],
    [{}, { a: null }, ['added ack.a']],
    [{ a: 1 }, { a: '1' }, ['type ack.a']],
    [{ a: 1 }, { a: 2 }, ['value ack.a']],
    [{ a: [] }, { a: {} }, ['type ack.a']],
    [[1, 2], [1], ['removed ack[1]']],
    [[1], [1, 2], ['added ack[1]']],
    [{ 'a b': [{ c: true }] }, { 'a b': [{ c: false }] }, ['value ack["a b"][0].c']],
    [{ constructor: 1 }, {}, ['removed ack.constructor']],
    [new Uint8Array([1]), new Uint8Array([2]), ['value ack']],
  ])('%j against %j', (expected, actual, found) => expect(classes(exact(expected, actual))).toEqual(found));

  test('every leaf counts as compared by value', () =>
    expect(exact([{ a: 1, b: 'x', c: [true, null] }], [{ a: 1, b: 'x', c: [true, null] }]).compared).toEqual({ value: 4, type: 0, ignored: 0 }));
});

const now = '2026-11-21T08:00:04.000Z';
const uuid = '7d444840-9dc0-11d1-b245-5ffdce74fad2';

describe('tags', () => {
  test.each<[TagBody, Value, Value, 'type' | 'value']>([
    [{ tag: 'id', name: 'a1' }, 5, 6, 'value'],
    [{ tag: 'id', name: 'a1' }, 5, '5', 'type'],
    [{ tag: 'unique', text: 'urgent' }, 'urgent-x0', 'urgent', 'value'],
    [{ tag: 'unique', text: 'eve@mail.example' }, 'eve-x0@mail.example', 'eve@mail.example', 'value'],
    [{ tag: 'text', template: '/a/${a1}/${s1}' }, '/a/5/tok', '/a/6/tok', 'value'],
    [{ tag: 'text', template: '${a1}' }, '5', 5, 'type'],
    [{ tag: 'socket' }, 'sidA', 'sidB', 'value'],
    [{ tag: 'socket', session: 'alice' }, 'sidA', 3, 'type'],
    [{ tag: 'secret', name: 'token' }, 'anything', true, 'type'],
    [{ tag: 'secret', name: 'code' }, 482913, null, 'type'],
    [{ tag: 'text', template: '/a/${a1}?t=${!secret token}&x' }, '/a/5?t=what ever&x', '/a/6?t=what&x', 'value'],
    [{ tag: 'text', template: 'Bearer ${!secret token}' }, 'Bearer x', 5, 'type'],
    [{ tag: 'uuid' }, uuid, 'abc', 'value'],
    [{ tag: 'uuid' }, uuid, 3, 'type'],
    [{ tag: 'uuid', name: 's1' }, 'tok', 'other', 'value'],
    [{ tag: 'now', form: 'ms' }, now, 'today', 'value'],
    [{ tag: 'now', form: 'ms' }, 1763712000000, null, 'type'],
    [{ tag: 'any', type: 'timestamp' }, '2026-11-21 08:00:00', '08:00', 'type'],
    [{ tag: 'any', type: 'timestamp' }, '2026-11-21 08:00:00.123456+00', 'never', 'type'],
    [{ tag: 'any', type: 'integer' }, 3, 3.5, 'type'],
    [{ tag: 'any', type: 'number' }, 3.5, '3.5', 'type'],
    [{ tag: 'any', type: 'string' }, '', 0, 'type'],
    [{ tag: 'any', type: 'boolean' }, false, 0, 'type'],
    [{ tag: 'any', type: 'list' }, [], {}, 'type'],
    [{ tag: 'any', type: 'object' }, {}, [], 'type'],
    [{ tag: 'any', type: 'binary' }, new Uint8Array(), 'AA==', 'type'],
    [{ tag: 'any', type: 'id' }, 'x', '', 'type'],
    [{ tag: 'timestamp', within: 5000 }, now, '2026-11-21T08:00:06.000Z', 'value'],
    [{ tag: 'timestamp', within: 5000 }, Date.parse(now), true, 'type'],
    [{ tag: 'regex', source: '^a\\-b$' }, 'a-b', 'ab', 'value'],
    [{ tag: 'regex', source: '^1$' }, '1', 1, 'type'],
  ])('%j passes %j, not %j', (body, good, bad, differs) => {
    expect(exact({ k: tag(body) }, { k: good }).differences).toEqual([]);
    expect(classes(exact({ k: tag(body) }, { k: bad }))).toEqual([`${differs} ack.k`]);
    expect(classes(exact({ k: tag(body) }, {}))).toEqual(['removed ack.k']);
  });

  test('`!any value` is whatever is there, `!ignore` also what is not', () => {
    expect(exact({ a: tag({ tag: 'any', type: 'value' }) }, { a: null }).differences).toEqual([]);
    expect(classes(exact({ a: tag({ tag: 'any', type: 'value' }) }, {}))).toEqual(['removed ack.a']);
    expect(exact({ a: tag({ tag: 'ignore' }) }, {})).toEqual({ differences: [], compared: { value: 0, type: 0, ignored: 1 } });
  });

  test('`!delta` is measured from the row before', () => {
    const delta = (before: ValueObject, actual: Value) => compareValue(tag({ tag: 'delta', n: 0.2 }), actual, 'rev', contextOf(scopeOf(), { before }), 'rev');
    expect(delta({ rev: 0.1 }, 0.3).differences).toEqual([]);
    expect(classes(delta({ rev: 0.1 }, 0.4))).toEqual(['value rev']);
    expect(classes(delta({}, 0.4))).toEqual(['type rev']);
    expect(classes(compareValue(tag({ tag: 'delta', n: 1 }), 1, 'x', contextOf(scopeOf(), { before: {} }), 'constructor'))).toEqual(['type x']);
  });

  test('`!some` and `!unordered` pair so that all fit', () => {
    const items = [tag({ tag: 'any', type: 'number' }), 5];
    expect(exact([tag({ tag: 'unordered', items })], [[5, 6]]).differences).toEqual([]);
    expect(classes(exact([tag({ tag: 'unordered', items })], [[5, 6, 7]]))).toEqual(['added ack[0][2]']);
    expect(exact([tag({ tag: 'some', items })], [[5, 6, 7]])).toMatchObject({ differences: [], compared: { ignored: 1 } });
    expect(classes(exact([tag({ tag: 'some', items })], [[6, 7]]))).toEqual(['removed ack[0][1]']);
    expect(classes(exact([tag({ tag: 'some', items })], [5]))).toEqual(['type ack[0]']);
    fc.assert(
      fc.property(
        fc.array(concrete, { maxLength: 5 }),
        (list) => void expect(exact([tag({ tag: 'unordered', items: list })], [list.toReversed()]).differences).toEqual([]),
      ),
    );
  });

  test('a name that was never bound is what the difference follows from', () => {
    expect(exact({ a: tag({ tag: 'id', name: 'zz' }) }, { a: 5 }).differences).toMatchObject([{ class: 'value', path: 'ack.a', follows: 'zz' }]);
    expect(exact({ a: tag({ tag: 'text', template: '${a1}/${zz}' }) }, { a: '5/6' }).differences).toMatchObject([{ follows: 'zz' }]);
    expect(exact({ a: tag({ tag: 'socket', session: 'bob' }) }, { a: 'x' }).differences).toMatchObject([{ follows: 'the socket of bob' }]);
  });
});

describe('shared', () => {
  const scope = scopeOf({ level: 'shared', names: names({ a1: 5, a2: 6 }), own: new Set(['count=7', '=700', '#=9']), mutable: new Set(['title', 'data']) });
  const shared = (expected: Value, actual: Value) => compareValue(expected, actual, 'ack', contextOf(scope));
  const a1 = tag({ tag: 'id', name: 'a1' });

  test('arguments are compared in their places, also when there are only objects', () => {
    expect(classes(shared([{ success: true, text: 'x' }], [{ success: false, text: 'y' }]))).toEqual(['value ack[0].success', 'value ack[0].text']);
    expect(classes(shared([{ a: 1 }], []))).toEqual(['removed ack[0]']);
    expect(classes(shared([{ a: 1 }], [{ a: 1 }, 'more']))).toEqual(['added ack[1]']);
  });

  test('`!unordered` is open among others, as a plain list of objects is', () => {
    const named = [tag({ tag: 'unordered', items: [{ name: 'a' }, { name: 'b' }] })];
    expect(shared(named, [[{ name: 'c' }, { name: 'b' }, { name: 'a' }]])).toMatchObject({ differences: [], compared: { ignored: 1 } });
    expect(classes(exact(named, [[{ name: 'c' }, { name: 'b' }, { name: 'a' }]]))).toEqual(['added ack[0][0]']);
  });

  test('numbers count by type, but not those that this copy sent', () => {
    expect(shared([{ total: 3 }], [{ total: 9 }])).toEqual({ differences: [], compared: { value: 0, type: 1, ignored: 0 } });
    expect(classes(shared([{ total: 3 }], [{ total: '9' }]))).toEqual(['type ack[0].total']);
    expect(classes(shared([{ total: 3 }], [{ total: null }]))).toEqual(['type ack[0].total']);
    expect(classes(shared([{ count: 7, any: 700, documentId: 9 }], [{ count: 8, any: 701, documentId: 10 }]))).toEqual([
      'value ack[0].count',
      'value ack[0].any',
      'value ack[0].documentId',
    ]);
  });

  test('keys, texts and booleans count', () =>
    expect(classes(shared([{ a: 'x', b: true, c: 1 }], [{ a: 'y', b: false, d: 1 }]))).toEqual([
      'value ack[0].a',
      'value ack[0].b',
      'removed ack[0].c',
      'added ack[0].d',
    ]));

  test('what has a name of this copy is compared by value', () => {
    expect(classes(shared([{ id: a1, rev: 1, title: 'x' }], [{ id: 5, rev: 2, title: 'x' }]))).toEqual(['value ack[0].rev']);
    expect(classes(shared([{ success: true, data: { id: a1, wordCount: 4 } }], [{ success: true, data: { id: 5, wordCount: 9 } }]))).toEqual([
      'value ack[0].data.wordCount',
    ]);
  });

  test("an object with somebody else's id in one of this copy is not its own", () => {
    expect(shared([{ id: a1, document: { id: 1, rev: 3 } }], [{ id: 5, document: { id: 1, rev: 9 } }]).differences).toEqual([]);
    expect(shared([[{ id: 1, rev: 3, tagId: a1 }]], [[{ id: 1, rev: 9, tagId: 5 }]]).differences).toEqual([]);
  });

  test('columns that others change count by type; what is in them keeps its keys', () => {
    expect(shared([{ title: 'x' }], [{ title: 'y' }])).toEqual({ differences: [], compared: { value: 0, type: 1, ignored: 0 } });
    expect(shared([{ title: 'x' }], [{ title: null }]).differences).toEqual([]);
    expect(classes(shared([{ title: 'x' }], [{ title: 1 }]))).toEqual(['type ack[0].title']);
    expect(classes(shared([{ data: { a: 'x', b: 1 } }], [{ data: { a: 'y', c: 1 } }]))).toEqual(['removed ack[0].data.b', 'added ack[0].data.c']);
    expect(classes(shared([{ data: { a: 'x', b: 1 } }], [{ data: 'gone' }]))).toEqual(['type ack[0].data']);
  });

  test('rows under their ids come and go in what is pushed, as in a list; what stands under other keys does not', () => {
    const seeded = { id: 1, text: 'seeded' };
    const pushed = (expected: Value, actual: Value) => compareValue([expected], [actual], 'push', { ...contextOf(scope), pushed: true });
    expect(pushed({}, { '7': seeded })).toEqual({ differences: [], compared: { value: 0, type: 0, ignored: 1 } });
    expect(pushed({ '7': seeded }, {})).toEqual({ differences: [], compared: { value: 0, type: 0, ignored: 1 } });
    expect(pushed({ '1': seeded }, { '7': { id: 7, text: 'other' } })).toEqual({ differences: [], compared: { value: 0, type: 0, ignored: 2 } });
    expect(classes(pushed({ '1': seeded }, { '7': { id: 7 } }))).toEqual(['removed push[0]["1"].text']);
    expect(classes(pushed({ '1': { ...seeded, by: a1 } }, { '7': { ...seeded, by: 5 } }))).toEqual(['removed push[0]["1"]']);
    expect(classes(pushed({ '1': seeded }, { '1': { id: 1 }, '7': seeded }))).toEqual(['removed push[0]["1"].text']);
    expect(classes(pushed({ '1': true }, { '1': true, '7': true }))).toEqual(['added push[0]["7"]']);
    expect(classes(pushed({ '1': seeded }, { '1': seeded, error: seeded }))).toEqual(['added push[0].error']);
    expect(classes(shared([{}], [{ '7': seeded }]))).toEqual(['added ack[0]["7"]']);
    expect(classes(exact([{ '1': seeded }], [{ '7': seeded }]))).toEqual(['removed ack[0]["1"]', 'added ack[0]["7"]']);
  });

  describe('lists of rows', () => {
    const mine = { id: a1, text: 'mine', rev: 1 };
    const seeded = { id: 1, text: 'seeded', rev: 1 };
    test('own elements are found wherever they stand and compared by value', () => {
      expect(
        shared(
          [[seeded, mine]],
          [
            [
              { id: 9, text: 'mine', rev: 1 },
              { id: 1, text: 'seeded', rev: 4 },
              { id: 5, text: 'mine', rev: 1 },
            ],
          ],
        ),
      ).toEqual({ differences: [], compared: { value: 4, type: 2, ignored: 1 } });
      expect(
        classes(
          shared(
            [[seeded, mine]],
            [
              [
                { id: 1, text: 'seeded', rev: 4 },
                { id: 5, text: 'mine', rev: 2 },
              ],
            ],
          ),
        ),
      ).toEqual(['value ack[0][1].rev']);
    });
    test('an own element that is not there is removed, however alike another one is', () =>
      expect(classes(shared([[mine]], [[{ id: 9, text: 'mine', rev: 1 }]]))).toEqual(['removed ack[0][0]']));
    test('one whose name was never bound says so', () =>
      expect(shared([[{ id: tag({ tag: 'id', name: 'zz' }) }, mine]], [[{ id: 9 }, { id: 5, text: 'mine', rev: 1 }]]).differences).toMatchObject([
        { class: 'removed', path: 'ack[0][0]', follows: 'zz' },
      ]));
    test('others may come, go and change, and are counted', () => {
      expect(shared([[seeded]], [[]])).toEqual({ differences: [], compared: { value: 0, type: 0, ignored: 1 } });
      expect(shared([[]], [[seeded]])).toEqual({ differences: [], compared: { value: 0, type: 0, ignored: 1 } });
      expect(shared([[seeded]], [[{ ...seeded, text: 'other' }]])).toMatchObject({ differences: [], compared: { ignored: 2 } });
    });
    test('a connection of this copy is not theirs, wherever it stands too much', () => {
      const two: Scope = {
        ...scope,
        sockets: new Map([
          ['alice', 'sidA'],
          ['bob', 'sidB'],
        ]),
      };
      const seen = (expected: Value, actual: Value) => compareValue(expected, actual, 'ack', contextOf(two));
      const socket = (session: string) => tag({ tag: 'socket', session });
      const here: Value = [{ who: socket('alice'), at: tag({ tag: 'any', type: 'timestamp' }) }, seeded];
      const now = '2026-01-01T00:00:00.000Z';
      const [alice, bob, theirs] = ['sidA', 'sidB', 'sidZ'].map((who) => ({ who, at: now }));
      expect(classes(seen([here], [[theirs!, alice!, seeded, bob!]]))).toEqual(['added ack[0][3]']);
      expect(seen([here], [[theirs!, alice!, seeded]]).differences).toEqual([]);
      expect(classes(seen([[]], [['sidZ', 'sidB']]))).toEqual(['added ack[0][1]']);
      // What a matcher was written for may be this one.
      expect(seen([[socket('alice'), tag({ tag: 'any', type: 'string' })]], [['sidA', 'sidZ', 'sidB']]).differences).toEqual([]);
    });
    test('but they keep their keys and types', () => {
      expect(
        classes(
          shared(
            [[seeded]],
            [
              [
                { id: 1, text: 'seeded' },
                { id: 2, text: 'b' },
              ],
            ],
          ),
        ),
      ).toEqual(['removed ack[0][0].rev']);
      expect(classes(shared([[seeded]], [[{ id: '1', text: 'seeded', rev: 1 }]]))).toEqual(['type ack[0][0].id']);
    });
  });

  test('every difference of an own value is found', () => {
    fc.assert(
      fc.property(concrete, (value) => {
        const own = contextOf(scope, { own: true });
        expect(compareValue({ value }, { value }, '', own).differences).toEqual([]);
      }),
    );
  });
});

test('nothing in a comparison changes what it compares', () => {
  fc.assert(
    fc.property(concrete, concrete, (a, b) => {
      const before = JSON.stringify([a, b]);
      exact(a, b);
      expect(JSON.stringify([a, b])).toBe(before);
    }),
  );
  expect(tag({ tag: 'ignore' })).toBeInstanceOf(Tagged);
});
