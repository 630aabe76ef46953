/**
 * Secrets out of values, before anything is written: each becomes `!secret name`, or a part of a `!text`; the same secret has the
 * same name everywhere. Texts are never kept, only fingerprints, but for what may turn out to be an id.
 */
import { createKnownSecrets } from './known-secrets.js';
import { type Cursor, cursorAt, parseRules, ruleAt, step } from './redact-rules.js';
import {
  basicPassword,
  cookieSpans,
  decoded,
  isChosen,
  isCookieHeader,
  isIdKey,
  isPath,
  isRandom,
  type Span,
  secretSpans,
  secretWord,
} from './secret-shapes.js';
import { isObject, mapValue, secretPart, Tagged, type Value, type ValueObject } from './values.js';

export interface RedactorOptions {
  /** keys whose values are secret, also as the end of a longer name, and places: `login:args[0].pin` */
  rules?: readonly string[];
}

/** Where a value stands: the event (`table:NAME` for rows) and the part of it, for the rules. */
interface Place {
  event: string | undefined;
  part: string;
}

export interface Redactor {
  /** `value` without its secrets; parts without any are returned as they are. */
  redact(value: Value, place?: Place): Value;
  /** A text that must stay a text. Of a name (of an event, a key), which may be a word like any other, only what is surely a secret is taken out. */
  text(text: string, kind: 'name' | 'sentence'): string;
  /** `text` is known to everybody, such as the name of a user: where it is a password too, only the password is redacted. */
  publish(text: string): void;
  /** What came to be seen as an id, among what had been taken for a key, is put back. */
  restore(value: Value): Value;
  /** grows as long as redacting the same value again may find more */
  readonly learnt: number;
}

/** Shorter secrets are found again only where a person has chosen them. */
const LONG = 8;
const SHORT = 4;
const MANY_KEYS = 10_000;
/** Keys beside a password that hold the name of the user. */
const nameKey = /^(?:user|username|login|name|nick|nickname|email|mail|account|uid|id)$/i;

