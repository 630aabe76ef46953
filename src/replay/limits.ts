/** What a hostile server sends must not break the harness: values too deep to walk, too large to write, too many to read. */
import { type Json, toJson } from '../recording/json.js';
import type { Value } from '../recording/values.js';

/** As deep as `wire/encode.ts` goes. */
const MAX_DEPTH = 200;
/** Stands for arguments that no recursion should walk. Both ends of the wire give them the empty hash. */
export const TOO_DEEP: Value[] = [`nested deeper than ${MAX_DEPTH} levels`];

export const limited = (args: Value[]): Value[] => (args.some((arg) => isTooDeep(arg, 0)) ? TOO_DEEP : args);

function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  if (depth > MAX_DEPTH) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (isTooDeep(item, depth + 1)) return true;
    return false;
  }
  for (const key in value) if (isTooDeep((value as Record<string, unknown>)[key], depth + 1)) return true;
  return false;
}

/** For people and journals: binary values keep their length above `bytes`, and what is larger than `characters` its beginning. */
export function clipped(value: Value, bytes: number, characters: number): Json {
  const json = toJson(value, bytes);
  if (isSmall(json)) return json;
  const text = JSON.stringify(json);
  return text.length <= characters ? json : `${text.slice(0, 1000)}… (${text.length} characters)`;
}

/** Most values are, and need not be written to be measured. */
const isSmall = (json: Json): boolean => (typeof json !== 'object' ? typeof json !== 'string' || json.length < 200 : json === null);
