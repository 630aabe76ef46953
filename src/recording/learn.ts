/**
 * What of a recording is noise: what came back otherwise in good replays of the same application, and not always the same. Says which
 * nodes become matchers, and refuses what would hide a structure. Pure.
 */
import { type DifferenceNode, nodesOf } from './difference-path.js';
import type { Path } from './document.js';
import type { Edit } from './edit.js';
import { fromJson, type Json, toJson } from './json.js';
import { type PathDifference, reordered } from './learn-order.js';
import { learnUniques, uniquePlaces, uniqueTextsOf } from './learn-uniques.js';
import { noiseMatcher, type Observation } from './noise-matcher.js';
import { placesOf } from './places.js';
import { changeOf, type Recording, type Trace } from './schema.js';
import { spellTag } from './tags.js';
import { isObject, sameValue, Tagged, typeOf, type Value, type ValueObject } from './values.js';

interface SeenDifference extends PathDifference {
  path: string;
  note?: string;
  follows?: string;
}

/** A trace of one replay that did not pass. */
export interface SeenTrace {
  session: string;
  trace: number;
  outcome: string;
  reason?: string;
  differences?: readonly SeenDifference[];
  /** in the shape of a trace of a recording */
  observed?: Json;
  quarantined?: boolean;
  /** the name that it waited for in vain */
  needs?: { name: string };
}

/** One copy that was replayed. */
export interface SeenReplay {
  /** everything was compared: what did not differ came as it is recorded */
  exact: boolean;
  /** milliseconds since the epoch */
  at: number;
  traces: readonly SeenTrace[];
}

interface Place {
  /** indexes in the recording */
  session: number;
  trace: number;
  /** of the difference; '' for the whole trace */
  path: string;
}

interface Learnt extends Place {
  /** as it stands in the YAML */
  matcher: string;
}

interface Refused extends Place {
  why: string;
  /** more replays may tell */
  undecided?: true;
}

export interface Lesson {
  edits: Edit[];
  learnt: Learnt[];
  refused: Refused[];
}

export function learn(recording: Recording, replays: readonly SeenReplay[]): Lesson {
  const lesson: Lesson = { edits: [], learnt: [], refused: [] };
  const sent = sentValues(recording);
  const uniques = uniqueTextsOf(recording);
  const places = uniquePlaces(recording, replays);
  lesson.edits.push(...places.edits);
  lesson.learnt.push(...places.learnt.map(({ value, ...place }) => ({ ...place, matcher: spelled(value) })));
  recording.sessions.forEach((session, s) => {
    session.traces.forEach((trace, t) => {
      const seen = replays.map((replay) => replay.traces.find((one) => one.session === session.id && one.trace === t));
      if (!trace.disabled && seen.some((one) => one !== undefined && !one.quarantined))
        learnTrace({ lesson, sent, uniques, trace, session: s, number: t, replays, seen });
    });
  });
  const tables = new Set(lesson.edits.flatMap(({ at }) => tableAt(recording, at)));
  // The state of a table that has noise is no longer compared as a whole.
  return { ...lesson, refused: lesson.refused.filter(({ path }) => !isStateOf(path, tables)) };
}

interface Task {
  lesson: Lesson;
  sent: ReadonlySet<string>;
  uniques: ReadonlySet<string>;
  trace: Trace;
  session: number;
  number: number;
  replays: readonly SeenReplay[];
  /** of each replay; undefined: it passed */
  seen: readonly (SeenTrace | undefined)[];
}

/** What one replay says of a trace. */
interface Seen {
  differences: Map<string, SeenDifference>;
  exact: boolean;
  at: number;
  observed?: Json;
}

