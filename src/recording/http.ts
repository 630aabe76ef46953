/** One HTTP request and its answer: what is recorded of it, and how its bodies become values and bytes again. Pure. */

import type { IncomingHttpHeaders } from 'node:http';
import { parse, stringify } from 'node:querystring';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { isObject, type Value, type ValueObject } from './values.js';

/** Above this, bodies are kept as bytes. */
const TEXT_LIMIT = 1024 * 1024;
/** Above this, they are not kept. */
export const BODY_LIMIT = 5 * 1024 * 1024;

export const isWrite = (method: string): boolean => !['GET', 'HEAD', 'OPTIONS'].includes(method);

/** Documents, scripts, styles and pictures are not recorded: writes are, and JSON that a script asked for. */
export function isRecorded(method: string, url: string, request: IncomingHttpHeaders, answer: IncomingHttpHeaders): boolean {
  if (isWrite(method)) return true;
  const destination = request['sec-fetch-dest'];
  return method === 'GET' && isJson(mediaType(answer)) && (destination === undefined || destination === 'empty') && !/\.map($|\?)/.test(url);
}

/** Those that a script must have set, or that say how the body is to be read. */
export function keptHeaders(headers: IncomingHttpHeaders): ValueObject | undefined {
  const kept = Object.entries(headers).filter(
    ([name, value]) =>
      typeof value === 'string' &&
      (name === 'content-type' ||
        name === 'authorization' ||
        (name === 'accept' && !value.includes('*/*')) ||
        (name.startsWith('x-') && !/^x-(forwarded-|real-ip)/.test(name))),
  );
  return kept.length > 0 ? (Object.fromEntries(kept) as ValueObject) : undefined;
}

/** A form becomes an object, as JSON does: its secrets are found by their keys. */
export function bodyOf(bytes: Buffer, headers: IncomingHttpHeaders): Value | undefined {
  if (bytes.length === 0) return undefined;
  const plain = unpack(bytes, headers);
  if (plain === undefined || plain.length > TEXT_LIMIT) return new Uint8Array(plain ?? bytes);
  const type = mediaType(headers);
  if (isJson(type)) return json(plain.toString()) ?? plain.toString();
  if (type === 'application/x-www-form-urlencoded') return { ...parse(plain.toString()) } as ValueObject;
  return type.startsWith('text/') ? plain.toString() : new Uint8Array(plain);
}

/** The way back: what is sent of a recorded body whose names and secrets are filled in. */
export function bytesOf(body: Value, headers: IncomingHttpHeaders): string | Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  const type = mediaType(headers);
  if (type === 'application/x-www-form-urlencoded' && isObject(body)) return stringify(body as Record<string, string>);
  return typeof body === 'string' && !isJson(type) ? body : JSON.stringify(body);
}

/** Of answers only what is data: JSON, and plain text. */
export function answerOf(bytes: Buffer, headers: IncomingHttpHeaders): Value | undefined {
  const type = mediaType(headers);
  return isJson(type) || type === 'text/plain' ? bodyOf(bytes, headers) : undefined;
}

const mediaType = (headers: IncomingHttpHeaders): string => (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

const isJson = (type: string): boolean => /^application\/([\w.-]+\+)?json$/.test(type);

const unpackers: Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** undefined: packed in a way that is not known here, or larger than it may be. */
function unpack(bytes: Buffer, headers: IncomingHttpHeaders): Buffer | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return bytes;
  try {
    return unpackers[encoding]?.(bytes, { maxOutputLength: BODY_LIMIT });
  } catch {
    return undefined;
  }
}

function json(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}
