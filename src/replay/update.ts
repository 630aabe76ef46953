/**
 * How a recording would have to change to say what this replay saw (DESIGN.md 7, updating). What still holds stays as it stands,
 * with its names and matchers; what is new comes as a capture would have recorded it. Every changed trace is judged again.
 */
import { type CompareContext, compareValue, join } from '../recording/compare.js';
import type { Edit } from '../recording/edit.js';
import { toJson } from '../recording/json.js';
import { allNames, keepNamesAt } from '../recording/names/keep.js';
import { type Renewing, renew, renewArgs, renewObject, withNew } from '../recording/renew.js';
import { type Change, type ChangeEntry, changeOf, labelOf, leftOut, type Push, type Recording, receivers, type Trace } from '../recording/schema.js';
import { bind, fillTemplate } from '../recording/scope.js';
import { editsBetween } from '../recording/tree-edits.js';
import { namesOf, Tagged, type Value, type ValueObject, walk } from '../recording/values.js';
import type { TraceRecord } from '../results/schema.js';
import { bindChange } from './binding.js';
import { type ChangeContext, matchChanges } from './compare-changes.js';
import { matchPushes } from './compare-pushes.js';
import { seenAt } from './ledger.js';
import { recordAgain } from './record-again.js';
import { isQuarantined } from './records.js';
import { effectsKnown, isLost, type Replaying, type SessionState, type TraceRun } from './state.js';
import { rowsWereSeen } from './unseen.js';
import { type Judging, judge } from './verdict.js';

export interface Update {
  edits: Edit[];
  /** those that become right by it */
  traces: Pick<TraceRecord, 'session' | 'trace'>[];
  /** why nothing can be updated */
  refused?: string;
}

/** One trace with everything that was seen of it. */
interface Whole {
  session: SessionState;
  number: number;
  run: TraceRun;
  outcome: TraceRecord['outcome'];
}

export function updateOf(replaying: Replaying): Update {
  const { input, sessions, ledger, checkpoints } = replaying;
  const refuse = (refused: string): Update => ({ edits: [], traces: [], refused });
  if (input.level !== 'exact' || input.copies !== 1) return refuse('it was compared as shared, because nothing brought back the state that it began in');
  if (input.watch) return refuse('its rows were seen from outside: record it again');
  const all = sessions.flatMap((session) => wholesOf(session, replaying));
  const gating = all.filter(({ session, run }) => !isQuarantined(session.copy.loaded, run.expected));
  const broken = gating.find(({ outcome }) => !['passed', 'mismatch', 'rejected'].includes(outcome));
  if (broken) return refuse(`${wordsOf(broken)} ended as ${broken.outcome}; what came after it proves nothing`);
  if (sessions.some(isLost)) return refuse('a connection was lost');
  const [first] = sessions;
  if (!first) return refuse('it has no session');

  const byPlace = new Map(all.map(({ session, number, run }) => [`${session.index} ${number}`, run]));
  const { recording } = first.copy.loaded;
  const named = recordAgain(replaying, (session, number) => byPlace.get(`${session.index} ${number}`));
  const known = allNames(recording);
  const pairs = all.flatMap((whole) => samePlaces(whole, named.recording, ledger.judging));
  const again = keepNamesAt(named, pairs, new Set([...known.names, ...known.uniques])).recording;
  const order = new Map(recording.sessions.map(({ id }, index) => [id, index]));
  const update: Update = { edits: [], traces: [] };
  for (const whole of gating) {
    const { session, number, run, outcome } = whole;
    if (outcome === 'passed') continue;
    const state = run.extras.filter(({ path }) => path.startsWith('checkpoints'));
    const next = renewTrace(whole, freshOf(whole, again), ledger.judging, order);
    const left = stillWrong(run, next, ledger.judging) ?? (state.length < run.extras.length ? run.extras[0]?.path : undefined);
    if (left !== undefined) return refuse(`${wordsOf(whole)} would still differ at ${left}`);
    update.edits.push(...editsBetween(run.expected as unknown as Value, next as unknown as Value, ['sessions', session.index, 'traces', number]));
    update.traces.push({ session: session.session.id, trace: number });
  }
  update.edits.push(...checkpointEdits(recording, checkpoints.held, all));
  return update;
}

