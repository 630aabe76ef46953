/** Every path that a comparison tells means the node of the recording that it compared. */
import { expect, it } from 'vitest';
import { compareValue } from '../../src/recording/compare.js';
import { nodesOf } from '../../src/recording/difference-path.js';
import { changeOf, receivers, type Trace } from '../../src/recording/schema.js';
import { mapValue, type Value, type ValueObject } from '../../src/recording/values.js';
import { compareChanges } from '../../src/replay/compare-changes.js';
import { comparePushes } from '../../src/replay/compare-pushes.js';
import { ignoreOf } from '../../src/replay/ignore.js';
import type { TraceRun } from '../../src/replay/state.js';
import { createWrites } from '../../src/replay/writes.js';
import fc from '../fast-check.js';
import { concrete, contextOf, scopeOf } from './scopes.js';

const text = fc.oneof(fc.constantFrom('a', 'a b', 'a.b', 'a#2', '', '[0]', '__proto__', 'x"y'), fc.string({ maxLength: 4 }));
const args = fc.array(concrete, { maxLength: 3 });
const row = fc.array(fc.tuple(text, concrete), { maxLength: 3 }).map((entries): ValueObject => Object.fromEntries(entries));
const trace: fc.Arbitrary<Trace> = fc.record({
  emit: fc.constant('go'),
  ack: args,
  pushes: fc.array(
    fc.record({ to: fc.constantFrom<(string | string[])[]>('alice', 'bob.2', ['alice', 'bob.2']), event: fc.constantFrom('a', 'a b', 'a.b'), args }),
    { maxLength: 4 },
  ),
  changes: fc.array(
    fc.oneof(
      fc.record({ insert: fc.constantFrom('note', 'my doc'), row }),
      fc.record({ update: fc.constantFrom('note', 'my doc'), key: fc.record({ id: fc.nat(3) }), set: row }),
    ),
    { maxLength: 4 },
  ),
});
/** Another leaf here and there. */
const changed = (value: Value, seed: number): Value => {
  let n = 0;
  return mapValue(value, (node) => (typeof node === 'string' || typeof node === 'number' ? (++n % 3 === seed % 3 ? `other ${n}` : node) : undefined));
};

const around = { ignore: ignoreOf([], []), writes: createWrites(), run: { startedAt: null } as TraceRun };
const context = contextOf(scopeOf());

it('acknowledgements, pushes and rows', () => {
  let met = 0;
  fc.assert(
    fc.property(trace, fc.nat(2), (recorded, seed) => {
      const nodes = nodesOf(recorded);
      const pushes = (recorded.pushes ?? []).flatMap((push) =>
        receivers(push).map((to) => ({ to, event: push.event, args: changed(push.args ?? [], seed) as Value[] })),
      );
      const changes = (recorded.changes ?? []).map(changeOf);
      const came = changes.map((change) => ({ ...change, values: changed(change.values, seed) as ValueObject, at: 0 }));
      const differences = [
        ...compareValue(recorded.ack as Value[], changed(recorded.ack as Value[], seed), 'ack', context).differences,
        ...comparePushes(recorded, pushes, context).differences,
        ...compareChanges(changes, came, { ...context, ...around }).differences,
      ];
      for (const { path, expected } of differences) {
        if (expected === undefined) continue;
        met++;
        const node = nodes.get(path);
        expect(node, path).toBeDefined();
        if (node?.value !== null) expect(node?.value).toEqual(expected);
        // Where the value stands in the trace is where an edit will change it.
        expect(node?.at.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown>)[part], recorded)).toEqual(expected);
      }
    }),
    { numRuns: 300 },
  );
  expect(met).toBeGreaterThan(200);
});
