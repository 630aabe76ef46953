/** The given names of a recording that is replaced, in the one that replaces it: somebody said what they are, which no capture knows. Pure. */
import { applyEdits, type Edit } from './edit.js';
import { isKindId } from './names/kinds.js';
import { type Place, placesOf } from './places.js';
import type { Recording } from './schema.js';
import { mapValue, sameValue, Tagged, templateNames, type Value } from './values.js';

export interface LostName {
  name: string;
  value: string | number;
}

/** They stand again where their values do, at places like those where they stood; `lost` have no such place. */
export function keepGiven(recording: Recording, known: Recording): { recording: Recording; lost: LostName[] } {
  const given = Object.entries(known.given ?? {});
  if (given.length === 0) return { recording, lost: [] };
  const before = placesOf(known);
  const places = placesOf(recording);
  const edits: Edit[] = [];
  const lost: LostName[] = [];
  for (const [name, value] of given) {
    const found = before.flatMap((place): Edit[] => {
      const read = readAs(place.value, name, known);
      return read === undefined
        ? []
        : places.filter((other) => sameValue(other.value, read) && isLike(place, other)).map(({ path }) => ({ at: path, set: place.value }));
    });
    if (found.length === 0) lost.push({ name, value });
    edits.push(...found);
  }
  const kept = given.filter(([name]) => !lost.some((one) => one.name === name));
  if (kept.length === 0) return { recording, lost };
  return { recording: { ...(applyEdits(recording as unknown as Value, edits) as unknown as Recording), given: Object.fromEntries(kept) }, lost };
}

/** The same recording with the values of the given names. */
export const withoutGiven = (recording: Recording): Recording =>
  mapValue(recording as unknown as Value, (node) =>
    node instanceof Tagged && node.body.tag === 'id' ? recording.given?.[node.body.name] : undefined,
  ) as unknown as Recording;

/** How a value that uses this name was recorded; undefined: it does not, or other names are in it. */
function readAs(value: Value, name: string, { given = {} }: Recording): Value | undefined {
  if (!(value instanceof Tagged)) return undefined;
  if (value.body.tag === 'id') return value.body.name === name ? given[name] : undefined;
  if (value.body.tag !== 'text') return undefined;
  const names = templateNames(value.body.template);
  if (!names.includes(name) || names.some((one) => given[one] === undefined)) return undefined;
  return value.body.template.replace(/\$\{([^}]*)\}/g, (_, one: string) => String(given[one]));
}

/** `documentId` means the same everywhere; `id` does in the same part of the same event or table. */
const isLike = (one: Place, other: Place): boolean => one.key === other.key && (isKindId(one.key) || (one.part === other.part && one.of === other.of));
