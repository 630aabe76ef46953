/**
 * What one copy of a recording knows while it is replayed: its names, and what makes a value its own.
 * `resolve` makes the values that are sent; `bind` learns names from what was observed.
 */
import {
  field,
  isObject,
  mapValue,
  type NowForm,
  namesOf,
  secretOf,
  secretsOf,
  type TagBody,
  Tagged,
  templateNames,
  typeOf,
  type Value,
  type ValueObject,
  walk,
} from './values.js';

export interface Scope {
  /** exact: alone on a known state; shared: among others (DESIGN.md law 1) */
  level: 'exact' | 'shared';
  names: Map<string, Value>;
  /** what makes a `!unique` text new in this copy */
  suffix: string;
  /** the socket ids of the copy's sessions */
  sockets: Map<string, string>;
  /** also those that a login of this copy has given */
  secrets: Map<string, string | number>;
  /** literal arguments of the recording, as `key=value` and, for long ones, `=value`: see `isOwnLiteral` */
  own: ReadonlySet<string>;
  /** columns that some recording of the pool updates: anybody may have changed them */
  mutable: ReadonlySet<string>;
  /** names that nobody makes, and their recorded values: what they stand for was there before, and is not this copy's own */
  given?: ReadonlyMap<string, Value>;
  /** names learnt from inside a text, which does not say whether they are numbers: the next `!id` does */
  untyped?: Set<string>;
}

/** The names that a value needs before it can be sent: not those that it makes itself. */
export function neededNames(value: Value): string[] {
  const names = new Set<string>();
  const made = new Set<string>();
  walk(value, (node) => {
    if (!(node instanceof Tagged)) return;
    const { body } = node;
    for (const name of namesOf(body)) names.add(name);
    if (body.tag === 'unique') made.add(body.text);
    else if ((body.tag === 'uuid' || body.tag === 'now') && body.name !== undefined) made.add(body.name);
  });
  return [...names].filter((name) => !made.has(name));
}

/** `text` as it reads in this copy; an address keeps its domain. */
const inCopy = (text: string, scope: Scope): string => text.replace(/(?=@[^@\s]+$)|$/, () => `-${scope.suffix}`);

/** Makes a unique text of this copy. */
export function uniqueText(scope: Scope, text: string): string {
  const made = inCopy(text, scope);
  scope.names.set(text, made);
  return made;
}

/** The unique texts of a recording, by what they are in this copy. */
export function uniqueValues(recording: Value, scope: Scope): Map<string, string> {
  const found = new Map<string, string>();
  walk(recording, (node) => node instanceof Tagged && node.body.tag === 'unique' && found.set(inCopy(node.body.text, scope), node.body.text));
  return found;
}

/** What a name stands for in this copy; undefined: not bound yet, or not a name. */
export function nameValue(body: TagBody, scope: Scope, session?: string): Value | undefined {
  switch (body.tag) {
    case 'id':
      return scope.names.get(body.name);
    case 'unique':
      return inCopy(body.text, scope);
    case 'text':
      return fillTemplate(body.template, scope);
    case 'uuid':
    case 'now':
      return body.name === undefined ? undefined : scope.names.get(body.name);
    case 'socket':
      return scope.sockets.get(body.session ?? session ?? '');
    default:
      return undefined;
  }
}

/** The value as it is sent by `session` at `now` (ms since the epoch). Names must be bound: ask `neededNames` first. */
export function resolve(value: Value, scope: Scope, session: string, now: number, uuid: () => string): Value {
  const make = (body: TagBody): Value | undefined => {
    if (body.tag === 'now') return timeIn(body.form, now + (body.offset ?? 0));
    return body.tag === 'uuid' ? uuid() : undefined;
  };
  // First what it makes itself: a text beside it may contain that.
  walk(value, (node) => {
    if (!(node instanceof Tagged)) return;
    const { body } = node;
    if (body.tag === 'unique') uniqueText(scope, body.text);
    if ((body.tag !== 'uuid' && body.tag !== 'now') || body.name === undefined || scope.names.has(body.name)) return;
    scope.names.set(body.name, make(body) ?? null);
  });
  const fill = (node: Value): Value | undefined => {
    if (!(node instanceof Tagged)) return undefined;
    const { body } = node;
    if (body.tag === 'keys')
      return Object.fromEntries(Object.entries(body.entries).map(([key, item]) => [fillTemplate(key, scope) ?? key, mapValue(item, fill)]));
    return nameValue(body, scope, session) ?? make(body) ?? (body.tag === 'secret' ? scope.secrets.get(body.name) : undefined) ?? null;
  };
  return mapValue(value, fill);
}

