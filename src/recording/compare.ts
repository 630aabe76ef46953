/** Comparison of one expected value with one observed value, exact or shared (DESIGN.md law 1). */
import { mismatch } from './matchers.js';
import { pairUp } from './pair.js';
import { fillTemplate, isOwnLiteral, nameValue, neededNames, type Scope, secretPattern } from './scope.js';
import { field, isObject, sameValue, Tagged, templateNames, typeOf, type Value, type ValueObject, walk } from './values.js';

export interface ValueDifference {
  path: string;
  class: 'removed' | 'type' | 'value' | 'added';
  expected?: Value;
  actual?: Value;
  note?: string;
  /** the name that was never bound, where that is the only difference */
  follows?: string;
  /** who wrote the same row in between: a trace, or a change without a proven cause */
  meanwhile?: { op: 'insert' | 'update' | 'delete'; by?: { recording: string; session: string; trace: number; copy: number } }[];
}

/** How many leaves were compared by value, by type only, not at all. */
export interface Compared {
  value: number;
  type: number;
  ignored: number;
}

export interface Comparison {
  differences: ValueDifference[];
  compared: Compared;
}

export interface CompareContext {
  scope: Scope;
  /** milliseconds since the epoch at which it was observed */
  now: number;
  /** the value belongs to a row or message that this copy made: compared by value also when shared */
  own: boolean;
  /** the session that stands for a bare `!socket` */
  session: string;
  /** what `!delta` is measured from: the row before */
  before?: ValueObject;
  /** within a column that others change: keys and types count, values do not */
  loose?: boolean;
  /** it was pushed, not answered */
  pushed?: boolean;
  /** whether `actual`, in the place of a name's value, is what another copy has written over it meanwhile */
  overwritten?(names: readonly string[], own: Value, actual: Value): boolean;
  /** whether `actual` is what another copy has for a name, or one of its socket ids */
  elsewhere?(actual: Value): boolean;
}

export const emptyCompared = (): Compared => ({ value: 0, type: 0, ignored: 0 });

export function compareValue(expected: Value, actual: Value | undefined, path: string, context: CompareContext, key = ''): Comparison {
  const out: Comparison = { differences: [], compared: emptyCompared() };
  // Arguments have their positions, whoever else is there; whose a whole row is, the caller knows.
  if (key === '' && Array.isArray(expected) && Array.isArray(actual)) compareList(expected, actual, path, context, key, out);
  else if (key === '' && context.own && isObject(expected) && isObject(actual)) compareObject(expected, actual, path, context, out);
  else compareAt(expected, actual, path, context, key, out);
  return out;
}

function measure(expected: Value, actual: Value | undefined, path: string, context: CompareContext, key: string): Comparison {
  const out: Comparison = { differences: [], compared: emptyCompared() };
  compareAt(expected, actual, path, context, key, out);
  return out;
}

function compareAt(expected: Value, actual: Value | undefined, path: string, outer: CompareContext, key: string, out: Comparison): void {
  if (expected instanceof Tagged) compareTag(expected, actual, path, outer, key, out);
  else if (actual === undefined) out.differences.push({ path, class: 'removed', expected });
  else {
    const shared = isShared(outer);
    const loose = shared && (outer.loose || (key !== '' && outer.scope.mutable.has(key))) && !containsNames(expected, outer.scope);
    const context = loose && !outer.loose ? { ...outer, loose } : outer;
    if (Array.isArray(expected) && Array.isArray(actual))
      if (shared && isOpen(expected, actual)) compareOpenList(expected, actual, path, context, key, out);
      else compareList(expected, actual, path, context, key, out);
    else if (isObject(expected) && isObject(actual)) compareObject(expected, actual, path, owner(expected, context), out);
    else if (loose || (shared && typeof expected === 'number' && typeof actual === 'number' && !isOwnLiteral(context.scope, key, expected))) {
      out.compared.type++;
      // null is a type that every column may have.
      if (typeOf(expected) !== typeOf(actual) && !(loose && (expected === null || actual === null)))
        out.differences.push({ path, class: 'type', expected, actual });
    } else {
      out.compared.value++;
      if (!sameValue(expected, actual)) out.differences.push({ path, class: typeOf(expected) === typeOf(actual) ? 'value' : 'type', expected, actual });
    }
  }
}

