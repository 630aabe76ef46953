/** The row changes of one trace against what was recorded (law 1). Pure. */
import { type CompareContext, type Comparison, compareValue, emptyCompared, isGiven, join, merge, type ValueDifference } from '../recording/compare.js';
import { changePath } from '../recording/difference-path.js';
import type { Change } from '../recording/schema.js';
import { nameValue, type Scope } from '../recording/scope.js';
import { Tagged, type Value, type ValueObject } from '../recording/values.js';
import type { Ignore } from './ignore.js';
import { type Assignment, assign, groupBoth, type Known, SEARCHED } from './matching.js';
import type { ObservedChange, TraceRun } from './state.js';
import type { Writes } from './writes.js';

export interface ChangeContext extends CompareContext {
  ignore: Ignore;
  /** who wrote the same rows */
  writes: Writes;
  run: TraceRun;
}

/** Rows are matched by operation, table and the names and keys in them, not by position; order counts only within one row. */
export function compareChanges(all: Change[], actual: ObservedChange[], context: ChangeContext): Comparison {
  const expected = all.filter((change) => !context.ignore.change(change));
  const out: Comparison = { differences: [], compared: { ...emptyCompared(), ignored: all.length - expected.length } };
  for (const matched of matchChanges(expected, actual, context)) {
    merge(out, matched.comparison);
    for (const { item, path } of matched.missing) out.differences.push({ path, class: 'removed', expected: rowOf(item), ...deletedMeanwhile(item, context) });
    for (const { item, path } of matched.extra)
      if (context.ignore.change(item)) out.compared.ignored++;
      else out.differences.push({ path, class: 'added', actual: rowOf(item) });
  }
  return out;
}

/** Which change is which, for each operation and table. */
export function matchChanges(expected: Change[], actual: ObservedChange[], context: ChangeContext): Assignment<Change, ObservedChange>[] {
  return [...groupBoth(expected, actual, changePath, changePath)].map(([key, pair]) => {
    const compare = (want: Change, got: ObservedChange, path: string): Comparison => compareChange(want, got, path, context);
    return assign(pair.expected, pair.actual, compare, key, knownOf(pair.expected, pair.actual, context));
  });
}

const rowOf = (change: Change): ValueObject => ({ ...change.key, ...change.values });

/** An update that found no row: who deleted it. */
function deletedMeanwhile({ op, table, key }: Change, { scope, writes, run }: ChangeContext): Pick<ValueDifference, 'meanwhile'> {
  if (op === 'insert' || !Object.values(key).every((value) => isKnown(value, scope))) return {};
  const row = Object.fromEntries(Object.entries(key).map(([column, value]) => [column, concrete(value, scope) ?? null]));
  return named(writes.meanwhile(run, row, table, Number.POSITIVE_INFINITY).filter((write) => write.op === 'delete'));
}

const named = (meanwhile: NonNullable<ValueDifference['meanwhile']>): Pick<ValueDifference, 'meanwhile'> => (meanwhile.length > 0 ? { meanwhile } : {});

function knownOf(expected: Change[], actual: ObservedChange[], context: ChangeContext): Known<Change, ObservedChange> {
  if (expected[0]?.op !== 'insert') return { pairs: sameRows(expected, actual, context) };
  if (expected.length <= SEARCHED && actual.length <= SEARCHED) return {};
  const columns = Object.keys(expected[0].values).filter((column) => expected.every(({ values }) => isKnown(values[column], context.scope)));
  return {
    bucketOf: {
      expected: ({ values }) => JSON.stringify(columns.map((column) => concrete(values[column], context.scope))),
      actual: ({ values }) => JSON.stringify(columns.map((column) => values[column])),
    },
  };
}

/**
 * Updates and deletes of a row are those of the row with the same key, in the order in which they came: that of an update and a
 * delete, or of an insert and what follows it, the database keeps by itself.
 */
function sameRows(expected: Change[], actual: ObservedChange[], context: ChangeContext): Map<number, number> {
  const pairs = new Map<number, number>();
  const shapes = new Map<string, Map<string, number[]>>();
  const came = (columns: string[]): Map<string, number[]> => {
    const shape = columns.join('\n');
    const known = shapes.get(shape) ?? indexesBy(actual, ({ key }) => JSON.stringify(columns.map((column) => key[column])));
    shapes.set(shape, known);
    return known;
  };
  const wanted = indexesBy(expected, ({ key }) => {
    const columns = Object.keys(key).sort();
    return columns.length > 0 && columns.every((column) => isKnown(key[column], context.scope))
      ? JSON.stringify([columns, columns.map((column) => concrete(key[column], context.scope))])
      : undefined;
  });
  const taken = new Set<number>();
  for (const [row, wants] of wanted) {
    const [columns, values] = JSON.parse(row) as [string[], unknown[]];
    const gets = (came(columns).get(JSON.stringify(values)) ?? []).filter((at) => !taken.has(at));
    const cost = (i: number, j: number): number =>
      compareChange(expected[wants[i] as number] as Change, actual[gets[j] as number] as ObservedChange, '', context).differences.length;
    for (const [i, j] of inOrder(wants.length, gets.length, cost)) {
      pairs.set(wants[i] as number, gets[j] as number);
      taken.add(gets[j] as number);
    }
  }
  return pairs;
}