function timeIn(form: NowForm, at: number): Value {
  if (form === 'ms') return Math.floor(at);
  if (form === 's') return Math.floor(at / 1000);
  return new Date(at).toISOString().slice(0, form === 'date' ? 10 : undefined);
}

/** undefined when a name is not bound, or a secret not configured. */
export function fillTemplate(template: string, scope: Scope): string | undefined {
  let missing = false;
  const filled = template.replace(/\$\{([^}]*)\}/g, (_, part: string) => {
    const secret = secretOf(part);
    const value = secret === undefined ? scope.names.get(part) : scope.secrets.get(secret);
    missing ||= value === undefined;
    return String(value);
  });
  return missing ? undefined : filled;
}

/** How a template with a secret reads in this copy: the secret, which the server may have made anew, is any text. Undefined for every other tag. */
export function secretPattern(body: TagBody, scope: Scope): RegExp | undefined {
  if (body.tag !== 'text' || secretsOf(body).length === 0) return undefined;
  return templateNames(body.template).some((name) => scope.names.get(name) === undefined) ? undefined : templatePattern(body.template, scope);
}

/** `wanted` is the name that is looked for; all others are bound. */
function templatePattern(template: string, scope: Scope, wanted?: string): RegExp {
  let seen = false;
  const part = (text: string): string => {
    const inner = /^\$\{([^}]*)\}$/.exec(text)?.[1];
    if (inner === undefined) return literal(text);
    if (secretOf(inner) !== undefined) return '.+';
    if (inner !== wanted) return literal(String(scope.names.get(inner)));
    const again = seen;
    seen = true;
    return again ? '\\1' : '(.+)';
  };
  const pattern = template
    .split(/(\$\{[^}]*\})/)
    .map(part)
    .join('');
  return new RegExp(`^${pattern}$`, 's');
}

/**
 * Learns names: wherever `expected` has an unbound `!id`, the actual value at that place becomes it.
 * Rows are the authority on a name's type: with `authority`, a name bound as `"5"` becomes the row's 5.
 * Returns the names it bound.
 */
export function bind(expected: Value | undefined, actual: Value | undefined, scope: Scope, authority = false): string[] {
  const bound: string[] = [];
  // Arguments have their positions, whoever else is there.
  if (Array.isArray(expected) && Array.isArray(actual)) bindInPlace(expected, actual, scope, authority, bound);
  else bindAt(expected, actual, scope, authority, bound);
  return bound;
}

function bindAt(expected: Value | undefined, actual: Value | undefined, scope: Scope, authority: boolean, bound: string[]): void {
  if (expected === undefined || actual === undefined) return;
  if (expected instanceof Tagged) bindTag(expected, actual, scope, authority, bound);
  else if (Array.isArray(expected) && Array.isArray(actual)) {
    // Alone, a list of the recorded length is the recorded one.
    if (expected.length === actual.length && scope.level === 'exact') bindInPlace(expected, actual, scope, authority, bound);
    else bindFound(expected, actual, scope, authority, bound);
  } else if (isObject(expected) && isObject(actual))
    for (const [key, item] of Object.entries(expected)) bindAt(item, field(actual, key), scope, authority, bound);
}

function bindInPlace(expected: Value[], actual: Value[], scope: Scope, authority: boolean, bound: string[]): void {
  for (const [index, item] of expected.entries()) bindAt(item, actual[index], scope, authority, bound);
}

function bindTag(expected: Tagged, actual: Value, scope: Scope, authority: boolean, bound: string[]): void {
  const { body } = expected;
  if (body.tag === 'id') {
    // Anything else at the place of an id is a difference, not an id.
    if (typeof actual !== 'number' && (typeof actual !== 'string' || actual === '')) return;
    const known = scope.names.get(body.name);
    const retypes = authority || scope.untyped?.has(body.name);
    if (known === undefined || (retypes && typeOf(known) !== typeOf(actual) && String(known) === String(actual))) {
      scope.names.set(body.name, actual);
      bound.push(body.name);
    }
    if (scope.names.get(body.name) === actual) scope.untyped?.delete(body.name);
  } else if (body.tag === 'text' && typeof actual === 'string') bindTemplate(body.template, actual, scope, bound);
  else if ((body.tag === 'some' || body.tag === 'unordered') && Array.isArray(actual)) bindFound(body.items, actual, scope, authority, bound);
  else if (body.tag === 'keys' && isObject(actual)) bindKeys(body.entries, actual, scope, authority, bound);
}

