/**
 * Edits as data: where, and what. The same edits change a value tree (here) and the text that it was read from (splice.ts), so
 * that a migration or a command says once what it does. Paths are those before any of the edits; what is within something set or
 * removed does not count.
 */
import type { Path } from './document.js';
import { isObject, Tagged, type Value, type ValueObject } from './values.js';

export type Edit =
  /** replaces a value, or adds a key to a mapping: behind the key `after` (null: in front of all), else at the end */
  | { at: Path; set: Value; after?: string | null }
  | { at: Path; remove: true }
  /** a new item before the one at this index of a list; at its length: at the end */
  | { at: Path; insert: Value }
  /** another key for the same value, in the same place */
  | { at: Path; rename: string };

/** What happens to one value, and to what is in it. */
export interface EditTree {
  set?: { value: Value; after?: string | null };
  removed?: true;
  key?: string;
  before: Value[];
  parts: Map<PropertyKey, EditTree>;
}

export function editTree(edits: readonly Edit[]): EditTree {
  const root: EditTree = { before: [], parts: new Map() };
  for (const edit of edits) {
    let tree = root;
    for (const part of edit.at) {
      const next: EditTree = tree.parts.get(part) ?? { before: [], parts: new Map() };
      tree.parts.set(part, next);
      tree = next;
    }
    if ('set' in edit) tree.set = { value: edit.set, ...(edit.after !== undefined && { after: edit.after }) };
    else if ('insert' in edit) tree.before.push(edit.insert);
    else if ('rename' in edit) tree.key = edit.rename;
    else tree.removed = true;
  }
  return root;
}

/** A new tree; what no edit touches is shared with the old one. */
export const applyEdits = (value: Value, edits: readonly Edit[]): Value => applyTree(value, editTree(edits));

export function applyTree(value: Value, tree: EditTree): Value {
  if (tree.set) return tree.set.value;
  if (tree.parts.size === 0) return value;
  if (Array.isArray(value)) return applyToList(value, tree);
  if (value instanceof Tagged && (value.body.tag === 'some' || value.body.tag === 'unordered'))
    return new Tagged({ ...value.body, items: applyToList(value.body.items, tree) });
  if (value instanceof Tagged && value.body.tag === 'keys') return new Tagged({ ...value.body, entries: applyTree(value.body.entries, tree) as ValueObject });
  if (!isObject(value)) throw new Error(`there is nothing at ${[...tree.parts.keys()].map(String).join(', ')}`);
  const entries: [string, Value][] = [];
  const added = [...tree.parts].flatMap(([key, { set }]) => (set && !Object.hasOwn(value, key) ? [{ key: String(key), ...set }] : []));
  const add = (place: string | null | undefined): void => {
    for (const { key, value: item, after } of added) if (after === place) entries.push([key, item]);
  };
  add(null);
  for (const [key, item] of Object.entries(value)) {
    const part = tree.parts.get(key);
    if (!part?.removed) entries.push([part?.key ?? key, part ? applyTree(item, part) : item]);
    add(key);
  }
  add(undefined);
  // fromEntries defines, so that a key `__proto__` stays a key
  return Object.fromEntries(entries);
}

function applyToList(list: readonly Value[], tree: EditTree): Value[] {
  const items = list.flatMap((item, index) => {
    const part = tree.parts.get(index);
    return part ? [...part.before, ...(part.removed ? [] : [applyTree(item, part)])] : [item];
  });
  return [...items, ...(tree.parts.get(list.length)?.before ?? [])];
}

/** A change of text: what stands from `start` to `end` becomes `text`. */
export interface Splice {
  start: number;
  end: number;
  text: string;
}

export function applySplices(text: string, splices: readonly Splice[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const splice of splices) {
    parts.push(text.slice(at, splice.start), splice.text);
    at = splice.end;
  }
  return parts.join('') + text.slice(at);
}
