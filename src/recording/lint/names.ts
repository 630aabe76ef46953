/** Names that nothing makes in time, and numbers that may be names. */
import { nameUses } from '../name-uses.js';
import type { Place } from '../places.js';
import { isIdKey } from '../secret-shapes.js';
import type { Finding, Subject } from './rules.js';

/** A name is sent: some trace that is not disabled must have begun to make it before, or it was received, which is waited for. */
export function unmadeNames({ recording, places }: Subject): Finding[] {
  return nameUses(recording, places)
    .filter(({ kind, name }) => kind === 'id' && !Object.hasOwn(recording.given ?? {}, name))
    .flatMap(({ name, made, sent }): Finding[] => {
      const first = sent.find((place) => place.step && !place.step.trace.disabled);
      if (!first?.step) return [];
      const enabled = made.filter(({ step, after }) => after ?? (step && !step.trace.disabled));
      const problem =
        enabled.length === 0
          ? made.some(({ step }) => step)
            ? 'only traces that are disabled make it'
            : 'only changes whose cause is not proven make it, and nothing waits for those'
          : enabled.every((place) => isLater(place, first))
            ? 'it is made only later'
            : undefined;
      return problem ? [{ rule: 'unmade-name', path: first.path, what: `the name ${name} is sent, and ${problem}` }] : [];
    });
}

/**
 * What a client answers to a push is sent after the effects of its trace. A push without a cause came after a trace of its session
 * and before the next one; what others send meanwhile may need it.
 */
function isLater({ step: made, after }: Place, { step: use, part }: Place): boolean {
  if (!use) return false;
  if (after) return after.session === use.session ? after.number >= use.number : after.start > use.start;
  return made !== undefined && (made.start > use.start || (made.trace === use.trace && part !== 'answer'));
}

/**
 * A small number under the key of an id, which is sent and which no effect shows: it comes from outside of the recording, or a
 * trace makes it and the coincidence of small numbers hid that.
 */
export function ambiguousIds({ places }: Subject): Finding[] {
  const shown = new Set(
    places.filter(({ sent, value, key, part }) => !sent && isNumeric(value) && (isIdKey(key) || part === 'row')).map(({ value }) => String(value)),
  );
  const told = new Set<string>();
  return places.flatMap(({ sent, value, key, path }): Finding[] => {
    if (!sent || !isNumeric(value) || !isIdKey(key) || shown.has(String(value)) || told.has(`${key}=${value}`)) return [];
    told.add(`${key}=${value}`);
    return [{ rule: 'ambiguous-id', path, what: `the client sends ${key} ${value}, and nothing in this recording shows where it knows that from` }];
  });
}

/** Zero and negative numbers say "none". */
const isNumeric = (value: unknown): boolean =>
  (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 1e9) || (typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value));
