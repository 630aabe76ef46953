/** A value that was there before the recording becomes a given name, so that each copy can have another one: what to edit. Pure. */
import type { Edit } from './edit.js';
import { placesOf } from './places.js';
import type { Recording } from './schema.js';
import { id } from './values.js';

/**
 * `keys` say where the value means it: `documentId` is any property of this name, `document.id` a column of rows. At all these
 * places the name stands from then on, if the value does.
 */
export function give(recording: Recording, name: string, value: string | number, keys: readonly string[]): Edit[] {
  const meant = placesOf(recording).filter(
    (place) =>
      place.value === value && (place.part === 'row' ? keys.includes(`${place.of}.${place.key}`) || keys.includes(place.key) : keys.includes(place.key)),
  );
  if (meant.length === 0) return [];
  const before = Object.keys(recording).filter((key) => headKeys.includes(key));
  const given: Edit = recording.given
    ? { at: ['given', name], set: value }
    : { at: ['given'], set: { [name]: value }, after: headKeys.findLast((key) => before.includes(key)) ?? null };
  return [given, ...meant.map(({ path }): Edit => ({ at: path, set: id(name) }))];
}

/** The keys of a recording before `given`, in their order. */
const headKeys = ['version', 'name', 'recorded', 'status', 'statusReason', 'copies', 'reason', 'disabled', 'quarantine'];
