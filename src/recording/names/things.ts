/** What an application made in memory: ids that came back as other values in replays, where no row says what they are. Pure. */
import type { Path } from '../document.js';
import type { Came, Moves, namesSeen } from '../moves.js';
import { isObject, sameValue, type Value, type ValueObject } from '../values.js';
import { isId, isKindId, type Kinds } from './kinds.js';
import { type RowName, type RowNames, resemblance } from './rows.js';
import { isEffect, type Site } from './sites.js';
import { plain } from './words.js';

export interface Thing {
  /** it is found as a row would be; the trace is the first that tells it */
  row: RowName;
  /** undefined: nothing says */
  kind: string | undefined;
  /** where it came back as another value, in the order of time; none: it has its name already */
  moved: Site[];
  /** in each replay */
  came: readonly Came[];
  /** tells it from others */
  key: string;
}

export const pathOf = (site: Site): Path => [...site.at, ...site.path];
export const isScalar = (value: Value): value is string | number => typeof value === 'number' || typeof value === 'string';
export const isMoved = (came: Came): came is { value: Value } => typeof came === 'object';
/** In a list of the application's, in which a replay may find more, or others before it. */
export const inList = (site: Site): boolean => site.path.slice(1).some((part) => typeof part === 'number');
export const isBare = (site: Site): boolean => site.key === '' && !site.isKey && typeof site.value === 'number';
const saysId = (site: Site): boolean => isId(site.key) || isKindId(site.key);

/** One place, and what came there; the more it tells, the higher. */
interface Telling {
  site: Site;
  came: Came[];
  rank: 1 | 2 | 3;
}

export function thingsIn(sites: readonly Site[], moves: Moves, kinds: Kinds): Thing[] {
  const found: { site: Site; came: Came[]; kind?: string }[] = [];
  for (const site of sites) {
    if (!isEffect(site) || site.isKey || site.part === 'key' || !isScalar(site.value)) continue;
    const came = moves.at(pathOf(site)).map((one): Came => (isMoved(one) && typeof one.value !== typeof site.value ? 'several' : one));
    if (!came.some(isMoved)) continue;
    if (saysId(site)) found.push({ site, came, kind: kinds.of(site)?.name });
    else if (isCode(site.value, came)) found.push({ site, came });
  }
  const stale = staleIn(sites, found);
  const groups = new Map<string, { kind?: string; tellings: Telling[] }>();
  const put = (site: Site, came: Came[], key: string, kind?: string): void => {
    const group = groups.get(key) ?? { kind, tellings: [] };
    groups.set(key, group);
    // A list may have come in another order; what a client did with an old id may have come to anything.
    group.tellings.push({ site, came: came.map((one, r) => (stale(site, r) ? undefined : one)), rank: inList(site) ? 2 : 3 });
    group.tellings.push({ site, came: came.map((one, r) => (stale(site, r) ? one : undefined)), rank: 1 });
  };
  for (const { site, came, kind } of found) if (kind !== undefined) put(site, came, JSON.stringify([kind, String(site.value)]), kind);
  for (const { site, came, kind } of found) {
    if (kind !== undefined) continue;
    const like = [...groups].filter(([, { tellings }]) => String(tellings[0]?.site.value) === String(site.value) && agree(cameOf(tellings), came));
    // One trace tells one thing in several ways; elsewhere two that count alike are not told apart.
    const same = like.filter(([, { tellings }]) => tellings.some((one) => one.site.session === site.session && one.site.trace === site.trace));
    if (same.length === 1 && same[0]) put(site, came, same[0][0], same[0][1].kind);
    else put(site, came, JSON.stringify([null, plain(site.key), String(site.value)]));
  }
  // What was there before counts up with everything else that each replay leaves behind.
  const isMade = (kind: string | undefined, tellings: readonly Telling[]): boolean =>
    kind === undefined || !kinds.hasRows(kind) || tellings.some(({ site }) => site.table === kind && isId(site.key));
  return [...groups].flatMap(([key, { kind, tellings }], n) => (isMade(kind, tellings) ? (thingOf(key, kind, tellings, kinds, n) ?? []) : []));
}

function thingOf(key: string, kind: string | undefined, tellings: readonly Telling[], kinds: Kinds, n: number): Thing | undefined {
  const came = cameOf(tellings);
  const sites = new Set(tellings.filter((one) => one.came.every((value, r) => value === undefined || sameCame(value, came[r]))).map(({ site }) => site));
  const moved = [...sites].sort((a, b) => a.order - b.order);
  const [first] = moved;
  if (!first || came.includes('several') || !came.some(isMoved)) return undefined;
  const row = rowOf(first, kind ?? `nothing ${n}`);
  for (const site of moved) {
    // Two things of one value, perhaps: nothing but the event links what a later trace tells with what the first one made.
    if (!isLinked(site, row) && kinds.of(site)?.by === 'event') return undefined;
    if (site.within[0]) remember(row, site.within[0]);
  }
  return { row, kind, moved, came, key };
}