/** Keys that are known find their values; one that is not is bound where only one of the others can be meant. */
function bindKeys(entries: ValueObject, actual: ValueObject, scope: Scope, authority: boolean, bound: string[]): void {
  const known = (template: string): string | undefined => fillTemplate(template, scope);
  const free = new Set(Object.keys(actual));
  for (const template of Object.keys(entries)) free.delete(known(template) ?? '');
  for (const [template, item] of Object.entries(entries)) {
    if (known(template) === undefined) {
      const fits = [...free].filter((key) => isFilled(template, key, scope) && looksLike(item, actual[key], scope));
      if (fits.length === 1 && fits[0] !== undefined) bindTemplate(template, fits[0], scope, bound);
    }
    const key = known(template);
    if (key !== undefined) {
      free.delete(key);
      bindAt(item, field(actual, key), scope, authority, bound);
    }
  }
}

const isFilled = (template: string, actual: string, scope: Scope): boolean => unboundIn(template, actual, scope) !== undefined;

/** A template with exactly one unbound name binds it from the text around it. */
function bindTemplate(template: string, actual: string, scope: Scope, bound: string[]): void {
  const found = unboundIn(template, actual, scope);
  if (!found) return;
  scope.names.set(found.name, found.value);
  scope.untyped ??= new Set();
  scope.untyped.add(found.name);
  bound.push(found.name);
}

/** The one name of a template that is not bound, and what it would be; undefined where the text is another one. */
function unboundIn(template: string, actual: string, scope: Scope): { name: string; value: string } | undefined {
  const unbound = [...new Set(templateNames(template))].filter((name) => scope.names.get(name) === undefined);
  const name = unbound[0];
  if (unbound.length !== 1 || name === undefined) return undefined;
  const value = templatePattern(template, scope, name).exec(actual)?.[1];
  return value === undefined ? undefined : { name, value };
}

/** Binds each element to the only one that can be meant, never two to the same; where several can, to the one in its place. */
function bindFound(expected: Value[], actual: Value[], scope: Scope, authority: boolean, bound: string[]): void {
  const free = new Set(actual.keys());
  const unbound = (item: Value): boolean => neededNames(item).some((name) => scope.names.get(name) === undefined);
  const wanted = [...expected.keys()].sort((a, b) => Number(unbound(expected[a] ?? null)) - Number(unbound(expected[b] ?? null)));
  for (const index of wanted) {
    const item = expected[index] ?? null;
    const fits = [...free].filter((at) => looksLike(item, actual[at], scope));
    const meant = fits.length === 1 || !unbound(item) ? fits[0] : expected.length === actual.length && fits.includes(index) ? index : undefined;
    if (meant === undefined) continue;
    free.delete(meant);
    bindAt(item, actual[meant], scope, authority, bound);
  }
}

/** Whether everything that is literal or bound in `expected` stands in `actual`. */
export function looksLike(expected: Value, actual: Value | undefined, scope: Scope): boolean {
  if (actual === undefined) return false;
  if (expected instanceof Tagged) {
    const pattern = secretPattern(expected.body, scope);
    if (pattern) return typeof actual === 'string' && pattern.test(actual);
    const known = nameValue(expected.body, scope);
    if (expected.body.tag === 'id' && known === undefined) return !isTaken(actual, scope);
    return known === undefined || expected.body.tag === 'socket' || known === actual;
  }
  if (Array.isArray(expected))
    return Array.isArray(actual) && expected.length === actual.length && expected.every((item, i) => looksLike(item, actual[i], scope));
  if (isObject(expected)) return isObject(actual) && Object.entries(expected).every(([key, item]) => looksLike(item, field(actual, key), scope));
  if (expected instanceof Uint8Array) return actual instanceof Uint8Array;
  return expected === actual || (typeof expected === 'number' && typeof actual === 'number' && scope.level === 'shared');
}

const isTaken = (value: Value, scope: Scope): boolean => typeof value === 'string' && value.length > 8 && [...scope.names.values()].includes(value);
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Keys and values of literal arguments, so that `isOwnLiteral` can tell what a copy sent itself. */
export function ownLiterals(args: Value[], into: Set<string> = new Set()): Set<string> {
  const visit = (key: string, value: Value): void => {
    if (Array.isArray(value)) for (const item of value) visit(key, item);
    else if (isObject(value)) for (const [name, item] of Object.entries(value)) visit(name, item);
    else if (typeof value === 'number') {
      into.add(`${key}=${value}`);
      if (isIdKey(key)) into.add(`#=${value}`);
      if (String(value).length >= 3) into.add(`=${value}`);
    }
  };
  for (const arg of args) visit('', arg);
  return into;
}

/** Small numbers collide: under another key they are the copy's own only where both keys are those of ids. */
export const isOwnLiteral = (scope: Scope, key: string, value: number): boolean =>
  scope.own.has(`${key}=${value}`) || scope.own.has(`=${value}`) || (isIdKey(key) && scope.own.has(`#=${value}`));

const isIdKey = (key: string): boolean => /^(id|uid|key)$|(Id|_id|ID)$/.test(key);
