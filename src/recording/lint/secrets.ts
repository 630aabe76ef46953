/** What redaction would have taken out, had it seen the file; what a person may have typed in; and secrets that nobody supplies. */
import type { Path } from '../document.js';
import { secretUses } from '../name-uses.js';
import { createRedactor } from '../redact.js';
import { knownSpans } from '../secret-shapes.js';
import { isObject, sameValue, secretsOf, Tagged, type Value } from '../values.js';
import type { Finding, Subject } from './rules.js';

/** The same redaction as while capturing, twice, because a secret may be known only after it stood elsewhere. */
export function leaks({ recording, places }: Subject): Finding[] {
  const redactor = createRedactor();
  // Tables of checkpoints are names and hashes of content.
  const { checkpoints: _, ...rest } = recording;
  const value = rest as unknown as Value;
  for (const { user } of recording.sessions) if (user !== undefined) redactor.publish(user);
  const once = redactor.redact(value);
  const clean = redactor.restore(redactor.redact(once));
  const binary = places.flatMap(({ value: bytes, path }): Finding[] =>
    bytes instanceof Uint8Array && knownSpans(Buffer.from(bytes).toString('latin1')).length > 0
      ? [{ rule: 'secret', path, what: 'there is a secret in this binary value, by its form' }]
      : [],
  );
  return [...differences(value, clean, []), ...binary];
}

function differences(before: Value, after: Value, path: Path): Finding[] {
  if (before === after || sameValue(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return before.flatMap((item, i) => differences(item, after[i] ?? null, [...path, i]));
  if (before instanceof Tagged && after instanceof Tagged && 'items' in before.body && 'items' in after.body)
    return differences(before.body.items, after.body.items, path);
  if (before instanceof Tagged && after instanceof Tagged && before.body.tag === 'keys' && after.body.tag === 'keys')
    return differences(before.body.entries, after.body.entries, path);
  if (isObject(before) && isObject(after)) {
    const keys = Object.keys(after);
    return Object.entries(before).flatMap(([key, item], i): Finding[] => {
      const cleanKey = keys[i] ?? key;
      if (cleanKey !== key) return [{ rule: 'secret', path, key, what: 'there is a secret in this key' }];
      return differences(item, after[key] ?? null, [...path, key]);
    });
  }
  const words = after instanceof Tagged ? secretsOf(after.body).map((name) => name.replace(/\d+$/, '')) : [];
  if (words.length > 0 && words.every((word) => word === 'key')) return [{ rule: 'looks-like-key', path, what: 'a long random text, which may be a key' }];
  const what = [...new Set(words)].join(' and ') || 'secret';
  return [{ rule: 'secret', path, what: after instanceof Tagged && after.body.tag === 'text' ? `this text holds a ${what}` : `this is a ${what}` }];
}

const persons: readonly [pattern: RegExp, what: string][] = [
  [/[\w.+-]+@(?!(?:[\w-]+\.)*(?:example(?:\.\w+)?|test|invalid|localhost)\b)[\w-]+\.[\w.-]*[a-z]/i, 'an address of e-mail'],
  [/(?<![\w+])\+\d[\d ()/-]{7,18}\d\b/, 'a telephone number'],
  [/\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){3,7}(?: ?[A-Z\d]{1,3})?\b/, 'the number of a bank account'],
];

/** Each value once, where it first stands. */
export function people({ places }: Subject): Finding[] {
  const seen = new Set<string>();
  return places.flatMap(({ value, path }): Finding[] => {
    const text = typeof value === 'string' ? value : value instanceof Tagged && value.body.tag === 'unique' ? value.body.text : undefined;
    if (text === undefined || text.length > 100_000 || seen.has(text)) return [];
    const found = persons.find(([pattern]) => pattern.test(text))?.[1] ?? (isCard(text) ? 'the number of a card' : undefined);
    if (found === undefined) return [];
    seen.add(text);
    return [{ rule: 'person', path, what: `this may be ${found} of a real person` }];
  });
}

/** By Luhn's check digit. */
function isCard(text: string): boolean {
  const digits = /^\d{4}[ -]?\d{4,6}[ -]?\d{4,5}[ -]?\d{0,4}$/.test(text) ? text.replace(/\D/g, '') : '';
  if (digits.length < 13 || digits.length > 19 || new Set(digits).size < 2) return false;
  const doubled = (digit: number): number => (digit > 4 ? digit * 2 - 9 : digit * 2);
  const sum = [...digits].reverse().reduce((total, digit, i) => total + (i % 2 === 0 ? Number(digit) : doubled(Number(digit))), 0);
  return sum % 10 === 0;
}

export function unconfigured({ places, configured }: Subject): Finding[] {
  return secretUses(places).flatMap(({ name, sent }): Finding[] => {
    const first = sent[0];
    return first && !configured(name)
      ? [
          {
            rule: 'secret-config',
            path: first.path,
            what: `the client sends the secret ${name}, which \`use.secrets.${name}\` or REPLAY_SECRET_${name.toUpperCase()} must supply`,
          },
        ]
      : [];
  });
}
