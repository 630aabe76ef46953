/**
 * Where the key of a row stands is decided by evidence (a declared foreign key, the name of the property, an object that looks
 * like the row), never by the value alone: small ids collide. What is not proven stays literal.
 */
import type { Evidence } from '../evidence.js';
import { timeOf } from '../kinds.js';
import { field, isObject, type Value, type ValueObject } from '../values.js';
import { conflicts, type RowName, type RowNames, resemblance } from './rows.js';
import type { Site } from './sites.js';
import { keyNames, plain, singular, tablesIn, words } from './words.js';

export interface Proof {
  name: RowName;
  why: string;
  /** the more it proves, the higher */
  weight: number;
}

/** Holders and keys that say nothing of what they hold. */
const general =
  /^(data|payload|result|value|body|row|rows|item|items|list|entity|record|args|changes|response|object|old|new|before|after|created|updated|deleted|inserted)$/i;
/** Properties whose text says of which kind the rest is: `{ table: 'annotation', data: { id: 3 } }`. */
export const kinds = /^(table|type|model|entity|collection|resource|kind|class|target|subject|store)(name)?$/i;

/** The property that holds the object of a site, where it says what it holds: `todos` also of `{ todos: { "3": { id: 3 } } }`. */
export function holderOf({ path }: Site): string | undefined {
  const holder = path.slice(0, -1).findLast((part): part is string => typeof part === 'string' && !/^\d+$/.test(part));
  return holder !== undefined && isGeneral(holder) ? undefined : holder;
}

export const isGeneral = (key: string): boolean => general.test(key);

/** Which row's key a value is; undefined: nothing proves that it is one. */
export type Prove = (site: Site) => Proof | undefined;

export function createProver(rows: RowNames, evidence: Evidence, sites: readonly Site[]): Prove {
  const tables = evidence.tables.map((table) => table.name);
  const spoken = new Map<string, string[]>();
  const tablesOf = (text: string): string[] => {
    const known = spoken.get(text) ?? tablesIn(text, tables);
    spoken.set(text, known);
    return known;
  };
  const says = (text: string, table: string): boolean => tablesOf(text).length === 1 && tablesOf(text)[0] === table;
  const foreign = foreignKeys(evidence);

  const prove = (site: Site, name: RowName): Proof | undefined => {
    const certain = (why: string): Proof => ({ name, why, weight: 1000 });
    if (site.table !== undefined) return proveColumn(site, name, evidence);
    if (isLong(name.value)) return certain('the value is too long to be a coincidence');
    const refers = foreign.get(plain(site.key));
    if (refers) return refers.size === 1 && refers.has(`${name.table}.${name.column}`) ? certain(`${site.key} is a foreign key to ${name.table}`) : undefined;
    if (keyNames(site.key, name.table)) return certain(`the property ${site.key} is named after ${name.table}`);
    // The keys of an object that is named after a table are like the items of such a list.
    const inList = typeof site.path.at(-1) === 'number' || site.isKey === true;
    if (inList && site.key !== '' && plain(site.key) === plain(`${name.table}s`.replace(/ss$/, 's')) && says(site.key, name.table))
      return certain(`the list ${site.key} is named after ${name.table}`);
    const first = site.key === '' && site.path.length === 1 && (site.path[0] === 0 || followsTable(site, name.table));
    const inserted = site.session === name.session && site.trace === name.trace;
    // A bare number that is answered is as often how many rows there were.
    if (first && site.part === 'ack' && typeof site.value === 'number' && !inserted) return undefined;
    const kind = kindsIn(site.part === 'ack' ? [site.root, site.args] : site.root, tablesOf);
    if (!first && (inList || plain(site.key) !== plain(name.column))) {
      // `{ success: true, data: 5 }`
      const answers = site.part === 'ack' && !inList && general.test(site.key) && rows.wrote(site, name);
      const said = kind.length === 1 ? kind[0] === name.table : kind.length === 0 && says(site.event, name.table);
      return answers && said ? { name, why: `it answers which row of ${name.table} was written`, weight: 50 } : undefined;
    }
    const owner = holderOf(site);
    if (owner !== undefined) return says(owner, name.table) ? certain(`it stands in ${owner}`) : undefined;
    const object = site.within[0];
    if (object && conflicts(object, name)) return undefined;
    if (kind.length > 0 && site.part !== 'push' && !kind.includes(name.table)) return undefined;
    const alike = object ? resemblance(object, name) : 0;
    if (kind.length === 1 && kind[0] === name.table) return { name, why: `the arguments name the table ${name.table}`, weight: 300 + alike };
    const other = object ? refersTo(object, name) : isLink(name.table, evidence) && rows.at(site, String(site.value)).some(({ table }) => table !== name.table);
    if (says(site.event, name.table) && !other) return { name, why: `the event ${site.event} is named after ${name.table}`, weight: 200 + alike };
    if (alike > 0) return { name, why: `the object around it looks like the row of ${name.table}`, weight: 100 + alike };
    if (site.part === 'ack' && inserted) return { name, why: 'it is in the acknowledgement of the trace that inserted the row', weight: 25 };
    return undefined;
  };

  const proofOf = (site: Site): Proof | undefined => {
    if (typeof site.value !== 'string' && typeof site.value !== 'number') return undefined;
    const newest = new Map(rows.at(site, String(site.value)).map((name) => [name.table, name]));
    const found = [...newest.values()].flatMap((name) => prove(site, name) ?? []).sort((a, b) => b.weight - a.weight);
    // The best proof decides; two that are equally good prove nothing.
    return found[0] && found[0].weight !== found[1]?.weight ? found[0] : undefined;
  };
  const about = rowsAbout(sites, proofOf);
  const linkOf = ({ event }: Site): string | undefined => tablesOf(event).find((table, _, all) => all.length === 1 && isLink(table, evidence));
  const ends = linkEnds(sites, linkOf, proofOf);
  return (site) => {
    const proof = proofOf(site) ?? (site.isKey ? proofOf(underKey(site)) : ends(site));
    const name = proof || site.part === 'row' || site.part === 'set' ? undefined : about.get(placeOf(site));
    if (!name || plain(site.key) !== plain(name.column) || (site.within[0] && conflicts(site.within[0], name))) return proof;
    return { name, why: `what ${site.event} did, it did to that row of ${name.table}`, weight: 10 };
  };
}

