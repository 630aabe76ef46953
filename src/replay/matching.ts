/** Pairing what was expected with what came, where the order of either means nothing. */
import { type Comparison, emptyCompared, merge } from '../recording/compare.js';

interface Placed<T> {
  item: T;
  path: string;
}

export interface Assignment<T> {
  comparison: Comparison;
  missing: Placed<T>[];
  extra: Placed<T>[];
}

/** Above this many of one kind the best match is no longer searched: they are compared in order. */
export const SEARCHED = 60;

/** Pairs each expected item with the actual one that differs least. */
export function assign<T>(expected: T[], actual: T[], compare: (want: T, got: T, path: string) => Comparison, path: string): Assignment<T> {
  const comparison: Comparison = { differences: [], compared: emptyCompared() };
  const free = new Set(actual.keys());
  const left: number[] = [];
  const place = (index: number): string => (expected.length > 1 ? `${path}#${index + 1}` : path);
  const search = expected.length <= SEARCHED && actual.length <= SEARCHED;
  const resultOf = (index: number, at: number): Comparison => compare(expected[index] as T, actual[at] as T, place(index));
  const take = (at: number, result: Comparison): void => {
    free.delete(at);
    merge(comparison, result);
  };
  const findEqual = (index: number): void => {
    for (const at of search ? free : [index]) {
      if (!free.has(at)) continue;
      const result = resultOf(index, at);
      if (result.differences.length > 0) continue;
      take(at, result);
      return;
    }
    left.push(index);
  };
  for (const index of expected.keys()) findEqual(index);
  const missing: Placed<T>[] = [];
  for (const index of left) {
    let best: { at: number; result: Comparison } | undefined;
    for (const at of free) {
      const result = resultOf(index, at);
      if (!best || result.differences.length < best.result.differences.length) best = { at, result };
      if (!search) break;
    }
    if (best) take(best.at, best.result);
    else missing.push({ item: expected[index] as T, path: place(index) });
  }
  return { comparison, missing, extra: [...free].map((at) => ({ item: actual[at] as T, path })) };
}

export function groupBoth<T>(expected: T[], actual: T[], keyOf: (item: T) => string): Map<string, { expected: T[]; actual: T[] }> {
  const groups = new Map<string, { expected: T[]; actual: T[] }>();
  const group = (item: T): { expected: T[]; actual: T[] } => {
    const key = keyOf(item);
    const known = groups.get(key) ?? { expected: [], actual: [] };
    groups.set(key, known);
    return known;
  };
  for (const item of expected) group(item).expected.push(item);
  for (const item of actual) group(item).actual.push(item);
  return groups;
}
