/** Values that a client sends as they stand although the server had said them before: what could be a name and is none, and why. Pure. */
import { inTime } from './name-uses.js';
import type { Place } from './places.js';
import type { Value } from './values.js';

export interface Coincidence {
  value: string | number;
  /** where it was first seen */
  seen: Place;
  sent: Place[];
  why: string;
}

const idKey = /^(id|uid|uuid|key)$|(Id|_id|ID|Key|_key)$/;
const day = /^\d{4}-\d{2}-\d{2}$/;

/** In the order in which they are first sent. What the client sent first is its own. */
export function coincidences(places: readonly Place[]): Coincidence[] {
  const first = new Map<string | number, Place>();
  const made = new Set<string | number>();
  const found = new Map<string, Coincidence>();
  for (const place of inTime(places)) {
    const { value, key, sent } = place;
    if (!canBeName(value)) continue;
    const seen = first.get(value);
    if (!seen) first.set(value, place);
    if (place.part === 'row' && place.change === 'insert') made.add(value);
    if (!sent || !seen || seen.sent || (key !== seen.key && !idKey.test(key) && !idKey.test(seen.key))) continue;
    const id = JSON.stringify([value, key]);
    const known = found.get(id) ?? { value, seen, sent: [], why: reasonOf(value, seen, made.has(value)) };
    found.set(id, known);
    known.sent.push(place);
  }
  return [...found.values()];
}

const canBeName = (value: Value): value is string | number => typeof value === 'number' || (typeof value === 'string' && value !== '' && value.length <= 512);

function reasonOf(value: string | number, seen: Place, inserted: boolean): string {
  if (inserted) return 'a row was inserted with it, under a key that may be the same in every run';
  if (seen.part === 'row') return 'the row was there before: no trace inserted it';
  if (typeof value === 'number' || /^\d+$/.test(value)) return 'a number may be there by chance, and no trace inserted a row with it; `learn` finds out';
  return 'it looks like a text that is the same in every run';
}

/** Days that a client sends: chosen by a person, or so many days from now. The file does not tell which. */
export const sentDays = (places: readonly Place[]): Place[] => places.filter(({ value, sent }) => sent && typeof value === 'string' && day.test(value));
