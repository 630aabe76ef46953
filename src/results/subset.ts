/**
 * Whether something that was seen has what somebody looks for: of objects the keys named, of lists every element, asymmetric
 * matchers such as `expect.any(Number)` where they stand. Pure. What was seen stands in the JSON form of `recording/json.ts`.
 */
import { join } from '../recording/compare.js';
import { fromJson, type Json } from '../recording/json.js';
import { formatKey, formatValue, isJsonObject, plural, quote, shorten, unwrap } from './text.js';

interface Asymmetric {
  asymmetricMatch(value: unknown): boolean;
  toAsymmetricMatcher?(): string;
  toString(): string;
  sample?: unknown;
}

const LONGEST = 80;

/** A sentence for each place where it is not what is looked for, made only when somebody reads it; none: it has everything. */
export function mismatches(wanted: unknown, seen: Json | undefined, path = ''): (() => string)[] {
  const otherwise = (): (() => string)[] => [
    () => `${path === '' ? 'it' : path} is ${shorten(formatValue(seen), LONGEST)}, wanted ${shorten(wantedText(wanted), LONGEST)}`,
  ];
  if (isAsymmetric(wanted)) return wanted.asymmetricMatch(seen === undefined ? undefined : fromJson(seen)) ? [] : otherwise();
  if (wanted instanceof Uint8Array) return isBinary(seen, wanted) ? [] : otherwise();
  if (Array.isArray(wanted)) {
    if (!Array.isArray(seen)) return otherwise();
    const length = wanted.length === seen.length ? [] : [() => `${path === '' ? 'it' : path} has ${plural(seen.length, 'element')}, wanted ${wanted.length}`];
    return [...length, ...wanted.flatMap((item, i) => (i < seen.length ? mismatches(item, seen[i], `${path}[${i}]`) : []))];
  }
  if (typeof wanted === 'object' && wanted !== null) {
    const object = seen === undefined ? undefined : unwrap(seen);
    if (!isJsonObject(object) || isSpecial(wanted)) return otherwise();
    return Object.entries(wanted).flatMap(([key, item]) =>
      mismatches(item, Object.hasOwn(object, key) ? object[key] : undefined, join(path, key).replace(/^\./, '')),
    );
  }
  return wanted === seen || Object.is(wanted, seen) ? [] : otherwise();
}

/** What is looked for, on one line. */
export function wantedText(wanted: unknown): string {
  if (isAsymmetric(wanted)) return asymmetricText(wanted);
  if (wanted instanceof Uint8Array) return `binary (${wanted.length} bytes)`;
  if (Array.isArray(wanted)) return `[${wanted.map(wantedText).join(', ')}]`;
  if (typeof wanted === 'string') return quote(wanted);
  if (typeof wanted !== 'object' || wanted === null || isSpecial(wanted)) return String(wanted);
  const entries = Object.entries(wanted).map(([key, item]) => `${formatKey(key)}: ${wantedText(item)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

const isAsymmetric = (wanted: unknown): wanted is Asymmetric =>
  typeof wanted === 'object' && wanted !== null && 'asymmetricMatch' in wanted && typeof wanted.asymmetricMatch === 'function';

const asymmetricText = (wanted: Asymmetric): string =>
  wanted.toAsymmetricMatcher?.() ?? `${wanted.toString()}${wanted.sample === undefined ? '' : ` ${wantedText(wanted.sample)}`}`;

/** A date or a pattern has no keys, and would fit every object. */
const isSpecial = (wanted: object): boolean => ![Object.prototype, null].includes(Object.getPrototypeOf(wanted));

function isBinary(seen: Json | undefined, wanted: Uint8Array): boolean {
  const bytes = isJsonObject(seen) && typeof seen['!binary'] === 'string' ? seen['!binary'] : undefined;
  return bytes === Buffer.from(wanted).toString('base64');
}