const wordsOf = ({ session, run }: Whole): string => `${session.session.id}'s ${labelOf(run.expected)}`;

function wholesOf(session: SessionState, { ledger }: Replaying): Whole[] {
  return [...(ledger.seen?.get(session) ?? [])].map(([number, { runs, outcome }]) => {
    const [first] = runs as [TraceRun];
    const { compared: _, ...run } = first;
    return {
      session,
      number,
      outcome,
      run: {
        ...run,
        expected: session.session.traces[number] as Trace,
        pushes: runs.flatMap(({ pushes }) => pushes),
        changes: runs.flatMap(({ changes }) => changes),
        extras: runs.flatMap(({ extras }) => extras),
      },
    };
  });
}

const freshOf = ({ session, number }: Pick<Whole, 'session' | 'number'>, again: Recording): Trace => again.sessions[session.index]?.traces[number] as Trace;

const contextOf = (run: TraceRun): CompareContext => ({
  scope: run.session.copy.scope,
  now: seenAt(run),
  own: false,
  session: run.session.session.id,
});

const changesContext = (run: TraceRun, { ignore, writes }: Judging): ChangeContext => ({ ...contextOf(run), ignore, writes, run });

function renewing(context: CompareContext): Renewing {
  return {
    holds: (expected, value, key) => compareValue(expected, value, '', context, key).differences.length === 0,
    keyOf: (template) => fillTemplate(template, context.scope),
  };
}

/** Values of the new recording beside those of the known one that they stand for. */
function samePlaces(whole: Whole, again: Recording, judging: Judging): [Value | undefined, Value | undefined][] {
  const { run } = whole;
  const { expected } = run;
  const fresh = freshOf(whole, again);
  const pairs: [Value | undefined, Value | undefined][] = [
    [fresh.args, expected.args],
    [fresh.ack, expected.ack],
    [fresh.http?.answer, expected.http?.answer],
  ];
  for (const { pairs: pushes } of matchPushes(expected, run.pushes, contextOf(run)))
    for (const [want, got] of pushes) pairs.push([fresh.pushes?.[run.pushes.indexOf(got)]?.args, want.args]);
  for (const { pairs: changes } of matchChanges((expected.changes ?? []).map(changeOf), run.changes, changesContext(run, judging)))
    for (const [want, got] of changes) {
      const entry = fresh.changes?.[run.changes.indexOf(got)];
      pairs.push([entry?.key, want.key], [entry?.row ?? entry?.set, want.values]);
    }
  return pairs;
}

function renewTrace({ run, session }: Whole, fresh: Trace, judging: Judging, order: ReadonlyMap<string, number>): Trace {
  const { expected, ack, answer } = run;
  const { measures } = judging;
  const how = renewing(contextOf(run));
  const next: Trace = { ...expected };
  if (measures.acks && ack && Array.isArray(fresh.ack)) next.ack = Array.isArray(expected.ack) ? renewArgs(expected.ack, ack, fresh.ack, how) : fresh.ack;
  if (measures.acks && expected.http && answer) {
    const { answer: recorded, ...http } = expected.http;
    next.http = {
      ...http,
      ...(http.status !== undefined && { status: answer.status }),
      ...(recorded !== undefined &&
        answer.answer !== undefined && { answer: renew(recorded, { value: answer.answer, recorded: fresh.http?.answer ?? null }, how) }),
    };
  }
  if (!effectsKnown(expected)) return next;
  if (measures.pushes) withList(next, 'pushes', renewPushes(run, fresh, order));
  if (measures.changes && rowsWereSeen(session.copy.loaded)) withList(next, 'changes', renewChanges(run, fresh, judging));
  return next;
}

function withList<K extends 'pushes' | 'changes'>(trace: Trace, key: K, list: NonNullable<Trace[K]>): void {
  if (list.length > 0) trace[key] = list;
  else delete trace[key];
}

