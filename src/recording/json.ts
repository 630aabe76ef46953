/**
 * Values as JSON, for journals, results and capture logs: `{"!binary": base64}`, `{"!id": {"name": "annotation1"}}`; an
 * object of the application whose first key begins with `!` is wrapped as `{"!": {...}}`. The wire uses the same form (src/wire/encode.ts).
 */
import { isObject, type TagBody, Tagged, type Value } from './values.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Binary values longer than `binaryLimit` bytes (default: no limit) keep only their length: for display, not for reading back. */
export function toJson(value: Value, binaryLimit = Number.POSITIVE_INFINITY): Json {
  if (value instanceof Uint8Array) return value.length > binaryLimit ? { '!bytes': value.length } : { '!binary': Buffer.from(value).toString('base64') };
  if (value instanceof Tagged) {
    const { tag, ...body } = value.body;
    const json: Record<string, Json> = {};
    for (const [key, item] of Object.entries(body)) if (item !== undefined) json[key] = toJson(item as Value, binaryLimit);
    return { [`!${tag}`]: json };
  }
  if (Array.isArray(value)) return value.map((item) => toJson(item, binaryLimit));
  if (isObject(value)) {
    const json: Record<string, Json> = {};
    for (const [key, item] of Object.entries(value)) define(json, key, toJson(item, binaryLimit));
    return Object.keys(json)[0]?.startsWith('!') ? { '!': json } : json;
  }
  return value;
}

/** The value that `toJson` made JSON of. */
export function fromJson(json: Json): Value {
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json !== 'object' || json === null) return json;
  const keys = Object.keys(json);
  const first = keys.length === 1 ? keys[0] : undefined;
  const body = first === undefined ? undefined : json[first];
  if (first === '!binary') return Uint8Array.from(Buffer.from(String(body), 'base64'));
  if (first === '!bytes') return new Uint8Array(Number(body));
  if (first === '!') return fromObject(body as { [key: string]: Json });
  if (first?.startsWith('!') && typeof body === 'object' && body !== null)
    return new Tagged({ tag: first.slice(1), ...(fromObject(body as { [key: string]: Json }) as object) } as TagBody);
  return fromObject(json);
}

function fromObject(json: { [key: string]: Json }): Value {
  const value: Record<string, Value> = {};
  for (const [key, item] of Object.entries(json)) define(value, key, fromJson(item));
  return value;
}

/** Assignment that also works for the key `__proto__`. */
function define<T>(object: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}
