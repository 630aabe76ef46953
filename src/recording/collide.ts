/**
 * What a second copy collides with: something that only the first one can do, a text that must be new, a row that is gone. Told
 * from replays of several copies, of which some came through and some did not. Pure.
 */
import type { Edit } from './edit.js';
import { isUuid, timeOf } from './kinds.js';
import type { SeenReplay, SeenTrace } from './learn.js';
import { isEffect, mapSites, sitesOf, timeline } from './names/sites.js';
import { labelOf, type Recording, type Trace } from './schema.js';
import { editsBetween } from './tree-edits.js';
import { isObject, Tagged, type Value, walk } from './values.js';

export interface Collision {
  /** indexes in the recording */
  session: number;
  trace: number;
  /** in words: `alice's tagCreate: refused: the name is taken` */
  why: string;
  /** texts that the trace sends and that may have to be new in each copy, the likeliest first */
  texts: string[];
  /** only a push did not come: a text that must be new explains it, and if none does, nobody knows why */
  unsure?: true;
}

/** In the order in which they were recorded: what comes later may only follow. */
export function collisionsOf(recording: Recording, copies: readonly SeenReplay[]): Collision[] {
  const index = new Map(recording.sessions.map(({ id }, s) => [id, s]));
  return timeline(recording).flatMap(({ session: id, number: t, trace }): Collision[] => {
    const seen = copies.map((copy) => copy.traces.find((one) => one.session === id && one.trace === t));
    const failed = seen.flatMap((one) => (one && !one.quarantined ? [one] : []));
    // What fails in every copy is no matter of who came first.
    if (failed.length === 0 || failed.length === seen.length) return [];
    const why = failed.map(collides).find((words) => words !== undefined);
    // Who comes first is told so, or not: where no acknowledgement can say no, that is all that shows.
    const gone =
      why === undefined && trace.emit !== undefined && trace.ack === undefined ? failed.map(withoutPush).find((words) => words !== undefined) : undefined;
    if (why === undefined && gone === undefined) return [];
    const collision = { session: index.get(id) ?? 0, trace: t, why: `${id}'s ${labelOf(trace)}: ${why ?? gone}` };
    const texts = textsOf(recording, { session: id, number: t, trace }, failed);
    return why === undefined ? [{ ...collision, texts: [...new Set([...roomsOf(recording, trace), ...texts])], unsure: true }] : [{ ...collision, texts }];
  });
}

/** What says that a copy came too late; undefined: it only differs, or follows from something else. */
function collides({ session, outcome, reason, differences = [] }: SeenTrace): string | undefined {
  if (outcome === 'rejected') return `refused${reason === undefined ? '' : `: ${reason}`}`;
  if (outcome === 'timeout') return reason ?? 'not acknowledged';
  const found = differences.find(
    ({ path, class: kind, follows }) =>
      follows === undefined && ((kind === 'removed' && /^(ack|changes)\b/.test(path)) || path === 'http.status' || /^ack\[0\]$/.test(path)),
  );
  if (outcome !== 'mismatch') return undefined;
  if (found) return found.note ?? rowWords(found.path) ?? `${found.path} is not as recorded`;
  // Where no acknowledgement can say no, a push to who asked does.
  const [gone, came] = [ownPush({ session, differences }, 'removed'), ownPush({ session, differences }, 'added')];
  return gone !== undefined && came !== undefined ? `${came} came in place of ${gone}` : undefined;
}

const withoutPush = (seen: SeenTrace): string | undefined => {
  const gone = seen.outcome === 'mismatch' ? ownPush(seen, 'removed') : undefined;
  return gone === undefined ? undefined : `${gone} did not come`;
};