function learnTrace(task: Task): void {
  const { lesson, trace, replays } = task;
  const base = ['sessions', task.session, 'traces', task.number];
  const refuse: Refuse = (path, why, undecided = false) => {
    if (!lesson.refused.some((one) => one.session === task.session && one.trace === task.number && one.path === path && one.why === why))
      lesson.refused.push({ session: task.session, trace: task.number, path, why, ...(undecided && { undecided }) });
  };
  const edit = (node: DifferenceNode, path: string, matcher: Tagged): void => {
    lesson.edits.push({ at: [...base, ...node.at], set: matcher });
    lesson.learnt.push({ session: task.session, trace: task.number, path, matcher: spelled(matcher) });
  };
  const good: Seen[] = [];
  for (const [index, one] of task.seen.entries()) {
    const { exact, at } = replays[index] as SeenReplay;
    if (one && one.outcome !== 'passed' && one.outcome !== 'mismatch') refuse('', [one.outcome, one.reason].filter(Boolean).join(': '));
    else good.push({ exact, at, observed: one?.observed, differences: new Map((one?.differences ?? []).map((difference) => [difference.path, difference])) });
  }
  const nodes = nodesOf(trace);
  // What a unique text explains is no noise.
  learnUniques(
    task.uniques,
    nodes,
    good.map(({ differences }) => differences),
  );
  const mixed = learnOrders(nodes, good, base, edit, refuse);

  const moved = movedPaths(nodes, good, mixed);
  for (const { node, paths } of placesIn(nodes, good)) {
    const found = good.map(({ differences }) => paths.flatMap((path) => differences.get(path) ?? []));
    const differences = found.flat();
    const [first] = differences as [SeenDifference];
    const structure = differences.find((difference) => difference.class !== 'value');
    const why = structure ? structureWords(structure) : whyNot(first.path, node, differences, moved, task.sent);
    if (why !== undefined || !node) {
      refuse((structure ?? first).path, why ?? 'it cannot be told which value of the recording this is');
      continue;
    }
    const seen: Observation[] = good.flatMap(({ at, exact }, index) => {
      const came = (found[index] ?? []).map(({ actual }) => ({ value: fromJson(actual ?? null), at }));
      // To whom it did not differ it came as recorded.
      return exact && came.length < paths.length ? [...came, { value: node.value, at }] : came;
    });
    const inHowMany = found.filter((one) => one.length > 0).length;
    const recorded = shown(toJson(node.value));
    if (inHowMany < 2) refuse(first.path, `${shown(first.actual)} in one of ${good.length} replays only, recorded ${recorded}`, true);
    else if (seen.every(({ value }) => sameValue(value, seen[0]?.value)))
      refuse(first.path, `${shown(first.actual)} in every replay, recorded ${recorded}: another state, or a regression`);
    else {
      const matcher =
        deltaOf(node, first.path, good) ??
        noiseMatcher(
          node.value,
          seen.filter(({ value }) => !sameValue(value, node.value)),
        );
      if (matcher) edit(node, first.path, matcher);
      else refuse(first.path, `values of several kinds: ${[...new Set(seen.map(({ value }) => typeOf(value)))].join(', ')}`);
    }
  }
}

/** The nodes that differ, each with its paths: what several sessions received stands in one place. */
function placesIn(nodes: ReadonlyMap<string, DifferenceNode>, good: readonly Seen[]): { node: DifferenceNode | undefined; paths: string[] }[] {
  const places = new Map<string, { node: DifferenceNode | undefined; paths: string[] }>();
  for (const path of new Set(good.flatMap(({ differences }) => [...differences.keys()]))) {
    const node = nodes.get(path);
    const key = node ? JSON.stringify(node.at) : path;
    const place = places.get(key) ?? { node, paths: [] };
    place.paths.push(path);
    places.set(key, place);
  }
  return [...places.values()];
}

type Refuse = (path: string, why: string, undecided?: boolean) => void;
type Change = (node: DifferenceNode, path: string, matcher: Tagged) => void;

/**
 * Lists that came in another order, the innermost first; what they explain is taken out of the differences. The result are those
 * that came in another order in one replay and with other elements in another.
 */
