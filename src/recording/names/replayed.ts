/**
 * Names that replays prove: ids that no row made, such as those of a counter in memory. That something is one, replays tell: it came
 * back as another value. Where else it stands is decided as for the keys of rows, by the names of properties, holders and events,
 * and by what became of a step that sent the recorded value. What is not proven stays as it is. Pure.
 */
import type { Edit } from '../edit.js';
import type { Evidence } from '../evidence.js';
import type { SeenReplay } from '../learn.js';
import { type Came, isBroken, type Moves, movesOf, namesSeen } from '../moves.js';
import type { Recording } from '../schema.js';
import { editsBetween } from '../tree-edits.js';
import { id, Tagged, type Value } from '../values.js';
import { allNames } from './keep.js';
import { isId, isKindId, type Kinds, kindsIn } from './kinds.js';
import { createProver, type Proof, type Prove } from './proof.js';
import type { RowName } from './rows.js';
import { isEffect, mapSites, type Site, sitesOf } from './sites.js';
import { spokenAt } from './spoken.js';
import { agree, inList, isBare, isLinked, isMoved, isScalar, namedThings, pathOf, rowsOf, sameCame, type Thing, thingsIn } from './things.js';
import { createNamer, plain, singular } from './words.js';

export interface ReplayedName {
  name: string;
  /** what came in the place of the recorded value, and why it is the same elsewhere */
  why: string;
  /** how many places it gets, and how many of them a client sends */
  places: number;
  sent: number;
  /** where it came back as another value: indexes in the recording, and the path of the difference */
  session: number;
  trace: number;
  path: string;
  /** tells what it is a name of from others */
  key: string;
  /** as which it is refused */
  refusal: string;
  /** steps that did not come to what was recorded, which is all that says that they mean it: with the name they must */
  guesses: Guess[];
  row: RowName;
  kind: string | undefined;
}

interface Guess {
  session: number;
  trace: number;
  key: string;
}

export interface ReplayedNames {
  edits: Edit[];
  names: ReplayedName[];
}

/** `known` have been found in earlier rounds; `refused` are keys of names and guesses that replays have shown to be wrong. */
export function replayedNames(
  recording: Recording,
  replays: readonly SeenReplay[],
  known: readonly ReplayedName[] = [],
  refused: ReadonlySet<string> = new Set(),
): ReplayedNames {
  const moves = movesOf(recording, replays);
  const sites = sitesOf(recording);
  const kinds = kindsIn(
    recording,
    sites,
    known.flatMap(({ kind }) => kind ?? []),
  );
  const named = namedThings(
    new Map(known.filter(({ key }) => !refused.has(again(key))).map((one) => [one.key, one])).values(),
    namesSeen(recording, replays, moves),
  );
  const isKnown = ({ key, kind, row, came }: Thing): boolean =>
    known.some((one) => one.key === key) ||
    (kind === undefined && isUnlikely(row.value) && named.some((one) => one.row.value === row.value && agree(one.came, came)));
  const all = [...named, ...thingsIn(sites, moves, kinds).filter((thing) => !refused.has(thing.key) && !isKnown(thing))];
  if (all.length === 0) return { edits: [], names: [] };
  const evidence = evidenceFor(kinds);
  const ofValue = byValue(sites);
  for (const thing of all) {
    const like = ofValue(thing.row.value);
    toFirst(thing, like, createProver(rowsOf([thing]), evidence, like), kinds);
  }
  const around: Around = { moves, sites: ofValue, sent: sentBy(sites), kinds, all, prove: createProver(rowsOf(all), evidence, sites), refused };
  return write(
    recording,
    all.flatMap((thing) => accept(thing, around) ?? []),
    evidence,
    around,
  );
}

/** What has its name already, and is found in more places. */
const again = (key: string): string => `again ${key}`;

const evidenceFor = ({ all }: Kinds): Evidence => ({
  tables: all.map((name) => ({ name, key: ['id'], columns: [], foreignKeys: [], unique: [] })),
  startedAt: 0,
  sockets: {},
});

function byValue(sites: readonly Site[]): (value: Value) => readonly Site[] {
  const found = new Map<string, Site[]>();
  for (const site of sites) {
    if (!isScalar(site.value)) continue;
    const list = found.get(String(site.value)) ?? [];
    found.set(String(site.value), list);
    list.push(site);
  }
  return (value) => found.get(String(value)) ?? [];
}

