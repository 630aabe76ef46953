/** The edits that make one value of another: small ones, so that comments and layout of what stays are kept. Pure. */
import type { Path } from './document.js';
import type { Edit } from './edit.js';
import { isObject, sameValue, Tagged, type Value, type ValueObject } from './values.js';

/** Lists whose lengths make more than this together are compared place by place. */
const SEARCHED = 10_000;

export function editsBetween(from: Value, to: Value, at: Path = []): Edit[] {
  if (sameValue(from, to)) return [];
  const [a, b] = [partsOf(from), partsOf(to)];
  if (a?.kind !== b?.kind || !a || !b) return [{ at, set: to }];
  if (Array.isArray(a.parts) && Array.isArray(b.parts)) return a.parts.length > 0 && b.parts.length > 0 ? listEdits(a.parts, b.parts, at) : [{ at, set: to }];
  return isObject(a.parts) && isObject(b.parts) ? objectEdits(a.parts, b.parts, to, at) : [{ at, set: to }];
}

/** What a value is made of, also that of a tag; values of one kind can be edited into each other. */
function partsOf(value: Value): { kind: string; parts: Value[] | ValueObject } | undefined {
  if (Array.isArray(value)) return { kind: 'list', parts: value };
  if (isObject(value)) return { kind: 'object', parts: value };
  if (!(value instanceof Tagged)) return undefined;
  if (value.body.tag === 'some' || value.body.tag === 'unordered') return { kind: value.body.tag, parts: value.body.items };
  return value.body.tag === 'keys' ? { kind: 'keys', parts: value.body.entries } : undefined;
}

function objectEdits(from: ValueObject, to: ValueObject, whole: Value, at: Path): Edit[] {
  const edits: Edit[] = [];
  if (!Object.keys(from).some((key) => Object.hasOwn(to, key))) return [{ at, set: whole }];
  for (const [key, value] of Object.entries(from)) {
    const next = Object.hasOwn(to, key) ? to[key] : undefined;
    if (next === undefined) edits.push({ at: [...at, key], remove: true });
    else edits.push(...editsBetween(value, next, [...at, key]));
  }
  let after: string | null = null;
  for (const [key, value] of Object.entries(to))
    if (Object.hasOwn(from, key)) after = key;
    else edits.push({ at: [...at, key], set: value, after });
  return edits;
}

function listEdits(from: readonly Value[], to: readonly Value[], at: Path): Edit[] {
  const pairs = new Map(aligned(from, to));
  const edits: Edit[] = [];
  let taken = 0;
  const insertUpTo = (end: number, before: number): void => {
    for (; taken < end; taken++) edits.push({ at: [...at, before], insert: to[taken] as Value });
  };
  for (const [index, value] of from.entries()) {
    const pair = pairs.get(index);
    if (pair === undefined) {
      edits.push({ at: [...at, index], remove: true });
      continue;
    }
    insertUpTo(pair, index);
    edits.push(...editsBetween(value, to[pair] as Value, [...at, index]));
    taken = pair + 1;
  }
  insertUpTo(to.length, from.length);
  return edits;
}

/** Which items are the same, or were: pairs that do not cross, as alike as possible. */
function aligned(from: readonly Value[], to: readonly Value[]): [number, number][] {
  if (from.length * to.length > SEARCHED) return Array.from({ length: Math.min(from.length, to.length) }, (_, index) => [index, index]);
  const width = to.length + 1;
  const likeness = from.map((a) => to.map((b) => alike(a, b)));
  const best = new Float64Array((from.length + 1) * width);
  const at = (i: number, j: number): number => best[i * width + j] ?? 0;
  const of = (i: number, j: number): number => likeness[i]?.[j] ?? 0;
  for (let i = from.length - 1; i >= 0; i--)
    for (let j = to.length - 1; j >= 0; j--) best[i * width + j] = Math.max(at(i + 1, j), at(i, j + 1), of(i, j) > 0 ? at(i + 1, j + 1) + of(i, j) : 0);
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < from.length && j < to.length; )
    if (of(i, j) > 0 && at(i, j) === at(i + 1, j + 1) + of(i, j)) pairs.push([i++, j++]);
    else if (at(i, j) === at(i + 1, j)) i++;
    else j++;
  return pairs;
}

/** From 0, nothing in common, to 1. */
function alike(a: Value, b: Value): number {
  if (sameValue(a, b)) return 1;
  const [left, right] = [partsOf(a), partsOf(b)];
  if (!left || !right || left.kind !== right.kind) return !left && !right ? 0.1 : 0;
  const [one, two] = [left.parts, right.parts].map((parts) => Object.entries(parts as ValueObject));
  const same = one?.filter(([key, value]) => sameValue(value, (right.parts as ValueObject)[key])).length ?? 0;
  return Math.min(0.9, 0.1 + same / Math.max(1, one?.length ?? 0, two?.length ?? 0));
}
