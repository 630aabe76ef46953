/** The paths by which differences are told, and which node of a recorded trace each of them means. Pure. */
import { join } from './compare.js';
import type { Path } from './document.js';
import { type Change, changeOf, receivers, type Trace } from './schema.js';
import { isObject, Tagged, type Value } from './values.js';

export const pushPath = (to: string, event: string): string => join(`pushes.${to}`, event);
export const changePath = ({ op, table }: Pick<Change, 'op' | 'table'>): string => `${join('changes', table)}.${op}`;

/** What a difference path means in one recorded trace. */
export interface DifferenceNode {
  /** from the trace on */
  at: Path;
  value: Value;
  /** `fixed`: arguments as a whole, the key of a row, a status; they are nobody's noise */
  kind: 'value' | 'fixed';
  /** the column of an update, with the row before where it was recorded */
  column?: { table: string; name: string; before: Value | undefined };
}

/**
 * Every node of what came back, by the path that a comparison gives it. Keys that contain names stand under their templates; a
 * replay tells them filled in, so these are not found.
 */
export function nodesOf(trace: Trace): Map<string, DifferenceNode> {
  const nodes = new Map<string, DifferenceNode>();
  const add = (value: Value, path: string, at: Path, more: Pick<DifferenceNode, 'kind' | 'column'> = { kind: 'value' }): void => {
    nodes.set(path, { at, value, ...more });
    const [list, object] = partsOf(value);
    for (const [index, item] of (list ?? []).entries()) add(item, `${path}[${index}]`, [...at, index], { kind: more.kind });
    for (const [key, item] of Object.entries(object ?? {})) add(item, join(path, key), [...at, key], { kind: more.kind });
  };
  const addArgs = (args: readonly Value[], path: string, at: Path): void => {
    nodes.set(path, { at, value: [...args], kind: 'fixed' });
    for (const [index, item] of args.entries()) add(item, `${path}[${index}]`, [...at, index]);
  };
  if (Array.isArray(trace.ack)) addArgs(trace.ack, 'ack', ['ack']);
  if (trace.http?.status !== undefined) add(trace.http.status, 'http.status', ['http', 'status'], { kind: 'fixed' });
  if (trace.http?.answer !== undefined) add(trace.http.answer, 'http.answer', ['http', 'answer']);
  const pushes = (trace.pushes ?? []).flatMap((push, p) => receivers(push).map((to) => ({ push, p, path: pushPath(to, push.event) })));
  for (const { push, p, path } of numbered(pushes)) addArgs(push.args ?? [], path, ['pushes', p, 'args']);
  const changes = (trace.changes ?? []).map((entry, c) => ({ change: changeOf(entry), c, path: changePath(changeOf(entry)) }));
  for (const { change, c, path } of numbered(changes)) {
    const part = change.op === 'insert' ? 'row' : 'set';
    nodes.set(path, { at: ['changes', c], value: null, kind: 'fixed' });
    for (const [name, value] of Object.entries(change.values)) {
      const column = { table: change.table, name, before: change.was?.[name] };
      add(value, join(path, name), ['changes', c, part, name], { kind: 'value', ...(change.op === 'update' && { column }) });
    }
    for (const [name, value] of Object.entries(change.key)) add(value, join(path, name), ['changes', c, 'key', name], { kind: 'fixed' });
  }
  return nodes;
}

/** Several of one path are counted: `changes.note.update#2`. */
function numbered<T extends { path: string }>(items: readonly T[]): T[] {
  const count = new Map<string, number>();
  for (const { path } of items) count.set(path, (count.get(path) ?? 0) + 1);
  const seen = new Map<string, number>();
  return items.map((item) => {
    const n = (seen.get(item.path) ?? 0) + 1;
    seen.set(item.path, n);
    return count.get(item.path) === 1 ? item : { ...item, path: `${item.path}#${n}` };
  });
}

/** The items of a list, or the entries of an object, also of those that stand in a tag. */
export function partsOf(value: Value): [readonly Value[] | undefined, { [key: string]: Value } | undefined] {
  if (Array.isArray(value)) return [value, undefined];
  if (value instanceof Tagged) {
    if (value.body.tag === 'some' || value.body.tag === 'unordered') return [value.body.items, undefined];
    return [undefined, value.body.tag === 'keys' ? value.body.entries : undefined];
  }
  return [undefined, isObject(value) ? value : undefined];
}