function sentBy(sites: readonly Site[]): Around['sent'] {
  const traceOf = (site: Site): string => `${site.session}/${site.trace}`;
  const found = new Map<string, Site[]>();
  for (const site of sites) {
    if (isEffect(site) || !isScalar(site.value)) continue;
    const list = found.get(traceOf(site)) ?? [];
    found.set(traceOf(site), list);
    list.push(site);
  }
  return (site) => found.get(traceOf(site)) ?? [];
}

/** The first trace that tells it need not be one in which it was seen to be another value. */
function toFirst({ row, moved }: Thing, sites: readonly Site[], prove: Prove, kinds: Kinds): void {
  if (moved.length === 0) return;
  const first = sites.find(
    (site) =>
      site.order < row.order && isEffect(site) && String(site.value) === String(row.value) && prove({ ...site, order: row.order }) && isSure(site, row, kinds),
  );
  if (first) Object.assign(row, { order: first.order, start: first.start, session: first.session, trace: first.trace });
}

/** That an event is named after it is too little for what it tells of something that nobody sent, and that looks like nothing. */
const isSure = (site: Site, row: RowName, kinds: Kinds): boolean => site.isKey === true || kinds.of(site)?.by !== 'event' || isLinked(site, row);

interface Around {
  moves: Moves;
  sites(value: Value): readonly Site[];
  /** what the trace of a site sends */
  sent(site: Site): readonly Site[];
  kinds: Kinds;
  all: readonly Thing[];
  prove: Prove;
  refused: ReadonlySet<string>;
}

interface Accepted {
  thing: Thing;
  places: Set<string>;
  sent: number;
  why: string;
  guesses: Guess[];
}

const placeOf = (site: Site): string => JSON.stringify([pathOf(site), site.isKey === true]);

function accept(thing: Thing, around: Around): Accepted | undefined {
  const { moves, prove, kinds } = around;
  const { row, came, moved } = thing;
  const sites = around.sites(row.value);
  const proofs = new Map<Site, Proof>();
  for (const site of sites) {
    const proof = prove(site);
    if (proof?.name === row) {
      if (!isEffect(site) || isSure(site, row, kinds)) proofs.set(site, proof);
    }
    // Sent before it was made, it was there before; or it is something else.
    else if (!proof && !isEffect(site) && !isBare(site) && site.order <= row.order && prove({ ...site, order: Number.MAX_SAFE_INTEGER })?.name === row)
      return undefined;
  }
  const places = new Set(moved.map(placeOf));
  const why: string[] = [];
  const guesses: Guess[] = [];
  const guess = (site: Site): void => {
    const [, session, , trace] = site.at;
    places.add(placeOf(site));
    guesses.push({ session: Number(session), trace: Number(trace), key: guessKey(thing, site) });
  };
  const firstSent = Math.min(...[...proofs.keys()].filter((site) => !isEffect(site)).map(({ order }) => order));
  for (const [site, proof] of proofs) {
    if (isBare(site) && !isEffect(site)) {
      // A bare number may be a page, or how many.
      if (around.refused.has(guessKey(thing, site)) || !fails(site, thing, around)) continue;
      guess(site);
    } else if (isEffect(site) && !places.has(placeOf(site)) && !site.isKey && !inList(site)) {
      const here = moves.at(pathOf(site));
      const against = here.some((one, r) => isMoved(came[r]) && (isMoved(one) ? !sameCame(one, came[r]) : one === 'same') && site.order < firstSent);
      if (against && proof.weight >= 1000) return undefined;
      if (against) continue;
    }
    if (!isEffect(site)) why.push(proof.why);
    places.add(placeOf(site));
  }
  for (const site of sites) {
    if (places.has(placeOf(site))) continue;
    if (isTwin(site, thing, around) || isListed(site, thing, around)) {
      if (isEffect(site)) places.add(placeOf(site));
      else guess(site);
    } else if (isGuess(site, thing, around, proofs)) {
      guess(site);
      why.push(`with ${JSON.stringify(row.value)} ${site.event} came to something else`);
    }
  }
  const got = sites.filter((site) => places.has(placeOf(site)));
  const sent = got.filter((site) => !isEffect(site)).length;
  // One place alone is noise.
  if (got.length === 0 || (moved.length > 0 && sent === 0 && got.filter((site) => moves.at(pathOf(site)).some(isMoved)).length < 2)) return undefined;
  return { thing, places, sent, guesses, why: why[0] ?? 'and in other places, too' };
}

