/** What the tests of comparing and binding start from. */
import type { CompareContext } from '../../src/recording/compare.js';
import type { Scope } from '../../src/recording/scope.js';
import { type TagBody, Tagged, type Value } from '../../src/recording/values.js';
import fc from '../fast-check.js';

export const scopeOf = (part: Partial<Scope> = {}): Scope => ({
  level: 'exact',
  names: new Map(),
  suffix: 'x0',
  sockets: new Map([['alice', 'sidA']]),
  secrets: new Map(),
  own: new Set(),
  mutable: new Set(),
  ...part,
});
export const names = (entries: Record<string, Value>): Map<string, Value> => new Map(Object.entries(entries));
export const contextOf = (scope: Scope, part: Partial<CompareContext> = {}): CompareContext => ({
  scope,
  now: Date.parse('2026-11-21T08:00:00.000Z'),
  own: false,
  session: 'alice',
  ...part,
});
export const tag = (body: TagBody): Tagged => new Tagged(body);

const key = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('__proto__', 'constructor', 'toString', '!id', '!', '!binary', 'id', '1'));
/** Any concrete value: what can come over the wire. */
export const concrete: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Value[]>(null, true, false, 0, '', '0', 1, '1'),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
    fc.string({ maxLength: 8 }),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries): Value => Object.fromEntries(entries)),
  ),
})).value;
