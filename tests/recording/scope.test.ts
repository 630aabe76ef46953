import { describe, expect, test } from 'vitest';
import { compareValue } from '../../src/recording/compare.js';
import { bind, isOwnLiteral, looksLike, neededNames, ownLiterals, resolve, uniqueText } from '../../src/recording/scope.js';
import { id, mapValue, type Value } from '../../src/recording/values.js';
import fc from '../fast-check.js';
import { concrete, contextOf, names, scopeOf, tag } from './scopes.js';

const text = (template: string) => tag({ tag: 'text', template });
const learnt = (expected: Value, actual: Value, scope = scopeOf(), authority = false) => {
  const bound = bind(expected, actual, scope, authority);
  return { bound, names: Object.fromEntries(scope.names) };
};

describe('a secret in a text', () => {
  const header = text('Bearer ${!secret token1} for ${list1}');

  test('is filled in where it is sent', () => {
    const scope = scopeOf({ names: names({ list1: 3 }), secrets: new Map<string, string | number>([['token1', 12]]) });
    expect(resolve(header, scope, 'alice', 0, () => '')).toBe('Bearer 12 for 3');
    expect(neededNames(header)).toEqual(['list1']);
  });

  test('does not hinder the name beside it, and may differ', () => {
    const scope = scopeOf();
    expect(learnt(header, 'Bearer abc for 7', scope)).toEqual({ bound: ['list1'], names: { list1: '7' } });
    expect(looksLike(header, 'Bearer other for 7', scope)).toBe(true);
    expect(looksLike(header, 'Bearer other for 8', scope)).toBe(false);
  });
});

