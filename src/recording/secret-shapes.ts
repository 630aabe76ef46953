/**
 * What a secret looks like: by the key it stands under, or by its own shape. Each answer is the word that names it.
 * A secret on the disk is worse than a value too many in the configuration; but ordinary text, ids and hashes of content must stay.
 */

/** Keys without case and separators, and the word that a secret under them is named by. */
const secretKeys: readonly [ending: string, word: string][] = [
  ['password', 'password'],
  ['passwd', 'password'],
  ['passphrase', 'password'],
  ['passwort', 'password'],
  ['pwd', 'password'],
  ['passwordhash', 'passwordHash'],
  ['secret', 'secret'],
  ['token', 'token'],
  ['jwt', 'token'],
  ['apikey', 'apiKey'],
  ['secretkey', 'secretKey'],
  ['privatekey', 'privateKey'],
  ['accesskey', 'accessKey'],
  ['authorization', 'authorization'],
  ['credential', 'credential'],
  ['cookie', 'cookie'],
  ['connectsid', 'cookie'],
  ['phpsessid', 'cookie'],
  ['jsessionid', 'cookie'],
  ['csrf', 'csrf'],
  ['xsrf', 'csrf'],
  ['otp', 'otp'],
];

const bare = (key: string): string => key.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
const wordsOf = (key: string): string => key.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2').toLowerCase();

/** Tokens of a text are a list of its words; a list of real ones is known by its shape. */
const noPlural = new Set(['token', 'otp', 'jwt']);
/** Short enough to be the end of an ordinary word (`laptop` is no one-time password): only as a whole word. */
const wholeWord = new Set(['otp', 'jwt']);

/** Keys come back with every event. */
const remembered = new Map<string, string | undefined>();
const MANY_KEYS = 10_000;

/** The word of a secret key, undefined for any other. `userPassword` and `x-api-key` are; `tokenCount` and `passwordHint` are not. */
export function secretWord(key: string, extra: readonly string[] = []): string | undefined {
  const own = extra.length === 0 ? undefined : extra.find((word) => bare(word) !== '' && bare(key).endsWith(bare(word)));
  if (own !== undefined) return ruleWord(own);
  if (remembered.has(key)) return remembered.get(key);
  const word = builtIn(key);
  if (remembered.size < MANY_KEYS) remembered.set(key, word);
  return word;
}

function builtIn(key: string): string | undefined {
  const name = bare(key);
  const words = wordsOf(key);
  const matches = ([ending]: readonly [string, string]) =>
    wholeWord.has(ending)
      ? new RegExp(`(?:^|[^\\p{L}])${ending}$`, 'u').test(words)
      : name.endsWith(ending) || (!noPlural.has(ending) && name.endsWith(`${ending}s`));
  return secretKeys.filter(matches).sort((a, b) => b[0].length - a[0].length)[0]?.[1];
}

/** A key of the user's own as the word that names what stands under it. */
export const ruleWord = (key: string): string => key.replace(/[^\p{L}\p{N}]+/gu, '') || 'secret';

/** People choose these, so that they may be short, and other texts like them. */
const chosen = new Set(['password', 'otp', 'secret', 'credential']);
export const isChosen = (word: string): boolean => chosen.has(word) || !secretKeys.some(([, known]) => known === word);

