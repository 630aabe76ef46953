/**
 * Row changes that were seen from outside, where one copy of one recording runs alone: nobody says who caused them. One belongs to
 * the trace that still expects it and whose content fits; what nobody expects, to the trace that began last.
 */
import { changeOf } from '../recording/schema.js';
import { looksLike } from '../recording/scope.js';
import { sameValue, type ValueObject } from '../recording/values.js';
import type { Table } from '../wire/messages.js';
import { bindChange } from './binding.js';
import { netOf } from './net.js';
import { addChange, type CopyState, type ObservedChange, type SessionState, type TraceRun, takeBack, wantsChange } from './state.js';

export interface ByTimeOptions {
  copy: CopyState;
  /** the tables as they are now */
  tables(): Table[];
  /** several writes of a row are told as one, or in pieces: a trace is judged by what they add up to */
  net: boolean;
  runOf(session: SessionState, number: number): TraceRun | undefined;
  changed(run: TraceRun): void;
  bound(session: SessionState): void;
  unattributed(change: ObservedChange): void;
}

export interface ByTime {
  changed(change: ObservedChange): void;
  /** Nothing more is awaited. */
  handOut(): void;
}

/** Of what does not fit so many are kept: one of them may be a recorded change with another content. */
const PARKED = 1_000;

export function createByTime(options: ByTimeOptions): ByTime {
  const { sessions, loaded, scope } = options.copy;
  const parked: ObservedChange[] = [];

  const open = (change: ObservedChange): TraceRun[] => sessions.flatMap(({ running }) => [...running.values()].filter((run) => wantsChange(run, change)));
  const give = (run: TraceRun, change: ObservedChange): void => {
    addChange(run, change);
    if (bindChange(run.session, run.expected, change)) options.bound(run.session);
    options.changed(run);
  };
  const fits = (run: TraceRun, change: ObservedChange): boolean =>
    (run.expected.changes ?? [])
      .map(changeOf)
      .some(
        (want) =>
          want.op === change.op &&
          want.table === change.table &&
          looksLike({ ...want.key, ...want.values }, { ...change.key, ...change.was, ...change.values }, scope),
      );
  /** The row was told before, by a look that fell between two writes of one trace. */
  const continued = (change: ObservedChange): boolean => {
    const key = options.tables().find(({ name }) => name === change.table)?.key ?? [];
    for (const { running } of sessions)
      for (const run of running.values()) {
        const earlier = run.changes.findLast((other) => other.table === change.table && sameValue(rowKey(other, key), rowKey(change, key)));
        if (!earlier) continue;
        takeBack(run, earlier);
        const net = netOf(earlier, change);
        if (net) give(run, { ...net, at: change.at });
        else options.changed(run);
        return true;
      }
    return false;
  };
  const unexpected = (change: ObservedChange): void => {
    // The recording saw such changes come without a trace.
    const noise = (loaded.recording.unattributed ?? []).map(changeOf).some(({ op, table }) => op === change.op && table === change.table);
    const begun = noise ? undefined : lastBegun(sessions);
    // Nobody recorded what a login on the connection writes.
    const last = options.copy.greeted && begun?.number === 0 ? undefined : begun;
    const run = last && options.runOf(last.session, last.number);
    if (run) give(run, change);
    else options.unattributed(change);
  };

  return {
    changed(change) {
      const waiting = open(change);
      const run = waiting.find((candidate) => fits(candidate, change)) ?? (waiting.length === 1 ? waiting[0] : undefined);
      if (run) give(run, change);
      else if (options.net && continued(change)) return;
      else if (waiting.length === 0 || parked.length >= PARKED) unexpected(change);
      else parked.push(change);
    },
    handOut() {
      for (const change of parked.splice(0)) {
        const run = open(change)[0];
        if (run) give(run, change);
        else unexpected(change);
      }
    },
  };
}

/** Of an insert the key stands in the row. */
const rowKey = (change: ObservedChange, key: readonly string[]): ValueObject =>
  change.op === 'insert' ? Object.fromEntries(key.map((column) => [column, change.values[column] ?? null])) : change.key;

function lastBegun(sessions: readonly SessionState[]): { session: SessionState; number: number } | undefined {
  let last: { session: SessionState; number: number; at: number } | undefined;
  for (const session of sessions) {
    const number = session.next - 1;
    const at = (session.running.get(number) ?? session.passed.get(number))?.startedAt ?? undefined;
    if (at !== undefined && (!last || at > last.at)) last = { session, number, at };
  }
  return last;
}
