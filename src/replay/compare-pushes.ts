/** The pushes of one trace per receiver, each against what was recorded. Pure. */
import { type CompareContext, type Comparison, compareValue, emptyCompared, isName, join, merge, type ValueDifference } from '../recording/compare.js';
import { pushPath } from '../recording/difference-path.js';
import { type Push, receivers, type Trace } from '../recording/schema.js';
import { neededNames } from '../recording/scope.js';
import { field, isObject, sameValue, type Value } from '../recording/values.js';
import type { Ignore } from './ignore.js';
import { type Assignment, assign, groupBoth } from './matching.js';
import type { ReceivedPush } from './state.js';

/** One push to one of its receivers. */
interface WantedPush {
  push: Push;
  to: string;
  event: string;
  args: Value[];
}

/** Pushes are compared per receiver and event; their order among each other is not stable on any real server. */
export function comparePushes(expected: Trace, actual: ReceivedPush[], context: CompareContext, ignore?: Ignore): Comparison {
  const out: Comparison = { differences: [], compared: emptyCompared() };
  for (const matched of matchPushes(ignore ? withoutIgnored(expected, ignore) : expected, actual, context)) {
    merge(out, matched.comparison);
    for (const { item, path } of matched.missing)
      if (item.push.volatile) out.compared.ignored++;
      else out.differences.push({ path, class: 'removed', expected: item.args });
    for (const { item, path } of matched.extra)
      if (isOfOthers(item, expected, context)) out.compared.ignored++;
      else out.differences.push({ path, class: 'added', actual: item.args });
  }
  if (context.scope.level === 'shared') out.differences.push(...misdirected(expected, actual, context));
  return out;
}

/** What the configuration ignores is not required; what came of it is not among the actual ones. */
const withoutIgnored = (trace: Trace, ignore: Ignore): Trace =>
  trace.pushes?.some(({ event }) => ignore.event(event)) ? { ...trace, pushes: trace.pushes.filter(({ event }) => !ignore.event(event)) } : trace;

/** Which push is which, for each receiver and event. */
export function matchPushes(expected: Trace, actual: ReceivedPush[], context: CompareContext): Assignment<WantedPush, ReceivedPush>[] {
  const wanted = (expected.pushes ?? []).flatMap((push) => receivers(push).map((to) => ({ push, to, event: push.event, args: push.args ?? [] })));
  const keyOf = (push: { to: string; event: string }): string => pushPath(push.to, push.event);
  return [...groupBoth(wanted, actual, keyOf, keyOf)].map(([key, pair]) =>
    assign(pair.expected, pair.actual, (want, got, path) => compareValue(want.args, got.args, path, { ...context, session: want.to, pushed: true }), key),
  );
}

/** One of the pushes that each tell of one that is there: where this copy's own have a name, it has the value of another copy. */
function isOfOthers({ to, event, args }: ReceivedPush, expected: Trace, { elsewhere }: CompareContext): boolean {
  if (!elsewhere) return false;
  const names = (want: Value | undefined, got: Value): boolean => {
    if (want === undefined) return false;
    if (isName(want)) return elsewhere(got);
    return isObject(want) && isObject(got) && Object.entries(got).some(([key, item]) => names(field(want, key), item));
  };
  const alike = (expected.pushes ?? []).filter((push) => push.event === event && receivers(push).includes(to));
  return alike.some((push) => args.some((item, index) => names(push.args?.[index], item)));
}

/** Among others a list may have more than was recorded; but not what this very trace made, and the recording has in the lists of other receivers only. */
function misdirected(expected: Trace, actual: ReceivedPush[], context: CompareContext): ValueDifference[] {
  const own = (expected.pushes ?? []).flatMap((push) =>
    elementsOf(push.args ?? [], '').flatMap(({ item }) => (neededNames(item).length > 0 ? [{ item, event: push.event, to: receivers(push) }] : [])),
  );
  if (own.length === 0) return [];
  return actual.flatMap(({ to, event, args }) => {
    const theirs = own.filter(
      (one) => one.event === event && !own.some((other) => other.event === event && other.to.includes(to) && sameValue(other.item, one.item)),
    );
    return elementsOf(args, pushPath(to, event)).flatMap(({ item, path }) => {
      const meant = theirs.find((one) => compareValue(one.item, item, path, { ...context, own: true }).differences.length === 0);
      return meant ? [{ path, class: 'added' as const, actual: item, note: `recorded for ${meant.to.join(', ')} only` }] : [];
    });
  });
}

/** The objects that stand in lists of a push, however deep; its arguments themselves are no list. */
const elementsOf = (args: Value[], path: string): Element[] => args.flatMap((item, index) => elementsIn(item, `${path}[${index}]`));

interface Element {
  item: Value;
  path: string;
}

function elementsIn(value: Value, path: string): Element[] {
  if (isObject(value)) return Object.entries(value).flatMap(([key, item]) => elementsIn(item, join(path, key)));
  if (!Array.isArray(value)) return [];
  return value.flatMap((item, index) => {
    const element = { item, path: `${path}[${index}]` };
    return [...(isObject(item) ? [element] : []), ...elementsIn(item, element.path)];
  });
}
