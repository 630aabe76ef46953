/**
 * The secrets that were seen, as fingerprints under a key that lives as long as the capture; and the search for them in other
 * texts. A rolling hash finds the places, the fingerprint proves them.
 */
import { createHmac, randomBytes } from 'node:crypto';

export interface KnownSecrets {
  fingerprint(text: string): string;
  /** From now on `text` is found wherever it stands: shorter ones as a whole word only. */
  learn(text: string, fingerprint: string): void;
  /** the places in `text` of what was learnt, without overlaps */
  find(text: string, only: 'all' | 'distinct'): { start: number; end: number; fingerprint: string }[];
  /** grows with each secret that is learnt */
  readonly size: number;
}

interface Learnt {
  fingerprint: string;
  /** long and mixed enough to be no word, so that it is the secret wherever it stands */
  distinct: boolean;
}

const WORD = 8;
const wordChar = /[\p{L}\p{N}_]/u;

export function createKnownSecrets(): KnownSecrets {
  const key = randomBytes(32);
  const base = (key.readUInt32LE(0) | 1) >>> 0;
  const fingerprint = (text: string): string => createHmac('sha256', key).update(text).digest('base64');
  /** length, then rolling hash */
  const byLength = new Map<number, Map<number, Learnt[]>>();
  /** whether some hash begins like this: most windows end here */
  const begins = new Uint8Array(65_536);
  let size = 0;

  const confirmed = (text: string, start: number, end: number, candidates: readonly Learnt[]): Learnt | undefined => {
    const print = fingerprint(text.slice(start, end));
    return candidates.find((one) => one.fingerprint === print);
  };
  return {
    fingerprint,
    learn(text, print) {
      const table = byLength.get(text.length) ?? new Map<number, Learnt[]>();
      byLength.set(text.length, table);
      const hash = hashOf(text, base);
      begins[hash >>> 16] = 1;
      const known = table.get(hash) ?? [];
      if (known.some((one) => one.fingerprint === print)) return;
      table.set(hash, [...known, { fingerprint: print, distinct: text.length >= WORD && /[^\p{L}]/u.test(text) }]);
      size++;
    },
    find(text, only) {
      const found: { start: number; end: number; fingerprint: string }[] = [];
      for (const [length, table] of [...byLength].sort((a, b) => b[0] - a[0]))
        eachWindow(text, length, base, (start, hash) => {
          if (begins[hash >>> 16] === 0) return;
          const candidates = table.get(hash);
          const end = start + length;
          if (!candidates || found.some((one) => one.start < end && start < one.end)) return;
          const secret = confirmed(text, start, end, candidates);
          if (!secret || (only === 'distinct' && !secret.distinct)) return;
          if (!secret.distinct && (wordChar.test(text[start - 1] ?? '') || wordChar.test(text[end] ?? ''))) return;
          found.push({ start, end, fingerprint: secret.fingerprint });
        });
      return found;
    },
    get size() {
      return size;
    },
  };
}

function hashOf(text: string, base: number): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, base) + text.charCodeAt(i)) | 0;
  return hash;
}

/** The hash of every part of this length, each made of the one before. */
function eachWindow(text: string, length: number, base: number, visit: (start: number, hash: number) => void): void {
  if (text.length < length) return;
  let power = 1;
  for (let i = 1; i < length; i++) power = Math.imul(power, base);
  let hash = hashOf(text.slice(0, length), base);
  visit(0, hash);
  for (let start = 1; start + length <= text.length; start++) {
    hash = (Math.imul((hash - Math.imul(text.charCodeAt(start - 1), power)) | 0, base) + text.charCodeAt(start + length - 1)) | 0;
    visit(start, hash);
  }
}