describe('bind', () => {
  test('the first observation binds, later ones do not', () => {
    const scope = scopeOf();
    expect(learnt([{ id: id('a') }], [{ id: 5 }], scope)).toEqual({ bound: ['a'], names: { a: 5 } });
    expect(learnt([{ id: id('a') }], [{ id: 6 }], scope, true)).toEqual({ bound: [], names: { a: 5 } });
  });

  test.each<Value>([null, true, '', {}, [5], new Uint8Array(1)])('%j is no id', (actual) => expect(learnt({ a: id('a') }, { a: actual }).bound).toEqual([]));

  test('what every object inherits is no value', () => expect(learnt({ constructor: id('a') }, {}).bound).toEqual([]));

  test('a row is the authority on the type', () => {
    const scope = scopeOf({ names: names({ a: '5' }) });
    expect(learnt({ id: id('a') }, { id: 5 }, scope)).toEqual({ bound: [], names: { a: '5' } });
    expect(learnt({ id: id('a') }, { id: 5 }, scope, true)).toEqual({ bound: ['a'], names: { a: 5 } });
  });

  test('a text around one unbound name binds it; the next id says its type', () => {
    const scope = scopeOf({ names: names({ list1: 3 }) });
    expect(learnt(text('/lists/${list1}/cards/${card1}?c=${card1}'), '/lists/3/cards/7?c=7', scope).bound).toEqual(['card1']);
    expect(scope.names.get('card1')).toBe('7');
    expect(learnt({ id: id('card1') }, { id: 8 }, scope).bound).toEqual([]);
    expect(learnt({ id: id('card1') }, { id: 7 }, scope)).toEqual({ bound: ['card1'], names: { list1: 3, card1: 7 } });
    expect(learnt({ id: id('card1') }, { id: '7' }, scope)).toEqual({ bound: [], names: { list1: 3, card1: 7 } });
  });

  test.each([
    ['/${a}/${b}', '/1/2'],
    ['/x/${a}', '/y/1'],
    ['${a}-${a}', '1-2'],
    ['/x/${a}', '/x/'],
  ])('%s says nothing of %s', (template, actual) => expect(learnt(text(template), actual).bound).toEqual([]));

  test('alone, a list of the recorded length binds by position', () =>
    expect(
      learnt(
        [
          [
            { id: id('a'), t: 'x' },
            { id: id('b'), t: 'y' },
          ],
        ],
        [
          [
            { id: 1, t: 'changed' },
            { id: 2, t: 'y' },
          ],
        ],
      ).names,
    ).toEqual({ a: 1, b: 2 }));

  describe('among others', () => {
    const among = () => scopeOf({ level: 'shared' });
    test('the element is found by what is known of it', () =>
      expect(
        learnt(
          [[{ id: id('a'), t: 'mine' }]],
          [
            [
              { id: 1, t: 'seeded' },
              { id: 7, t: 'mine' },
            ],
          ],
          among(),
        ).names,
      ).toEqual({ a: 7 }));
    test('of two that could be meant none is taken', () =>
      expect(
        learnt(
          [[{ id: id('a'), t: 'mine' }]],
          [
            [
              { id: 6, t: 'mine' },
              { id: 7, t: 'mine' },
            ],
          ],
          among(),
        ).bound,
      ).toEqual([]));
    test('two names never get the same element', () =>
      expect(
        learnt(
          [
            [
              { id: id('a'), t: 'x' },
              { id: id('b'), t: 'x' },
            ],
          ],
          [
            [
              { id: 6, t: 'x' },
              { id: 7, t: 'x' },
            ],
          ],
          among(),
        ).names,
      ).toEqual({ a: 6, b: 7 }));
    test('an element that is known leaves the other one', () => {
      const scope = among();
      scope.names.set('a', 6);
      expect(
        learnt(
          [
            [
              { id: id('b'), t: 'x' },
              { id: id('a'), t: 'x' },
            ],
          ],
          [
            [
              { id: 6, t: 'x' },
              { id: 7, t: 'x' },
              { id: 8, t: 'other' },
            ],
          ],
          scope,
        ).names,
      ).toEqual({ a: 6, b: 7 });
    });
    test('an argument keeps its place though something in it differs', () =>
      expect(learnt([{ ok: true, id: id('a') }], [{ ok: false, id: 7 }], among()).names).toEqual({ a: 7 }));
    test('in `!some` and `!unordered` too', () =>
      expect(
        learnt(
          [tag({ tag: 'some', items: [{ id: id('a'), t: 'x' }] })],
          [
            [
              { id: 1, t: 'y' },
              { id: 2, t: 'x' },
            ],
          ],
          scopeOf(),
        ).names,
      ).toEqual({ a: 2 }));
  });

  test('renaming what the system made makes no difference', () => {
    const ids = [101, 102, 'tok-a', 'tok-b'];
    const withIds: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<Value[]>(...ids),
        concrete,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    const renamed = new Map<Value, Value>([
      [101, 900],
      [102, 901],
      ['tok-a', 'tok-z'],
      ['tok-b', 'tok-y'],
    ]);
    fc.assert(
      fc.property(withIds, (value) => {
        const expected = mapValue(value, (node) => (ids.includes(node as number) ? id(`n${ids.indexOf(node as number)}`) : undefined));
        const actual = mapValue(value, (node) => renamed.get(node));
        const scope = scopeOf();
        bind(expected, actual, scope);
        expect(compareValue(expected, actual, '', contextOf(scope)).differences).toEqual([]);
      }),
    );
  });
});

