/** Secrets out of values, before anything is written: each becomes `!secret name`, the same secret everywhere the same name. */
import { createHmac, randomBytes } from 'node:crypto';
import { knownShape, secretShape, secretWord } from './secret-shapes.js';
import { isObject, Tagged, type Value, type ValueObject } from './values.js';

export interface RedactorOptions {
  /** further names of keys whose texts are secret, also as the end of a longer name */
  keys?: readonly string[];
}

export interface Redactor {
  /** `value` without its secrets; parts without any are returned as they are. `keyHint` is the key that `value` stands under. */
  redact(value: Value, keyHint?: string): Value;
}

/** Keeps no secret: only fingerprints, under a key that lives as long as the redactor. */
export function createRedactor({ keys = [] }: RedactorOptions = {}): Redactor {
  const hmacKey = randomBytes(32);
  const names = new Map<string, string>();
  const counts = new Map<string, number>();

  const nameOf = (secret: string, word: string): string => {
    const fingerprint = createHmac('sha256', hmacKey).update(secret).digest('base64');
    const known = names.get(fingerprint);
    if (known !== undefined) return known;
    const count = (counts.get(word) ?? 0) + 1;
    counts.set(word, count);
    names.set(fingerprint, `${word}${count}`);
    return `${word}${count}`;
  };

  /** `word`: the secret key that this stands under */
  const redact = (value: Value, key: string | undefined, word: string | undefined): Value => {
    if (typeof value === 'string') {
      const found = value === '' ? undefined : (word ?? secretShape(value, key, keys));
      return found === undefined ? value : new Tagged({ tag: 'secret', name: nameOf(value, found) });
    }
    if (Array.isArray(value)) return redactList(value, key, word);
    if (value instanceof Tagged) {
      const { body } = value;
      if (body.tag !== 'some' && body.tag !== 'unordered') return value;
      const items = redactList(body.items, key, word);
      return items === body.items ? value : new Tagged({ ...body, items });
    }
    return isObject(value) ? redactObject(value, word) : value;
  };

  const redactList = (list: Value[], key: string | undefined, word: string | undefined): Value[] => {
    // A header as a pair: ['cookie', 'connect.sid=…']
    const [first, second] = list;
    const header = list.length === 2 && typeof first === 'string' && typeof second === 'string' && word === undefined ? secretWord(first, keys) : undefined;
    const items = header === undefined ? list.map((item) => redact(item, key, word)) : [first as string, redact(second as string, first as string, header)];
    return items.every((item, i) => item === list[i]) ? list : items;
  };

  const redactObject = (object: ValueObject, word: string | undefined): Value => {
    // A header as an object: { name: 'Authorization', value: '…' }
    const label = object.name ?? object.key;
    const labelWord = typeof label === 'string' && 'value' in object ? secretWord(label, keys) : undefined;
    let changed = false;
    const entries = Object.entries(object).map(([key, item]): [string, Value] => {
      // What lies under `cookies` or `credentials` is secret whatever its own key; tokens of a text are objects too.
      const under = secretWord(key, keys) ?? (key === 'value' ? labelWord : undefined) ?? (word === 'token' ? undefined : word);
      const redacted = redact(item, key, under);
      // Only what is surely a secret: many objects have hashes of content as keys.
      const keyShape = knownShape(key);
      const safeKey = keyShape === undefined ? key : `[secret ${nameOf(key, keyShape)}]`;
      changed ||= redacted !== item || safeKey !== key;
      return [safeKey, redacted];
    });
    // fromEntries defines, so that a key `__proto__` stays a key
    return changed ? Object.fromEntries(entries) : object;
  };

  return { redact: (value, keyHint) => redact(value, keyHint, keyHint === undefined ? undefined : secretWord(keyHint, keys)) };
}
