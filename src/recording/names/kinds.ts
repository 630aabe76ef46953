/** Of which kind an id is where no table says it: by its key, by what holds it, by the event. Pure. */
import { changeOf, type Recording } from '../schema.js';
import { isObject, Tagged, type Value } from '../values.js';
import { holderOf, isGeneral, kinds as typesIn } from './proof.js';
import type { Site } from './sites.js';
import { tablesIn, words } from './words.js';

/** `id`, which says nothing of its kind. */
export const isId = (key: string): boolean => /^(_?id|uid|uuid|guid)$/i.test(key);
/** `todoId`, `todo_ids`: also of other things than rows. */
export const isKindId = (key: string): boolean => /.(Ids?|IDs?|_ids?)$/.test(key);

const list = (text: string): Set<string> => new Set(text.trim().split(/\s+/));
/** What events do, and fillers: not what they do it to. */
const fillers = list(`
  create created creating add added adding new insert inserted make made save saved store stored update updated updating edit edited change changed modify modified patch put get got fetch
  fetched load loaded read find found open opened close closed delete deleted del remove removed destroy destroyed archive archived toggle toggled complete completed done checked start
  started stop stopped begin end ended finish finished join joined leave left enter entered exit send sent emit push receive received refresh refreshed reload sync moved select selected
  submit submitted requested success error ok ack data on handle by to of the a for from in my one all id register registered up reset clear cleared rename renamed assign assigned marked
  publish published subscribe subscribed unsubscribe connect connected`);
/** These may be either. */
const often = list('list listed item event client server request response reply result check mark set move view show copy post sign socket');

interface Kind {
  name: string;
  /** what says so */
  by: 'key' | 'holder' | 'event';
}

export interface Kinds {
  /** all that the recording speaks of */
  all: string[];
  of(site: Site): Kind | undefined;
  /** rows of it were seen being written: one that none of them made was there before */
  hasRows(kind: string): boolean;
}

/** `known` are those of names that it has already. */
export function kindsIn(recording: Recording, sites: readonly Site[], known: readonly string[] = []): Kinds {
  const tables = tablesOf(recording);
  const said = new Set([...tables, ...known]);
  const canonical = (kind: string): string => tables.find((table) => words(table).join(' ') === kind) ?? kind;
  const say = (kind: string): void => void (kind !== '' && said.add(canonical(kind)));
  const visit = (value: Value, holder: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, holder);
    else if (value instanceof Tagged) visitTag(value, holder);
    else if (isObject(value))
      for (const [key, item] of Object.entries(value)) {
        if (isKindId(key)) say(stem(key));
        else if (isId(key) && holder !== '' && !isGeneral(holder)) say(subject(holder));
        visit(item, key);
      }
  };
  const visitTag = ({ body }: Tagged, holder: string): void => {
    if (body.tag === 'some' || body.tag === 'unordered') for (const item of body.items) visit(item, holder);
    else if (body.tag === 'keys') visit(body.entries, holder);
  };
  for (const root of new Set(sites.map((site) => site.root))) visit(root, '');
  for (const site of sites) if (isId(site.key) && words(site.event).length === 1) say(textKind(site));

  const spoken = (text: string): string => {
    const found = tablesIn(text, [...said]);
    return found.length === 1 ? (found[0] ?? '') : found.length === 0 ? canonical(subject(text)) : '';
  };
  const kind = (name: string, by: Kind['by']): Kind | undefined => (name === '' ? undefined : { name, by });
  const of = (site: Site): Kind | undefined => {
    if (isKindId(site.key)) return kind(canonical(stem(site.key)), 'key');
    if (site.table !== undefined) return isId(site.key) ? kind(site.table, 'key') : undefined;
    const holder = holderOf(site);
    if (holder !== undefined) return kind(spoken(holder), 'holder');
    // `message`, and what it is about stands in it.
    const text = words(site.event).length === 1 ? textKind(site) : '';
    return text === '' ? kind(spoken(site.event), 'event') : kind(canonical(text), 'holder');
  };
  return {
    all: [...new Set([...said, ...sites.flatMap((site) => (isId(site.key) ? (of(site)?.name ?? []) : []))])],
    of,
    hasRows: (kind) => tables.includes(kind),
  };
}

/** `todo` of `{ type: 'todo', data: { id: 1 } }`. */
function textKind({ within, args, part }: Site): string {
  const around = part === 'ack' ? [...within, ...args] : within;
  const texts = around.flatMap((object) =>
    isObject(object) ? Object.entries(object).flatMap(([key, value]) => (typesIn.test(key) && typeof value === 'string' ? [subject(value)] : [])) : [],
  );
  return texts[0] ?? '';
}

/** `todoId`, `todo_ids` -> `todo` */
const stem = (key: string): string => words(key.replace(/_?(ids?|Ids?|IDs?)$/, '')).join(' ');

/** `createTodo`, `todo:created`, `newTodos` -> `todo`; '' where nothing is left. */
function subject(text: string): string {
  if (text.length > 64) return '';
  const left = words(text).filter((word) => !fillers.has(word));
  const sure = left.filter((word) => !often.has(word));
  return sure.length > 0 ? sure.join(' ') : (left[0] ?? '');
}

const tablesOf = ({ sessions, unattributed = [] }: Recording): string[] =>
  [...sessions.flatMap(({ traces }) => traces.flatMap(({ changes = [] }) => changes)), ...unattributed].map((entry) => changeOf(entry).table);