/** The best that is told of each replay; where that contradicts itself, `several`, unless it is weak. */
function cameOf(tellings: readonly Telling[]): Came[] {
  const [first] = tellings;
  return (first?.came ?? []).map((_, r) => {
    for (const rank of [3, 2, 1] as const) {
      const told = tellings.filter((one) => one.rank === rank).flatMap(({ came }) => came[r] ?? []);
      const [one] = told;
      if (one === undefined) continue;
      if (told.every((other) => sameCame(other, one))) return one;
      return rank === 3 ? 'several' : undefined;
    }
    return undefined;
  });
}

/** Whether a trace was sent, in a replay, an id that was another one there. */
function staleIn(sites: readonly Site[], found: readonly { site: Site; came: readonly Came[] }[]): (site: Site, replay: number) => boolean {
  const other = new Map<string, Set<number>>();
  for (const { site, came } of found)
    for (const [r, one] of came.entries()) if (isMoved(one)) other.set(String(site.value), (other.get(String(site.value)) ?? new Set()).add(r));
  const stale = new Set<string>();
  for (const site of sites)
    if (!isEffect(site) && !site.isKey && isScalar(site.value) && (saysId(site) || isBare(site) || typeof site.path.at(-1) === 'number'))
      for (const r of other.get(String(site.value)) ?? []) stale.add(`${site.session}/${site.trace}/${r}`);
  return (site, r) => stale.has(`${site.session}/${site.trace}/${r}`);
}

/** A text that is no word, under whatever key: another one in each replay. */
function isCode(value: Value, came: readonly Came[]): boolean {
  if (typeof value !== 'string' || value.length < 3 || value.length > 64 || !/\d|[A-Z].*[A-Z]/.test(value) || /\s|^\d+$/.test(value)) return false;
  const others = came.flatMap((one) => (isMoved(one) ? [String(one.value)] : []));
  return others.length > 1 && !came.includes('same') && new Set([...others, value]).size === others.length + 1;
}

export const sameCame = (a: Came, b: Came): boolean => (isMoved(a) && isMoved(b) ? sameValue(a.value, b.value) : a === b);
/** Whether both changed alike, as far as it is known, and once at least. */
export const agree = (a: readonly Came[], b: readonly Came[]): boolean =>
  a.every((one, r) => one === undefined || b[r] === undefined || sameCame(one, b[r])) && a.some((one, r) => isMoved(one) && isMoved(b[r]));

function rowOf(site: Site, table: string): RowName {
  const { value, key, order, start, session, trace } = site;
  const column = isKindId(key) ? 'id' : key;
  const row: RowName = { name: '', table, column, value: value as string | number, row: new Map(), unseen: true, order, start, session, trace };
  for (const argument of site.args) if (isObject(argument)) remember(row, argument);
  return row;
}

function remember({ row }: RowName, object: ValueObject): void {
  for (const [key, value] of Object.entries(object)) if (isScalar(value)) row.set(key, (row.get(key) ?? new Set()).add(value));
}

/** The trace made it, was sent it, or tells of something that looks like it. */
export function isLinked(site: Site, row: RowName): boolean {
  if (site.session === row.session && site.trace === row.trace) return true;
  return isSent(site.args, row.value) || (site.within[0] !== undefined && resemblance(site.within[0], row) > 0);
}

/** Whether arguments hold it as an id, alone or in a list. */
function isSent(args: Value, value: Value, key = ''): boolean {
  if (Array.isArray(args)) return args.some((item) => isSent(item, value, key));
  if (isObject(args)) return Object.entries(args).some(([name, item]) => isSent(item, value, name));
  return String(args) === String(value) && (key === '' || isId(key) || isKindId(key));
}

/** Things that have their names since an earlier round: their rows. */
export const namedThings = (named: Iterable<Pick<Thing, 'row' | 'kind' | 'key'>>, seen: ReturnType<typeof namesSeen>): Thing[] =>
  [...named].map(({ row, kind, key }) => ({
    row,
    kind,
    key,
    moved: [],
    came: seen.map((names): Came => {
      const value = names.get(row.name);
      return value === undefined ? undefined : sameValue(value, row.value) ? 'same' : { value };
    }),
  }));

/** As the finder of places asks for rows. */
export function rowsOf(things: readonly Thing[]): RowNames {
  const byKey = new Map<string, RowName[]>();
  for (const { row } of things) byKey.set(String(row.value), [...(byKey.get(String(row.value)) ?? []), row]);
  return {
    at: (site, key) => (byKey.get(key) ?? []).filter((row) => (isEffect(site) ? row.order <= site.order || row.start < site.end : row.order < site.order)),
    made: () => false,
    wrote: () => false,
  };
}
