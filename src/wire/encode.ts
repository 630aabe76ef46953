/**
 * Values as the Socket.IO wire carries them, in JSON: what `JSON.stringify` does, and binary data (Buffer, ArrayBuffer, views)
 * as `{"!binary": base64}`. An object of the application whose first key begins with `!` is wrapped as `{"!": {...}}`.
 * Both sides use this: the probe on what the application handed over, the harness on what the client received.
 */
import { createHash } from 'node:crypto';

export type Encoded = null | boolean | number | string | Encoded[] | { [key: string]: Encoded };

const MAX_DEPTH = 200;

/** Throws a RangeError on values nested deeper than 200 levels (also cyclic ones): Socket.IO could not send them either. */
export function encode(value: unknown, binary: (bytes: Uint8Array) => Encoded = base64): Encoded {
  return encodeAt(value, binary, 0) ?? null;
}

export const encodeArgs = (args: readonly unknown[]): Encoded[] => args.map((arg) => encode(arg));

/** A short hash of an event's arguments, equal on both ends of the wire. */
export function hashArgs(args: readonly unknown[]): string {
  const text = JSON.stringify(args.map((arg) => encode(arg, digest)));
  return createHash('sha1').update(text).digest('base64url').slice(0, 16);
}

const base64 = (bytes: Uint8Array): Encoded => ({ '!binary': Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') });
const digest = (bytes: Uint8Array): Encoded => ({ '!digest': createHash('sha1').update(bytes).digest('base64') });

/** undefined where JSON leaves a property out. */
function encodeAt(value: unknown, binary: (bytes: Uint8Array) => Encoded, depth: number): Encoded | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? (value === 0 ? 0 : value) : null;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return undefined;
  if (depth > MAX_DEPTH) throw new RangeError('value is nested too deeply');
  if (ArrayBuffer.isView(value)) return binary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof ArrayBuffer) return binary(new Uint8Array(value));
  if (Array.isArray(value)) return Array.from(value, (item) => encodeAt(item, binary, depth + 1) ?? null);
  if ('toJSON' in value && typeof value.toJSON === 'function') return encodeAt(value.toJSON(), binary, depth + 1);
  const object: Record<string, Encoded> = {};
  for (const [key, item] of Object.entries(value)) {
    const encoded = encodeAt(item, binary, depth + 1);
    if (encoded === undefined) continue;
    if (key === '__proto__') Object.defineProperty(object, key, { value: encoded, enumerable: true, configurable: true, writable: true });
    else object[key] = encoded;
  }
  return Object.keys(object)[0]?.startsWith('!') ? { '!': object } : object;
}
