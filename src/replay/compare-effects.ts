/** Pushes per receiver and row changes of one trace, each against what was recorded. Pure. */
import { type CompareContext, type Comparison, compareValue, emptyCompared, join, merge } from '../recording/compare.js';
import { type Change, receivers, type Trace } from '../recording/schema.js';
import { Tagged, type ValueObject } from '../recording/values.js';
import { assign, groupBoth } from './matching.js';
import type { ReceivedPush } from './state.js';

export const pushPath = (to: string, event: string): string => join(`pushes.${to}`, event);

/** Pushes are compared per receiver and event; their order among each other is not stable on any real server. */
export function comparePushes(expected: Trace, actual: ReceivedPush[], context: CompareContext): Comparison {
  const out: Comparison = { differences: [], compared: emptyCompared() };
  const wanted = (expected.pushes ?? []).flatMap((push) => receivers(push).map((to) => ({ to, event: push.event, args: push.args ?? [] })));
  for (const [key, pair] of groupBoth(wanted, actual, (push) => pushPath(push.to, push.event))) {
    const matched = assign(pair.expected, pair.actual, (want, got, path) => compareValue(want.args, got.args, path, { ...context, session: want.to }), key);
    merge(out, matched.comparison);
    for (const { item, path } of matched.missing) out.differences.push({ path, class: 'removed', expected: item.args });
    for (const { item, path } of matched.extra) out.differences.push({ path, class: 'added', actual: item.args });
  }
  return out;
}

/** Rows are matched by operation, table and content, not by position; order counts only within one row. */
export function compareChanges(expected: Change[], actual: Change[], context: CompareContext): Comparison {
  const out: Comparison = { differences: [], compared: emptyCompared() };
  for (const [key, pair] of groupBoth(expected, actual, (change) => `${join('changes', change.table)}.${change.op}`)) {
    const matched = assign(pair.expected, pair.actual, (want, got, path) => compareChange(want, got, path, context), key);
    merge(out, matched.comparison);
    for (const { item, path } of matched.missing) out.differences.push({ path, class: 'removed', expected: rowOf(item) });
    for (const { item, path } of matched.extra) out.differences.push({ path, class: 'added', actual: rowOf(item) });
  }
  return out;
}

const rowOf = (change: Change): ValueObject => ({ ...change.key, ...change.values });

function compareChange(want: Change, got: Change, path: string, context: CompareContext): Comparison {
  const own: CompareContext = { ...context, own: true };
  const out = compareValue(want.key, want.op === 'insert' ? {} : pick(got.key, want.key), path, own);
  if (want.op === 'insert') merge(out, compareValue(want.values, got.values, path, own));
  if (want.op === 'update') compareSet(want, got, path, context, out);
  return out;
}

/** The set of changed columns, and their values; what others wrote meanwhile is not compared by value. */
function compareSet(want: Change, got: Change, path: string, context: CompareContext, out: Comparison): void {
  const before = got.was ?? {};
  const after: ValueObject = { ...before, ...got.values };
  const shared = context.scope.level === 'shared';
  // Its key is the row's own name: nobody but this copy knows the row.
  const ownRow = Object.values(want.key).some((value) => value instanceof Tagged);
  for (const [column, value] of Object.entries(want.values)) {
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
      });
    else merge(out, comparison);
  }
  for (const [column, value] of Object.entries(got.values)) {
    if (Object.hasOwn(want.values, column)) continue;
    if (shared && !ownRow && context.scope.mutable.has(column)) out.compared.ignored++;
    else out.differences.push({ path: join(path, column), class: 'added', actual: value, note: `the column ${column} changed, which was not recorded` });
  }
}

/** Recordings may name only part of a row's key. */
const pick = (key: ValueObject, wanted: ValueObject): ValueObject => Object.fromEntries(Object.entries(key).filter(([name]) => Object.hasOwn(wanted, name)));