export function createRedactor({ rules: ruleTexts = [] }: RedactorOptions = {}): Redactor {
  const rules = parseRules(ruleTexts);
  const known = createKnownSecrets();
  /** by fingerprint */
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  /** fingerprints of what is known to everybody, and of what stood under the key of an id */
  const open = new Set<string>();
  const ids = new Set<string>();
  /** what looks like a key and may be an id, by name: it is settled at the end */
  const doubtful = new Map<string, { text: string; print: string }>();
  /** the secrets that the JSON text at hand turns out to hold */
  let collected: { secret: string; word: string }[] | undefined;

  const nameOf = (word: string, print: string): string => {
    const had = names.get(print);
    if (had !== undefined) return had;
    const count = (counts.get(word) ?? 0) + 1;
    counts.set(word, count);
    names.set(print, `${word}${count}`);
    return `${word}${count}`;
  };
  /** The name of a secret, which is looked for from now on. */
  const learn = (secret: string, word: string): string => {
    const print = known.fingerprint(secret);
    const name = nameOf(word, print);
    doubtful.delete(name);
    if (secret.length >= (isChosen(word) ? SHORT : LONG)) known.learn(secret, print);
    return name;
  };
  /** The same for a secret that stands here. It may stand elsewhere as it was before it became a part of a URL or a cookie. */
  const take = (secret: string, word: string): string => {
    collected?.push({ secret, word });
    const name = learn(secret, word);
    const plain = decoded(secret);
    if (plain !== secret) learn(plain, word);
    return name;
  };
  const secretText = (text: string, word: string): Tagged => new Tagged({ tag: 'secret', name: take(text, word) });

  /** `word`: everything in it is secret */
  const redact = (value: Value, key: string | undefined, word: string | undefined, cursor: Cursor): Value => {
    const secret = ruleAt(cursor) ?? (word === 'token' && typeof value === 'string' && isPath(value) ? undefined : word);
    if (typeof value === 'string') return redactText(value, key, secret);
    if (typeof value === 'number') return hidesNumber(value, secret, ruleAt(cursor)) ? secretText(String(value), secret ?? 'secret') : value;
    if (value instanceof Uint8Array) return secret === undefined || value.length === 0 ? value : secretText(Buffer.from(value).toString('latin1'), secret);
    if (Array.isArray(value)) return redactList(value, key, secret, cursor);
    if (value instanceof Tagged) return redactTag(value, key, secret, cursor);
    return isObject(value) ? redactObject(value, secret, cursor) : value;
  };

  const redactTag = (value: Tagged, key: string | undefined, word: string | undefined, cursor: Cursor): Value => {
    const { body } = value;
    if (body.tag === 'text') {
      const parts = body.template.split(/(\$\{[^}]*\})/);
      const template = parts.map((part, i) => (i % 2 === 1 ? part : partOf(part))).join('');
      return template === body.template ? value : new Tagged({ ...body, template });
    }
    if (body.tag === 'unique') {
      const redacted = redactText(body.text, key, word);
      return redacted === body.text ? value : redacted;
    }
    if (body.tag === 'keys') {
      const entries = redactObject(body.entries, word, cursor) as ValueObject;
      return entries === body.entries ? value : new Tagged({ ...body, entries });
    }
    if (body.tag !== 'some' && body.tag !== 'unordered') return value;
    const items = redactList(body.items, key, word, cursor);
    return items === body.items ? value : new Tagged({ ...body, items });
  };

  const partOf = (literal: string): string => replaceSpans(literal, joinSpans(spansIn(literal)), (secret, word) => secretPart(take(secret, word)));

  const redactText = (text: string, key: string | undefined, word: string | undefined): Value => {
    if (isBlank(text)) return text;
    const password = text.startsWith('Basic ') ? basicPassword(text) : undefined;
    if (password) learn(password, 'password');
    if (word !== undefined) {
      const inner = innerSpans(text, key, word);
      return inner.length > 0 ? pieces(text, inner) : secretText(text, word);
    }
    const spans = spansIn(text);
    if (spans.length > 0) return pieces(text, spans);
    return isRandom(text, key) ? doubt(text, key) : text;
  };

  /** A text with some parts secret; what is nothing but a secret is that. */
  const pieces = (text: string, spans: readonly Span[]): Tagged => {
    const joined = joinSpans(spans);
    const first = joined[0];
    if (first && ((first.start === 0 && first.end === text.length) || text.includes('${'))) return secretText(text, first.word);
    return new Tagged({ tag: 'text', template: replaceSpans(text, joined, (secret, word) => secretPart(take(secret, word))) });
  };

  /** Everything secret in a text. */
  const spansIn = (text: string): Span[] => {
    const spans = [...secretSpans(text, rules.keys), ...jsonSpans(text)];
    for (const { start, end, word } of spans) learn(text.slice(start, end), word);
    return [...spans, ...knownIn(text, 'all')];
  };

  const knownIn = (text: string, only: 'all' | 'distinct'): Span[] =>
    known
      .find(text, only)
      .filter(({ fingerprint }) => !open.has(fingerprint))
      .map(({ start, end, fingerprint }) => ({ start, end, word: names.get(fingerprint)?.replace(/\d+$/, '') ?? 'secret' }));

  /** JSON in a text is looked into as a value; what is secret in it is then found in the text, however often it is escaped. */
  const jsonSpans = (text: string): Span[] => {
    const json = parsedJson(text);
    if (json === undefined) return [];
    const outer = collected;
    collected = [];
    redact(json, undefined, undefined, []);
    const found = collected;
    collected = outer;
    return found.flatMap(({ secret, word }): Span[] => {
      const places = quotedIn(text, secret);
      // Spelled in a way that is not foreseen: all of it, then.
      return places.length > 0 ? places.map(([start, end]) => ({ start, end, word })) : [{ start: 0, end: text.length, word }];
    });
  };

  /** A long random text may be a key, or an id that the application made; ids are known by the keys they stand under, at last. */
  const doubt = (text: string, key: string | undefined): Value => {
    const print = known.fingerprint(text);
    if (key !== undefined && isIdKey(key)) ids.add(print);
    if (ids.has(print) && !names.has(print)) return text;
    const name = nameOf('key', print);
    doubtful.set(name, { text, print });
    collected?.push({ secret: text, word: 'key' });
    return new Tagged({ tag: 'secret', name });
  };

  const redactList = (list: Value[], key: string | undefined, word: string | undefined, cursor: Cursor): Value[] => {
    // A header as a pair: ['cookie', 'connect.sid=…']
    const [first, second] = list;
    const header =
      list.length === 2 && typeof first === 'string' && typeof second === 'string' && word === undefined ? secretWord(first, rules.keys) : undefined;
    const items =
      header === undefined
        ? list.map((item, index) => redact(item, key, word, step(cursor, index)))
        : [first as string, redact(second as string, first as string, header, step(cursor, 1))];
    return items.every((item, i) => item === list[i]) ? list : items;
  };

  const redactObject = (object: ValueObject, word: string | undefined, cursor: Cursor): Value => {
    // A header as an object: { name: 'Authorization', value: '…' }
    const label = object.name ?? object.key;
    const labelWord = typeof label === 'string' && 'value' in object ? secretWord(label, rules.keys) : undefined;
    for (const [key, item] of Object.entries(object)) if (nameKey.test(key) && typeof item === 'string') beside(object, item);
    let changed = false;
    const entries = Object.entries(object).map(([key, item]): [string, Value] => {
      // What lies under `cookies` or `credentials` is secret whatever its own key; tokens of a text are objects too.
      const under = secretWord(key, rules.keys) ?? (key === 'value' ? labelWord : undefined) ?? (word === 'token' ? undefined : word);
      const redacted = redact(item, key === 'value' && labelWord ? String(label) : key, under, step(cursor, key));
      // Only what is surely a secret: many objects have hashes of content as keys.
      const safeKey = safeKeyOf(key);
      changed ||= redacted !== item || safeKey !== key;
      return [safeKey, redacted];
    });
    // fromEntries defines, so that a key `__proto__` stays a key
    return changed ? Object.fromEntries(entries) : object;
  };

  /** Who has the own name as a password has told nothing that others do not see. */
  const beside = (object: ValueObject, name: string): void => {
    for (const [key, item] of Object.entries(object)) if (item === name && secretWord(key, rules.keys) !== undefined) publish(name);
  };
  const publish = (name: string): void => void open.add(known.fingerprint(name));

  /** Keys come back with every event; one without a secret stays that until another one is learnt. */
  let plainKeys = new Set<string>();
  let learntThen = 0;
  const safeKeyOf = (key: string): string => {
    if (learntThen !== known.size || plainKeys.size > MANY_KEYS) plainKeys = new Set();
    learntThen = known.size;
    if (plainKeys.has(key)) return key;
    const safe = text(key, 'name');
    if (safe === key) plainKeys.add(key);
    return safe;
  };

  const text = (plain: string, kind: 'name' | 'sentence'): string => {
    const spans = joinSpans([...secretSpans(plain, rules.keys), ...knownIn(plain, kind === 'name' ? 'distinct' : 'all')]);
    return spans.length === 0 ? plain : replaceSpans(plain, spans, (secret, word) => `[secret ${take(secret, word)}]`);
  };

  return {
    redact: (value, place) => redact(value, undefined, undefined, place ? cursorAt(rules, place.event, place.part) : []),
    text,
    publish,
    restore: (value) =>
      mapValue(value, (node) => {
        const found = node instanceof Tagged && node.body.tag === 'secret' ? doubtful.get(node.body.name) : undefined;
        return found && ids.has(found.print) ? found.text : undefined;
      }),
    get learnt() {
      return known.size;
    },
  };
}

