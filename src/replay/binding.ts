/** Names learnt from what was observed: of several expectations that could be meant, the one whose known parts fit. */
import { fromJson, type Json } from '../recording/json.js';
import { type Change, changeOf, receivers, type Trace } from '../recording/schema.js';
import { bind, looksLike, type Scope } from '../recording/scope.js';
import type { Value, ValueObject } from '../recording/values.js';
import type { FromProbe } from '../wire/messages.js';
import { needsOf } from './names.js';
import type { ObservedChange, SessionState, TraceRun } from './state.js';

export const expectedPushes = (trace: Trace, to: string, event: string): { args?: Value[] }[] =>
  (trace.pushes ?? []).filter((push) => push.event === event && receivers(push).includes(to));

/** Whether any name was bound. */
export function bindPush(run: TraceRun, to: string, event: string, args: Value[]): boolean {
  return bindMeant(expectedPushes(run.expected, to, event), args, run.session.copy.scope);
}

/** The same for a push whose cause is not known. Among others it may be theirs: only what fits is ours. */
export function bindReceived({ session, copy }: SessionState, event: string, args: Value[]): boolean {
  const candidates = (session.received ?? []).filter((push) => push.event === event);
  return bindMeant(candidates, args, copy.scope, copy.scope.level === 'shared');
}

/** The same for a push that is neither required nor unexpected, whichever trace it is of. */
export function bindIgnored({ session, copy }: SessionState, event: string, args: Value[]): boolean {
  const candidates = copy.loaded.recording.sessions.flatMap(({ traces }) => traces.flatMap((trace) => expectedPushes(trace, session.id, event)));
  return bindMeant(candidates, args, copy.scope, true);
}

function bindMeant(candidates: { args?: Value[] }[], args: Value[], scope: Scope, mustFit = false): boolean {
  const meant = candidates.length === 1 && !mustFit ? candidates[0] : candidates.find((entry) => looksLike(entry.args ?? [], args, scope));
  return meant?.args !== undefined && !needsOf(meant.args).plain && bind(meant.args, args, scope).length > 0;
}

export function bindChange({ copy: { scope } }: SessionState, expected: Trace, change: Change): boolean {
  const candidates = (expected.changes ?? []).map(changeOf).filter((entry) => entry.op === change.op && entry.table === change.table);
  const meant =
    candidates.length === 1
      ? candidates[0]
      : candidates.find((entry) => looksLike({ ...entry.key, ...entry.values }, { ...change.key, ...change.values }, scope));
  if (!meant) return false;
  return [...bind(meant.key, change.key, scope, true), ...bind(meant.values, change.values, scope, true)].length > 0;
}

/** A reported change in the shape of a recorded one: of an update only the columns that changed, and the row before. */
export function observedChange(message: Extract<FromProbe, { type: 'change' }>): ObservedChange {
  const { at } = message;
  const row = (json: Record<string, unknown> | null): ValueObject => (json === null ? {} : (fromJson(json as Json) as ValueObject));
  const [before, after] = [row(message.before), row(message.after)];
  const key = row(message.key);
  if (message.op === 'insert') return { op: 'insert', table: message.table, key: {}, values: after, at };
  if (message.op === 'delete') return { op: 'delete', table: message.table, key, values: {}, was: before, at };
  const [from, to] = [message.before ?? {}, message.after ?? {}];
  const values: ValueObject = {};
  for (const [column, value] of Object.entries(after)) if (JSON.stringify(from[column]) !== JSON.stringify(to[column])) values[column] = value;
  return { op: 'update', table: message.table, key, values, was: before, at };
}
