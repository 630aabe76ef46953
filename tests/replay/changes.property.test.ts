import { describe, expect, it } from 'vitest';
import { type CompareContext, join } from '../../src/recording/compare.js';
import type { Change } from '../../src/recording/schema.js';
import type { Value, ValueObject } from '../../src/recording/values.js';
import { compareChanges } from '../../src/replay/compare-changes.js';
import { ignoreOf } from '../../src/replay/ignore.js';
import type { TraceRun } from '../../src/replay/state.js';
import { createWrites } from '../../src/replay/writes.js';
import fc from '../fast-check.js';
import { contextOf, names, scopeOf, tag } from '../recording/scopes.js';

const around = { ignore: ignoreOf([], []), writes: createWrites(), run: { startedAt: null } as TraceRun };
const compareRows = (expected: Change[], actual: Change[], context: CompareContext) =>
  compareChanges(
    expected,
    actual.map((change) => ({ ...change, at: 0 })),
    { ...context, ...around },
  );

/** A table of its own for each kind of row, so that `row` says which one is meant. */
interface Row {
  op: Change['op'];
  table: string;
  id: number;
  /** the recording knows the id by a name */
  named: boolean;
  values: ValueObject;
}

const column = fc.constantFrom('title', 'a b', 'rev', 'at', '__proto__x');
const rowOf = (...tables: string[]): fc.Arbitrary<Row> =>
  fc.record({
    op: fc.constantFrom('insert' as const, 'update' as const, 'delete' as const),
    table: fc.constantFrom(...tables),
    id: fc.nat(10_000),
    named: fc.boolean(),
    values: fc.dictionary(column, fc.oneof<fc.Arbitrary<Value>[]>(fc.string({ maxLength: 3 }), fc.nat(3), fc.constant(null)), { minKeys: 1 }),
  });
/** Rows of different keys: few, or more than are searched. */
const rows = fc.oneof(
  { weight: 9, arbitrary: fc.uniqueArray(rowOf('note', 'my doc'), { selector: ({ id }) => id, minLength: 1, maxLength: 8 }) },
  { weight: 1, arbitrary: fc.uniqueArray(rowOf('note'), { selector: ({ id }) => id, minLength: 200, maxLength: 250, size: 'max' }) },
);

const came = ({ op, table, id, values }: Row): Change =>
  op === 'insert'
    ? { op, table, key: {}, values: { id, ...values } }
    : {
        op,
        table,
        key: { id },
        values: op === 'update' ? values : {},
        was: { id, ...Object.fromEntries(Object.keys(values).map((name) => [name, 'before'])) },
      };
function recordedAs(row: Row): Change {
  const { was: _, ...change } = came(row);
  const id: Value = row.named ? tag({ tag: 'id', name: `row${row.id}` }) : row.id;
  return row.op === 'insert' ? { ...change, values: { ...change.values, id } } : { ...change, key: { id } };
}
const scopeFor = (all: Row[], level: 'exact' | 'shared' = 'exact') =>
  contextOf(scopeOf({ level, names: names(Object.fromEntries(all.filter(({ named }) => named).map(({ id }) => [`row${id}`, id]))) }));
