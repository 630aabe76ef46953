/** What several writes of one row add up to. Pure. */
import type { LoadedRecording } from '../recording/load.js';
import { type Change, type ChangeEntry, changeOf, type Trace } from '../recording/schema.js';
import { sameValue, Tagged, type ValueObject } from '../recording/values.js';
import type { Table } from '../wire/messages.js';

/** Of the same row, one after the other. undefined: nothing has become of it. */
export function netOf(first: Change, then: Change): Change | undefined {
  const { table } = first;
  if (first.op === 'insert') return then.op === 'delete' ? undefined : { ...first, values: { ...first.values, ...then.values } };
  if (then.op === 'delete') return { ...then, ...(first.was && { was: first.was }) };
  const before = first.was ?? {};
  // Deleted and inserted again, a row is compared as a whole.
  const after: ValueObject = { ...(first.op === 'delete' ? {} : before), ...first.values, ...then.values };
  const values = Object.fromEntries(
    Object.entries({ ...first.values, ...then.values }).filter(([column]) => !(Object.hasOwn(before, column) && sameValue(before[column], after[column]))),
  );
  return { op: 'update', table, key: first.key, values, was: before };
}

/** A recording as a watch that looks now and then would have seen it: each trace with one change a row. */
export function withNetChanges(loaded: LoadedRecording, tables: readonly Table[]): LoadedRecording {
  const keys = new Map(tables.map(({ name, key }) => [name, key]));
  const trace = (one: Trace): Trace => (one.changes && one.changes.length > 1 ? { ...one, changes: netChanges(one.changes, keys) } : one);
  const { recording } = loaded;
  return { ...loaded, recording: { ...recording, sessions: recording.sessions.map((session) => ({ ...session, traces: session.traces.map(trace) })) } };
}

function netChanges(entries: ChangeEntry[], keys: ReadonlyMap<string, readonly string[]>): ChangeEntry[] {
  const net: Change[] = [];
  for (const change of entries.map(changeOf)) {
    const row = keyOf(change, keys.get(change.table) ?? []);
    const at = row ? net.findLastIndex((other) => other.table === change.table && sameValue(keyOf(other, keys.get(other.table) ?? []), row)) : -1;
    const earlier = net[at];
    // How much a counter grew cannot be added to what is not known.
    if (!earlier || Object.values({ ...earlier.values, ...change.values }).some((value) => value instanceof Tagged && value.body.tag === 'delta')) {
      net.push(change);
      continue;
    }
    const both = netOf(earlier, change);
    net.splice(at, 1, ...(both ? [both] : []));
  }
  return net.map(entryOf);
}

/** undefined: it cannot be told which row it is. */
function keyOf(change: Change, key: readonly string[]): ValueObject | undefined {
  if (change.op !== 'insert') return change.key;
  if (key.length === 0 || key.some((column) => !Object.hasOwn(change.values, column))) return undefined;
  return Object.fromEntries(key.map((column) => [column, change.values[column] ?? null]));
}

function entryOf({ op, table, key, values, was }: Change): ChangeEntry {
  if (op === 'insert') return { insert: table, row: values };
  const before = was ? { was } : {};
  return op === 'update' ? { update: table, key, set: values, ...before } : { delete: table, key, ...before };
}