/** An entry, and which of the seen ones it stands for. */
interface Entry<T> {
  entry: T;
  got: number[];
}

function renewPushes(run: TraceRun, fresh: Trace, order: ReadonlyMap<string, number>): Push[] {
  const context = contextOf(run);
  const matches = matchPushes(run.expected, run.pushes, context);
  const gotOf = new Map<Push, Map<string, number>>();
  for (const [want, got] of matches.flatMap(({ pairs }) => pairs))
    gotOf.set(want.push, (gotOf.get(want.push) ?? new Map()).set(want.to, run.pushes.indexOf(got)));
  const argsAt = (index: number): Value[] => fresh.pushes?.[index]?.args ?? [];
  const seenAt = (index: number): Value[] => run.pushes[index]?.args ?? [];
  const sorted = (to: string[]): string | string[] => {
    const ids = to.toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
    return ids.length === 1 ? (ids[0] ?? '') : ids;
  };
  /** Who was left out, where the receivers are other ones than recorded: the probe tells it of each emission. */
  const leavingOut = (push: Push, got: readonly number[]): Push => {
    const told = got.map((index) => run.pushes[index]?.except);
    if (told.length === 0 || told.includes(undefined)) return push;
    const ids = [...new Set(told.flatMap((except) => except ?? []))];
    const { except: _, ...rest } = push;
    return ids.length === 0 ? rest : { ...rest, except: sorted(ids) };
  };
  const entries = (run.expected.pushes ?? []).flatMap((push): Entry<Push>[] => {
    const to = receivers(push);
    if (to.length === 0) return [{ entry: push, got: [] }];
    const groups = new Map<string, { args: Value[]; to: string[]; got: number[] }>();
    for (const id of to) {
      const index = gotOf.get(push)?.get(id);
      // What is volatile may only have got lost.
      if (index === undefined && !push.volatile) continue;
      const recorded = push.args ?? [];
      const args = index === undefined ? recorded : renewArgs(recorded, seenAt(index), argsAt(index), renewing({ ...context, session: id }));
      const key = JSON.stringify(toJson(args));
      const group = groups.get(key) ?? { args, to: [], got: [] };
      groups.set(key, group);
      group.to.push(id);
      if (index !== undefined) group.got.push(index);
    }
    return [...groups.values()].map(({ args, to: ids, got }) => ({
      entry: ids.length === to.length ? inOrder({ ...push, args }) : inOrder(leavingOut({ ...push, to: sorted(ids), args }, got)),
      got,
    }));
  });
  const extras = matches.flatMap(({ extra }) => extra.map(({ item }) => run.pushes.indexOf(item))).sort((a, b) => a - b);
  // On one connection the order is that of the server; of two, either may hear of it first.
  const onOne = (a: number, b: number): boolean => run.pushes[a]?.to === run.pushes[b]?.to;
  const placed = new Set<Entry<Push>>();
  for (const index of extras) {
    const { to, event } = run.pushes[index] as TraceRun['pushes'][number];
    const same = entries.find(
      ({ entry }) =>
        entry.event === event &&
        !receivers(entry).includes(to) &&
        receivers(entry).length > 0 &&
        compareValue(entry.args ?? [], seenAt(index), '', { ...context, session: to }).differences.length === 0,
    );
    if (same) {
      same.got.push(index);
      same.entry = inOrder(leavingOut({ ...same.entry, to: sorted([...receivers(same.entry), to]) }, same.got));
      if (!placed.has(same)) continue;
      entries.splice(entries.indexOf(same), 1);
      place(entries, same, onOne);
    } else {
      const { volatile } = fresh.pushes?.[index] ?? {};
      const push: Push = { to, event, args: argsAt(index), ...(volatile && { volatile }) };
      const entry = { entry: inOrder(leavingOut(push, [index])), got: [index] };
      placed.add(entry);
      place(entries, entry, onOne);
    }
  }
  return joined(entries, sorted);
}

