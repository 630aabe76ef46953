/**
 * The secrets that were seen, as fingerprints under a key that lives as long as the capture; and the search for them in other
 * texts. A hash of its first characters finds where one may begin, its length and hash make it likely, the fingerprint proves it.
 */
import { createHmac, randomBytes } from 'node:crypto';

export interface KnownSecrets {
  fingerprint(text: string): string;
  /** From now on `text`, of four characters or more, is found wherever it stands: shorter ones as a whole word only. */
  learn(text: string, fingerprint: string): void;
  /** the places in `text` of what was learnt, without overlaps */
  find(text: string, only: 'all' | 'distinct'): Found[];
  /** grows with each secret that is learnt */
  readonly size: number;
}

interface Found {
  start: number;
  end: number;
  fingerprint: string;
}

interface Learnt {
  length: number;
  hash: number;
  fingerprint: string;
  /** long and mixed enough to be no word, so that it is the secret wherever it stands */
  distinct: boolean;
}

/** The characters that a search begins with. */
const BEGIN = 4;
const WORD = 8;
const wordChar = /[\p{L}\p{N}_]/u;

export function createKnownSecrets(): KnownSecrets {
  const key = randomBytes(32);
  const base = (key.readUInt32LE(0) | 1) >>> 0;
  const fingerprint = (text: string): string => createHmac('sha256', key).update(text).digest('base64');
  const byBegin = new Map<number, Learnt[]>();
  /** whether some secret begins with this: most places end here */
  const begins = new Uint8Array(65_536);
  let size = 0;

  /** The longest one that stands at `start`. */
  const foundAt = (text: string, start: number, begin: number, only: 'all' | 'distinct'): Found | undefined => {
    for (const secret of byBegin.get(begin) ?? []) {
      const end = start + secret.length;
      if (end > text.length || (only === 'distinct' && !secret.distinct)) continue;
      if (!secret.distinct && (wordChar.test(text[start - 1] ?? '') || wordChar.test(text[end] ?? ''))) continue;
      if (hashOf(text, start, end, base) === secret.hash && fingerprint(text.slice(start, end)) === secret.fingerprint)
        return { start, end, fingerprint: secret.fingerprint };
    }
    return undefined;
  };

  return {
    fingerprint,
    learn(text, print) {
      const begin = hashOf(text, 0, BEGIN, base);
      const known = byBegin.get(begin) ?? [];
      if (known.some((one) => one.fingerprint === print)) return;
      const secret = {
        length: text.length,
        hash: hashOf(text, 0, text.length, base),
        fingerprint: print,
        distinct: text.length >= WORD && /[^\p{L}]/u.test(text),
      };
      byBegin.set(
        begin,
        [...known, secret].sort((a, b) => b.length - a.length),
      );
      begins[begin >>> 16] = 1;
      size++;
    },
    find(text, only) {
      const found: Found[] = [];
      if (size === 0) return found;
      for (let start = 0; start + BEGIN <= text.length; start++) {
        const begin = hashOf(text, start, start + BEGIN, base);
        if (begins[begin >>> 16] === 0) continue;
        const one = foundAt(text, start, begin, only);
        if (!one) continue;
        found.push(one);
        start = one.end - 1;
      }
      return found;
    },
    get size() {
      return size;
    },
  };
}

function hashOf(text: string, start: number, end: number, base: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, base) + text.charCodeAt(i)) | 0;
  return hash;
}
