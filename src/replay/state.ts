/** What a replay knows while it runs: plain data, one object a copy, session and running trace. */
import type { CookieJar } from 'tough-cookie';
import type { Identity } from '../auth/identity.js';
import type { LoadedRecording } from '../recording/load.js';
import { type Change, changeOf, receivers, type Session, type Trace } from '../recording/schema.js';
import type { Scope } from '../recording/scope.js';
import type { Value, ValueObject } from '../recording/values.js';
import type { Compared, Difference, Outcome } from '../results/schema.js';
import type { Background } from './background.js';
import type { Checkpoints } from './checkpoints.js';
import type { Client } from './client.js';
import type { Effects } from './effects.js';
import type { Ignore } from './ignore.js';
import type { Measures, Progress, ReplayInput } from './input.js';
import type { Ledger } from './ledger.js';
import type { Logins } from './login.js';
import type { Gate, Order } from './order.js';
import type { SentRequests } from './sent-requests.js';
import type { Totals } from './totals.js';

/** What the parts of one replay share. */
export interface Replaying {
  input: ReplayInput;
  sessions: SessionState[];
  effects: Effects;
  ledger: Ledger;
  totals: Totals;
  checkpoints: Checkpoints;
  /** alone: what was recorded without a cause */
  background?: Background;
  logins: Logins;
  progress: Progress;
  /** performance.now() of the recordings' time 0 */
  origin: number;
  requests: SentRequests;
  /** the session that has this socket id */
  bySid: Map<string, SessionState>;
  /** the recorded disconnects at the end may go */
  final: Deferred;
}

export interface CopyState {
  loaded: LoadedRecording;
  copy: number;
  scope: Scope;
  order: Order;
  /** milliseconds after the origin */
  startsAt: number;
  /** by recorded start: milliseconds after the copy's own start */
  due: ReadonlyMap<number, number>;
  gate: Gate;
  sessions: SessionState[];
  /** traces that wait for a name */
  waiters: Set<() => void>;
  /** cookies by user, or by session without one */
  jars: Map<string, CookieJar>;
  /** logins on connections of this copy have effects that nobody recorded */
  greeted?: true;
  /** names that a trace has waited for in vain: nobody else waits for them */
  givenUp: Set<string>;
}

export interface SessionState {
  copy: CopyState;
  session: Session;
  index: number;
  client?: Client;
  sid?: string;
  /** performance.now() of the CONNECT */
  connectedAt?: number;
  login: number | null;
  connect: number | null;
  /** why the connection ended against the recording, or never was; `byServer`: with the server's goodbye */
  down?: { outcome: 'connect-failed' | 'disconnected' | 'aborted'; reason: string; byServer?: boolean };
  /** it has disconnected, as recorded */
  left?: true;
  /** trace number of the n-th event that left, from 1 */
  sent: number[];
  /** traces that began and are not yet judged and written */
  running: Map<number, TraceRun>;
  /** what the client brings to the handshake */
  identity?: Identity;
  /** who shares its login */
  browser?: Browser;
  /** the first trace that has not begun */
  next: number;
  /** resolves when everything before its closing disconnect has begun */
  beforeFinal: Deferred;
  /** traces whose record says passed: an effect that comes later is one too many */
  passed: Map<number, Passed>;
}

/** One login and all sessions that use it. */
export interface Browser {
  account: string;
  identity: Promise<Identity>;
  /** performance.now() of the last login, and how many there were */
  since: number;
  logins: number;
  sessions: SessionState[];
  /** it was refused although it had just logged in */
  hopeless?: boolean;
}

interface Passed {
  startedAt: number | null;
  latency: number | null;
  compared: Compared;
}

/** `at`: when the row was written, milliseconds since the epoch by the clock of the application. */
export interface ObservedChange extends Change {
  at: number;
}

export interface ReceivedPush {
  to: string;
  event: string;
  args: Value[];
  /** who of its copy was left out, as the probe tells it; absent: it told nothing */
  except?: string[];
  volatile?: true;
}

/** One trace in one copy, from its start until it is judged. */
export interface TraceRun {
  session: SessionState;
  number: number;
  expected: Trace;
  /** performance.now() */
  startedAt: number | null;
  latency: number | null;
  ack?: Value[];
  args?: Value[];
  /** of an HTTP trace, as it was sent, and what came back */
  request?: ValueObject;
  answer?: { status: number; answer?: Value };
  /** a connect trace: the handshake has been answered */
  connected?: true;
  pushes: ReceivedPush[];
  changes: ObservedChange[];
  /** recorded effects that have not come: how many of each kind, and all together that must */
  missing?: Map<string, number>;
  lacking: number;
  /** of each kind, how many are volatile: they may come, and are not waited for */
  volatile?: Map<string, number>;
  /** what is already known to be wrong: leaks to other copies */
  extras: Difference[];
  /** judged before: what was compared then */
  compared?: Compared;
  /** an outcome that no comparison changes */
  forced?: { outcome: Outcome; reason: string; needs?: string };
  settled: boolean;
  /** milliseconds it waited in vain for recorded effects */
  waited?: number;
  timer?: NodeJS.Timeout;
  /** somebody waits until it has settled */
  done?: Deferred;
  /** the session's next trace waits until it is answered */
  answered?: Deferred;
}