/** `Bearer …` and the pairs of a cookie header: of what stands under a secret key only this is secret. */
function innerSpans(text: string, key: string | undefined, word: string): Span[] {
  if (isCookieHeader(key)) return cookieSpans(text);
  const scheme = /^(Bearer|Basic|Token|ApiKey|Digest|Negotiate)\s+(?=\S)/i.exec(text);
  return scheme ? [{ start: scheme[0].length, end: text.length, word: /^(?:bearer|token)$/i.test(scheme[1] ?? '') ? 'token' : word }] : [];
}

/** In order, those that overlap as one. */
function joinSpans(spans: readonly Span[]): Span[] {
  const joined: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = joined.at(-1);
    if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
    else joined.push({ ...span });
  }
  return joined;
}

function replaceSpans(text: string, spans: readonly Span[], replace: (secret: string, word: string) => string): string {
  let at = 0;
  let out = '';
  for (const { start, end, word } of spans) {
    out += text.slice(at, start) + replace(text.slice(start, end), word);
    at = end;
  }
  return out + text.slice(at);
}

/** A six-digit code, but not the 7 that some application calls a token. */
const hidesNumber = (value: number, word: string | undefined, rule: string | undefined): boolean =>
  rule !== undefined || ((word === 'password' || word === 'otp') && Number.isInteger(value) && value >= 1000);

/** Longer texts are documents, which nobody parses for every event. */
const MAX_JSON = 1_000_000;

function parsedJson(text: string): Value | undefined {
  if (text.length > MAX_JSON || !/^\s*[[{"]/.test(text) || !/["}\]]\s*$/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

/** Where `secret` stands in a JSON text as a value or within one, escaped up to three times. */
function quotedIn(text: string, secret: string): [start: number, end: number][] {
  const found: [number, number][] = [];
  let form = secret;
  let quote = '';
  for (let depth = 0; depth < 4; depth++) {
    for (let at = text.indexOf(quote + form + quote); at >= 0 && (depth > 0 || secret.length >= SHORT); at = text.indexOf(quote + form + quote, at + 1))
      found.push([at + quote.length, at + quote.length + form.length]);
    quote = depth === 0 ? '"' : JSON.stringify(quote).slice(1, -1);
    form = JSON.stringify(form).slice(1, -1);
  }
  return found;
}

/** Nothing that is a secret: settings such as `forgotPassword` say whether. */
const isBlank = (text: string): boolean => text === '' || text === 'true' || text === 'false';
