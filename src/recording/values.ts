/**
 * The values of a recording: what JSON can say, binary data, and tags that stand for values which vary.
 *
 * In YAML a tag is written `!name body`; in memory it is a {@link Tagged}; in JSON it is `{"!name": {...}}`.
 */

/** Any value that may stand in arguments, acknowledgements, pushes and rows. */
export type Value = null | boolean | number | string | Uint8Array | Tagged | Value[] | ValueObject;
export interface ValueObject {
  [key: string]: Value;
}

export const anyTypes = ['string', 'number', 'integer', 'boolean', 'timestamp', 'object', 'list', 'binary', 'id', 'value'] as const;
export type AnyType = (typeof anyTypes)[number];
export const nowForms = ['ms', 's', 'iso', 'date'] as const;
export type NowForm = (typeof nowForms)[number];

/** What a tag says. `id`, `unique`, `text`, `now`, `uuid`, `socket`, `secret` can be sent; the others are expectations only. */
export type TagBody =
  /** A value that the system made: bound by the first observation in a copy, checked by every later one. */
  | { tag: 'id'; name: string }
  /** A text that must be new in each copy. The text is its name; every copy replays `text-SUFFIX`. */
  | { tag: 'unique'; text: string }
  /** A string that contains names, or secrets: `/lists/${list1}/cards`, `Bearer ${!secret token1}`. */
  | { tag: 'text'; template: string }
  /** The time of sending, or `offset` milliseconds after it; with a name, the same value wherever that name stands. */
  | { tag: 'now'; form: NowForm; offset?: number; name?: string }
  /** In arguments a new uuid (with a name: one a copy); in expectations any uuid. */
  | { tag: 'uuid'; name?: string }
  /** The socket id of this session, or of the named one. */
  | { tag: 'socket'; session?: string }
  /** A secret that configuration supplies. */
  | { tag: 'secret'; name: string }
  | { tag: 'any'; type: AnyType }
  /** A time within `within` milliseconds of the observation. */
  | { tag: 'timestamp'; within: number }
  | { tag: 'regex'; source: string }
  /** A numeric column's after minus before. */
  | { tag: 'delta'; n: number }
  /** A list that contains these elements, in any order. */
  | { tag: 'some'; items: Value[] }
  /** A list of exactly these elements, in any order. */
  | { tag: 'unordered'; items: Value[] }
  /** An object whose keys contain names: `{ "${author1}": 3 }`. */
  | { tag: 'keys'; entries: ValueObject }
  | { tag: 'ignore' };

/** A tag in a value tree. A class only so that it can never be confused with an application's object. */
export class Tagged {
  constructor(readonly body: TagBody) {}
}

export const id = (name: string) => new Tagged({ tag: 'id', name });
export const any = (type: AnyType) => new Tagged({ tag: 'any', type });

export const isObject = (value: unknown): value is ValueObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Tagged) && !(value instanceof Uint8Array);

/** The type of a concrete value in the words of the report. */
export function typeOf(value: Value | undefined): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value instanceof Tagged) return `!${value.body.tag}`;
  if (value instanceof Uint8Array) return 'binary';
  if (Array.isArray(value)) return 'list';
  return typeof value;
}

/** What stands in the braces of a template. */
const templateParts = (template: string): string[] => [...template.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1] ?? '');

/** A secret inside a text: `Bearer ${!secret token1}`. */
export const secretPart = (name: string): string => `\${!secret ${name}}`;
/** The name of the secret that a part of a template is, undefined for a name. */
export const secretOf = (part: string): string | undefined => /^!secret (.+)$/s.exec(part)?.[1];

/** The names in a template: `/lists/${list1}` has `list1`. */
export const templateNames = (template: string): string[] => templateParts(template).filter((part) => secretOf(part) === undefined);

/** The secrets that a tag stands for or contains. */
export function secretsOf(body: TagBody): string[] {
  if (body.tag === 'secret') return [body.name];
  return body.tag === 'text' ? templateParts(body.template).flatMap((part) => secretOf(part) ?? []) : [];
}

/** The names that a node of a tree itself uses, not those below it. */
export function namesOf(body: TagBody): string[] {
  if (body.tag === 'id') return [body.name];
  if (body.tag === 'text') return templateNames(body.template);
  return body.tag === 'keys' ? Object.keys(body.entries).flatMap(templateNames) : [];
}

/** A property of an object that has it: `constructor` and the like are no properties of a value. */
export const field = (object: ValueObject, key: string): Value | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);

/** Calls `visit` for every node of a value tree, parents first. */
export function walk(value: Value, visit: (value: Value) => void): void {
  visit(value);
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  else if (value instanceof Tagged) {
    if (value.body.tag === 'some' || value.body.tag === 'unordered') for (const item of value.body.items) walk(item, visit);
    if (value.body.tag === 'keys') for (const item of Object.values(value.body.entries)) walk(item, visit);
  } else if (isObject(value)) for (const item of Object.values(value)) walk(item, visit);
}

/** A new tree in which `replace` may exchange any node; a node for which it answers undefined is kept and descended into. */
export function mapValue(value: Value, replace: (value: Value) => Value | undefined): Value {
  const replaced = replace(value);
  if (replaced !== undefined) return replaced;
  if (Array.isArray(value)) return value.map((item) => mapValue(item, replace));
  if (value instanceof Tagged) {
    const { body } = value;
    if (body.tag === 'some' || body.tag === 'unordered') return new Tagged({ ...body, items: body.items.map((item) => mapValue(item, replace)) });
    if (body.tag === 'keys') return new Tagged({ ...body, entries: mapEntries(body.entries, replace) });
    return value;
  }
  return isObject(value) ? mapEntries(value, replace) : value;
}

const mapEntries = (object: ValueObject, replace: (value: Value) => Value | undefined): ValueObject =>
  Object.fromEntries(Object.entries(object).map(([key, item]) => [key, mapValue(item, replace)]));

/** Structural equality of two value trees; key order does not count, `-0` equals `0`, NaN equals itself. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (a === undefined || b === undefined || a === null || b === null) return false;
  if (a instanceof Tagged || b instanceof Tagged)
    return a instanceof Tagged && b instanceof Tagged && sameValue(a.body as unknown as ValueObject, b.body as unknown as ValueObject);
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]));
}