/** New pushes of one event and content to several receivers are one entry. */
function joined(entries: Entry<Push>[], sorted: (to: string[]) => string | string[]): Push[] {
  const out: { push: Push; key: string }[] = [];
  for (const { entry } of entries) {
    const key = JSON.stringify([entry.event, toJson(entry.args ?? []), toJson(entry.answer ?? null), entry.volatile ?? false]);
    const known = out.find((one) => one.key === key && !receivers(one.push).some((id) => receivers(entry).includes(id)));
    if (known && receivers(entry).length > 0 && receivers(known.push).length > 0) {
      const except = [...new Set([...leftOut(known.push), ...leftOut(entry)])];
      known.push = inOrder({
        ...known.push,
        to: sorted([...receivers(known.push), ...receivers(entry)]),
        ...(except.length > 0 && { except: sorted(except) }),
      });
    } else out.push({ push: entry, key });
  }
  return out.map(({ push }) => push);
}

/** As a capture writes it; no arguments are no key. */
function inOrder({ to, event, args = [], except, volatile, answer }: Push): Push {
  return {
    to,
    event,
    ...(args.length > 0 && { args }),
    ...(except !== undefined && { except }),
    ...(volatile && { volatile }),
    ...(answer && { answer }),
  };
}

/** Behind the last one that came before it, else before the first one that came after it. */
function place<T>(entries: Entry<T>[], entry: Entry<T>, comparable: (a: number, b: number) => boolean = () => true): void {
  const isBefore = (one: Entry<T>, other: Entry<T>): boolean => one.got.some((a) => other.got.some((b) => a < b && comparable(a, b)));
  const before = entries.findLastIndex((one) => isBefore(one, entry));
  const after = entries.findIndex((one) => isBefore(entry, one));
  entries.splice(before >= 0 ? before + 1 : after >= 0 ? after : entries.length, 0, entry);
}

function renewChanges(run: TraceRun, fresh: Trace, judging: Judging): ChangeEntry[] {
  const { ignore } = judging;
  const context = changesContext(run, judging);
  const all = (run.expected.changes ?? []).map((entry) => ({ entry, change: changeOf(entry) }));
  const matches = matchChanges(
    all.flatMap(({ change }) => (ignore.change(change) ? [] : [change])),
    run.changes,
    context,
  );
  const gotOf = new Map<Change, number>(matches.flatMap(({ pairs }) => pairs.map(([want, got]): [Change, number] => [want, run.changes.indexOf(got)])));
  // Where fewer rows came than are recorded, the one stays whose name stands elsewhere too.
  const uses = usesOf(run.session.copy.loaded.recording);
  for (const { pairs, missing } of matches)
    for (const { item } of missing) {
      const other = pairs.find(
        ([want, got]) =>
          gotOf.has(want) && uses(item) > uses(want) && compareValue(item.values, got.values, '', { ...context, own: true }).differences.length === 0,
      );
      if (!other) continue;
      gotOf.delete(other[0]);
      gotOf.set(item, run.changes.indexOf(other[1]));
    }
  const freshAt = (index: number): ChangeEntry => fresh.changes?.[index] as ChangeEntry;
  const entries = all.flatMap(({ entry, change }): Entry<ChangeEntry>[] => {
    if (ignore.change(change)) return [{ entry, got: [] }];
    const index = gotOf.get(change);
    return index === undefined
      ? []
      : [{ entry: renewChange(entry, change, run.changes[index] as TraceRun['changes'][number], freshAt(index), context), got: [index] }];
  });
  const extras = matches.flatMap(({ extra }) => extra.filter(({ item }) => !ignore.change(item)).map(({ item }) => run.changes.indexOf(item)));
  for (const index of extras.sort((a, b) => a - b)) place(entries, { entry: freshAt(index), got: [index] });
  return entries.map(({ entry }) => entry);
}

