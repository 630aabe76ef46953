/** Whether a list came in another order: the same elements, told from the differences within it. Pure. */
import { join } from './compare.js';
import { type Json, toJson } from './json.js';
import { noiseMatcher, type Observation } from './noise-matcher.js';
import { isObject, Tagged, type Value } from './values.js';

/** What a replay told of a path. */
export interface PathDifference {
  class: 'removed' | 'type' | 'value' | 'added';
  expected?: Json;
  actual?: Json;
}

/** The differences of one replay by their paths, and when it ran. */
export interface SeenList {
  differences: ReadonlyMap<string, PathDifference>;
  at: number;
  /** what names, as JSON text, stand for in this replay */
  names?: ReadonlyMap<string, Json>;
}

export interface Reordered {
  /** the elements, those leaves of them that differ each time as matchers */
  items: Value[];
  /** how the list came in each replay, as text: equal texts, equal orders */
  orders: string[];
}

/** Stands for what cannot be compared: a name or matcher that fitted where it stands, and a leaf that is noise of its own. */
const HIDDEN = '\u0000';

/** undefined: in some replay it is not the same elements. Noise within the elements counts only where something else tells their order. */
export function reordered(list: readonly Value[], path: string, replays: readonly SeenList[]): Reordered | undefined {
  const seen = replays.map((replay) => elementsOf(list, path, replay));
  if (seen.some(({ all }) => !all)) return undefined;
  const differing = new Set(
    replays.flatMap(({ differences }) => [...differences.keys()].filter((key) => key.startsWith(`${path}[`)).map((key) => withinElement(key, path))),
  );
  const noisy = new Set([...differing].filter((within) => !seen.every(({ expected, actual }) => sameMany(at(expected, within), at(actual, within)))));
  if (noisy.size === differing.size || ![...noisy].every((within) => isNoise(seen, within))) return undefined;
  for (const { expected, actual } of seen) if (!sameMany(expected.map(masked(noisy)), actual.map(masked(noisy)))) return undefined;
  const matchers = new Map<string, Tagged>();
  for (const within of noisy) {
    const recorded = list.map((item) => leafAt(item, within));
    const values: Observation[] = seen.flatMap(({ actual }, index) =>
      actual.map((element) => ({ value: (element.get(within) ?? null) as Value, at: replays[index]?.at ?? 0 })),
    );
    const [first, ...rest] = recorded;
    if (first === undefined || recorded.some((value) => value === undefined || value === null || typeof value === 'object')) return undefined;
    const matcher = noiseMatcher(first, [...rest.map((value) => ({ value: value as Value, at: 0 })), ...values]);
    if (!matcher) return undefined;
    matchers.set(within, matcher);
  }
  return {
    items: list.map((item) => withMatchers(item, '', matchers)),
    orders: seen.map(({ actual }) => JSON.stringify(actual.map(masked(noisy)))),
  };
}

/** An element as its leaves, by their paths within it. */
type Element = Map<string, Json>;

interface Sides {
  expected: Element[];
  actual: Element[];
  /** no difference lies within something that is not looked into */
  all: boolean;
}

/** Other values in two replays at least, and not the same ones in all. */
function isNoise(seen: readonly Sides[], within: string): boolean {
  const came = seen.map(({ actual }) => at(actual, within).toSorted().join());
  return seen.filter(({ expected, actual }) => !sameMany(at(expected, within), at(actual, within))).length > 1 && new Set(came).size > 1;
}

