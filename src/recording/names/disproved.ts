/** Which names the replays with them show to be wrong. Pure. */
import { nodesOf } from '../difference-path.js';
import { fromJson } from '../json.js';
import type { SeenReplay, SeenTrace } from '../learn.js';
import { isBroken } from '../moves.js';
import { labelOf, type Recording, type Trace } from '../schema.js';
import { namesOf, sameValue, Tagged, type Value, walk } from '../values.js';
import type { ReplayedName } from './replayed.js';

/** Why, by what is to be refused. `recording` has the names; `before` it had not. */
export function disproved(
  recording: Recording,
  names: readonly ReplayedName[],
  before: readonly SeenReplay[],
  after: readonly SeenReplay[],
): ReadonlyMap<string, string> {
  const wrong = new Map<string, string>();
  const byName = new Map(names.map((one) => [one.name, one]));
  const refuse = (name: string, why: string): void => {
    const found = byName.get(name);
    if (found && !wrong.has(found.refusal)) wrong.set(found.refusal, `!id ${name}: ${why}`);
  };
  recording.sessions.forEach((session, s) => {
    session.traces.forEach((trace, t) => {
      const what = `${session.id}/${t} ${labelOf(trace)}`;
      const seenIn = (replays: readonly SeenReplay[]): SeenTrace[] =>
        replays.flatMap(({ traces }) => traces.filter((one) => one.session === session.id && one.trace === t && !one.quarantined));
      const seen = seenIn(after);
      if (seen.length === 0) return;
      for (const one of seen) {
        if (one.needs) refuse(one.needs.name, `${what} waited for it, and nothing made it`);
        for (const { name, path } of differing(trace, one)) refuse(name, `at ${path} ${what} had another value`);
      }
      if (!seen.some(isBroken)) return;
      for (const { name, refusal, guesses } of names)
        for (const guess of guesses)
          if (guess.session === s && guess.trace === t && !wrong.has(refusal))
            wrong.set(guess.key, `!id ${name}: ${what} does not come to what was recorded with it either`);
      if (seenIn(before).length === 0) for (const name of sentNames(trace)) refuse(name, `${what} was right without it`);
    });
  });
  return wrong;
}

/** Names in whose place something else came; where a list only came in another order nothing is said. */
function differing(trace: Trace, { outcome, differences = [] }: SeenTrace): { name: string; path: string }[] {
  if (outcome !== 'mismatch') return [];
  const nodes = nodesOf(trace);
  return differences.flatMap(({ path, class: kind, expected, follows }) => {
    const value = nodes.get(path)?.value;
    if (!(value instanceof Tagged) || follows !== undefined || (kind !== 'value' && kind !== 'type')) return [];
    const list = /^(.*\[)\d+\]/.exec(path.slice(path.indexOf(']') + 1))?.[1];
    const isElsewhere = (other: (typeof differences)[number]): boolean =>
      other.path !== path &&
      other.path.startsWith(path.slice(0, path.indexOf(']') + 1) + (list ?? '\0')) &&
      sameValue(fromJson(other.actual ?? null), fromJson(expected ?? null));
    return differences.some(isElsewhere) ? [] : namesOf(value.body).map((name) => ({ name, path }));
  });
}

function sentNames({ args = [], connect, http }: Trace): Set<string> {
  const names = new Set<string>();
  const sent = [args, connect?.auth ?? {}, connect?.query ?? {}, http?.url ?? '', http?.headers ?? {}, http?.body ?? null] as Value;
  walk(sent, (node) => {
    if (node instanceof Tagged) for (const name of namesOf(node.body)) names.add(name);
  });
  return names;
}