describe('resolve', () => {
  const send = (value: Value, scope = scopeOf(), now = 1795248000123) => {
    let n = 0;
    return resolve(value, scope, 'alice', now, () => `uuid${++n}`);
  };

  test('what a client makes itself', () => {
    expect(send([tag({ tag: 'now', form: 'ms' }), tag({ tag: 'now', form: 's' }), tag({ tag: 'now', form: 'iso' })])).toEqual([
      1795248000123,
      1795248000,
      '2026-11-21T08:00:00.123Z',
    ]);
    expect(send([tag({ tag: 'uuid' }), tag({ tag: 'uuid' })])).toEqual(['uuid1', 'uuid2']);
    expect(
      send(
        [tag({ tag: 'socket' }), tag({ tag: 'socket', session: 'bob' })],
        scopeOf({
          sockets: new Map([
            ['alice', 'A'],
            ['bob', 'B'],
          ]),
        }),
      ),
    ).toEqual(['A', 'B']);
    expect(send(tag({ tag: 'secret', name: 'token' }), scopeOf({ secrets: new Map([['token', 's3']]) }))).toBe('s3');
  });

  test('a named one is made once in a copy', () => {
    const scope = scopeOf();
    expect(send([tag({ tag: 'uuid', name: 'u' }), tag({ tag: 'uuid', name: 'u' })], scope)).toEqual(['uuid1', 'uuid1']);
    expect(send(tag({ tag: 'now', form: 'ms', name: 't' }), scope, 1)).toBe(1);
    expect(send(tag({ tag: 'now', form: 'ms', name: 't' }), scope, 2)).toBe(1);
    expect(send(tag({ tag: 'uuid', name: 'u' }), scope)).toBe('uuid1');
  });

  test('a text may contain what the same arguments make', () => {
    const args: Value = [{ url: text('/x/${u}/${urgent}') }, tag({ tag: 'uuid', name: 'u' }), tag({ tag: 'unique', text: 'urgent' })];
    expect(neededNames(args)).toEqual([]);
    expect(send(args)).toEqual([{ url: '/x/uuid1/urgent-x0' }, 'uuid1', 'urgent-x0']);
  });

  test('names in nested lists and in texts, with their types', () => {
    const scope = scopeOf({ names: names({ a1: 5, l: '1912745442265793549' }) });
    expect(send([['author', ['a', id('a1')]], { u: text('/l/${l}/${a1}') }, tag({ tag: 'some', items: [id('a1')] })], scope)).toEqual([
      ['author', ['a', 5]],
      { u: '/l/1912745442265793549/5' },
      null,
    ]);
    expect(neededNames([['x', [id('a1')]], { u: text('/l/${l}') }, tag({ tag: 'some', items: [id('b')] })])).toEqual(['a1', 'l', 'b']);
  });

  test('a unique text differs from copy to copy and stays an address', () => {
    const [one, two] = [scopeOf({ suffix: 'a' }), scopeOf({ suffix: 'b' })];
    expect(uniqueText(one, 'urgent')).toBe('urgent-a');
    expect(uniqueText(two, 'urgent')).toBe('urgent-b');
    expect(uniqueText(one, 'eve@mail.example')).toBe('eve-a@mail.example');
    expect(uniqueText(scopeOf({ suffix: '$&' }), 'x')).toBe('x-$&');
    expect(send(text('${urgent}!'), one)).toBe('urgent-a!');
  });

  test('a concrete value is sent as it is', () => fc.assert(fc.property(concrete, (value) => void expect(send(value)).toEqual(value))));
});

test('looksLike', () => {
  const scope = scopeOf({ names: names({ a: 5 }) });
  expect(looksLike({ id: id('a'), x: 1 }, { id: 5, x: 1, more: true }, scope)).toBe(true);
  expect(looksLike({ id: id('a') }, { id: 6 }, scope)).toBe(false);
  expect(looksLike({ x: 1 }, { x: 2 }, scope)).toBe(false);
  expect(looksLike({ x: 1 }, { x: 2 }, { ...scope, level: 'shared' })).toBe(true);
  expect(looksLike({ x: tag({ tag: 'unique', text: 'u' }) }, { x: 'u' }, scope)).toBe(false);
  expect(looksLike({ toString: tag({ tag: 'any', type: 'value' }) }, {}, scope)).toBe(false);
  expect(looksLike(text('/${a}'), '/6', scope)).toBe(false);
});

test('own literals', () => {
  const scope = scopeOf({ own: ownLiterals([{ documentId: 7, start: 12, size: 6000, list: [3] }]) });
  expect([isOwnLiteral(scope, 'documentId', 7), isOwnLiteral(scope, 'id', 7), isOwnLiteral(scope, 'rev', 7)]).toEqual([true, true, false]);
  expect([
    isOwnLiteral(scope, 'start', 12),
    isOwnLiteral(scope, 'end', 12),
    isOwnLiteral(scope, 'id', 12),
    isOwnLiteral(scope, 'bytes', 6000),
    isOwnLiteral(scope, 'list', 3),
  ]).toEqual([true, false, false, true, true]);
});
