/** What replays saw in the place of each recorded value: the same, another one, or nothing that can be told. Pure. */
import { type DifferenceNode, nodesOf } from './difference-path.js';
import type { Path } from './document.js';
import { fromJson } from './json.js';
import type { SeenReplay, SeenTrace } from './learn.js';
import type { Recording, Trace } from './schema.js';
import { isObject, sameValue, Tagged, type Value } from './values.js';

/** `several`: not the same for all who received it. */
export type Came = { value: Value } | 'same' | 'several' | undefined;

export interface Moves {
  /** in each replay */
  at(path: Path): readonly Came[];
  /** as differences tell it: `ack[0].id` */
  pathOf(path: Path): string;
  /** the trace at indexes of the recording, in each replay; undefined: it passed */
  traceAt(session: number, trace: number): readonly (SeenTrace | undefined)[];
}

export function movesOf(recording: Recording, replays: readonly SeenReplay[]): Moves {
  const index = new Map(recording.sessions.map(({ id }, s) => [id, s]));
  const seen = replays.map(({ traces }) => new Map(traces.map((trace) => [placeKey(index.get(trace.session) ?? -1, trace.trace), trace])));
  const known = new Map<string, TraceMoves>();
  const traceAt = (session: number, trace: number): (SeenTrace | undefined)[] => seen.map((one) => one.get(placeKey(session, trace)));
  const movesIn = ([, session, , number]: Path): TraceMoves | undefined => {
    const trace = recording.sessions[Number(session)]?.traces[Number(number)];
    if (!trace) return undefined;
    const key = placeKey(Number(session), Number(number));
    const found = known.get(key) ?? traceMoves(trace, replays, traceAt(Number(session), Number(number)));
    known.set(key, found);
    return found;
  };
  return {
    at: (path) => (isOfTrace(path) ? movesIn(path)?.at(path.slice(4)) : undefined) ?? replays.map(() => undefined),
    pathOf: (path) => (isOfTrace(path) ? movesIn(path)?.pathOf(path.slice(4)) : undefined) ?? '',
    traceAt,
  };
}

/** What came without a cause is not compared. */
const isOfTrace = (path: Path): boolean => path[0] === 'sessions' && path[2] === 'traces';
const placeKey = (session: number, trace: number): string => `${session}/${trace}`;

interface TraceMoves {
  at(within: Path): Came[];
  pathOf(within: Path): string | undefined;
}

function traceMoves(trace: Trace, replays: readonly SeenReplay[], seen: readonly (SeenTrace | undefined)[]): TraceMoves {
  const paths = new Map<string, { node: DifferenceNode; paths: string[] }>();
  for (const [path, node] of nodesOf(trace)) {
    const key = JSON.stringify(node.at);
    const place = paths.get(key) ?? { node, paths: [] };
    place.paths.push(path);
    paths.set(key, place);
  }
  const cameIn = (one: SeenTrace | undefined, exact: boolean, place: { node: DifferenceNode; paths: string[] }): Came => {
    if (!one) return exact ? 'same' : undefined;
    if (one.outcome !== 'mismatch') return undefined;
    const differences = one.differences ?? [];
    const found = differences.filter(({ path }) => place.paths.includes(path));
    // Where something is missing or new, it cannot be told what stands in whose place.
    const whole = exact && differences.every(({ class: kind, note }) => kind === 'value' && !isRefusal(note));
    if (found.length === 0) return whole ? 'same' : undefined;
    const [first, ...more] = found.map(({ actual }) => fromJson(actual ?? null));
    const meant = found.every(({ class: kind, note, expected }) => kind === 'value' && !isRefusal(note) && isOf(place.node.value, fromJson(expected ?? null)));
    if (first === undefined || !meant) return undefined;
    return more.every((value) => sameValue(value, first)) && (!whole || found.length === place.paths.length) ? { value: first } : 'several';
  };
  return {
    at(within) {
      const place = paths.get(JSON.stringify(within));
      return replays.map(({ exact }, r) => (place ? cameIn(seen[r], exact, place) : undefined));
    },
    pathOf: (within) => paths.get(JSON.stringify(within))?.paths[0],
  };
}

/** Texts with names in them are told as they read in that copy. */
const isOf = (recorded: Value, expected: Value): boolean =>
  sameValue(expected, recorded) || (recorded instanceof Tagged && recorded.body.tag === 'text' && typeof expected === 'string');

const isRefusal = (note: string | undefined): boolean => /^(refused: |accepted, recorded as refused: )/.test(note ?? '');

/** Refused, not answered, or with another structure: more than other values. */
export const isBroken = ({ outcome, differences = [] }: SeenTrace): boolean =>
  outcome === 'rejected' ||
  outcome === 'timeout' ||
  (outcome === 'mismatch' && differences.some(({ class: kind, note, follows }) => follows === undefined && (kind !== 'value' || isRefusal(note))));

/** What names stood for in each replay, as far as traces that did not pass tell it. */
export function namesSeen(recording: Recording, replays: readonly SeenReplay[], { traceAt }: Moves): ReadonlyMap<string, Value>[] {
  const found = replays.map(() => new Map<string, Value>());
  recording.sessions.forEach(({ traces }, s) => {
    traces.forEach((trace, t) => {
      traceAt(s, t).forEach((one, r) => {
        const names = found[r];
        if (!names || one?.observed === undefined) return;
        const came = fromJson(one.observed) as unknown as Trace;
        bound(trace.args ?? [], came.args ?? [], names);
        const nodes = nodesOf(came);
        const differs = new Set((one.differences ?? []).map(({ path }) => path));
        // What stands in a list may be another one's, and of several pushes it is not known which is which.
        for (const [path, { value, at }] of nodesOf(trace))
          if (value instanceof Tagged && at[0] === 'ack' && !at.slice(2).some((part) => typeof part === 'number') && !differs.has(path))
            bound(value, nodes.get(path)?.value, names);
      });
    });
  });
  return found;
}

function bound(recorded: Value, came: Value | undefined, names: Map<string, Value>): void {
  if (recorded instanceof Tagged) {
    const { body } = recorded;
    if (body.tag === 'id' && (typeof came === 'string' || typeof came === 'number') && !names.has(body.name)) names.set(body.name, came);
  } else if (Array.isArray(recorded) && Array.isArray(came)) for (const [index, item] of recorded.entries()) bound(item, came[index], names);
  else if (isObject(recorded) && isObject(came)) for (const [key, item] of Object.entries(recorded)) bound(item, came[key], names);
}
