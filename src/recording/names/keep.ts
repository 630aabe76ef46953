/**
 * The names of a recording that replaces another one, after those of the other: numbers follow the order of the flow, so one trace
 * more in its middle would give every later name another number, and the difference would be everywhere.
 */
import { toJson } from '../json.js';
import { withoutGiven } from '../keep-given.js';
import type { Recording, Session, Trace } from '../schema.js';
import { isObject, mapValue, namesOf as namesIn, Tagged, type Value, walk } from '../values.js';
import type { Named } from './index.js';

/** Traces that changed place are looked for among so many pairs of them; beyond, numbers are what they are. */
const MAX_PAIRS = 4_000_000;

/** Given names are nobody's: what stands under one is a value, and it is given to no other. */
export const keepNames = (named: Named, known: Recording): Named =>
  keepNamesAt(named, placesIn(named.recording, withoutGiven(known)), new Set(Object.keys(known.given ?? {})));

/** The same where it is known which value is which: pairs of the new one and the known one. Names that are `reserved` are not given to others. */
export function keepNamesAt(
  { recording, names, unproven }: Named,
  places: Iterable<[Value | undefined, Value | undefined]>,
  reserved: ReadonlySet<string> = new Set(),
): Named {
  const renames = renamesFor(recording, places, reserved);
  const rename = (name: string): string => renames.get(name) ?? name;
  const replace = (node: Value): Value | undefined => {
    if (!(node instanceof Tagged)) return undefined;
    const { body } = node;
    if ((body.tag === 'id' || body.tag === 'uuid' || body.tag === 'now') && body.name !== undefined) return new Tagged({ ...body, name: rename(body.name) });
    if (body.tag === 'text') return new Tagged({ ...body, template: inTemplate(body.template, rename) });
    if (body.tag === 'keys')
      return new Tagged({
        ...body,
        entries: Object.fromEntries(Object.entries(body.entries).map(([key, item]) => [inTemplate(key, rename), mapValue(item, replace)])),
      });
    return undefined;
  };
  return {
    recording: mapValue(recording as unknown as Value, replace) as unknown as Recording,
    names: names.map((found) => ({
      ...found,
      tag: found.tag.replace(/^(!(?:id|uuid|now(?: \w+)?(?: [+-]\d+\w+)?) )(.+)$/, (_, head: string, name: string) => head + rename(name)),
    })),
    unproven: unproven.map((one) => ({ ...one, like: one.like.map(rename) })),
  };
}

const inTemplate = (template: string, rename: (name: string) => string): string =>
  template.replace(/\$\{([^}]*)\}/g, (_, name: string) => `\${${rename(name)}}`);

/** Names that stand at the same places get the same names; others the first number that is free. */
function renamesFor(recording: Recording, places: Iterable<[Value | undefined, Value | undefined]>, reserved: ReadonlySet<string>): Map<string, string> {
  const votes = new Map<string, Map<string, number>>();
  for (const [mine, theirs] of places) pairNames(mine, theirs, votes);
  const pairs = [...votes].flatMap(([mine, counts]) => [...counts].map(([theirs, count]) => ({ mine, theirs, count }))).sort((a, b) => b.count - a.count);
  const { names, uniques } = allNames(recording);
  const renames = new Map<string, string>();
  // A unique text is a name too, and the application's own.
  const taken = new Set(uniques);
  for (const { mine, theirs } of pairs) {
    if (renames.has(mine) || taken.has(theirs)) continue;
    renames.set(mine, theirs);
    taken.add(theirs);
  }
  for (const name of names) {
    if (renames.has(name)) continue;
    let free = name;
    for (let n = 1; taken.has(free) || reserved.has(free); n++) free = `${stem(name)}${n}`;
    renames.set(name, free);
    taken.add(free);
  }
  return renames;
}

function* placesIn(recording: Recording, known: Recording): Generator<[Value, Value]> {
  for (const session of recording.sessions) {
    const other = known.sessions.find(({ id }) => id === session.id);
    if (other) for (const [mine, theirs] of samePlaces(session, other)) yield [mine as unknown as Value, theirs as unknown as Value];
  }
}

