/** The pushes of one trace per receiver, each against what was recorded. Pure. */
import { type CompareContext, type Comparison, compareValue, emptyCompared, merge } from '../recording/compare.js';
import { pushPath } from '../recording/difference-path.js';
import { receivers, type Trace } from '../recording/schema.js';
import { assign, groupBoth } from './matching.js';
import type { ReceivedPush } from './state.js';

/** Pushes are compared per receiver and event; their order among each other is not stable on any real server. */
export function comparePushes(expected: Trace, actual: ReceivedPush[], context: CompareContext): Comparison {
  const out: Comparison = { differences: [], compared: emptyCompared() };
  const wanted = (expected.pushes ?? []).flatMap((push) => receivers(push).map((to) => ({ to, event: push.event, args: push.args ?? [] })));
  const keyOf = (push: { to: string; event: string }): string => pushPath(push.to, push.event);
  for (const [key, pair] of groupBoth(wanted, actual, keyOf, keyOf)) {
    const matched = assign(pair.expected, pair.actual, (want, got, path) => compareValue(want.args, got.args, path, { ...context, session: want.to }), key);
    merge(out, matched.comparison);
    for (const { item, path } of matched.missing) out.differences.push({ path, class: 'removed', expected: item.args });
    for (const { item, path } of matched.extra) out.differences.push({ path, class: 'added', actual: item.args });
  }
  return out;
}