function learnOrders(nodes: ReadonlyMap<string, DifferenceNode>, good: readonly Seen[], base: Path, edit: Change, refuse: Refuse): string[] {
  const mixed: string[] = [];
  const seen = good.map((one) => ({ ...one, names: namesIn(nodes, one) }));
  const lists = [...nodes].filter(([, { value, kind }]) => Array.isArray(value) && kind === 'value').sort(([, a], [, b]) => b.at.length - a.at.length);
  const isIn = (list: string, path: string): boolean => path.startsWith(`${list}[`);
  const done = new Set<string>();
  for (const [path, node] of lists) {
    const differing = seen.filter(({ differences }) => [...differences.keys()].some((key) => isIn(path, key)));
    // Pushes to several sessions are one list in several places.
    const place = JSON.stringify([...base, ...node.at]);
    const list = node.value as Value[];
    const result = differing.length > 0 ? reordered(list, path, seen) : undefined;
    if (!result) {
      if (differing.some((one) => reordered(list, path, [one]))) mixed.push(`${path}[`);
      continue;
    }
    for (const { differences } of differing) for (const key of [...differences.keys()]) if (isIn(path, key)) differences.delete(key);
    if (done.has(place)) continue;
    done.add(place);
    const known = result.orders.filter((_, index) => seen[index]?.exact || differing.includes(seen[index] as (typeof seen)[number]));
    if (differing.length < 2) refuse(path, `another order in one of ${good.length} replays only`, true);
    else if (new Set(known).size === 1) refuse(path, 'the same other order in every replay', true);
    else edit(node, path, new Tagged({ tag: 'unordered', items: result.items }));
  }
  return mixed;
}

/** What names stand for in a replay: told by a difference, or seen where there is none. */
function namesIn(nodes: ReadonlyMap<string, DifferenceNode>, { differences, observed }: Seen): Map<string, Json> {
  const names = new Map<string, Json>();
  const came = observed === undefined ? undefined : nodesOf(fromJson(observed) as unknown as Trace);
  for (const [path, { value }] of nodes) {
    if (!(value instanceof Tagged) || !('name' in value.body)) continue;
    const difference = differences.get(path);
    const there = came?.get(path)?.value;
    const known = difference ? difference.expected : there === undefined ? undefined : toJson(there);
    const key = JSON.stringify(toJson(value));
    if (known !== undefined && (difference || !names.has(key))) names.set(key, known);
  }
  return names;
}