/** Pairs all of the shorter list with some of the longer one without crossing, so that the differences are fewest. */
function inOrder(left: number, right: number, cost: (i: number, j: number) => number): [number, number][] {
  if (left > right) return inOrder(right, left, (i, j) => cost(j, i)).map(([i, j]) => [j, i]);
  if (left === right || right > SEARCHED) return Array.from({ length: left }, (_, i) => [i, i]);
  // best[i][j]: the fewest differences of the first i among the first j
  const best = Array.from({ length: left + 1 }, (_, i) => Array.from({ length: right + 1 }, () => (i === 0 ? 0 : Number.POSITIVE_INFINITY)));
  const at = (i: number, j: number): number => best[i]?.[j] ?? Number.POSITIVE_INFINITY;
  const costs = Array.from({ length: left }, (_, i) => Array.from({ length: right }, (__, j) => cost(i, j)));
  const paired = (i: number, j: number): number => at(i - 1, j - 1) + (costs[i - 1]?.[j - 1] ?? 0);
  for (let i = 1; i <= left; i++) for (let j = i; j <= right; j++) (best[i] as number[])[j] = Math.min(at(i, j - 1), paired(i, j));
  const pairs: [number, number][] = [];
  for (let i = left, j = right; i > 0; j--) if (at(i, j) < at(i, j - 1)) pairs.push([--i, j - 1]);
  return pairs;
}

function indexesBy(changes: Change[], keyOf: (change: Change) => string | undefined): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [index, change] of changes.entries()) {
    const key = keyOf(change);
    if (key === undefined) continue;
    const list = found.get(key);
    if (list) list.push(index);
    else found.set(key, [index]);
  }
  return found;
}

/** What a value of a recording is in this copy; undefined for a matcher, and for a name that is not bound. */
const concrete = (value: Value | undefined, scope: Scope): Value | undefined => (value instanceof Tagged ? nameValue(value.body, scope) : value);
const isKnown = (value: Value | undefined, scope: Scope): boolean => {
  const known = concrete(value, scope);
  return known !== undefined && (known === null || typeof known !== 'object');
};

function compareChange(want: Change, got: ObservedChange, path: string, context: ChangeContext): Comparison {
  const own: CompareContext = { ...context, own: true };
  const out = compareValue(want.key, want.op === 'insert' ? {} : pick(got.key, want.key), path, own);
  if (want.op === 'insert') {
    const [row, seen] = [want.values, got.values].map((values) => without(values, want.table, context));
    out.compared.ignored += Object.keys(want.values).length - Object.keys(row ?? {}).length;
    merge(out, compareValue(row ?? {}, seen, path, own));
  }
  if (want.op === 'update') compareSet(want, got, path, context, out);
  return out;
}

/** The set of changed columns, and their values; what others wrote meanwhile is not compared by value. */
function compareSet(want: Change, got: ObservedChange, path: string, context: ChangeContext, out: Comparison): void {
  const meanwhile = (column: string): Pick<ValueDifference, 'meanwhile'> => named(context.writes.meanwhile(context.run, got.key, got.table, got.at, column));
  const before = got.was ?? {};
  const after: ValueObject = { ...before, ...got.values };
  const shared = context.scope.level === 'shared';
  // Its key is the row's own name: nobody but this copy knows the row.
  const ownRow = Object.values(want.key).some((value) => value instanceof Tagged && !isGiven(value, context.scope));
  for (const [column, value] of Object.entries(want.values)) {
    if (context.ignore.column(want.table, column)) {
      out.compared.ignored++;
      continue;
    }
    const actual = Object.hasOwn(got.values, column) ? got.values[column] : undefined;
    const at: CompareContext = { ...context, own: ownRow || typeof value === 'string' || value instanceof Tagged, before };
    // A column that already had the recorded value has not changed, and is right.
    const comparison = compareValue(value, actual ?? after[column], join(path, column), at, column);
    const counts = value instanceof Tagged && value.body.tag === 'delta';
    if (actual === undefined && comparison.differences.length > 0 && !counts)
      out.differences.push({
        path: join(path, column),
        class: 'removed',
        expected: value,
        ...(after[column] === undefined ? {} : { actual: after[column] }),
        note: `the column ${column} did not change`,
        ...meanwhile(column),
      });
    else merge(out, { ...comparison, differences: comparison.differences.map((difference) => ({ ...difference, ...meanwhile(column) })) });
  }
  for (const [column, value] of Object.entries(got.values)) {
    if (Object.hasOwn(want.values, column) || context.ignore.column(want.table, column)) continue;
    if (shared && !ownRow && context.scope.mutable.has(column)) out.compared.ignored++;
    else out.differences.push({ path: join(path, column), class: 'added', actual: value, note: `the column ${column} changed, which was not recorded` });
  }
}

/** A row without the columns that are ignored. */
function without(values: ValueObject, table: string, { ignore }: ChangeContext): ValueObject {
  const kept = Object.entries(values).filter(([column]) => !ignore.column(table, column));
  return kept.length === Object.keys(values).length ? values : Object.fromEntries(kept);
}

/** Recordings may name only part of a row's key. */
const pick = (key: ValueObject, wanted: ValueObject): ValueObject => Object.fromEntries(Object.entries(key).filter(([name]) => Object.hasOwn(wanted, name)));