/** Whose an object is, says its id; without one it is this copy's if it has a name, or if what it stands in is. What a given id stands for is not what was recorded. */
function owner(object: ValueObject, context: CompareContext): CompareContext {
  const id = field(object, 'id');
  const { scope } = context;
  const given = id instanceof Tagged && isGiven(id, scope);
  const foreign = given || typeof id === 'number' || typeof id === 'string';
  const own = !foreign && (context.own || Object.values(object).some((value) => isName(value) && !isGiven(value, scope)));
  if (given && !context.loose && isOther(id, scope)) return { ...context, own, loose: true };
  return own === context.own ? context : { ...context, own };
}

/** Whether it is the name of something that was there before. */
export const isGiven = ({ body }: Tagged, { given }: Scope): boolean => body.tag === 'id' && given?.has(body.name) === true;
const isOther = ({ body }: Tagged, { given, names }: Scope): boolean => body.tag === 'id' && given?.get(body.name) !== names.get(body.name);

function compareObject(expected: ValueObject, actual: ValueObject, path: string, context: CompareContext, out: Comparison): void {
  const open = context.pushed && isShared(context) && isById(expected) && isById(actual);
  for (const [key, item] of Object.entries(expected))
    if (!open || Object.hasOwn(actual, key) || containsNames(item)) compareAt(item, field(actual, key), join(path, key), context, key, out);
    else {
      // One that is gone may be another copy's; what is there is built alike.
      const alike = Object.values(actual).map((other) => measure(item, other, join(path, key), { ...context, loose: true }, key));
      const best = alike.sort((a, b) => a.differences.length - b.differences.length)[0];
      if (best && best.differences.length > 0) merge(out, best);
      else out.compared.ignored++;
    }
  for (const [key, item] of Object.entries(actual))
    if (Object.hasOwn(expected, key)) continue;
    else if (open) out.compared.ignored++;
    else out.differences.push({ path: join(path, key), class: 'added', actual: item });
}

