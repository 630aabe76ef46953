/** Names and matchers of values that are too unlikely to be chosen by a person: uuids, tokens, random hashes; and of times. */
import { createHash } from 'node:crypto';
import type { Evidence } from '../evidence.js';
import { isUuid, timeOf } from '../kinds.js';
import type { Recording } from '../schema.js';
import { any, id, secretsOf, Tagged, type Value, walk } from '../values.js';
import { isEffect, isKnownTo, type Site, timeline } from './sites.js';
import { type Namer, plain, tablesIn } from './words.js';

/** Random-looking: a uuid, a long number as text, hex or base64 of some length with letters and digits mixed. */
export function isRandom(value: string): boolean {
  if (value.length < 8 || value.length > 512) return false;
  if (isUuid(value) || /^\d{12,}$/.test(value)) return true;
  // Some say of what kind it is: `a.4KuGhO7lsajVdhOR`.
  const random = value.replace(KIND, '');
  if (random.length < 8 || !/^[A-Za-z0-9_-]+=*$/.test(random) || timeOf(value) !== undefined || isWords(random)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(random)).length;
  const switches = random.replace(/[^A-Za-z0-9]/g, '').match(/[a-z](?=\d)|\d(?=[A-Za-z])|[a-z](?=[A-Z])|[A-Z](?=\d)/g)?.length ?? 0;
  return kinds >= 2 && switches >= Math.max(3, random.length / 6);
}

const KIND = /^[a-z]{1,8}\./;

/** `recencySortingIsOn`: letters only, in words that are as long as those of a language. */
function isWords(value: string): boolean {
  const words = value.split(/[_-]|(?=[A-Z])/);
  return words.every((word) => /^[A-Z]?[a-z]+$/.test(word)) && value.length >= 4 * words.length;
}

/** What may be a random value in a longer text: a whole word, so that no part of one is taken for it. */
const WORD = /(?<![\w.-])(?:[a-z]{1,8}\.)?[\w-]{8,}(?![\w-])/g;
const randomWords = (text: string): string[] =>
  text.length > 2000 || text.includes('${') ? [] : (text.match(WORD) ?? []).filter((word) => word !== text && isRandom(word));

/** Longer and more mixed than product codes and serial numbers of rows that were there before. */
const isToken = (value: string): boolean => value.length >= 20 && [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(value));

export interface Unlikely {
  /** what replaces a value that is one */
  at(value: Value): Found | undefined;
  /** what replaces a secret inside a text */
  secret(name: string): Found | undefined;
  /** a text, perhaps with names in it already, with those in place of the random values that it holds, and which */
  inside(site: Site, text: string): { template: string; used: Found[] };
}

interface Found {
  tag: Tagged;
  why: string;
}

/** A secret as a key among those of texts. */
const secretKey = (name: string): string => `secret:${name}`;

function keysOf(value: Value): string[] {
  if (value instanceof Tagged) return secretsOf(value.body).map(secretKey);
  return typeof value === 'string' && isRandom(value) ? [value] : [];
}

/** What replaces a random-looking value or a secret. Undefined where nothing says that it is made anew in each run. */
export function findUnlikely(recording: Recording, evidence: Evidence, sites: readonly Site[], taken: (value: Value) => boolean, name: Namer): Unlikely {
  const seen = new Map<string, Site[]>();
  const inTexts = new Map<string, Site[]>();
  for (const site of sites) {
    if (typeof site.value === 'string') for (const word of randomWords(site.value)) put(inTexts, word, site);
    if (!taken(site.value)) for (const key of keysOf(site.value)) put(seen, key, site);
  }
  const old = existing(recording);
  const digests = seen.size > 0 ? digestsOf(recording) : new Set<string>();
  const sent = sites.filter((site) => !isEffect(site) && typeof site.value === 'string').map((site) => String(site.value));
  const found = new Map<string, Found>();
  for (const [value, at] of seen) {
    const first = at[0] as Site;
    const texts = inTexts.get(value) ?? [];
    const stem = first.key || 'value';
    const back = [...at, ...texts].filter((site) => !isEffect(site));
    const later = back.length > 0;
    // What was perhaps sent before it was seen is not named after what was seen.
    const known = back.every((sent) => at.some((seen) => isEffect(seen) && isKnownTo(seen, sent)));
    // A name of a property alone is one that a programmer chose.
    if (at.every((site) => site.isKey)) continue;
    if (value.startsWith('secret:')) {
      // A secret is configuration, unless the server gave it to the client first.
      if (isEffect(first) && later && known) found.set(value, { tag: id(name(stem)), why: 'a secret that the server made and the client sent back' });
      continue;
    }
    if (old.has(value) || digests.has(value.toLowerCase()) || at.some((site) => isDigestKey(site.key, value))) continue;
    if (!isEffect(first)) {
      if (isUuid(value) && clientMade(at, evidence))
        found.set(value, { tag: new Tagged({ tag: 'uuid', name: name(stem) }), why: 'a uuid that the client made' });
      continue;
    }
    const proven = isUuid(value) || later || isToken(value) || at.some((site) => site.part === 'row' || site.part === 'set');
    if (!later && at.some((site) => isOfBefore(site, evidence.startedAt))) continue;
    // Inside a sent text it must be a word of its own, and known by then.
    const hidden = sent.some((text) => text.length > value.length && text.includes(value) && !randomWords(text).includes(value));
    if (!proven || hidden || !known) continue;
    if (at.length + texts.length > 1) found.set(value, { tag: id(name(stem)), why: 'made by the server, too random to be a coincidence' });
    else found.set(value, { tag: isUuid(value) ? new Tagged({ tag: 'uuid' }) : any('string'), why: 'random, and seen once' });
  }
  const inside = (site: Site, text: string): { template: string; used: Found[] } => {
    const used: Found[] = [];
    const words = typeof site.value === 'string' ? new Set(randomWords(site.value)) : new Set();
    if (words.size === 0) return { template: text, used };
    const template = text.replace(WORD, (word) => {
      const made = words.has(word) ? found.get(word) : undefined;
      if (!made || !('name' in made.tag.body)) return word;
      used.push(made);
      return `\${${made.tag.body.name}}`;
    });
    return { template, used };
  };
  return {
    at: (value) => found.get(value instanceof Tagged ? (value.body.tag === 'secret' ? secretKey(value.body.name) : '') : (keysOf(value)[0] ?? '')),
    secret: (name) => found.get(secretKey(name)),
    inside,
  };
}