/** A text under the key of a token that is the path of something: words only between its slashes, which no random text has. */
export function isPath(text: string): boolean {
  const parts = text.replace(/^\.{0,2}\//, '').split('/');
  return text.length <= 200 && parts.length > 1 && parts.every((part) => /^[A-Z]?[a-z]{2,20}(?:[._-](?:[A-Z]?[a-z]{2,20}|\d{1,4}))*$/.test(part));
}

/** Keys of cookie headers, of which the text is a list of pairs. */
export const isCookieHeader = (key: string | undefined): boolean => key !== undefined && /cookies?$/.test(bare(key));

/** Keys of which the value is a hash of content, not a key. */
const digestKey = /(?:sha\d*|md5|hash|digest|checksum|etag|fingerprint|integrity|revision|commit)$/;

/** Keys of ids: what stands under them is shown to others. The id of a session is what lets one in. */
export const isIdKey = (key: string): boolean =>
  /(?:^|[^\p{L}])(?:id|ids|uuid|guid|uid|oid)$/u.test(wordsOf(key)) && !/^(?:.*sess(?:ion)?|auth|s)(?:id|uuid)$/.test(bare(key));

/** The part of a text that is secret, and its word. */
export interface Span {
  start: number;
  end: number;
  word: string;
}

/** A group named `s` is the secret part, else all of it. `signs`: without one of these a text has none, which is quicker to see. */
const shapes: readonly [shape: RegExp, word: string, signs: readonly string[]][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,20000}?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|[\s\S]*)/dg, 'privateKey', ['PRIVATE KEY']],
  // header.payload.signature: both begin with `{"` in base64url
  [/\beyJ[\w-]{8,500}\.[\w-]{4,}\.[\w-]*/dg, 'token', ['eyJ']],
  // A word of the language after "Bearer" has neither digits nor this length.
  [/\bBearer\s+(?=[\w.~+/=-]*\d|[\w.~+/=-]{20})(?<s>[\w.~+/=-]{8,})/dgi, 'token', ['earer', 'EARER']],
  [/(?<=^|[=\s;"'])s(?::|%3A)[\w-]{8,}\.[\w+/%=-]{20,}/dgi, 'cookie', ['s:', 's%3', 'S:', 'S%3']],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/dg, 'accessKey', ['AKIA', 'ASIA']],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,})/dg, 'token', ['gh', 'glpat-', 'npm_', 'hf_']],
  [/\bxox[abeprs]-[\w-]{10,}|\bya29\.[\w-]{20,}/dg, 'token', ['xox', 'ya29.']],
  [/\b(?:sk|rk)_(?:live|test)_\w{10,}|\bsk-[\w-]{20,}|\bAIza[\w-]{30,}|\bSG\.[\w-]{16,}\.[\w-]{16,}/dg, 'apiKey', ['sk', 'rk_', 'AIza', 'SG.']],
  // What is stored of a password or a key, under whatever column: it can be guessed at offline.
  [/\$2[abxy]?\$\d\d\$[./A-Za-z\d]{53}|\$argon2(?:id|i|d)\$[\w$+/=,.-]{20,400}/dg, 'passwordHash', ['$2', '$argon2']],
  [/\b[a-z][a-z\d+.-]{1,20}:\/\/[^\s/:@]{1,200}:(?<s>[^\s/@]{1,200})@/dgi, 'password', ['://']],
];

/** Parts of a known form, whatever they stand in. They may overlap. */
export function knownSpans(text: string): Span[] {
  if (text.length < 8) return [];
  const spans: Span[] = [];
  for (const [shape, word, signs] of shapes)
    if (signs.some((sign) => text.includes(sign)))
      for (const match of text.matchAll(shape)) {
        const [start, end] = match.indices?.groups?.s ?? [match.index, match.index + match[0].length];
        spans.push({ start, end, word });
      }
  return spans;
}

/** Parts of a text that are secret by their form, or by what the text itself says before them. */
export function secretSpans(text: string, extra: readonly string[] = []): Span[] {
  if (text.length < 6) return [];
  return [...knownSpans(text), ...basicSpan(text), ...pairSpans(text, extra)];
}

/** User and password in base64. */
function basicSpan(text: string): Span[] {
  if (!text.startsWith('Basic ')) return [];
  const match = /^Basic (?=[A-Za-z\d+/]{4,}={0,2}$)/.exec(text);
  if (!match || !basicPassword(text)) return [];
  return [{ start: match[0].length, end: text.length, word: 'authorization' }];
}

/** The password of `Basic …`. */
export const basicPassword = (text: string): string | undefined =>
  /^Basic [A-Za-z\d+/]{4,}={0,2}$/.test(text) ? /^[^:]*:(.*)$/s.exec(Buffer.from(text.slice(6), 'base64').toString('utf8'))?.[1] : undefined;

/** A secret key and its value: in a query, a form or a cookie (`token=…`), in a broken or embedded JSON, in a message (`password: …`). */
function pairSpans(text: string, extra: readonly string[]): Span[] {
  const spans: Span[] = [];
  const add = (key: string, start: number, end: number, otherwise?: string): void => {
    const word = secretWord(decoded(key), extra) ?? otherwise;
    if (word && end > start && !/^(?:Bearer|Basic|Token)$/i.test(text.slice(start, end))) spans.push({ start, end, word });
  };
  if (text.includes('='))
    for (const match of text.matchAll(/(?<=^|[?&;#,\s({[])([\w.%[\]-]{1,80})=(?!["'])([^&;#,\s"'<>]+)/g)) {
      const start = match.index + (match[1] ?? '').length + 1;
      const query = text[match.index - 1] === '?' || text[match.index - 1] === '&';
      add(match[1] ?? '', start, start + (match[2] ?? '').length, query && isRandom(match[2] ?? '', match[1]) ? 'key' : undefined);
    }
  if (/["']/.test(text))
    for (const match of text.matchAll(/(\\{0,9}["'])([\w .-]{1,80}?)\1\s{0,9}[:=]\s{0,9}(\\{0,9}["'])|\b([\w.-]{1,80})\s{0,3}[:=]\s{0,3}(\\{0,9}["'])/g)) {
      const quote = match[3] ?? match[5] ?? '';
      const start = match.index + match[0].length;
      add(match[2] ?? match[4] ?? '', start, endOfQuoted(text, start, quote));
    }
  // In a sentence only what no word is: `password: must be longer` tells no password.
  if (text.includes(': '))
    for (const match of text.matchAll(/\b([\w-]{1,80}): {1,3}(?=[^\s"']*\d)(?=[^\s"']*[a-z])([^\s"',;]{6,200})/gi)) {
      const start = match.index + match[0].length - (match[2] ?? '').length;
      add(match[1] ?? '', start, start + (match[2] ?? '').length);
    }
  return spans;
}

function endOfQuoted(text: string, start: number, quote: string): number {
  for (let at = text.indexOf(quote, start); at >= 0; at = text.indexOf(quote, at + 1)) if (text[at - 1] !== '\\') return at;
  return text.length;
}

export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const cookieAttribute = /^(?:(?:path|expires|max-age|domain|samesite|priority|version)=.*|secure|httponly|partitioned)$/is;

/** The values of a cookie header; none when it is not one. Attributes of `Set-Cookie` are no secret. */
export function cookieSpans(text: string): Span[] {
  const spans: Span[] = [];
  let start = 0;
  for (const segment of text.split(';')) {
    const trimmed = segment.trim();
    const pair = /^(\s*[\w.!#$%&'*+^`|~-]{1,100}=)(?=[^=\s])/.exec(segment);
    if (trimmed !== '' && !cookieAttribute.test(trimmed)) {
      if (!pair) return [];
      spans.push({ start: start + (pair[1] ?? '').length, end: start + segment.trimEnd().length, word: 'cookie' });
    }
    start += segment.length + 1;
  }
  return spans;
}

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
/** One of 64 random keys of this length looks like a random uuid without its dashes. */
const bareUuid = /^[\da-f]{12}4[\da-f]{3}[89ab][\da-f]{15}$/i;

/** A key-like text: long, without spaces, and without the regularity of words. Content in base64 is longer than any key. */
export function isRandom(whole: string, key: string | undefined): boolean {
  // Some say of what kind they are: `r.` and 32 digits.
  const text = whole.replace(/^[a-z]\.(?=[\da-f]{32}$)/, '');
  if (text.length < 32 || text.length > 512 || !/^[\w+/-]+={0,2}$/.test(text) || uuid.test(text) || bareUuid.test(text)) return false;
  if (new Set(text).size < 8 || !/\d/.test(text) || !/[a-z]/i.test(text)) return false;
  if (/^[\da-f]+$/i.test(text)) return !([32, 40, 64, 96, 128].includes(text.length) && key !== undefined && digestKey.test(bare(key)));
  // In words, names and paths a letter is mostly followed by one of the same kind; in random text seldom.
  const kinds = Array.from(text, (char) => (/\d/.test(char) ? 'd' : /[a-z]/.test(char) ? 'l' : /[A-Z]/.test(char) ? 'u' : 's'));
  const turns = kinds.filter((kind, i) => i > 0 && kind !== kinds[i - 1]).length / (kinds.length - 1);
  const mixed = /[a-z]/.test(text) && /[A-Z]/.test(text);
  return mixed ? turns >= 0.4 : !/[_+/-]/.test(text) && turns >= 0.28;
}
