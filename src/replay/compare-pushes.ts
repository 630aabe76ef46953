/** The pushes of one trace per receiver, each against what was recorded. Pure. */
import { type CompareContext, type Comparison, compareValue, emptyCompared, merge } from '../recording/compare.js';
import { pushPath } from '../recording/difference-path.js';
import { type Push, receivers, type Trace } from '../recording/schema.js';
import type { Value } from '../recording/values.js';
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
export function comparePushes(expected: Trace, actual: ReceivedPush[], context: CompareContext): Comparison {
  const out: Comparison = { differences: [], compared: emptyCompared() };
  for (const matched of matchPushes(expected, actual, context)) {
    merge(out, matched.comparison);
    for (const { item, path } of matched.missing) out.differences.push({ path, class: 'removed', expected: item.args });
    for (const { item, path } of matched.extra) out.differences.push({ path, class: 'added', actual: item.args });
  }
  return out;
}

/** Which push is which, for each receiver and event. */
export function matchPushes(expected: Trace, actual: ReceivedPush[], context: CompareContext): Assignment<WantedPush, ReceivedPush>[] {
  const wanted = (expected.pushes ?? []).flatMap((push) => receivers(push).map((to) => ({ push, to, event: push.event, args: push.args ?? [] })));
  const keyOf = (push: { to: string; event: string }): string => pushPath(push.to, push.event);
  return [...groupBoth(wanted, actual, keyOf, keyOf)].map(([key, pair]) =>
    assign(pair.expected, pair.actual, (want, got, path) => compareValue(want.args, got.args, path, { ...context, session: want.to }), key),
  );
}