export interface Deferred {
  promise: Promise<void>;
  resolve(): void;
}

export function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

export function newRun(session: SessionState, number: number, expected: Trace, { measures, ignore }: { measures: Measures; ignore: Ignore }): TraceRun {
  const run: TraceRun = { session, number, expected, startedAt: null, latency: null, pushes: [], changes: [], lacking: 0, extras: [], settled: false };
  const awaitOne = (key: string, volatile = false): void => {
    run.missing ??= new Map();
    run.missing.set(key, (run.missing.get(key) ?? 0) + 1);
    if (!volatile) run.lacking++;
    else {
      run.volatile ??= new Map();
      run.volatile.set(key, (run.volatile.get(key) ?? 0) + 1);
    }
  };
  if (effectsKnown(expected)) {
    if (measures.pushes)
      for (const push of expected.pushes ?? [])
        if (!ignore.event(push.event)) for (const to of receivers(push)) awaitOne(pushKey(to, push.event), push.volatile);
    if (measures.changes) for (const change of (expected.changes ?? []).map(changeOf)) if (!ignore.change(change)) awaitOne(changeKey(change));
  }
  return run;
}

export function addPush(run: TraceRun, push: ReceivedPush): void {
  run.pushes.push(push);
  arrived(run, pushKey(push.to, push.event));
  // What a client waited for where it had asked for no acknowledgement.
  if (run.answered && run.expected.ack === undefined && !lacksOwn(run)) run.answered.resolve();
}

export function addChange(run: TraceRun, change: ObservedChange): void {
  run.changes.push(change);
  arrived(run, changeKey(change));
}

/** What was said of a row is said anew: the change is no longer what it was. */
export function takeBack(run: TraceRun, change: ObservedChange): void {
  run.changes.splice(run.changes.indexOf(change), 1);
  const key = changeKey(change);
  const wanted = (run.expected.changes ?? []).filter((entry) => changeKey(changeOf(entry)) === key).length;
  const came = run.changes.filter((other) => changeKey(other) === key).length;
  if (came >= wanted) return;
  run.missing?.set(key, (run.missing.get(key) ?? 0) + 1);
  run.lacking++;
}

function arrived(run: TraceRun, key: string): void {
  const left = run.missing?.get(key) ?? 0;
  if (left === 0) return;
  run.missing?.set(key, left - 1);
  if (left > (run.volatile?.get(key) ?? 0)) run.lacking--;
}

/** Whether volatile pushes of a trace have not come, and may yet. */
export const mayReceive = ({ missing, volatile }: TraceRun): boolean => volatile !== undefined && [...volatile.keys()].some((key) => missing?.get(key) !== 0);

/** Whether its own client still waits for a push of it. */
export const lacksOwn = ({ missing, session }: TraceRun): boolean =>
  [...(missing ?? [])].some(([key, left]) => left > 0 && key.startsWith(pushKey(session.session.id, '')));

/** Whether the trace still waits for such a push. */
export const wants = (run: TraceRun, to: string, event: string): boolean => (run.missing?.get(pushKey(to, event)) ?? 0) > 0;

/** Whether the trace still waits for such a change. */
export const wantsChange = (run: TraceRun, change: Change): boolean => (run.missing?.get(changeKey(change)) ?? 0) > 0;

const pushKey = (to: string, event: string): string => `push ${to}\n${event}`;
const changeKey = ({ op, table }: Change): string => `${op} ${table}`;

/** Whether everything that was recorded for the trace has come. */
export function isComplete(run: TraceRun): boolean {
  const { expected } = run;
  if (expected.connect && !run.connected) return false;
  if (expected.disconnect !== undefined && isByServer(expected.disconnect) && !endedAsRecorded(run.session, expected.disconnect)) return false;
  // One that was never answered waits for its answer too: that it comes now is a difference.
  if (expected.ack !== undefined && run.ack === undefined) return false;
  if (expected.http && !run.answer) return false;
  return run.lacking === 0;
}

/** A connect that was made before the recording began has effects that nobody saw: they are not compared. */
export const effectsKnown = (trace: Trace): boolean => trace.connect?.before !== true;

/** Disconnects that the server made are not replayed, but awaited. The reasons are Socket.IO's. */
export const isByServer = (reason: string): boolean =>
  ['server namespace disconnect', 'server shutting down', 'forced close', 'forced server close'].includes(reason);

/** A server that says goodbye is told from one that dies; of the other reasons a client sees only that the connection closed. */
export const endedAsRecorded = ({ down }: SessionState, reason: string): boolean =>
  down?.outcome === 'disconnected' && (reason !== 'server namespace disconnect' || down.byServer === true);

/** Whether the connection ended although the recording says nothing of it. */
export const isLost = ({ down, session }: SessionState): boolean =>
  down?.outcome === 'disconnected' && !session.traces.some((trace) => trace.disconnect !== undefined && isByServer(trace.disconnect) && !trace.disabled);

export function wake(copy: CopyState): void {
  for (const waiter of [...copy.waiters]) waiter();
}