const guessKey = ({ key }: Thing, site: Site): string => `${key} ${placeOf(site)}`;

/** What a client did with the recorded value came to something else wherever the thing had another one, and nowhere else; and no other id explains it. */
function fails(site: Site, { came }: Thing, { moves, sent, prove }: Around): boolean {
  const [, session, , trace] = site.at;
  if (site.at[2] !== 'traces' || sent(site).some((one) => one !== site && !isBare(one) && prove(one))) return false;
  const ended = moves.traceAt(Number(session), Number(trace)).map((one) => one !== undefined && !one.quarantined && isBroken(one));
  return came.every((one, r) => (isMoved(one) ? ended[r] : one !== 'same' || !ended[r])) && ended.some((one, r) => one && isMoved(came[r]));
}

/** An id that came back as the same other value, where only this thing did. */
function isTwin(site: Site, thing: Thing, { moves, all, kinds }: Around): boolean {
  const { row, came } = thing;
  if (!isEffect(site) || site.isKey || site.part === 'key' || !(isId(site.key) || isUnlikely(row.value)) || site.value !== row.value || site.order < row.order)
    return false;
  const kind = isId(site.key) ? kinds.of(site) : undefined;
  if (kind !== undefined && thing.kind !== undefined && kind.name !== thing.kind) return false;
  const here = moves.at(pathOf(site));
  const like = all.filter((other) => String(other.row.value) === String(row.value) && agree(other.came, here));
  return like.length === 1 && like[0] === thing && agree(came, here);
}

/** What hardly comes back as the same other value by chance, under whatever key. */
const isUnlikely = (value: string | number): boolean => (typeof value === 'number' ? value > 999 : value.length > 2 && !/^\d+$/.test(value));

/** In a list of nothing but ids of one kind, in which some came back as others: only of this kind are there all of them. */
function isListed(site: Site, thing: Thing, around: Around): boolean {
  const { all, moves } = around;
  const index = site.path.at(-1);
  if (site.isKey || typeof index !== 'number' || site.path.length < 2 || thing.kind === undefined || site.value !== thing.row.value) return false;
  const list = listOf(site);
  if (!list || list.length < 2 || new Set(list).size < list.length) return false;
  const isOf = (kind: string | undefined): Thing[] | undefined => {
    const things = list.map((value) =>
      all.find((other) => other.kind === kind && other.row.value === value && (isEffect(site) ? other.row.order <= site.order : other.row.order < site.order)),
    );
    return things.every((one) => one !== undefined) ? things : undefined;
  };
  const fitting = [...new Set(all.map(({ kind }) => kind))].filter((kind) => kind !== undefined && isOf(kind));
  if (fitting.length !== 1 || fitting[0] !== thing.kind) return false;
  const beside = (one: Site): boolean =>
    String(one.value) === String(site.value) && JSON.stringify(one.path.slice(0, -1)) !== JSON.stringify(site.path.slice(0, -1));
  if (!isEffect(site)) return !around.refused.has(guessKey(thing, site)) && !around.sent(site).some(beside) && fails(site, thing, around);
  const here = (isOf(thing.kind) ?? []).map((other, n) => ({ other, came: moves.at([...pathOf(site).slice(0, -1), n]) }));
  return here.some(({ other, came }) => agree(other.came, came)) && here.every(({ other, came }) => !came.some(isMoved) || agree(other.came, came));
}

/** The list in which a value stands, if there are only scalars in it. */
function listOf({ root, path }: Site): Value[] | undefined {
  let value: Value | undefined = root;
  for (const part of path.slice(0, -1))
    value = Array.isArray(value) ? value[Number(part)] : typeof value === 'object' && value !== null ? (value as { [key: string]: Value })[part] : undefined;
  return Array.isArray(value) && value.every(isScalar) ? value : undefined;
}

