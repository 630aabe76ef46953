/** The parts of a trace in the form of a recording. Pure. */
import { toJson } from '../recording/json.js';
import type { ChangeEntry, Push, Received, Trace } from '../recording/schema.js';
import { isObject, sameValue, type Value, type ValueObject } from '../recording/values.js';
import type { SourceEvent, SourceSocket } from './source.js';

/** What Engine.IO and Socket.IO put into the query themselves. */
const transportQuery = new Set(['EIO', 'transport', 't', 'sid', 'b64']);

export type PushEvent = Extract<SourceEvent, { type: 'push' }>;
export type ChangeEvent = Extract<SourceEvent, { type: 'change' }>;

export function connectEntry(socket: SourceSocket, before: boolean): NonNullable<Trace['connect']> {
  const { auth, query } = socket.handshake;
  const asked = isObject(query) ? Object.fromEntries(Object.entries(query).filter(([key]) => !transportQuery.has(key))) : {};
  return {
    namespace: socket.namespace,
    ...(isObject(auth) && Object.keys(auth).length > 0 && { auth }),
    ...(Object.keys(asked).length > 0 && { query: asked }),
    ...(before && { before: true as const }),
  };
}

export function httpEntry({ method, url, headers, body, status, answer }: Extract<SourceEvent, { type: 'http' }>): Trace {
  return {
    http: { method, url, ...(headers && { headers }), ...(body !== undefined && { body }), status, ...(answer !== undefined && { answer }) },
  };
}

/** `was` is evidence for finding deltas; a recording that is saved has none. */
export function changeEntry({ op, table, key, before, after }: ChangeEvent): ChangeEntry {
  if (op === 'insert') return { insert: table, row: after ?? key };
  const was = before ? { was: before } : {};
  if (op === 'delete') return { delete: table, key, ...was };
  return { update: table, key, set: changedColumns(before ?? {}, after ?? {}), ...was };
}

/** An update that changes no column is still a change: its `set` is empty. */
function changedColumns(before: ValueObject, after: ValueObject): ValueObject {
  return Object.fromEntries(Object.entries(after).filter(([column, value]) => !(Object.hasOwn(before, column) && sameValue(before[column], value))));
}

export function receivedEntry(push: PushEvent, after: number, answer: Value[] | undefined): Received {
  return { after, event: push.event, ...withArgs(push.args), ...(answer && { answer }) };
}

export const withArgs = (args: Value[]): { args?: Value[] } => (args.length > 0 ? { args } : {});

/** The pushes of one trace, one entry per event and arguments. */
export interface PushList {
  entries: { key: string; push: PushEvent; answer: Value[] | undefined; to: Set<string>; except: Set<string> }[];
  /** the last entry of each receiver: a later push must stand behind it */
  last: Map<string, number>;
}

export const pushList = (): PushList => ({ entries: [], last: new Map() });

/**
 * Adds one delivery. It joins an entry of the same event, arguments and answer that the receiver is not in yet, if that keeps the
 * receiver's order; who received it twice gives a second entry.
 */
export function addPush(list: PushList, push: PushEvent, receiver: string, answer: Value[] | undefined, except: readonly string[] = []): void {
  const key = JSON.stringify([push.event, toJson(push.args), answer === undefined ? null : toJson(answer), push.volatile ?? false]);
  const from = (list.last.get(receiver) ?? -1) + 1;
  let index = list.entries.findIndex((entry, i) => i >= from && entry.key === key);
  if (index < 0) index = list.entries.push({ key, push, answer, to: new Set(), except: new Set() }) - 1;
  list.entries[index]?.to.add(receiver);
  for (const id of except) list.entries[index]?.except.add(id);
  list.last.set(receiver, index);
}

/** A broadcast that reached nobody of the recording, but would reach the sender's twin in another copy. */
export function addToNobody(list: PushList, push: PushEvent, except: readonly string[]): void {
  if (list.entries.some((entry) => entry.push.event === push.event && except.every((id) => entry.except.has(id)))) return;
  list.entries.push({ key: '', push: { ...push, args: [] }, answer: undefined, to: new Set(), except: new Set(except) });
}

/** `order` is that of the recording's sessions: the order of a broadcast's receivers is chance. */
export function pushEntries(list: PushList, order: ReadonlyMap<string, number>): Push[] {
  const listed = (ids: Set<string>): string | string[] => {
    const sorted = [...ids].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
    return sorted.length === 1 ? (sorted[0] ?? '') : sorted;
  };
  return list.entries.map(({ push, answer, to, except }) => {
    return {
      to: listed(to),
      event: push.event,
      ...withArgs(push.args),
      ...(except.size > 0 && { except: listed(except) }),
      ...(push.volatile && { volatile: true as const }),
      ...(answer && { answer }),
    };
  });
}
