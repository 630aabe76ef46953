/** Counters: numeric columns that are compared by how much they changed, because others count too. */
import type { Evidence } from '../evidence.js';
import type { ChangeEntry, Recording } from '../schema.js';
import { field, isObject, Tagged, type Value, type ValueObject } from '../values.js';
import type { RowNames } from './rows.js';
import { plain } from './words.js';

/** A column of these is set, not counted. */
const states = /(status|state|stage|phase|level|mode|type|kind|role|flag|flags|position|order|index|rank|step|priority)$/i;

/**
 * A number that went one up or down, or by what was sent, is a counter. Not in rows that the recording made itself, whose
 * values nobody else changes, not where the number is a reference, and not where the number itself was sent. Everything
 * else stays a number: alone it is compared, among others its type is.
 */
export function findDeltas(recording: Recording, evidence: Evidence, rows: RowNames): Recording {
  const map = (change: ChangeEntry, args: Value[]): ChangeEntry => {
    const { was, ...rest } = change;
    if (change.update === undefined || !change.set || !was || rows.made(change.update, change.key ?? {})) return rest;
    const info = evidence.tables.find((table) => table.name === change.update);
    const sent = numbersIn(args);
    const set = Object.entries(change.set).map(([column, value]): [string, Value] => {
      const from = field(was, column);
      if (typeof value !== 'number' || typeof from !== 'number' || Math.abs(value) >= 1e9) return [column, value];
      const delta = Math.round((value - from) * 1e9) / 1e9;
      const refers = info?.foreignKeys.some((foreign) => foreign.column === column) || isReference(column) || info?.key.includes(column);
      // 0 and 1 are no and yes as well.
      const flag = [0, 1].includes(value) && [0, 1].includes(from);
      const given = sent.some((one) => one.value === value && (plain(one.key) === plain(column) || !isReference(one.key)));
      const counts = Math.abs(delta) === 1 || sent.some((one) => Math.abs(one.value) === Math.abs(delta) && !isReference(one.key));
      return [column, delta !== 0 && counts && !refers && !flag && !given && !states.test(column) ? new Tagged({ tag: 'delta', n: delta }) : value];
    });
    return { ...rest, set: Object.fromEntries(set) as ValueObject };
  };
  return {
    ...recording,
    sessions: recording.sessions.map((session) => ({
      ...session,
      traces: session.traces.map((trace) => (trace.changes ? { ...trace, changes: trace.changes.map((change) => map(change, trace.args ?? [])) } : trace)),
    })),
    ...(recording.unattributed && { unattributed: recording.unattributed.map(({ was: _, ...change }) => change) }),
  };
}

const isReference = (key: string): boolean => /(^|_)id$|Id$|ID$/.test(key);

/** The numbers of some arguments, texts of digits too, with the properties they stand under. */
function numbersIn(value: Value, key = ''): { key: string; value: number }[] {
  if (typeof value === 'number' || (typeof value === 'string' && /^-?\d{1,15}(\.\d+)?$/.test(value))) return [{ key, value: Number(value) }];
  if (Array.isArray(value)) return value.flatMap((item) => numbersIn(item, key));
  return isObject(value) ? Object.entries(value).flatMap(([name, item]) => numbersIn(item, name)) : [];
}