/** Nothing but what it came to says that a client means this thing: it is the only one of its value, and no other id is unclear in that trace. */
function isGuess(site: Site, thing: Thing, around: Around, proofs: ReadonlyMap<Site, Proof>): boolean {
  const { all, prove, refused } = around;
  const { row } = thing;
  if (isEffect(site) || site.value !== row.value || site.order <= row.order || refused.has(guessKey(thing, site))) return false;
  if (all.filter((other) => String(other.row.value) === String(row.value)).length !== 1) return false;
  const sites = around.sites(row.value);
  const here = sites.filter((one) => one.session === site.session && one.trace === site.trace && one.part === site.part);
  const unclear = here.filter(
    (one) => !one.isKey && (isId(one.key) || isKindId(one.key) || one.key === '' || plain(one.key) === plain(row.column)) && !prove(one),
  );
  const meant = unclear.length === 1 ? unclear : unclear.filter((one) => plain(one.key) === plain(row.column));
  if (meant.length !== 1 || meant[0] !== site || here.some((one) => proofs.has(one) && plain(one.key) === plain(site.key))) return false;
  // Sent before, or seen as something else: there is another one with this value.
  const isOther = (one: Site): boolean =>
    isEffect(one)
      ? one.order < site.order && !one.isKey && (isId(one.key) || isKindId(one.key)) && !thing.moved.includes(one) && !proofs.has(one)
      : one.order <= row.order && plain(one.key) === plain(site.key);
  return !sites.some(isOther) && fails(site, thing, around);
}

function write(recording: Recording, accepted: readonly Accepted[], evidence: Evidence, { all, moves, prove }: Around): ReplayedNames {
  const taken = allNames(recording);
  const reserved = new Set([...taken.names, ...taken.uniques, ...Object.keys(recording.given ?? {})]);
  const namer = createNamer();
  const counts = new Map<RowName, number>();
  for (const { thing } of accepted.toSorted((a, b) => a.thing.row.order - b.thing.row.order))
    if (thing.row.name === '') {
      const stem = singular(thing.kind ?? thing.row.column).replace(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase());
      do thing.row.name = namer(stem);
      while (reserved.has(thing.row.name));
    }
  const named = all.filter(({ row }) => row.name !== '');
  const byPlace = new Map(accepted.flatMap(({ thing, places }) => [...places].map((place) => [place, thing])));
  const spoken = spokenAt(named, evidence, prove);
  const use = (row: RowName): void => void counts.set(row, (counts.get(row) ?? 0) + 1);
  const made = mapSites(recording, (site) => {
    const row = byPlace.get(placeOf(site))?.row;
    if (row) {
      // A number for a text cannot be said.
      if (typeof row.value !== typeof site.value && typeof site.value !== 'string') return undefined;
      use(row);
      return typeof row.value === typeof site.value ? id(row.name) : new Tagged({ tag: 'text', template: `\${${row.name}}` });
    }
    const found = spoken(site, site.isKey || !isEffect(site) ? [] : moves.at(pathOf(site)));
    if (!found) return undefined;
    for (const one of found.used) use(one);
    return new Tagged({ tag: 'text', template: found.template });
  });
  const names = named.flatMap((thing): ReplayedName[] => {
    const { row, kind, key } = thing;
    const places = counts.get(row) ?? 0;
    if (places === 0) return [];
    const { sent = 0, why = 'a text speaks of it', guesses = [] } = accepted.find((one) => one.thing === thing) ?? {};
    const site = thing.moved.find((one) => !inList(one)) ?? thing.moved[0];
    const [, session, , trace] = site?.at ?? ['', guesses[0]?.session ?? 0, '', guesses[0]?.trace ?? 0];
    const path = site ? moves.pathOf(pathOf(site)) : '';
    return [
      {
        name: row.name,
        why: `${cameWords(row, thing.came)}; ${why}`,
        places,
        sent,
        session: Number(session),
        trace: Number(trace),
        path,
        key,
        refusal: thing.moved.length > 0 ? key : again(key),
        guesses,
        row,
        kind,
      },
    ];
  });
  return { edits: editsBetween(recording as unknown as Value, made as unknown as Value), names };
}

function cameWords({ value }: RowName, came: readonly Came[]): string {
  const others = [...new Set(came.flatMap((one) => (isMoved(one) ? [JSON.stringify(one.value)] : [])))];
  return `${JSON.stringify(value)} came back as ${others.slice(0, 3).join(', ')}`;
}
