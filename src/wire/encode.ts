/**
 * Values as the Socket.IO wire carries them, in JSON: what `JSON.stringify` does, and binary data (Buffer, ArrayBuffer, views)
 * as `{"!binary": base64}`. An object of the application whose first key begins with `!` is wrapped as `{"!": {...}}`.
 * Both sides use this: the probe on what the application handed over, the harness on what the client received.
 */
import { hash } from 'node:crypto';

export type Encoded = null | boolean | number | string | Encoded[] | { [key: string]: Encoded };

const MAX_DEPTH = 200;
const MARK = '!'.charCodeAt(0);

/** Throws a RangeError on values nested deeper than 200 levels (also cyclic ones): Socket.IO could not send them either. */
export function encode(value: unknown, binary: (bytes: Uint8Array) => Encoded = base64): Encoded {
  return encodeAt(value, binary, 0) ?? null;
}

/** The arguments as JSON text, and what their hash is made of: mostly the same text. */
export interface ArgsText {
  readonly text: string;
  readonly hashed: string;
}

/** The hashed text only where it is asked for: it costs a second pass where there is binary data. */
export function textOfArgs(args: readonly unknown[], hashing: boolean): ArgsText {
  if (isPlain(args, -1)) {
    const text = JSON.stringify(args);
    return { text, hashed: text };
  }
  return { text: encodedText(args, base64), hashed: hashing ? encodedText(args, digest) : '' };
}

/** A short hash of an event's arguments, equal on both ends of the wire. */
export const hashArgs = (args: readonly unknown[]): string => hashText(isPlain(args, -1) ? JSON.stringify(args) : encodedText(args, digest));

export const hashText = (text: string): string => hash('sha1', text, 'base64url').slice(0, 16);

const encodedText = (args: readonly unknown[], binary: (bytes: Uint8Array) => Encoded): string => JSON.stringify(args.map((arg) => encode(arg, binary)));

const base64 = (bytes: Uint8Array): Encoded => ({ '!binary': Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') });
const digest = (bytes: Uint8Array): Encoded => ({ '!digest': hash('sha1', bytes, 'base64') });

/** Whether `JSON.stringify` writes exactly what `encode` would. Looking is much cheaper than encoding; in doubt it says no. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== 'object') return typeof value !== 'bigint';
  if (value === null) return true;
  if (depth > MAX_DEPTH) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) return !Object.hasOwn(value, 'toJSON');
  if ((value as { toJSON?: unknown }).toJSON !== undefined) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) if (!isPlain(value[index], depth + 1)) return false;
    return true;
  }
  // Binary data, boxed values and what else is no mere record.
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) {
    if (key.charCodeAt(0) === MARK || !isPlain((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

/** undefined where JSON leaves a property out. */
function encodeAt(value: unknown, binary: (bytes: Uint8Array) => Encoded, depth: number): Encoded | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? (value === 0 ? 0 : value) : null;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return undefined;
  if (depth > MAX_DEPTH) throw new RangeError('value is nested too deeply');
  if (ArrayBuffer.isView(value)) return binary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof ArrayBuffer) return binary(new Uint8Array(value));
  // As JSON.stringify asks: a proxy, such as a row of redbean-node, may have it and say that it has not.
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return encodeAt(toJSON.call(value), binary, depth + 1);
  if (Array.isArray(value)) return Array.from(value, (item) => encodeAt(item, binary, depth + 1) ?? null);
  if (value instanceof Number || value instanceof String || value instanceof Boolean) return encodeAt(value.valueOf(), binary, depth + 1);
  const object: Record<string, Encoded> = {};
  for (const [key, item] of Object.entries(value)) {
    const encoded = encodeAt(item, binary, depth + 1);
    if (encoded === undefined) continue;
    if (key === '__proto__') Object.defineProperty(object, key, { value: encoded, enumerable: true, configurable: true, writable: true });
    else object[key] = encoded;
  }
  return Object.keys(object)[0]?.startsWith('!') ? { '!': object } : object;
}
