import { expect, test } from 'vitest';
import { fromJson, type Json, toJson } from '../../src/recording/json.js';
import { sameValue, Tagged, type Value } from '../../src/recording/values.js';
import fc from '../fast-check.js';
import { value } from './arbitrary.js';
import { concrete } from './scopes.js';

test('every value comes back, through a text too', () => {
  const back = (item: Value): void => {
    expect(sameValue(fromJson(toJson(item)), item)).toBe(true);
    expect(sameValue(fromJson(JSON.parse(JSON.stringify(toJson(item)))), item)).toBe(true);
  };
  fc.assert(fc.property(value, back));
  fc.assert(fc.property(concrete, back));
});

test.each<Value>([
  { '!id': { name: 'x' } },
  { '!': { a: 1 } },
  { '!binary': 'AA==' },
  { '!bytes': 3 },
  { '!x': 1, y: { '!z': [] } },
  [{ '!some': { items: [{ '!id': 1 }] } }],
  JSON.parse('{"__proto__":{"__proto__":1}}'),
])("an application's object %j is not taken for a tag", (item) => {
  const back = fromJson(toJson(item));
  expect(back).not.toBeInstanceOf(Tagged);
  expect(sameValue(back, item)).toBe(true);
});

test('spelling', () => {
  expect(toJson([new Tagged({ tag: 'id', name: 'a1' }), new Uint8Array([1, 2])])).toEqual([{ '!id': { name: 'a1' } }, { '!binary': 'AQI=' }]);
  expect(toJson(new Tagged({ tag: 'some', items: [{ '!x': 1 }] }))).toEqual({ '!some': { items: [{ '!': { '!x': 1 } }] } });
});

test('long binary values keep their length where that is asked for', () => {
  expect(toJson([new Uint8Array(5), new Uint8Array(4)], 4)).toEqual([{ '!bytes': 5 }, { '!binary': 'AAAAAA==' }]);
  expect(fromJson({ '!bytes': 5 } as Json)).toEqual(new Uint8Array(5));
});