/** What stands beside says when it was made: before the recording, so that every run has the same. One that the client sends back may be another one there. */
function isOfBefore({ within }: Site, startedAt: number): boolean {
  const made = Object.entries(within[0] ?? {}).flatMap(([key, value]) => {
    const time = /^created(at|on|date|time)?$/.test(plain(key)) && (typeof value === 'string' || typeof value === 'number') ? timeOf(value) : undefined;
    return time === undefined ? [] : [time];
  });
  return made.length === 1 && (made[0] as number) < startedAt - BEFORE;
}

/** Clocks of servers and databases differ, and some cut off seconds. */
const BEFORE = 60_000;

function put(map: Map<string, Site[]>, key: string, site: Site): void {
  const known = map.get(key);
  if (known) known.push(site);
  else map.set(key, [site]);
}

/**
 * A uuid that a client sent first may as well be that of something it knew from elsewhere, which a new one would not find.
 * It is made by the client where a row was inserted under it, or where it came back under a key that no table knows.
 */
function clientMade(at: readonly Site[], evidence: Evidence): boolean {
  const tables = evidence.tables.map((table) => table.name);
  const own = (site: Site): boolean => {
    const info = evidence.tables.find((table) => table.name === site.table);
    return (
      site.part === 'row' &&
      !info?.foreignKeys.some((foreign) => foreign.column === site.key) &&
      tablesIn(site.key, tables).every((table) => table === site.table)
    );
  };
  if (at.some(own)) return true;
  const unknown = (key: string): boolean =>
    tablesIn(key, tables).length === 0 && !evidence.tables.some((table) => table.columns.some((column) => plain(column.name) === plain(key)));
  return tables.length > 0 && at.some(isEffect) && at.every((site) => site.table === undefined && site.key !== '' && unknown(site.key));
}

/** Content digests: the same input gives the same value. */
function isDigestKey(key: string, value: string): boolean {
  if (/(^|_)sha-?\d+$|sha\d*$|md5|digest|checksum|etag|fingerprint|integrity/i.test(key)) return true;
  return /hash$/i.test(key) && /^[\da-f]+$/i.test(value) && [32, 40, 56, 64, 96, 128].includes(value.length);
}

/** The digests of everything that was sent. */
function digestsOf(recording: Recording): Set<string> {
  const digests = new Set<string>();
  for (const { trace } of timeline(recording))
    walk(trace.args ?? [], (content) => {
      if (typeof content !== 'string' && !(content instanceof Uint8Array)) return;
      for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
        const digest = createHash(algorithm).update(content).digest();
        for (const form of ['hex', 'base64url'] as const) digests.add(digest.toString(form).toLowerCase());
      }
    });
  return digests;
}

/** What rows had that were there before: a change speaks of a row that no trace inserted. */
function existing(recording: Recording): Set<Value> {
  const old = new Set<Value>();
  const made = new Set<Value>();
  for (const { trace } of timeline(recording))
    for (const change of trace.changes ?? []) {
      for (const value of [...Object.values(change.key ?? {}), ...Object.values(change.was ?? {})]) if (!made.has(value)) old.add(value);
      for (const value of [...Object.values(change.row ?? {}), ...Object.values(change.set ?? {})]) if (!old.has(value)) made.add(value);
    }
  return old;
}
