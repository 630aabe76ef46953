/** What a concrete value is, beyond its JSON type: a time, a uuid. */
import { type AnyType, typeOf, type Value } from './values.js';

/** Of any version, also the nil one. */
export const isUuid = (value: Value): boolean => typeof value === 'string' && /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value);

const time = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/;

/**
 * Milliseconds since the epoch of a time: ISO 8601, `YYYY-MM-DD HH:MM:SS` (SQL), or seconds or milliseconds since the epoch
 * between 2001 and 2286. A text without a zone is taken as UTC.
 */
export function timeOf(value: Value): number | undefined {
  if (typeof value === 'number') return value >= 1e12 && value < 1e13 ? value : value >= 1e9 && value < 1e10 ? value * 1000 : undefined;
  const match = typeof value === 'string' ? time.exec(value) : null;
  if (typeof value !== 'string' || !match) return undefined;
  // PostgreSQL writes `+00`, which Date.parse does not know.
  const zoned = match[4] === undefined ? `${value}${match[1] === undefined ? '' : 'Z'}` : match[5] === undefined && match[4] !== 'Z' ? `${value}:00` : value;
  const parsed = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(parsed) ? undefined : parsed;
}

export function isA(value: Value, type: AnyType): boolean {
  switch (type) {
    case 'value':
      return true;
    case 'timestamp':
      return timeOf(value) !== undefined;
    case 'integer':
      return Number.isInteger(value);
    case 'id':
      return (typeof value === 'string' && value !== '') || Number.isInteger(value);
    default:
      return typeOf(value) === type;
  }
}
