/**
 * Two values as lines that stand beside each other. What differs is not decided here: the marks are the differences that the
 * replay found, put where they belong. Pure.
 */
import type { Json } from '../../../src/recording/json.js';
import type { Difference } from '../../../src/results/schema.js';
import { formatKey, formatValue, isJsonObject, tagOf, unwrap } from '../../../src/results/text.js';

export interface Line {
  depth: number;
  key: string;
  /** undefined: nothing stands here */
  expected?: string;
  actual?: string;
  marks: Difference[];
}

/** Values up to this length stand on one line. */
const COMPACT = 72;

/** Where the differences of one of several pushes or rows of a kind stand: `path#2` for the second one, `path` for the only one. */
export function placeOf(path: string, index: number, marks: Marks): string {
  const numbered = `${path}#${index + 1}`;
  return marks.at(numbered).length > 0 || marks.within(numbered) ? numbered : index === 0 ? path : numbered;
}

/** How many lines of two values are the same. */
export const likenessOf = (expected: Json, actual: Json): number =>
  compareLines(expected, actual, '', new Marks([]), { unseen: false }).filter((line) => line.expected === line.actual).length;

/** The differences of a trace, by place. `["a key"]` and `.a key` are the same place. */
export class Marks {
  private readonly byPath = new Map<string, Difference[]>();

  constructor(private readonly differences: readonly Difference[]) {
    for (const difference of differences) {
      const path = normalize(difference.path);
      this.byPath.set(path, [...(this.byPath.get(path) ?? []), difference]);
    }
  }

  at(path: string): Difference[] {
    return this.byPath.get(normalize(path)) ?? [];
  }

  /** Only those that speak of these very values: two rows of one table have the same path. */
  take(path: string, expected: Json | undefined, actual: Json | undefined, sure = false): Difference[] {
    return this.at(path).filter((mark) => sure || same(mark.expected, expected) || same(mark.actual, actual));
  }

  /** Without what stands at this very place and speaks of another push or row of its kind. */
  only(path: string, own: readonly Difference[]): Marks {
    return new Marks(this.differences.filter((mark) => normalize(mark.path) !== normalize(path) || own.includes(mark)));
  }

  within(path: string): boolean {
    const start = normalize(path);
    return [...this.byPath.keys()].some((known) => known.startsWith(start) && /^[.[]/.test(known.slice(start.length)));
  }
}

const normalize = (path: string): string => path.replace(/\[("(?:[^"\\]|\\.)*")\]/g, (_, quoted: string) => `.${JSON.parse(quoted) as string}`);

export const same = (a: Json | undefined, b: Json | undefined): boolean => a !== undefined && b !== undefined && formatValue(a) === formatValue(b);

export const childPath = (path: string, key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`);

export interface CompareOptions {
  /** nothing of what was seen is kept: the actual side shows the marks only */
  unseen: boolean;
}

export function compareLines(expected: Json | undefined, actual: Json | undefined, path: string, marks: Marks, options: CompareOptions): Line[] {
  const lines: Line[] = [];
  visit(lines, { key: '', path, depth: 0, expected, actual }, marks, options);
  return lines;
}

interface Place {
  key: string;
  path: string;
  depth: number;
  expected: Json | undefined;
  actual: Json | undefined;
}

function visit(lines: Line[], place: Place, marks: Marks, options: CompareOptions): void {
  const { key, path, depth } = place;
  const found = marks.take(path, place.expected, place.actual, true);
  const actual = options.unseen ? found.find((mark) => mark.actual !== undefined)?.actual : place.actual;
  const left = listOrObject(place.expected);
  const right = listOrObject(actual);
  const open = left ?? right;
  // Both sides open in the same way, or only one side stands: then the parts can stand beside each other.
  const alike =
    open !== undefined && (left === undefined ? place.expected === undefined : right === undefined ? actual === undefined : left.open === right.open);
  const inside = marks.within(path);
  if (!alike || (!inside && isShort(place.expected) && isShort(actual))) {
    lines.push({ depth, key, expected: textOf(place.expected), actual: textOf(actual), marks: found });
    return;
  }
  const side = (it: typeof left, value: Json | undefined, what: 'open' | 'close'): string | undefined =>
    value === undefined || !it ? undefined : what === 'open' ? `${it.tag}${it.open}` : it.open === '[' ? ']' : '}';
  lines.push({ depth, key, expected: side(left, place.expected, 'open'), actual: side(right, actual, 'open'), marks: found });
  for (const part of union(left?.parts, right?.parts))
    visit(
      lines,
      {
        key: open.open === '[' ? '' : formatKey(part.key),
        path: open.open === '[' ? `${path}[${part.key}]` : childPath(path, part.key),
        depth: depth + 1,
        expected: part.left,
        actual: part.right,
      },
      marks,
      options,
    );
  lines.push({ depth, key: '', expected: side(left, place.expected, 'close'), actual: side(right, actual, 'close'), marks: [] });
}

const textOf = (json: Json | undefined): string | undefined => (json === undefined ? undefined : formatValue(json));

const isShort = (json: Json | undefined): boolean => json === undefined || typeof json !== 'object' || json === null || formatValue(json).length <= COMPACT;

interface Parts {
  tag: string;
  open: '[' | '{';
  parts: Map<string, Json>;
}

function listOrObject(json: Json | undefined): Parts | undefined {
  if (json === undefined || typeof json !== 'object' || json === null) return undefined;
  const tag = tagOf(json);
  if (tag && !tag.items) return undefined;
  const list = tag?.items ?? json;
  if (Array.isArray(list)) return { tag: tag ? `${tag.text} ` : '', open: '[', parts: new Map(list.map((item, i) => [String(i), item])) };
  const object = unwrap(list);
  return isJsonObject(object) ? { tag: tag ? `${tag.text} ` : '', open: '{', parts: new Map(Object.entries(object)) } : undefined;
}

function union(left: Map<string, Json> = new Map(), right: Map<string, Json> = new Map()): { key: string; left: Json | undefined; right: Json | undefined }[] {
  return [...new Set([...left.keys(), ...right.keys()])].map((key) => ({ key, left: left.get(key), right: right.get(key) }));
}

/** Pairs what was recorded with what was seen, the most alike first; what is left over stands alone. */
export interface Pair<T> {
  expected?: T;
  actual?: T;
  /** from 0, as the comparison numbers several of a kind */
  index: number;
}

export function pair<T>(expected: readonly T[], actual: readonly T[], likeness: (a: T, b: T) => number): Pair<T>[] {
  const free = new Set(actual.keys());
  const partner = new Map<number, number>();
  const candidates = expected
    .flatMap((left, i) => actual.map((right, j) => ({ i, j, score: likeness(left, right) })))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || Math.abs(a.i - a.j) - Math.abs(b.i - b.j));
  for (const { i, j } of candidates)
    if (!partner.has(i) && free.has(j)) {
      partner.set(i, j);
      free.delete(j);
    }
  const pairs: Pair<T>[] = expected.map((left, index) => ({
    expected: left,
    actual: partner.has(index) ? actual[partner.get(index) as number] : undefined,
    index,
  }));
  for (const j of free) pairs.push({ actual: actual[j] as T, index: pairs.length });
  return pairs;
}