function elementsOf(list: readonly Value[], path: string, { differences, names: known = new Map() }: SeenList): Sides {
  let used = 0;
  const names = new Map<string, Json>(known);
  const findNames = (value: Value, here: string): void => {
    const difference = differences.get(here);
    if (value instanceof Tagged && difference?.expected !== undefined) names.set(JSON.stringify(toJson(value)), difference.expected);
    eachPart(value, here, findNames);
  };
  list.forEach((item, index) => {
    findNames(item, `${path}[${index}]`);
  });
  const expected = list.map((): Element => new Map());
  const actual = list.map((): Element => new Map());
  list.forEach((item, index) => {
    const root = `${path}[${index}]`;
    const visit = (value: Value, here: string): void => {
      const within = here.slice(root.length);
      const difference = differences.get(here);
      const known = value instanceof Tagged ? names.get(JSON.stringify(toJson(value))) : undefined;
      if (difference) {
        used++;
        const was = difference.expected ?? null;
        flatten(known ?? filledIn(was, names), within, expected[index] as Element);
        if (difference.class !== 'removed') flatten(difference.actual ?? null, within, actual[index] as Element);
      } else if (value instanceof Tagged) for (const side of [expected, actual]) (side[index] as Element).set(within, known ?? HIDDEN);
      else if ((isObject(value) && Object.keys(value).length > 0) || (Array.isArray(value) && value.length > 0)) eachPart(value, here, visit);
      else for (const side of [expected, actual]) (side[index] as Element).set(within, toJson(value));
    };
    visit(item, root);
  });
  for (const [key, difference] of differences)
    if (difference.class === 'added' && key.startsWith(`${path}[`)) {
      used++;
      const index = Number(/^\d+/.exec(key.slice(path.length + 1))?.[0]);
      const element = actual[index] ?? new Map();
      actual[index] = element;
      flatten(difference.actual ?? null, withinElement(key, path), element);
    }
  return { expected, actual, all: used === [...differences.keys()].filter((key) => key.startsWith(`${path}[`)).length };
}

function eachPart(value: Value, here: string, visit: (value: Value, here: string) => void): void {
  if (Array.isArray(value))
    value.forEach((item, index) => {
      visit(item, `${here}[${index}]`);
    });
  else if (isObject(value)) for (const [key, item] of Object.entries(value)) visit(item, join(here, key));
}

/** A value as it was recorded, with what its names stand for. */
function filledIn(json: Json, names: ReadonlyMap<string, Json>): Json {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map((item) => filledIn(item, names));
  return names.get(JSON.stringify(json)) ?? Object.fromEntries(Object.entries(json).map(([key, item]) => [key, filledIn(item, names)]));
}

/** A whole value that came or went, leaf by leaf. */
function flatten(json: Json, within: string, out: Element): void {
  if (Array.isArray(json) && json.length > 0)
    json.forEach((item, index) => {
      flatten(item, `${within}[${index}]`, out);
    });
  else if (typeof json === 'object' && json !== null && !Array.isArray(json) && Object.keys(json).length > 0)
    for (const [key, item] of Object.entries(json)) flatten(item, join(within, key), out);
  else out.set(within, json);
}

const withinElement = (key: string, path: string): string => key.slice(path.length).replace(/^\[\d+\]/, '');

const masked =
  (noisy: ReadonlySet<string>) =>
  (element: Element): string =>
    // A list that is empty here is full elsewhere; `!unordered` compares it all the same.
    JSON.stringify(
      [...element]
        .filter(([, value]) => !isEmpty(value))
        .map(([within, value]) => [within, noisy.has(within) ? HIDDEN : value])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );

const isEmpty = (value: Json): boolean => Array.isArray(value) && value.length === 0;

const at = (elements: readonly Element[], within: string): string[] => elements.map((element) => JSON.stringify(element.get(within) ?? null));

function sameMany(a: readonly string[], b: readonly string[]): boolean {
  const [left, right] = [a.toSorted(), b.toSorted()];
  return left.length === right.length && left.every((text, index) => text === right[index]);
}

function leafAt(value: Value, wanted: string): Value | undefined {
  let found: Value | undefined;
  const visit = (node: Value, here: string): void => {
    if (here === wanted) found = node;
    else if (wanted.startsWith(here)) eachPart(node, here, visit);
  };
  visit(value, '');
  return found;
}

function withMatchers(value: Value, here: string, matchers: ReadonlyMap<string, Value>): Value {
  const matcher = matchers.get(here);
  if (matcher) return matcher;
  if (Array.isArray(value)) return value.map((item, index) => withMatchers(item, `${here}[${index}]`, matchers));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withMatchers(item, join(here, key), matchers)]));
  return value;
}