const stem = (name: string): string => name.replace(/\d+$/, '');

export function allNames(recording: Recording): { names: Set<string>; uniques: Set<string> } {
  const names = new Set<string>();
  const uniques = new Set<string>();
  walk(recording as unknown as Value, (node) => {
    if (!(node instanceof Tagged)) return;
    const { body } = node;
    if ((body.tag === 'id' || body.tag === 'uuid' || body.tag === 'now') && body.name !== undefined) names.add(body.name);
    else if (body.tag === 'unique') uniques.add(body.text);
    else for (const name of namesIn(body)) names.add(name);
  });
  return { names: new Set([...names].filter((name) => !uniques.has(name))), uniques };
}

/** Traces of both that send the same, names aside, in the same order: the longest common part. */
function samePlaces(session: Session, other: Session): [Trace, Trace][] {
  const mine = session.traces.map(whatIsSent);
  const theirs = other.traces.map(whatIsSent);
  const pairs: [Trace, Trace][] = [];
  const pair = (m: number, t: number): void => void pairs.push([session.traces[m] as Trace, other.traces[t] as Trace]);
  let head = 0;
  while (head < mine.length && head < theirs.length && mine[head] === theirs[head]) pair(head, head++);
  let tail = 0;
  while (tail < Math.min(mine.length, theirs.length) - head && mine.at(-1 - tail) === theirs.at(-1 - tail)) tail++;
  for (let i = 1; i <= tail; i++) pair(mine.length - i, theirs.length - i);
  const rows = mine.slice(head, mine.length - tail);
  const columns = theirs.slice(head, theirs.length - tail);
  if (rows.length * columns.length > MAX_PAIRS) return pairs;
  const width = columns.length + 1;
  const lengths = new Uint32Array((rows.length + 1) * width);
  const at = (r: number, c: number): number => lengths[r * width + c] ?? 0;
  for (let r = rows.length - 1; r >= 0; r--)
    for (let c = columns.length - 1; c >= 0; c--) lengths[r * width + c] = rows[r] === columns[c] ? at(r + 1, c + 1) + 1 : Math.max(at(r + 1, c), at(r, c + 1));
  for (let r = 0, c = 0; r < rows.length && c < columns.length; )
    if (rows[r] === columns[c]) pair(head + r++, head + c++);
    else if (at(r + 1, c) >= at(r, c + 1)) r++;
    else c++;
  return pairs;
}

function whatIsSent({ connect, emit, http, disconnect, args }: Trace): string {
  const sent = [connect?.namespace ?? null, emit ?? null, http ? `${http.method} ${String(http.url)}` : null, disconnect ?? null, args ?? null] as Value;
  return JSON.stringify(
    toJson(
      mapValue(sent, (node) => (node instanceof Tagged && 'name' in node.body ? new Tagged({ tag: 'id', name: '' }) : undefined)),
      64,
    ),
  );
}

/** Counts which names stand at the same places of two values. */
function pairNames(mine: Value | undefined, theirs: Value | undefined, votes: Map<string, Map<string, number>>): void {
  if (mine instanceof Tagged && theirs instanceof Tagged) {
    const [a, b] = [mine.body, theirs.body];
    if (
      a.tag !== b.tag ||
      !('name' in a) ||
      !('name' in b) ||
      a.tag === 'secret' ||
      a.name === undefined ||
      b.name === undefined ||
      stem(a.name) !== stem(b.name)
    )
      return;
    const counts = votes.get(a.name) ?? new Map<string, number>();
    votes.set(a.name, counts.set(b.name, (counts.get(b.name) ?? 0) + 1));
  } else if (Array.isArray(mine) && Array.isArray(theirs)) for (const [index, item] of mine.entries()) pairNames(item, theirs[index], votes);
  else if (isObject(mine) && isObject(theirs))
    for (const [key, item] of Object.entries(mine)) if (Object.hasOwn(theirs, key)) pairNames(item, theirs[key], votes);
}