/** `{ "7": { … } }`: rows under their ids, which come and go with what others do as in a list. In an answer other rows may say that another thing was asked for. */
const isById = (object: ValueObject): boolean =>
  Object.entries(object).every(([key, value]) => /^(?:\d{1,15}|[\da-f]{24}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i.test(key) && isObject(value));

function compareList(expected: Value[], actual: Value[], path: string, context: CompareContext, key: string, out: Comparison): void {
  expected.forEach((item, index) => {
    compareAt(item, actual[index], `${path}[${index}]`, context, key, out);
  });
  actual.slice(expected.length).forEach((item, index) => {
    out.differences.push({ path: `${path}[${expected.length + index}]`, class: 'added', actual: item });
  });
}

const isShared = ({ scope, own }: CompareContext): boolean => scope.level === 'shared' && !own;

/** Lists of objects grow and shrink with what others do; so do lists that are not as long as recorded. */
const isOpen = (expected: Value[], actual: Value[]): boolean => expected.length !== actual.length || [...expected, ...actual].every(isObject);

/** A list that others add to: this copy's own elements must be there; of the others only that they are built alike. */
function compareOpenList(expected: Value[], actual: Value[], path: string, context: CompareContext, key: string, out: Comparison): void {
  const free = new Set(actual.keys());
  const closest = (index: number, candidates: Iterable<number>, how: CompareContext): { at: number; result: Comparison } | undefined => {
    let best: { at: number; result: Comparison } | undefined;
    for (const at of candidates) {
      const result = measure(expected[index] as Value, actual[at], `${path}[${index}]`, how, key);
      if (!best || result.differences.length < best.result.differences.length) best = { at, result };
      if (result.differences.length === 0) break;
    }
    return best;
  };
  const others: number[] = [];
  for (const [index, item] of expected.entries()) {
    if (!containsNames(item)) {
      others.push(index);
      continue;
    }
    const meant = [...free].filter((at) => isMeant(item, actual[at], context));
    const best = closest(index, meant, context);
    if (best) {
      free.delete(best.at);
      merge(out, best.result);
    } else out.differences.push(missing(item, `${path}[${index}]`, context.scope));
  }
  for (const index of others) {
    const best = closest(index, free, context);
    if (best?.result.differences.length === 0) {
      free.delete(best.at);
      merge(out, best.result);
      continue;
    }
    const built = closest(index, actual.keys(), { ...context, loose: true });
    if (built && built.result.differences.length > 0) merge(out, built.result);
    else out.compared.ignored++;
  }
  // Their elements come and go; a connection of this copy is nobody else's, and stays as exact as what it made.
  const exact = !context.loose && !others.some((index) => hasMatcher(expected[index] as Value));
  for (const at of free)
    if (exact && isOfConnection(actual[at] as Value, context.scope))
      out.differences.push({ path: `${path}[${at}]`, class: 'added', actual: actual[at] as Value });
    else out.compared.ignored++;
}

/** A socket id of this copy, or an object that has one. */
function isOfConnection(value: Value, { sockets }: Scope): boolean {
  const known = new Set<Value>(sockets.values());
  return known.has(value) || (isObject(value) && Object.values(value).some((item) => known.has(item)));
}

/** What a matcher stands for may be any element. */
function hasMatcher(value: Value): boolean {
  let found = false;
  walk(value, (node) => {
    found ||= node instanceof Tagged && !isName(node);
  });
  return found;
}

/** Whether an element is the one that is meant: it has its id or, where that is no name, one of its names. */
function isMeant(expected: Value, actual: Value | undefined, context: CompareContext): boolean {
  if (actual === undefined) return false;
  if (expected instanceof Tagged) {
    const known = isName(expected) ? nameValue(expected.body, context.scope, context.session) : undefined;
    return known !== undefined && String(known) === String(actual);
  }
  if (Array.isArray(expected)) return Array.isArray(actual) && expected.some((item, index) => isMeant(item, actual[index], context));
  if (!isObject(expected) || !isObject(actual)) return false;
  const id = field(expected, 'id');
  if (id !== undefined && isName(id)) return isMeant(id, field(actual, 'id'), context);
  return Object.entries(expected).some(([key, item]) => isMeant(item, field(actual, key), context));
}

function missing(item: Value, path: string, scope: Scope): ValueDifference {
  const unbound = neededNames(item).find((name) => scope.names.get(name) === undefined);
  return { path, class: 'removed', expected: item, ...(unbound !== undefined && { follows: unbound }) };
}

function compareTag(expected: Tagged, actual: Value | undefined, path: string, context: CompareContext, key: string, out: Comparison): void {
  const { body } = expected;
  if (body.tag === 'ignore') out.compared.ignored++;
  else if (actual === undefined) out.differences.push({ path, class: 'removed', expected });
  else if (body.tag === 'unordered' && Array.isArray(actual) && isShared(context) && isOpen(body.items, actual))
    compareOpenList(body.items, actual, path, context, key, out);
  else if (body.tag === 'some' || body.tag === 'unordered') compareUnordered(body.items, actual, path, context, key, body.tag === 'some', out);
  else if (body.tag === 'keys') compareKeys(body.entries, actual, path, context, out);
  else if (isName(expected)) compareName(expected, actual, path, context, out);
  else {
    out.compared[body.tag === 'timestamp' || body.tag === 'regex' || body.tag === 'delta' ? 'value' : 'type']++;
    const problem = mismatch(body, actual, context.now, context.before && field(context.before, key));
    if (problem) out.differences.push({ path, class: problem.type ? 'type' : 'value', expected, actual, note: problem.note });
  }
}

/** What stands under this copy's keys is its own; among others, keys that have none of its names are theirs to add and to remove. */
function compareKeys(entries: ValueObject, actual: Value, path: string, context: CompareContext, out: Comparison): void {
  if (!isObject(actual)) {
    out.differences.push({ path, class: 'type', expected: entries, actual });
    return;
  }
  const shared = isShared(context);
  const left = new Set(Object.keys(actual));
  for (const [template, item] of Object.entries(entries)) {
    const named = templateNames(template).length > 0;
    const key = fillTemplate(template, context.scope);
    if (key === undefined) out.differences.push(missing(new Tagged({ tag: 'text', template }), join(path, template), context.scope));
    else if (shared && !named && field(actual, key) === undefined) out.compared.ignored++;
    else compareAt(item, field(actual, key), join(path, key), named ? { ...context, own: true } : context, key, out);
    left.delete(key ?? '');
  }
  if (shared) out.compared.ignored += left.size;
  else for (const key of left) out.differences.push({ path: join(path, key), class: 'added', actual: actual[key] as Value });
}

function compareName(expected: Tagged, actual: Value, path: string, { scope, session, overwritten }: CompareContext, out: Comparison): void {
  const { body } = expected;
  const pattern = secretPattern(body, scope);
  if (pattern) {
    out.compared.value++;
    if (typeof actual !== 'string' || !pattern.test(actual))
      out.differences.push({ path, class: typeof actual === 'string' ? 'value' : 'type', expected, actual, note: 'not this text around a secret' });
    return;
  }
  const known = nameValue(body, scope, session);
  const unbound = neededNames(expected).find((name) => scope.names.get(name) === undefined);
  const what =
    unbound ??
    ('name' in body
      ? body.name
      : body.tag === 'socket'
        ? `the socket of ${body.session ?? session}`
        : body.tag === 'unique'
          ? body.text
          : body.tag === 'text'
            ? body.template
            : '');
  if (known === undefined) {
    out.differences.push({ path, class: 'value', expected, actual, note: `${what} was never made`, follows: what });
    return;
  }
  if (!sameValue(known, actual) && typeOf(known) === typeOf(actual) && overwritten?.(neededNames(expected), known, actual)) {
    out.compared.type++;
    return;
  }
  out.compared.value++;
  if (!sameValue(known, actual))
    out.differences.push({
      path,
      class: typeOf(known) === typeOf(actual) ? 'value' : 'type',
      expected: known,
      actual,
      note: `${what} is ${JSON.stringify(known)} in this copy`,
    });
}

function compareUnordered(items: Value[], actual: Value, path: string, context: CompareContext, key: string, contains: boolean, out: Comparison): void {
  if (!Array.isArray(actual)) {
    out.differences.push({ path, class: 'type', expected: items, actual });
    return;
  }
  const results = items.map((item, index) => actual.map((candidate) => measure(item, candidate, `${path}[${index}]`, context, key)));
  const pairs = pairUp(items.length, actual.length, (item, at) => results[item]?.[at]?.differences.length === 0);
  items.forEach((item, index) => {
    const at = pairs.get(index);
    const result = at === undefined ? undefined : results[index]?.[at];
    if (result) merge(out, result);
    else out.differences.push({ path: `${path}[${index}]`, class: 'removed', expected: item });
  });
  const left = [...actual.keys()].filter((at) => ![...pairs.values()].includes(at));
  if (contains) out.compared.ignored += left.length;
  else for (const at of left) out.differences.push({ path: `${path}[${at}]`, class: 'added', actual: actual[at] as Value });
}

export function merge(out: Comparison, more: Comparison): void {
  out.differences.push(...more.differences);
  out.compared.value += more.compared.value;
  out.compared.type += more.compared.type;
  out.compared.ignored += more.compared.ignored;
}

/** Whether a value is known to be this copy's: it is, or contains, a name; with a scope none that is given. */
function containsNames(value: Value, scope?: Scope): boolean {
  let found = false;
  walk(value, (node) => {
    found ||= (isName(node) && !(scope && isGiven(node, scope))) || (node instanceof Tagged && node.body.tag === 'keys');
  });
  return found;
}

export const isName = (value: Value): value is Tagged =>
  value instanceof Tagged &&
  (['id', 'unique', 'text', 'socket'].includes(value.body.tag) || ((value.body.tag === 'uuid' || value.body.tag === 'now') && value.body.name !== undefined));

export const join = (path: string, key: string): string => (/^[A-Za-z_$][\w$-]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`);
