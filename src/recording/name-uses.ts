/** Where the names of a recording come from and where they go. Pure. */
import { type Place, placesOf } from './places.js';
import type { Recording } from './schema.js';
import { namesOf, secretsOf, Tagged } from './values.js';

export interface NameUse {
  name: string;
  /** `id`: the server makes it; the others the client makes */
  kind: 'id' | 'unique' | 'uuid' | 'now';
  /** in the order in which they happen */
  made: Place[];
  /** where the client sends what it has learnt */
  sent: Place[];
}

/** In the order in which they first happen. */
export function nameUses(recording: Recording, places: readonly Place[] = placesOf(recording)): NameUse[] {
  const uses = new Map<string, NameUse>();
  const use = (name: string, kind: NameUse['kind']): NameUse => {
    const known = uses.get(name) ?? { name, kind, made: [], sent: [] };
    // Inside a text a name does not say how it is made; its own tag does.
    if (kind !== 'id') known.kind = kind;
    uses.set(name, known);
    return known;
  };
  for (const place of inTime(places)) {
    if (!(place.value instanceof Tagged)) continue;
    const { body } = place.value;
    if (body.tag === 'unique') use(body.text, 'unique').made.push(place);
    else if ((body.tag === 'uuid' || body.tag === 'now') && body.name !== undefined) use(body.name, body.tag).made.push(place);
    else
      for (const name of namesOf(body)) {
        const found = use(name, 'id');
        (place.sent ? found.sent : found.made).push(place);
      }
  }
  return [...uses.values()];
}

export interface SecretUse {
  name: string;
  /** the client sends it, so that it must be configured */
  sent: Place[];
  seen: Place[];
}

export function secretUses(places: readonly Place[]): SecretUse[] {
  const uses = new Map<string, SecretUse>();
  for (const place of places) {
    if (!(place.value instanceof Tagged)) continue;
    for (const name of secretsOf(place.value.body)) {
      const use = uses.get(name) ?? { name, sent: [], seen: [] };
      uses.set(name, use);
      (place.sent ? use.sent : use.seen).push(place);
    }
  }
  return [...uses.values()];
}

/** Rows first among the effects of one trace: they say best where a value comes from. What came after it without a cause stands behind them; what has no trace comes last. */
export const inTime = (places: readonly Place[]): Place[] => [...places].sort((a, b) => timeOf(a) - timeOf(b) || rank(a) - rank(b));
const timeOf = ({ step, after }: Place): number => (step ?? after)?.start ?? Number.POSITIVE_INFINITY;
const rank = (place: Place): number => (place.after ? 3 : place.sent ? 0 : place.part === 'row' ? 1 : 2);
