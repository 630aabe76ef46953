/** The narrowest matcher that fits the recorded value and all that was seen in its place. Pure. */
import { isUuid, timeOf } from './kinds.js';
import { any, Tagged, type Value } from './values.js';

/** A number is a time only near the moment at which it was seen: many other numbers are as large. */
const NEAR = 24 * 60 * 60 * 1000;

export interface Observation {
  value: Value;
  /** milliseconds since the epoch */
  at: number;
}

/** undefined: they are not texts, numbers or truth values of one kind. */
export function noiseMatcher(recorded: Value, seen: readonly Observation[]): Tagged | undefined {
  const values = [recorded, ...seen.map(({ value }) => value)];
  if (values.every((value) => typeof value === 'boolean')) return any('boolean');
  if (values.every(isUuid)) return new Tagged({ tag: 'uuid' });
  if (values.every((value) => typeof value === 'string')) return any(values.every((value) => timeOf(value) !== undefined) ? 'timestamp' : 'string');
  if (!values.every((value) => typeof value === 'number')) return undefined;
  const near = ({ value, at }: Observation): boolean => Math.abs((timeOf(value) ?? Number.NaN) - at) <= NEAR;
  if (timeOf(recorded) !== undefined && seen.every(near)) return any('timestamp');
  return any(values.every((value) => Number.isInteger(value)) ? 'integer' : 'number');
}
