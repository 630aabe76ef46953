/**
 * What came back, put where it belongs. A push that a client received and the probe's report of it meet by the hash of the
 * arguments (equal hashes are interchangeable); only together do they say who caused it. Nothing is guessed: what has no
 * proven cause is counted as unattributed. How it goes without a probe: unproven.ts.
 */
import type { Json } from '../recording/json.js';
import type { Trace } from '../recording/schema.js';
import type { Value } from '../recording/values.js';
import type { Watch, WatchedChange } from '../watch/watch.js';
import { hashArgs } from '../wire/encode.js';
import type { FromProbe } from '../wire/messages.js';
import type { Background } from './background.js';
import { bindChange, bindIgnored, bindPush, bindReceived, observedChange } from './binding.js';
import { type ByTime, createByTime } from './by-time.js';
import { type Source, sidOf, sourceOf } from './causes.js';
import type { Ignore } from './ignore.js';
import { addLeak } from './leak.js';
import { clipped, TOO_DEEP } from './limits.js';
import { judgeOtherCopy, type Position, positionOf } from './other-copies.js';
import type { SentRequests } from './sent-requests.js';
import { addChange, addPush, type CopyState, type ObservedChange, type SessionState, type TraceRun } from './state.js';
import type { Totals } from './totals.js';
import { hasReceived, isUncaused } from './uncaused.js';
import { createUnproven } from './unproven.js';
import type { Writes } from './writes.js';

export interface Effects {
  /** a client received an event */
  received(session: SessionState, event: string, args: Value[]): void;
  /** the probe reported something */
  reported(message: FromProbe): void;
  /** rows changed, seen from outside */
  watched(changes: readonly WatchedChange[]): void;
  /** A client has learnt its socket id. The probe may have spoken of it before: its way is shorter than the handshake's. */
  connected(sid: string): void;
  /** Nothing more is awaited: what could still be meant is handed to those that lack it. */
  handOut(): void;
  /** Receipts that no report explained are unattributed; call when the probe has been drained. What comes later is our own goodbye, and ignored. */
  finish(): EffectCounts;
}

export interface EffectCounts {
  foreign: number;
  unattributed: { pushes: number; changes: number };
  /** of tables and columns that the configuration ignores */
  ignoredChanges: number;
  /** of events that the configuration ignores */
  ignoredPushes: number;
  /** the first few, for the report */
  examples: { kind: 'push' | 'change'; what: Json; asRecorded?: true }[];
}

export interface EffectsOptions {
  probe: boolean;
  /** one copy of one recording: whatever comes was made by it */
  alone: boolean;
  bySid: ReadonlyMap<string, SessionState>;
  /** rows are seen from outside, and all are this copy's */
  watch?: { watch: Watch; copy: CopyState };
  ignore: Ignore;
  /** what is told of every change that is not ignored */
  writes: Writes;
  totals: Totals;
  /** a row that one of our sockets or requests made the application write, however late */
  wrote?(message: ChangeMessage): void;
  /** alone: what was recorded without a cause */
  background?: Background;
  /** the run of a trace; also of one that was judged already, which an effect then reopens */
  runOf(session: SessionState, number: number): TraceRun | undefined;
  /** something arrived for the run */
  changed(run: TraceRun): void;
  /** which requests of the application are ours */
  requests: Pick<SentRequests, 'begun' | 'sourceOf'>;
  /** names were bound in the copy of this session */
  bound(session: SessionState): void;
}

const EXAMPLES = 20;
/** An example is cut above so many characters. */
const SHOWN = 10_000;
/** So many messages about unknown sockets are kept; an application with other users has many. */
const HELD = 20_000;

type PushMessage = Extract<FromProbe, { type: 'push' }>;
type Emission = Pick<PushMessage, 'cause' | 'except' | 'volatile'>;
type ChangeMessage = Extract<FromProbe, { type: 'change' }>;