/** Where elements, pushes or rows came or went, what is left there may be compared with the wrong one. */
function movedPaths(nodes: ReadonlyMap<string, DifferenceNode>, good: readonly Seen[], mixed: readonly string[]): (path: string) => boolean {
  const moved = good.flatMap(({ differences }) =>
    [...differences.values()].filter((difference) => difference.class === 'removed' || difference.class === 'added'),
  );
  const prefixes = new Set(
    moved.flatMap(({ path }) => {
      const list = path.replace(/\[\d+\]$/, '');
      // Arguments have their positions.
      if (list !== path) return nodes.get(list)?.kind === 'fixed' ? [] : [`${list}[`];
      return /^(pushes|changes)/.test(path) ? [...'#[.'].map((next) => path.replace(/#\d+$/, '') + next) : [];
    }),
  );
  return (path) => [...mixed, ...prefixes].some((prefix) => path.startsWith(prefix));
}

const structureWords = ({ class: kind, expected, actual, note }: SeenDifference): string => {
  const what =
    kind === 'removed'
      ? `missing, recorded ${shown(expected)}`
      : kind === 'added'
        ? `not recorded: ${shown(actual)}`
        : `of another type: ${shown(actual)}, recorded ${shown(expected)}`;
  return note === undefined ? what : `${what} (${note})`;
};

function whyNot(
  path: string,
  node: DifferenceNode | undefined,
  found: readonly SeenDifference[],
  moved: (path: string) => boolean,
  sent: ReadonlySet<string>,
): string | undefined {
  const [{ note, expected, actual }] = found as [SeenDifference];
  const follows = found.find((difference) => difference.follows !== undefined)?.follows;
  if (follows !== undefined) return `follows from ${follows}, which was never made`;
  if (/^checkpoints\b/.test(path)) return note ?? `the table has ${shown(actual)} rows, recorded ${shown(expected)}`;
  if (!node) return undefined;
  const { value } = node;
  if (value instanceof Tagged) return `${note ?? shown(actual)}; it stands under ${spelled(value)}`;
  if (node.kind === 'fixed') return `${shown(actual)}, recorded ${shown(expected)}: a status or the key of a row`;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return `${typeOf(value)} is no text, number or truth value`;
  if (/^(ack|http\.answer)(\[0\])?\.(ok|success)$/.test(path) || /^(refused: |accepted, recorded as refused: )/.test(note ?? ''))
    return note ?? `${shown(actual)}, recorded ${shown(expected)}: another outcome`;
  // A long text is told by its beginning.
  const isMeant = found.every((difference) => sameValue(fromJson(difference.expected ?? null), value)) || (typeof value === 'string' && value.length > 10_000);
  if (!isMeant) return 'it cannot be told which value of the recording this is';
  if (moved(path)) return 'beside it something came, went or moved: which one this is cannot be told';
  const key = node.at.findLast((part) => typeof part === 'string');
  if (sent.has(sentKey(value, String(key ?? ''))) || (typeof value === 'string' && value.length >= LONG && sent.has(sentKey(value))))
    return `clients send ${shown(toJson(value))} too: an echo, or an id that has no name (!id NAME)`;
  return undefined;
}

/** So long a text is hardly sent by coincidence. */
const LONG = 8;
const sentKey = (value: Value, key = ''): string => JSON.stringify([key, String(value)]);

/** What clients send, alone and with its key. */
function sentValues(recording: Recording): Set<string> {
  const sent = placesOf(recording).filter((place) => place.sent && (typeof place.value === 'string' || typeof place.value === 'number'));
  return new Set(sent.flatMap(({ value, key }) => [...(key === '' ? [] : [sentKey(value, key)]), sentKey(value)]));
}

/** A counter: it changed by the same in every replay, whatever it was. */
function deltaOf({ column, value }: DifferenceNode, path: string, good: readonly Seen[]): Tagged | undefined {
  if (!column || typeof value !== 'number') return undefined;
  const deltas = good.flatMap(({ differences, observed }) => {
    const actual = differences.get(path)?.actual;
    return actual === undefined ? [] : [changedBy(observed, column, actual)];
  });
  if (typeof column.before === 'number') deltas.push(exact(value - column.before));
  const [n] = deltas;
  return n !== undefined && n !== 0 && deltas.every((delta) => delta === n) ? new Tagged({ tag: 'delta', n }) : undefined;
}

function changedBy(observed: Json | undefined, { table, name }: { table: string; name: string }, after: Json): number | undefined {
  const changes = isObject(observed as Value) ? (observed as { [key: string]: Json }).changes : undefined;
  const deltas = (Array.isArray(changes) ? changes : []).flatMap((change) => {
    const { update, set, was } = change as { update?: string; set?: ValueObject; was?: ValueObject };
    const before = was?.[name];
    return update === table && set?.[name] === after && typeof after === 'number' && typeof before === 'number' ? [exact(after - before)] : [];
  });
  return new Set(deltas).size === 1 ? deltas[0] : undefined;
}

const exact = (n: number): number => Math.round(n * 1e9) / 1e9;

/** The table whose row an edit changes. */
function tableAt(recording: Recording, [, session, , trace, part, change]: Path): string[] {
  const entry = part === 'changes' ? recording.sessions[Number(session)]?.traces[Number(trace)]?.changes?.[Number(change)] : undefined;
  return entry ? [changeOf(entry).table] : [];
}

const isStateOf = (path: string, tables: ReadonlySet<string>): boolean =>
  path.startsWith('checkpoints') && [...tables].some((table) => path.endsWith(`.${table}`) || path.endsWith(`[${JSON.stringify(table)}]`));

function spelled({ body }: Tagged): string {
  const { tag, text, number } = spellTag(body);
  return [`!${tag}`, text ?? number].filter((part) => part !== undefined).join(' ');
}

function shown(json: Json | undefined): string {
  const text = JSON.stringify(json ?? null);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