/** A whole push to the session itself. */
const ownPush = ({ session, differences = [] }: Pick<SeenTrace, 'session' | 'differences'>, kind: string): string | undefined =>
  differences.find(({ path, class: is, follows }) => {
    const event = path.startsWith(`pushes.${session}`) ? path.slice(`pushes.${session}`.length) : undefined;
    return event !== undefined && is === kind && follows === undefined && /^(\.[^[]+|\["[^"]*"\])(#\d+)?$/.test(event);
  })?.path;

/** `changes.document.delete`: what did not happen. */
function rowWords(path: string): string | undefined {
  const [, table, op] = /^changes\.(\w+)\.(insert|update|delete)(?:#\d+)?$/.exec(path) ?? [];
  return table === undefined || op === undefined ? undefined : `no row of ${table} was ${op === 'insert' ? 'inserted' : `${op}d`}`;
}

interface Sent {
  session: string;
  number: number;
  trace: Trace;
}

const likely = /name|title|slug|mail|label|code|key|number|user/i;

/** Those that the refusal speaks of, that came into a row, or that are called names; the likeliest first. Known before, a text is not new. */
function textsOf(recording: Recording, { session, number, trace }: Sent, failed: readonly SeenTrace[]): string[] {
  const order = timeline(recording).findIndex((one) => one.session === session && one.number === number);
  const sent = new Map<string, string>();
  collectTexts((trace.args ?? trace.http?.body ?? []) as Value, '', sent);
  for (const site of sitesOf(recording)) if (site.order < order && typeof site.value === 'string') sent.delete(site.value);
  const told = JSON.stringify(failed.map(({ reason, differences }) => [reason, differences]));
  const spoken = [...sent.keys()].filter((text) => told.includes(JSON.stringify(text).slice(1, -1)));
  const columns = new Set((trace.changes ?? []).flatMap(({ row, set }) => Object.values(row ?? set ?? {})));
  const rank = (text: string): number => {
    const key = sent.get(text) ?? '';
    return Number(spoken.includes(text)) * 4 + Number(likely.test(key) || key === '') * 2 + Number(columns.has(text));
  };
  return [...sent.keys()].filter((text) => rank(text) > 0).sort((a, b) => rank(b) - rank(a));
}

/** Texts of a trace that a client made up and that several events send, the most usual one first: where all of this takes place. */
function roomsOf(recording: Recording, { args = [] }: Trace): string[] {
  const events = new Map<Value, Set<string>>();
  const told = new Set<Value>();
  for (const site of sitesOf(recording)) {
    const by = events.get(site.value);
    if (isEffect(site)) {
      if (!by) told.add(site.value);
    } else if (by) by.add(site.event);
    else if (!told.has(site.value)) events.set(site.value, new Set([site.event]));
  }
  const sent = new Map<string, string>();
  collectTexts(args, '', sent);
  const usual = (text: string): number => events.get(text)?.size ?? 0;
  return [...sent.keys()].filter((text) => usual(text) > 1).sort((a, b) => usual(b) - usual(a));
}

/** Texts by themselves, with their keys. */
function collectTexts(value: Value, key: string, out: Map<string, string>): void {
  if (typeof value === 'string') {
    if (/^[^{}$\n]{3,200}$/.test(value) && !isUuid(value) && timeOf(value) === undefined) out.set(value, key);
  } else if (Array.isArray(value)) for (const item of value) collectTexts(item, key, out);
  else if (isObject(value)) for (const [name, item] of Object.entries(value)) collectTexts(item, name, out);
}

/** These texts, each new in every copy from the trace on that sends it first. Whether that is enough a replay must show. */
export function uniqueEdits(recording: Recording, collisions: readonly Collision[], texts: ReadonlySet<string>): Edit[] {
  const orders = new Map<string, number>();
  const sent = new Map<Value, number>();
  for (const site of sitesOf(recording)) if (!isEffect(site) && !sent.has(site.value)) sent.set(site.value, site.order);
  timeline(recording).forEach(({ session, number }, order) => {
    const found = collisions.find((one) => recording.sessions[one.session]?.id === session && one.trace === number);
    for (const text of found?.texts ?? []) if (texts.has(text) && !orders.has(text)) orders.set(text, Math.min(order, sent.get(text) ?? order));
  });
  const any = [...orders.keys()]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|');
  const inside = new RegExp(`(?<![\\p{L}\\p{N}_-])(?:${any})(?![\\p{L}\\p{N}_-])`, 'gu');
  const made = mapSites(recording, (site) => {
    const { value } = site;
    if (typeof value !== 'string' || site.isKey || value.includes('${')) return undefined;
    const since = orders.get(value);
    if (since !== undefined) return site.order >= since ? new Tagged({ tag: 'unique', text: value }) : undefined;
    // What the server says of a trace that sent the text; a person's own sentence is never changed.
    const own = new Set<Value>();
    if (isEffect(site)) walk(site.args, (part) => own.add(part instanceof Tagged && part.body.tag === 'unique' ? part.body.text : part));
    if (own.has(value) || orders.size === 0) return undefined;
    const template = value.replace(inside, (text) => (own.has(text) && site.order >= (orders.get(text) ?? 0) ? `\${${text}}` : text));
    return template === value ? undefined : new Tagged({ tag: 'text', template });
  });
  return editsBetween(recording as unknown as Value, made as unknown as Value);
}

/** Replayed alone only. */
export function singleCopyEdits(collisions: readonly Collision[]): Edit[] {
  const why = collisions.map((one) => one.why).join('; ');
  const reason = `a second copy collides: ${why}`.replace(/\s+/g, ' ');
  return [
    { at: ['copies'], set: 1 },
    { at: ['reason'], set: reason.length > 200 ? `${reason.slice(0, 199)}…` : reason },
  ];
}