/** How often the names of a row stand in the recording. */
function usesOf(recording: Recording): (change: Change) => number {
  const counts = new Map<string, number>();
  const namesIn = (value: Value): string[] => {
    const names: string[] = [];
    walk(value, (node) => node instanceof Tagged && names.push(...namesOf(node.body)));
    return names;
  };
  for (const name of namesIn(recording as unknown as Value)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return ({ values }) => namesIn(values).reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
}

function renewChange(entry: ChangeEntry, want: Change, got: TraceRun['changes'][number], fresh: ChangeEntry, context: ChangeContext): ChangeEntry {
  const { ignore } = context;
  const { table } = want;
  const how = renewing({ ...context, own: true, before: got.was ?? {} });
  const next = { ...entry };
  const only = (row: ValueObject, has: (column: string) => boolean): ValueObject => Object.fromEntries(Object.entries(row).filter(([column]) => has(column)));
  if (entry.key)
    next.key = renewObject(
      entry.key,
      only(got.key, (column) => Object.hasOwn(entry.key ?? {}, column)),
      fresh.key ?? {},
      how,
    );
  // What is ignored stays as it stands.
  if (entry.row) {
    const kept = only(entry.row, (column) => ignore.column(table, column));
    next.row = renewObject(
      entry.row,
      { ...got.values, ...kept },
      { ...(fresh.row ?? {}), ...kept },
      { ...how, holds: (old, value, key) => ignore.column(table, key) || how.holds(old, value, key) },
    );
  }
  if (entry.set) {
    const after: ValueObject = { ...got.was, ...got.values };
    const kept = Object.entries(entry.set).flatMap(([column, old]): [string, Value][] => {
      if (ignore.column(table, column)) return [[column, old]];
      const changed = Object.hasOwn(got.values, column);
      const value = after[column];
      // A column that already had the recorded value has not changed, and is right.
      if (value !== undefined && (changed || !isDelta(old)) && how.holds(old, value, column)) return [[column, old]];
      const from = got.was?.[column];
      if (changed && isDelta(old) && typeof value === 'number' && typeof from === 'number')
        return [[column, new Tagged({ tag: 'delta', n: Math.round((value - from) * 1e9) / 1e9 })]];
      return changed && value !== undefined ? [[column, renew(old, { value, recorded: fresh.set?.[column] ?? value }, how, column)]] : [];
    });
    const came = Object.keys(got.values).filter((column) => Object.hasOwn(entry.set ?? {}, column) || !ignore.column(table, column));
    next.set = withNew(kept, came, (column) => [column, fresh.set?.[column]]);
  }
  return next;
}

const isDelta = (value: Value): boolean => value instanceof Tagged && value.body.tag === 'delta';

/** Where the renewed trace would still not be right; undefined: it is. */
function stillWrong(run: TraceRun, next: Trace, judging: Judging): string | undefined {
  const { scope } = run.session.copy;
  const again: TraceRun = { ...run, expected: next, extras: [] };
  // Names that are new are what they were here.
  for (const change of run.changes) bindChange(run.session, next, change);
  for (const push of next.pushes ?? [])
    for (const to of receivers(push)) for (const got of run.pushes) if (got.to === to && got.event === push.event) bind(push.args, got.args, scope);
  if (Array.isArray(next.ack)) bind(next.ack, run.ack, scope);
  return judge(again, judging, seenAt(run)).differences[0]?.path;
}

/** What the tables held where a checkpoint was told to differ. */
function checkpointEdits(recording: Recording, held: Replaying['checkpoints']['held'], all: readonly Whole[]): Edit[] {
  const wrong = new Set(all.flatMap(({ run, outcome }) => (outcome === 'passed' ? [] : run.extras.map(({ path }) => path))));
  return (recording.checkpoints ?? []).flatMap(({ name, tables = [] }, c) =>
    tables.flatMap(({ table, hash }, t): Edit[] => {
      const at = ['checkpoints', c, 'tables', t];
      if (!wrong.has(join(join('checkpoints', name), table))) return [];
      const now = held.get(name)?.find((state) => state.table === table);
      if (!now) return [{ at, remove: true }];
      const edits: Edit[] = [{ at: [...at, 'rows'], set: now.rows }];
      if (hash !== undefined) edits.push(now.hash === null ? { at: [...at, 'hash'], remove: true } : { at: [...at, 'hash'], set: now.hash });
      return edits;
    }),
  );
}
