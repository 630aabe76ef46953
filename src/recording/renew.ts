/**
 * An expectation renewed by what was seen in its place: what still holds stays as it stands, names and matchers too, and only the
 * rest becomes what was seen. Pure.
 */
import { isObject, Tagged, type Value, type ValueObject } from './values.js';

/** What was seen, and the same as it would have been recorded: with names and matchers. Both are built alike. */
interface Seen {
  value: Value;
  recorded: Value;
}

export interface Renewing {
  /** whether the expectation holds for the value; `key` is that of the object around it */
  holds(expected: Value, value: Value, key: string): boolean;
  /** the text of a key that has names in it */
  keyOf(template: string): string | undefined;
}

export function renew(expected: Value, seen: Seen, how: Renewing, key = ''): Value {
  if (how.holds(expected, seen.value, key)) return expected;
  const { value, recorded } = seen;
  if (Array.isArray(expected) && Array.isArray(value) && Array.isArray(recorded)) return renewList(expected, value, recorded, how, key);
  if (isObject(expected) && isObject(value) && isObject(recorded)) return renewObject(expected, value, recorded, how);
  if (expected instanceof Tagged) {
    const { body } = expected;
    if ((body.tag === 'some' || body.tag === 'unordered') && Array.isArray(value) && Array.isArray(recorded))
      return new Tagged({ ...body, items: renewUnordered(body.items, value, recorded, how, key, body.tag === 'some') });
    if (body.tag === 'keys' && isObject(value)) return new Tagged({ ...body, entries: renewKeys(body.entries, value, recorded, how) });
  }
  return recorded;
}

/** Arguments have their positions; what is too much or too little is at their end. */
export const renewArgs = (expected: readonly Value[], seen: readonly Value[], recorded: readonly Value[], how: Renewing): Value[] =>
  seen.map((value, index) => {
    const [old, fresh] = [expected[index], recorded[index] ?? null];
    return old === undefined ? fresh : renew(old, { value, recorded: fresh }, how);
  });

/** Keys that stay keep their order; new ones stand where they came. */
export function renewObject(expected: ValueObject, value: ValueObject, recorded: ValueObject, how: Renewing): ValueObject {
  const kept = Object.entries(expected).flatMap(([key, old]): [string, Value][] => {
    const now = own(value, key);
    return now === undefined ? [] : [[key, renew(old, { value: now, recorded: own(recorded, key) ?? now }, how, key)]];
  });
  return withNew(kept, Object.keys(value), (key) => [key, own(recorded, key)]);
}

function renewKeys(expected: ValueObject, value: ValueObject, recorded: Value, how: Renewing): ValueObject {
  const templates = Object.keys(expected).map((template) => ({ template, key: how.keyOf(template) }));
  const entries = Object.entries(recorded instanceof Tagged && recorded.body.tag === 'keys' ? recorded.body.entries : (recorded as ValueObject));
  const fresh = new Map(Object.keys(value).map((key, index) => [key, entries[index]]));
  const kept = templates.flatMap(({ template, key }): [string, Value][] => {
    const now = key === undefined ? undefined : own(value, key);
    if (key === undefined || now === undefined) return [];
    return [[template, renew(expected[template] as Value, { value: now, recorded: fresh.get(key)?.[1] ?? now }, how, key)]];
  });
  const known = new Map(templates.map(({ template, key }) => [key, template]));
  return withNew(
    kept,
    Object.keys(value).map((key) => known.get(key) ?? key),
    (key) => fresh.get(key) ?? [key, undefined],
  );
}

/** New keys behind those that they came behind. */
export function withNew(kept: [string, Value][], order: readonly string[], fresh: (key: string) => [string, Value | undefined]): ValueObject {
  const entries = [...kept];
  let before = -1;
  for (const key of order) {
    const at = entries.findIndex(([known]) => known === key);
    if (at >= 0) before = at;
    else {
      const [name, value] = fresh(key);
      if (value !== undefined) entries.splice(++before, 0, [name, value]);
    }
  }
  return Object.fromEntries(entries);
}

/** Elements that still hold stay; what lies between two of them is renewed one by one. */
function renewList(expected: readonly Value[], value: readonly Value[], recorded: readonly Value[], how: Renewing, key: string): Value[] {
  const out: Value[] = [];
  let at = 0;
  let from = 0;
  const between = (end: number, to: number): void => {
    for (; from < to; from++, at++) {
      const [now, fresh] = [value[from] as Value, recorded[from] ?? null];
      out.push(at < end ? renew(expected[at] as Value, { value: now, recorded: fresh }, how, key) : fresh);
    }
  };
  for (const [index, found] of heldPairs(expected, value, how, key)) {
    between(index, found);
    out.push(expected[index] as Value);
    at = index + 1;
    from = found + 1;
  }
  between(expected.length, value.length);
  return out;
}

/** Lists whose lengths make more than this together are compared place by place. */
const SEARCHED = 10_000;

/** The longest part that still holds, in order. */
function heldPairs(expected: readonly Value[], value: readonly Value[], how: Renewing, key: string): [number, number][] {
  const holds = (i: number, j: number): boolean => how.holds(expected[i] as Value, value[j] as Value, key);
  if (expected.length * value.length > SEARCHED) return expected.flatMap((_, i): [number, number][] => (i < value.length && holds(i, i) ? [[i, i]] : []));
  const table = expected.map((_, i) => value.map((__, j) => holds(i, j)));
  const width = value.length + 1;
  const best = new Uint32Array((expected.length + 1) * width);
  const at = (i: number, j: number): number => best[i * width + j] ?? 0;
  for (let i = expected.length - 1; i >= 0; i--)
    for (let j = value.length - 1; j >= 0; j--) best[i * width + j] = table[i]?.[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < expected.length && j < value.length; )
    if (table[i]?.[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  return pairs;
}

/** Items that still fit somewhere stay. `open`: others may be there too. */
function renewUnordered(items: readonly Value[], value: readonly Value[], recorded: readonly Value[], how: Renewing, key: string, open: boolean): Value[] {
  const free = new Set(value.keys());
  const found = items.map((item) => {
    const at = [...free].find((index) => how.holds(item, value[index] as Value, key));
    if (at !== undefined) free.delete(at);
    return at;
  });
  const kept = items.flatMap((item, index): Value[] => {
    if (found[index] !== undefined) return [item];
    const [at] = free;
    if (at === undefined) return [];
    free.delete(at);
    return [renew(item, { value: value[at] as Value, recorded: recorded[at] ?? null }, how, key)];
  });
  return open ? kept : [...kept, ...[...free].map((at) => recorded[at] ?? null)];
}

const own = (object: ValueObject, key: string): Value | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);
