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

/** Tokens of a text are a list of its words; a list of real ones is known by its shape. */
const noPlural = new Set(['token', 'otp', 'jwt']);
/** Short enough to be the end of an ordinary word (`laptop` is no one-time password): only as a whole word. */
const wholeWord = new Set(['otp', 'jwt']);

/** The word of a secret key, undefined for any other. `userPassword` and `x-api-key` are; `tokenCount` and `passwordHint` are not. */
export function secretWord(key: string, extra: readonly string[] = []): string | undefined {
  const name = bare(key);
  const own = extra.find((word) => bare(word) !== '' && name.endsWith(bare(word)));
  if (own !== undefined) return own.replace(/[^\p{L}\p{N}]+/gu, '') || 'secret';
  const words = key.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2').toLowerCase();
  const matches = ([ending]: readonly [string, string]) =>
    wholeWord.has(ending)
      ? new RegExp(`(?:^|[^\\p{L}])${ending}$`, 'u').test(words)
      : name.endsWith(ending) || (!noPlural.has(ending) && name.endsWith(`${ending}s`));
  return secretKeys.filter(matches).sort((a, b) => b[0].length - a[0].length)[0]?.[1];
}

/** Keys of which the value is a hash of content, not a key. */
const digestKey = /(?:sha\d*|md5|hash|digest|checksum|etag|fingerprint|integrity|revision|commit)$/;

const shapes: readonly [RegExp, word: string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'privateKey'],
  // header.payload.signature: both begin with `{"` in base64url
  [/\beyJ[\w-]{8,500}\.[\w-]{4,}\.[\w-]*/, 'token'],
  // A word of the language after "Bearer" has neither digits nor this length.
  [/\bBearer\s+(?=[\w.~+/=-]*\d|[\w.~+/=-]{20})[\w.~+/=-]{8,}/i, 'token'],
  [/(?:^|[=\s;"'])s(?::|%3A)[\w-]{8,}\.[\w+/%=-]{20,}/i, 'cookie'],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/, 'accessKey'],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})/, 'token'],
  [/\bxox[abeprs]-[\w-]{10,}/, 'token'],
  [/\b(?:sk|rk)_(?:live|test)_\w{10,}|\bsk-[\w-]{20,}|\bAIza[\w-]{30,}/, 'apiKey'],
  [/\b[a-z][a-z\d+.-]{1,20}:\/\/[^\s/:@]{1,200}:[^\s/@]{1,200}@/i, 'url'],
];

/** The word of a secret of a known form in a text. */
export const knownShape = (text: string): string | undefined => (text.length < 8 ? undefined : shapes.find(([shape]) => shape.test(text))?.[1]);

/** The word of a secret that a text is or contains, undefined for ordinary text. `key` is what it stands under. */
export function secretShape(text: string, key: string | undefined, extra: readonly string[] = []): string | undefined {
  if (text.length < 8) return undefined;
  const word = knownShape(text);
  if (word !== undefined) return word;
  if (/^Basic [A-Za-z\d+/]{4,}={0,2}$/.test(text) && Buffer.from(text.slice(6), 'base64').toString('latin1').includes(':')) return 'authorization';
  return pairWord(text, extra) ?? (isRandom(text, key) ? 'key' : undefined);
}

/** JSON in a text, a query or a form, with a secret among its keys. */
function pairWord(text: string, extra: readonly string[]): string | undefined {
  if (text.includes('"'))
    for (const match of text.matchAll(/\\{0,9}"([\w .-]{1,80}?)\\{0,9}"\s{0,9}:\s{0,9}\\{0,9}"[^"\\]/g)) {
      const word = secretWord(match[1] ?? '', extra);
      if (word) return word;
    }
  if (text.includes('='))
    for (const match of text.matchAll(/(?:^|[?&;#]\s?)([\w.%-]{1,80})=[^&;#\s]/g)) {
      const word = secretWord(match[1] ?? '', extra);
      if (word) return word;
    }
  return undefined;
}

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** A key-like text: long, without spaces, and without the regularity of words. Content in base64 is longer than any key. */
function isRandom(text: string, key: string | undefined): boolean {
  if (text.length < 32 || text.length > 512 || !/^[\w+/-]+={0,2}$/.test(text) || uuid.test(text)) return false;
  if (new Set(text).size < 8 || !/\d/.test(text) || !/[a-z]/i.test(text)) return false;
  if (/^[\da-f]+$/i.test(text)) return !([32, 40, 64, 96, 128].includes(text.length) && key !== undefined && digestKey.test(bare(key)));
  // In words, names and paths a letter is mostly followed by one of the same kind; in random text seldom.
  const kinds = Array.from(text, (char) => (/\d/.test(char) ? 'd' : /[a-z]/.test(char) ? 'l' : /[A-Z]/.test(char) ? 'u' : 's'));
  const turns = kinds.filter((kind, i) => i > 0 && kind !== kinds[i - 1]).length / (kinds.length - 1);
  const mixed = /[a-z]/.test(text) && /[A-Z]/.test(text);
  return mixed ? turns >= 0.4 : !/[_+/-]/.test(text) && turns >= 0.28;
}