export function createEffects(options: EffectsOptions): Effects {
  const { bySid } = options;
  const counts: EffectCounts = { foreign: 0, unattributed: { pushes: 0, changes: 0 }, ignoredChanges: 0, ignoredPushes: 0, examples: [] };
  const receipts = new Map<string, { session: SessionState; event: string; args: Value[]; position: Position }[]>();
  const reports = new Map<string, Emission[]>();
  /** what the probe said of sockets that nobody here knows yet, by socket id */
  const early = new Map<string, (PushMessage | ChangeMessage)[]>();
  let held = 0;
  let over = false;

  const unattributed = (kind: 'push' | 'change', what: () => Json, asRecorded = false): void => {
    counts.unattributed[kind === 'push' ? 'pushes' : 'changes']++;
    if (counts.examples.length < EXAMPLES) counts.examples.push({ kind, what: what(), ...(asRecorded && { asRecorded: true }) });
  };
  const unattributedPush = (session: SessionState, event: string, args: Value[], cause?: string | null): void => {
    if (bindReceived(session, event, args)) options.bound(session);
    unattributed('push', () => ({ to: session.session.id, event, args: clipped(args, 64, SHOWN), ...(cause === undefined ? {} : { cause }) }));
  };
  /** An update of ignored columns alone may still be the recorded one, whose other columns had the recorded values already. */
  const isIgnored = (change: ObservedChange, expected?: Trace): boolean => {
    const wanted = !options.ignore.table(change.table) && expected?.changes?.some(({ update }) => update !== undefined && update === change.table);
    const ignored = !wanted && options.ignore.change(change);
    if (ignored) counts.ignoredChanges++;
    return ignored;
  };
  const note = (change: ObservedChange, source: Source | undefined): void => {
    options.writes.add(change, source);
    options.totals.add(change, source);
  };
  const unattributedChange = ({ op, table, key, cause }: ChangeMessage, change: ObservedChange): void => {
    note(change, undefined);
    unattributed('change', () => ({ [op]: table, key: key as Json, cause }), options.background?.take(change));
  };
  const unproven = createUnproven(options, unattributedPush);
  const byTime: ByTime | undefined =
    options.watch &&
    createByTime({
      ...options,
      copy: options.watch.copy,
      tables: options.watch.watch.tables,
      net: options.watch.watch.net,
      unattributed: ({ op, table, key }) => unattributed('change', () => ({ [op]: table, key: clipped(key, 64, SHOWN), cause: null })),
    });

  const hold = (sid: string | undefined, message: PushMessage | ChangeMessage): boolean => {
    if (sid === undefined || bySid.has(sid) || held >= HELD) return false;
    held++;
    add(early, sid, message);
    return true;
  };

  const traceOf = (cause: string | null): Source | undefined => options.requests.sourceOf(cause) ?? sourceOf(cause, bySid);

  /** Both halves are there: the cause is proven. */
  const deliver = ({ cause, except = [], volatile }: Emission, receiver: SessionState, event: string, args: Value[], position?: Position): void => {
    const to = receiver.session.id;
    const source = traceOf(cause);
    if (!source) {
      unattributedPush(receiver, event, args, cause);
      return;
    }
    const own = receiver.copy === source.session.copy;
    if (!own && receiver.copy.loaded !== source.session.copy.loaded) {
      counts.foreign++;
      return;
    }
    if (isUncaused(receiver.copy, event)) {
      if (!own) counts.foreign++;
      else if (hasReceived(receiver, event)) unattributedPush(receiver, event, args, cause);
      if (!own || hasReceived(receiver, event)) return;
    }
    if (!own) {
      const verdict = judgeOtherCopy(source, receiver, event, position);
      if (verdict === 'cannot be told') counts.foreign++;
      if (verdict !== 'leak') return;
    }
    const run = options.runOf(source.session, source.number);
    if (!run) {
      unattributedPush(receiver, event, args, cause);
      return;
    }
    if (own) {
      const leftOut = except.flatMap((sid) => bySid.get(sid) ?? []).filter(({ copy }) => copy === receiver.copy);
      addPush(run, { to, event, args, except: leftOut.map(({ session }) => session.id), ...(volatile && { volatile }) });
      if (bindPush(run, to, event, args)) options.bound(source.session);
    } else addLeak(run, receiver, event, args);
    options.changed(run);
  };

  const reportedPush = (message: PushMessage, sid: string): void => {
    const one = { ...message, to: [sid] };
    if (hold(sid, one) || !bySid.has(sid) || hold(sidOf(message.cause), one)) return;
    const key = `${sid} ${message.event} ${message.hash}`;
    const receipt = take(receipts, key);
    if (receipt) deliver(message, receipt.session, receipt.event, receipt.args, receipt.position);
    else add(reports, key, message);
  };
  const tellWritten = (message: ChangeMessage): void => {
    if (bySid.has(sidOf(message.cause) ?? '') || options.requests.sourceOf(message.cause)) options.wrote?.(message);
  };
  const reportedChange = (message: ChangeMessage): void => {
    if (hold(sidOf(message.cause), message)) return;
    tellWritten(message);
    const source = traceOf(message.cause);
    const change = observedChange(message);
    const expected = source?.session.session.traces[source.number];
    // The names in an ignored row may be sent all the same.
    if (source && expected && bindChange(source.session, expected, change)) options.bound(source.session);
    if (isIgnored(change, expected)) return;
    const run = source && options.runOf(source.session, source.number);
    if (!source || !run) {
      unattributedChange(message, change);
      return;
    }
    note(change, source);
    addChange(run, change);
    options.changed(run);
  };
  const reported = (message: FromProbe): void => {
    if (over) {
      if (message.type === 'change') tellWritten(message);
      return;
    }
    if (message.type === 'request') options.requests.begun(message);
    else if (message.type === 'push') for (const sid of message.to) reportedPush(message, sid);
    else if (message.type === 'change') reportedChange(message);
  };

  return {
    reported,
    received(session, event, args) {
      if (over) return;
      if (options.ignore.event(event)) {
        counts.ignoredPushes++;
        // The names in it may be sent all the same.
        if (bindIgnored(session, event, args)) options.bound(session);
        return;
      }
      if (!options.probe) {
        unproven.received(session, event, args);
        return;
      }
      const key = `${session.sid} ${event} ${args === TOO_DEEP ? '' : hashArgs(args)}`;
      const emission = take(reports, key);
      if (emission === undefined) add(receipts, key, { session, event, args, position: positionOf(session) });
      else deliver(emission, session, event, args);
    },
    watched(changes) {
      if (over) return;
      for (const change of changes.map(observedChange)) if (!isIgnored(change)) byTime?.changed(change);
    },
    connected(sid) {
      const messages = early.get(sid) ?? [];
      early.delete(sid);
      held -= messages.length;
      for (const message of messages) reported(message);
    },
    handOut() {
      unproven.handOut();
      byTime?.handOut();
    },
    finish() {
      if (over) return counts;
      over = true;
      // Sockets that never were ours: other users of the same application.
      for (const messages of early.values())
        for (const message of messages) {
          if (message.type !== 'change') continue;
          const change = observedChange(message);
          if (!isIgnored(change)) unattributedChange(message, change);
        }
      early.clear();
      for (const waiting of receipts.values())
        for (const { session, event, args } of waiting) unattributedPush(session, event, args, 'not reported by the probe');
      receipts.clear();
      // Reports without a receipt were handed over and never arrived: volatile, or the connection was gone.
      reports.clear();
      return counts;
    },
  };
}

function add<T>(map: Map<string, T[]>, key: string, item: T): void {
  const known = map.get(key);
  if (known) known.push(item);
  else map.set(key, [item]);
}

/** The oldest; undefined when there is none. */
function take<T>(map: Map<string, T[]>, key: string): T | undefined {
  const waiting = map.get(key);
  const item = waiting?.shift();
  if (waiting?.length === 0) map.delete(key);
  return item;
}