/** `get` with `'annotations', 3`: the text before a bare number says of which table it is. */
function followsTable({ part, path, args, value }: Site, table: string): boolean {
  const before = part === 'args' && typeof value === 'number' && typeof path[0] === 'number' ? args[path[0] - 1] : undefined;
  return typeof before === 'string' && [table, `${table}s`, singular(table)].some((name) => plain(name) === plain(before));
}

/** `{ "3": { id: 3 } }`: what stands under a key says by its own id what the key is. */
function underKey(site: Site): Site {
  const [object, ...outer] = site.within;
  const item = object && field(object, String(site.value));
  if (!object || !isObject(item) || String(field(item, 'id')) !== site.value) return { ...site, value: null };
  const { isKey: _, ...rest } = site;
  return { ...rest, path: [...site.path, 'id'], key: 'id', within: [item, object, ...outer] };
}

/** Whether an object names a row of this table as another thing than itself: what has an `annotationId` is no annotation, unless annotations have one. */
const refersTo = (object: ValueObject, { table, row }: RowName): boolean =>
  Object.keys(object).some((key) => keyNames(key, table) && ![...row.keys()].some((column) => plain(column) === plain(key)));

/** A table of links, named after what it links: an event of that name may as well mean either end. */
function isLink(table: string, { tables }: Evidence): boolean {
  const ends = new Set(tables.find(({ name }) => name === table)?.foreignKeys.map((foreign) => foreign.table));
  const said = ` ${words(table).join(' ')} `;
  return [...ends].filter((end) => end !== table && said.includes(` ${words(end).join(' ')} `)).length > 1;
}

/**
 * What stands bare in events that are named after a table of links: `addAnnotationTag` with 3 and 7 made a row that links annotation 3 and tag 7.
 * Events of one link take the same end in the same place.
 */
