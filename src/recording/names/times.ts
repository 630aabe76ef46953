/** Times: those of the recording itself are another time's at replay, and so is what lies so many hours or days away from them. */
import { timeOf } from '../kinds.js';
import { any, id, type NowForm, Tagged, type Value } from '../values.js';
import { isId, isKindId } from './kinds.js';
import { isEffect, isKnownTo, type Site } from './sites.js';
import { type Namer, plain } from './words.js';

/** Seconds are cut off in some databases; clients and their network are slow. */
const EARLY = 1000;
const LATE = 3000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Found {
  tag: Tagged;
  why: string;
}

/** Given the sites in their order; what replaces the time at the n-th of them. Only named ones say why. */
export function findTimes(sites: readonly Site[], startedAt: number, took: number, name: Namer): (site: Site, index: number) => Found | undefined {
  const { made, givenBack } = timesOf(sites, startedAt, name);
  return (site, index) => {
    const { value } = site;
    const back = givenBack.get(index);
    if (back) return back;
    const time = timeAt(site);
    if (time === undefined) return undefined;
    const relative = made.get(value);
    if (relative) return relative;
    const found = (tag: Tagged): Found => ({ tag, why: 'a time of the recording' });
    if (isEffect(site)) {
      const isOurs = time >= startedAt - EARLY && time <= startedAt + took + LATE;
      const ofOne = [...made.keys()].some((other) => Math.floor((timeOf(other) ?? 0) / 1000) === Math.floor(time / 1000));
      return isOurs || ofOne || isAhead(time, startedAt + site.start - EARLY, startedAt + Math.min(site.end, took) + LATE)
        ? found(any('timestamp'))
        : undefined;
    }
    // Not a name: that a server's time is the same millisecond is a coincidence.
    return Math.abs(time - (startedAt + site.start)) > LATE ? undefined : found(new Tagged({ tag: 'now', form: formOf(value) }));
  };
}

/** A time with hours and minutes: a bare date is a value that a person chose. */
function timeAt({ value, isKey }: Site): number | undefined {
  if (isKey || (typeof value === 'string' && value.length < 16)) return undefined;
  return timeOf(value);
}

const formOf = (value: Value): NowForm => (typeof value === 'string' ? 'iso' : Number(value) >= 1e12 ? 'ms' : 's');

/** What a client sent that the server had given it, and what it made as so many hours from now. */
function timesOf(sites: readonly Site[], startedAt: number, name: Namer): { made: Map<Value, Found>; givenBack: Map<number, Found> } {
  const seen = new Map<Value, { site: Site; index: number }[]>();
  const counts = new Map<Value, number>();
  const made = new Map<Value, Found>();
  const givenBack = new Map<number, Found>();
  const relative = new Map<Value, { site: Site; offset: number }>();
  sites.forEach((site, index) => {
    const time = timeAt(site);
    if (time === undefined) return;
    const { value } = site;
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if (isEffect(site)) {
      const list = seen.get(value) ?? [];
      seen.set(value, list);
      list.push({ site, index });
      return;
    }
    const before = (seen.get(value) ?? []).filter(({ site: from }) => isKnownTo(from, site));
    // Of several that are equal, perhaps by chance, it is the last one that it can have read.
    const source = before.findLast(({ site: from }) => (from.part === 'ack' || from.part === 'push') && isGivenBack(from, site));
    if (source) {
      const why = 'a time that the server gave, and the client sent back';
      // The same time of the same row has one name, wherever it was read.
      const same = before.find(
        ({ site: from, index: at }) => givenBack.has(at) && plain(from.key) === plain(site.key) && ownerOf(from) === ownerOf(source.site),
      );
      const found = givenBack.get((same ?? source).index) ?? { tag: id(name(site.key || 'time')), why };
      givenBack.set(source.index, found);
      givenBack.set(index, found);
    } else if (before.length === 0 && !seen.has(value) && !relative.has(value)) {
      const offset = offsetOf(time, startedAt + site.start);
      if (offset !== undefined) relative.set(value, { site, offset });
    }
  });
  for (const [value, { site, offset }] of relative) {
    const form = formOf(value);
    const known = (counts.get(value) ?? 0) > 1 ? { name: name(site.key || 'time') } : {};
    made.set(value, { tag: new Tagged({ tag: 'now', form, offset, ...known }), why: 'so long after the client sent it' });
  }
  return { made, givenBack };
}

/** Under the same property; or as an id, of which some applications make a time. */
const isGivenBack = (from: Site, site: Site): boolean =>
  plain(from.key) === plain(site.key) || (saysId(from.key) && (saysId(site.key) || (site.key === '' && typeof site.path.at(-1) === 'number')));
const saysId = (key: string): boolean => isId(key) || isKindId(key);

/** The `id` of the object in which it stands. */
const ownerOf = ({ within: [object] }: Site): string => JSON.stringify(object?.id ?? null);

/** How far a time lies from the moment of sending, where that is surely how it was made: hours, days, or every five minutes within an hour. */
function offsetOf(time: number, sent: number): number | undefined {
  // A person chooses whole minutes.
  if (time % MINUTE === 0) return undefined;
  const distance = time - sent;
  for (const [unit, within] of [
    [HOUR, LATE],
    [5 * MINUTE, EARLY],
  ] as const) {
    const offset = Math.round(distance / unit) * unit;
    if (offset !== 0 && Math.abs(distance - offset) <= within && (unit === HOUR ? isCounted(offset) : Math.abs(offset) < HOUR)) return offset;
  }
  return undefined;
}

/** Hours within two days, whole days within ten years; summer time may begin or end between. Any other is a coincidence: six seconds of every hour would be one. */
function isCounted(offset: number): boolean {
  const hours = Math.abs(offset) / HOUR;
  return hours <= 48 || (hours <= 3660 * 24 && Math.abs(hours - Math.round(hours / 24) * 24) <= 1);
}

/** Whether so long before the time lies between the two. */
function isAhead(time: number, from: number, to: number): boolean {
  const offset = Math.floor((time - from) / HOUR) * HOUR;
  return time > to && time % MINUTE !== 0 && offset >= time - to && isCounted(offset);
}
