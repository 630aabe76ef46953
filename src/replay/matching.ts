/** Pairing what was expected with what came, where the order of either means nothing. */
import { type Comparison, emptyCompared, merge } from '../recording/compare.js';
import { pairUp } from '../recording/pair.js';

interface Placed<T> {
  item: T;
  path: string;
}

export interface Assignment<W, G> {
  comparison: Comparison;
  pairs: [W, G][];
  missing: Placed<W>[];
  extra: Placed<G>[];
}

export interface Known<W, G> {
  /** pairs that are sure, whatever differs between them: the same row */
  pairs?: ReadonlyMap<number, number>;
  /** where there are too many to search: only items of one bucket can be equal */
  bucketOf?: { expected(item: W): string; actual(item: G): string };
}

/** Above this many of one kind the best match is no longer searched: they are compared in order. */
export const SEARCHED = 60;

/** Pairs each expected item with an equal one, as many as possible, and what is left with the one that differs least. */
export function assign<W, G>(
  expected: W[],
  actual: G[],
  compare: (want: W, got: G, path: string) => Comparison,
  path: string,
  known: Known<W, G> = {},
): Assignment<W, G> {
  const comparison: Comparison = { differences: [], compared: emptyCompared() };
  const pairs = new Map(known.pairs);
  const place = (index: number): string => (expected.length > 1 ? `${path}#${index + 1}` : path);
  const results = new Map<number, Comparison>();
  const resultOf = (index: number, at: number): Comparison => {
    const key = index * actual.length + at;
    const result = results.get(key) ?? compare(expected[index] as W, actual[at] as G, place(index));
    results.set(key, result);
    return result;
  };
  const left = (): number[] => [...expected.keys()].filter((index) => !pairs.has(index));
  const free = (): number[] => {
    const taken = new Set(pairs.values());
    return [...actual.keys()].filter((at) => !taken.has(at));
  };
  for (const group of groupsOf(left(), free(), expected, actual, known)) for (const [index, at] of equals(group, resultOf)) pairs.set(index, at);
  for (const [index, at] of nearest(left(), free(), resultOf)) pairs.set(index, at);
  for (const [index, at] of [...pairs].sort(([a], [b]) => a - b)) merge(comparison, resultOf(index, at));
  return {
    comparison,
    pairs: [...pairs].map(([index, at]) => [expected[index] as W, actual[at] as G]),
    missing: left().map((index) => ({ item: expected[index] as W, path: place(index) })),
    extra: free().map((at) => ({ item: actual[at] as G, path })),
  };
}

interface Group {
  wanted: number[];
  came: number[];
}

/** What may be equal to what: all to all, or bucket by bucket where that is too much. */
function groupsOf<W, G>(wanted: number[], came: number[], expected: W[], actual: G[], { bucketOf }: Known<W, G>): Group[] {
  if (!bucketOf || (wanted.length <= SEARCHED && came.length <= SEARCHED)) return [{ wanted, came }];
  const both = groupBoth(
    wanted,
    came,
    (index) => bucketOf.expected(expected[index] as W),
    (at) => bucketOf.actual(actual[at] as G),
  );
  return [...both.values()].map((pair) => ({ wanted: pair.expected, came: pair.actual }));
}

function equals({ wanted, came }: Group, resultOf: (index: number, at: number) => Comparison): [number, number][] {
  const isEqual = (i: number, j: number): boolean => resultOf(wanted[i] as number, came[j] as number).differences.length === 0;
  if (wanted.length > SEARCHED || came.length > SEARCHED)
    return wanted.flatMap((index, i): [number, number][] => (i < came.length && isEqual(i, i) ? [[index, came[i] as number]] : []));
  return [...pairUp(wanted.length, came.length, isEqual)].map(([i, j]) => [wanted[i] as number, came[j] as number]);
}

function nearest(wanted: number[], came: number[], resultOf: (index: number, at: number) => Comparison): [number, number][] {
  const search = wanted.length <= SEARCHED && came.length <= SEARCHED;
  const free = new Set(came);
  const pairs: [number, number][] = [];
  for (const index of wanted) {
    let best: { at: number; count: number } | undefined;
    for (const at of free) {
      const count = search ? resultOf(index, at).differences.length : 0;
      if (!best || count < best.count) best = { at, count };
      if (!search) break;
    }
    if (!best) break;
    free.delete(best.at);
    pairs.push([index, best.at]);
  }
  return pairs;
}

export function groupBoth<W, G>(
  expected: W[],
  actual: G[],
  keyOfExpected: (item: W) => string,
  keyOfActual: (item: G) => string,
): Map<string, { expected: W[]; actual: G[] }> {
  const groups = new Map<string, { expected: W[]; actual: G[] }>();
  const group = (key: string): { expected: W[]; actual: G[] } => {
    const known = groups.get(key) ?? { expected: [], actual: [] };
    groups.set(key, known);
    return known;
  };
  for (const item of expected) group(keyOfExpected(item)).expected.push(item);
  for (const item of actual) group(keyOfActual(item)).actual.push(item);
  return groups;
}
