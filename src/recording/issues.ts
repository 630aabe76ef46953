/** What zod finds wrong with a recording, as sentences for people, with the place in the path where each belongs. */
import { z } from 'zod';
import type { ErrorCode } from '../errors.js';
import type { Path } from './document.js';
import { nearest, suggestion } from './nearest.js';
import { isObject, Tagged, type Value } from './values.js';

export interface Finding {
  code: ErrorCode;
  what: string;
  path: Path;
  /** the key of the mapping at `path` that is meant */
  key?: string;
}

/**
 * Everything wrong with `raw`. Zod skips the rules between fields where a key is unknown, so unknown keys are taken away, or
 * renamed as they were meant, and the rest is validated again. Changes `raw`.
 */
export function validate<T>(schema: z.ZodType<T>, raw: Value): { data?: T; findings: Finding[] } {
  const first = schema.safeParse(raw);
  if (first.success) return { data: first.data, findings: [] };
  const unknown = first.error.issues.filter((issue) => issue.code === 'unrecognized_keys');
  const findings: Finding[] = unknown.flatMap((issue) => repairKeys(schema, raw, issue.path, issue.keys));
  const second = unknown.length > 0 ? schema.safeParse(raw) : first;
  // Without its unknown key a trace has no kind any more: that follows from the first error.
  const follows = new Set(unknown.map((issue) => issue.path.join('\0')));
  for (const issue of second.error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys' || (issue.code === 'custom' && follows.has(issue.path.join('\0')))) continue;
    findings.push(findingOf(issue, raw));
  }
  return { data: second.data, findings };
}

function repairKeys(schema: z.ZodType, raw: Value, path: Path, keys: string[]): Finding[] {
  const object = valueAt(raw, path);
  const tag = taggedOn(raw, path);
  if (tag) return [tag];
  const known = keysOf(schemaAt(schema, path));
  return keys.map((key) => {
    if (isObject(object)) {
      const meant = nearest(key, known);
      const value = object[key];
      delete object[key];
      if (meant !== undefined && value !== undefined && object[meant] === undefined) object[meant] = value;
    }
    return { code: 'REPLAY_UNKNOWN_KEY', what: `unknown key \`${key}\`${suggestion(key, known)}`, path, key };
  });
}

function findingOf(issue: z.core.$ZodIssue, raw: Value): Finding {
  const { path } = deepest(issue);
  return taggedOn(raw, path) ?? { code: 'REPLAY_INVALID_VALUE', what: `${spellPath(path)}${sentence(issue, raw)}`, path };
}

/** A tag or binary data where the schema wants a plain value. */
function taggedOn(raw: Value, path: Path): Finding | undefined {
  for (let length = 0; length <= path.length; length++) {
    const here = path.slice(0, length);
    const value = valueAt(raw, here);
    if (value instanceof Tagged)
      return { code: 'REPLAY_INVALID_VALUE', what: `${spellPath(here)}the tag \`!${value.body.tag}\` cannot stand here`, path: here };
    if (value instanceof Uint8Array) return { code: 'REPLAY_INVALID_VALUE', what: `${spellPath(here)}binary data cannot stand here`, path: here };
  }
  return undefined;
}

/** Of a union, the alternative that got furthest says most. */
function deepest(issue: z.core.$ZodIssue): { path: Path; issue: z.core.$ZodIssue } {
  if (issue.code !== 'invalid_union') return { path: issue.path, issue };
  const inner = issue.errors.flatMap((errors) => errors.slice(0, 1)).sort((a, b) => b.path.length - a.path.length)[0];
  if (!inner || inner.path.length === 0) return { path: issue.path, issue };
  return { path: [...issue.path, ...inner.path], issue: inner };
}

const words: Record<string, string> = {
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  string: 'a text',
  int: 'an integer',
  number: 'a number',
  boolean: 'true or false',
};

function sentence(outer: z.core.$ZodIssue, raw: Value): string {
  const { issue, path } = deepest(outer);
  if (issue.code === 'invalid_union') {
    const alternatives = issue.errors.flatMap((errors) => errors.slice(0, 1)).map(expected);
    return `expected ${[...new Set(alternatives)].join(' or ')}, found ${found(valueAt(raw, path))}`;
  }
  if (issue.code === 'invalid_type' && valueAt(raw, path) === undefined) return 'is missing';
  if (issue.code === 'invalid_type' || issue.code === 'invalid_value') return `expected ${expected(issue)}, found ${found(valueAt(raw, path))}`;
  if (issue.code === 'too_small' && issue.origin === 'array') return `expected ${issue.minimum} or more items`;
  if (issue.code === 'too_big' && issue.origin === 'array') return `expected ${issue.maximum} items or fewer`;
  return issue.message.replace(/^(?:Invalid input|Invalid string|Too small|Too big): /, '');
}

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return words[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return issue.values.map((value) => `\`${String(value)}\``).join(', ');
  return issue.message;
}

function found(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** `sessions[0].traces[2].args: ` */
function spellPath(path: Path): string {
  const text = path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`)).join('');
  return text === '' ? '' : `${text}: `;
}

function valueAt(value: Value | undefined, path: Path): Value | undefined {
  let at = value;
  for (const part of path) {
    if (Array.isArray(at)) at = at[Number(part)];
    else if (isObject(at) && Object.hasOwn(at, part)) at = at[String(part)];
    else return undefined;
  }
  return at;
}

function schemaAt(schema: z.ZodType, path: Path): z.ZodType {
  let at = unwrap(schema);
  for (const part of path) {
    if (at instanceof z.ZodArray) at = unwrap(at.element as z.ZodType);
    else if (at instanceof z.ZodObject) at = unwrap((at.shape as Record<string, z.ZodType>)[String(part)]);
  }
  return at;
}

const unwrap = (schema: z.ZodType | undefined): z.ZodType => (schema instanceof z.ZodOptional ? unwrap(schema.unwrap() as z.ZodType) : (schema ?? z.unknown()));

const keysOf = (schema: z.ZodType): string[] => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []);