const compare = (expected: Row[], actual: Change[], all = expected) => compareRows(expected.map(recordedAs), actual, scopeFor(all)).differences;
const shuffled = fc.tuple(rows, fc.infiniteStream(fc.nat())).map(([all, random]) => ({
  all,
  other: all
    .map((one) => ({ one, at: random.next().value as number }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one),
}));

describe('rows of different keys', () => {
  it('are equal in any order, alone and among others', () => {
    fc.assert(
      fc.property(shuffled, fc.constantFrom('exact' as const, 'shared' as const), (made, level) => {
        const { differences } = compareRows(made.all.map(recordedAs), made.other.map(came), scopeFor(made.all, level));
        expect(differences).toEqual([]);
      }),
    );
  });

  it('differ at the one column that differs, in any order', () => {
    fc.assert(
      fc.property(shuffled, fc.nat(), (made, pick) => {
        const changed = made.all.filter(({ op }) => op !== 'delete')[0];
        fc.pre(changed !== undefined);
        if (!changed) return;
        const names = Object.keys(changed.values);
        const wrong = names[pick % names.length] as string;
        const actual = made.other.map((one) => (one === changed ? came({ ...one, values: { ...one.values, [wrong]: 'other' } }) : came(one)));
        const kind = made.all.filter(({ op, table }) => op === changed.op && table === changed.table);
        const number = kind.length > 1 ? `#${kind.indexOf(changed) + 1}` : '';
        const [difference, ...more] = compare(made.all, actual);
        expect(more).toEqual([]);
        expect(difference).toMatchObject({ path: join(`${join('changes', changed.table)}.${changed.op}${number}`, wrong), actual: 'other' });
      }),
    );
  });

  it('are found missing, and found too many', () => {
    fc.assert(
      fc.property(shuffled, fc.nat(), (made, pick) => {
        const dropped = made.all[pick % made.all.length] as Row;
        const less = made.other.filter((one) => one !== dropped);
        const path = `${join('changes', dropped.table)}.${dropped.op}`;
        const missing = compare(made.all, less.map(came));
        expect(missing).toHaveLength(1);
        expect(missing[0]).toMatchObject({ class: 'removed' });
        expect(missing[0]?.path.replace(/#\d+$/, '')).toBe(path);
        const extra = compare(less, made.other.map(came), made.all);
        expect(extra).toMatchObject([{ class: 'added', path }]);
        const id = ({ key, values }: Change): Value | undefined => key.id ?? values.id;
        expect((extra[0]?.actual as ValueObject | undefined)?.id).toBe(id(came(dropped)));
      }),
    );
  });
});

describe('one row', () => {
  const steps = fc.array(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 6 });
  const update = (state: string): Change => ({ op: 'update', table: 'doc', key: { id: 1 }, values: { state }, was: { id: 1, state: '' } });

  it('keeps its order', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (states, at) => {
        const i = at % (states.length - 1);
        fc.pre(states[i] !== states[i + 1]);
        const swapped = states.with(i, states[i + 1] as string).with(i + 1, states[i] as string);
        const differences = compareRows(states.map(update), swapped.map(update), contextOf(scopeOf())).differences.map(({ path }) => path);
        expect(differences).toEqual([`changes.doc.update#${i + 1}.state`, `changes.doc.update#${i + 2}.state`]);
        expect(compareRows(states.map(update), states.map(update), contextOf(scopeOf())).differences).toEqual([]);
      }),
    );
  });

  it('lacks just the step that did not come, and has just the one too many', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 6 }), fc.nat(), (states, at) => {
        const i = at % states.length;
        const less = states.filter((_, index) => index !== i);
        const context = contextOf(scopeOf());
        expect(compareRows(states.map(update), less.map(update), context).differences).toMatchObject([
          { path: `changes.doc.update#${i + 1}`, class: 'removed', expected: { state: states[i] } },
        ]);
        expect(compareRows(less.map(update), states.map(update), context).differences).toMatchObject([{ class: 'added', actual: { state: states[i] } }]);
      }),
    );
  });

  it('is found though its content is that of another row', () => {
    const set = (id: number, state: string): Change => ({ op: 'update', table: 'doc', key: { id }, values: { state }, was: { id, state: 'new' } });
    const { differences } = compareRows([set(1, 'a'), set(2, 'b')], [set(1, 'b'), set(2, 'a')], contextOf(scopeOf()));
    expect(differences).toMatchObject([
      { path: 'changes.doc.update#1.state', expected: 'a', actual: 'b' },
      { path: 'changes.doc.update#2.state', expected: 'b', actual: 'a' },
    ]);
  });
});

it('a matcher does not take the only row that a literal fits', () => {
  const insert = (text: Value): Change => ({ op: 'insert', table: 'note', key: {}, values: { text } });
  const { differences } = compareRows([insert(tag({ tag: 'any', type: 'string' })), insert('x')], [insert('x'), insert('y')], contextOf(scopeOf()));
  expect(differences).toEqual([]);
});