function linkEnds(sites: readonly Site[], linkOf: (site: Site) => string | undefined, prove: (site: Site) => Proof | undefined): Prove {
  const linking = sites.filter((site) => site.part === 'args' && !site.isKey && site.path.length === 1 && linkOf(site) !== undefined);
  const ends = new Map<string, Proof | undefined>();
  if (linking.length === 0) return () => undefined;
  const placeOfEnd = (site: Site): string => JSON.stringify([linkOf(site), site.path, String(site.value)]);
  const valueIn = ({ session, trace, value }: Site): string => JSON.stringify([session, trace, String(value)]);
  const byValue = (some: readonly Site[]): Map<string, Site[]> => {
    const found = new Map<string, Site[]>();
    for (const site of some) found.set(valueIn(site), [...(found.get(valueIn(site)) ?? []), site]);
    return found;
  };
  const [rowsWith, sentWith] = [byValue(sites.filter(({ part }) => part === 'row')), byValue(linking)];
  for (const site of linking) {
    const made = (rowsWith.get(valueIn(site)) ?? []).filter((one) => one.table === linkOf(site) && prove(one)?.name.table !== one.table);
    const name = made[0] && new Set(made.map(({ key }) => key)).size === 1 ? prove(made[0])?.name : undefined;
    if (!name || sentWith.get(valueIn(site))?.length !== 1) continue;
    const place = placeOfEnd(site);
    const proof = { name, why: `${site.event} made a row that refers to it`, weight: 50 };
    ends.set(place, ends.has(place) && ends.get(place)?.name !== name ? undefined : proof);
  }
  return (site) => {
    if (site.part !== 'args' || site.isKey || site.path.length !== 1 || linkOf(site) === undefined) return undefined;
    const proof = ends.get(placeOfEnd(site));
    return proof && proof.name.order < site.order ? proof : undefined;
  };
}

/**
 * The row that a trace is about: it changed it, or answered with it alone. Where events have general names (`message`, `patch`) only that says
 * what an `id` is; not where another row with this key was changed, too.
 */
function rowsAbout(sites: readonly Site[], prove: (site: Site) => Proof | undefined): Map<string, RowName> {
  const about = new Map<string, RowName | undefined>();
  for (const site of sites) {
    const alone = (site.part === 'ack' || site.part === 'push') && site.within.length > 0 && site.path.slice(1).every((part) => typeof part === 'string');
    if ((site.part !== 'key' && !alone) || site.isKey) continue;
    const name = prove(site)?.name;
    if (!name && site.part !== 'key') continue;
    if (name && (plain(site.key) !== plain(name.column) || (name.session === site.session && name.trace === site.trace))) continue;
    const place = placeOf(site);
    about.set(place, about.has(place) && about.get(place) !== name ? undefined : name);
  }
  return new Map([...about].flatMap(([place, name]) => (name ? [[place, name]] : [])));
}

const placeOf = ({ session, trace, value, received }: Site): string => (received ? '' : JSON.stringify([session, trace, String(value)]));

function proveColumn(site: Site, name: RowName, evidence: Evidence): Proof | undefined {
  const certain = (why: string): Proof => ({ name, why, weight: 1000 });
  if (site.table === name.table && site.key === name.column) return certain('it is the key of the row');
  const declared = evidence.tables.find((table) => table.name === site.table)?.foreignKeys.filter((entry) => entry.column === site.key) ?? [];
  if (declared.length > 0)
    return declared.some((entry) => entry.table === name.table && entry.references === name.column)
      ? certain(`${site.table}.${site.key} is a foreign key to ${name.table}`)
      : undefined;
  if (keyNames(site.key, name.table)) return certain(`the column ${site.key} is named after ${name.table}`);
  return isLong(name.value) ? certain('the value is too long to be a coincidence') : undefined;
}

/** What each foreign key's column refers to; a column that is its table's own key says nothing of other keys of that name. */
function foreignKeys(evidence: Evidence): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const table of evidence.tables)
    for (const { column, table: to, references } of table.foreignKeys) {
      if (table.key.length === 1 && table.key[0] === column) continue;
      found.set(plain(column), (found.get(plain(column)) ?? new Set()).add(`${to}.${references}`));
    }
  return found;
}

/** The tables that a payload names as the kind of what it holds: under such a key, or as a bare argument. */
function kindsIn(root: Value, tablesOf: (text: string) => string[]): string[] {
  const found = new Set<string>();
  const visit = (value: Value, key: string, depth: number): void => {
    if (typeof value === 'string' && (kinds.test(key) || (key === '' && depth < 3)))
      for (const table of tablesOf(value))
        if (plain(value) === plain(table) || plain(value) === plain(`${table}s`) || plain(`${value}s`) === plain(table)) found.add(table);
    if (Array.isArray(value)) for (const item of value) visit(item, key, depth + 1);
    else if (isObject(value)) for (const [name, item] of Object.entries(value)) visit(item, name, depth + 1);
  };
  visit(root, '', 0);
  return [...found];
}

/** Too long to be a coincidence; but a number that is a time is likely to be that. */
export const isLong = (value: string | number): boolean =>
  String(value).length >= 8 && (typeof value === 'string' || (value > 1e7 && timeOf(value) === undefined));
