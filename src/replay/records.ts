/** What is written of a replay: one line a trace, a session, the end. Pure. */
import type { Json } from '../recording/json.js';
import type { LoadedRecording } from '../recording/load.js';
import type { Change, Trace } from '../recording/schema.js';
import type { Value } from '../recording/values.js';
import type { JournalRecord, SessionRecord, TraceRecord, Verdict } from '../results/schema.js';
import type { ReplayInput, ReplaySummary } from './input.js';
import { clipped } from './limits.js';
import { producerOf } from './names.js';
import { patienceOf } from './runs.js';
import { isLost, type SessionState, type TraceRun } from './state.js';
import type { TraceVerdict } from './verdict.js';

/** Of an observation the binary values keep their length above this many bytes, other arguments their beginning, and so many pushes and rows are kept. */
const SHOWN_BYTES = 1024;
const SHOWN = 1_000_000;
const MOST = 1000;

export function traceRecord(run: TraceRun, verdict: TraceVerdict, input: ReplayInput, began: number): TraceRecord {
  const { copy, session } = run.session;
  const { outcome, differences, reason, noAck, compared } = verdict;
  const needs = run.forced?.needs;
  const made = needs === undefined ? undefined : producerOf(copy.loaded, needs);
  return {
    type: 'trace',
    recording: copy.loaded.recording.name,
    session: session.id,
    trace: run.number,
    copy: copy.copy,
    outcome,
    start: run.startedAt === null ? null : round(run.startedAt - began),
    latency: run.latency === null ? null : round(run.latency),
    ...(run.waited !== undefined && { waited: Math.round(run.waited) }),
    ...(noAck && { noAck }),
    compared,
    ...(differences.length > 0 && { differences }),
    ...(reason !== undefined && { reason: reason === 'not acknowledged' ? `not acknowledged within ${patienceOf(run, input)} ms` : reason }),
    ...(needs !== undefined && { needs: { name: needs, ...(made && { producer: { session: made.session, trace: made.trace } }) } }),
    ...(isQuarantined(copy.loaded, run.expected) && { quarantined: true as const }),
    ...((outcome !== 'passed' || input.copies === 1 || input.observe) && { observed: observation(run) }),
  };
}

export function sessionRecord({ copy, session, down, login, connect }: SessionState, outcome: SessionRecord['outcome']): SessionRecord {
  return {
    type: 'session',
    recording: copy.loaded.recording.name,
    session: session.id,
    copy: copy.copy,
    user: session.user ?? null,
    outcome,
    ...(down && { reason: down.reason }),
    login,
    connect: connect === null ? null : round(connect),
  };
}

export const receivedRecord = ({ copy, session }: SessionState, event: string, args: Value[]): JournalRecord => ({
  type: 'received',
  recording: copy.loaded.recording.name,
  session: session.id,
  copy: copy.copy,
  event,
  args: shown(args),
});

/** In the shape of a trace of a recording. */
function observation({ expected, args, ack, pushes, changes, request, answer }: TraceRun): Json {
  const { connect, emit, disconnect } = expected;
  return {
    ...(connect && { connect: { namespace: connect.namespace } }),
    ...(emit !== undefined && { emit }),
    ...(request && { http: shown({ ...request, ...answer }) }),
    ...(disconnect !== undefined && { disconnect }),
    ...(args && { args: shown(args) }),
    ...(ack && { ack: shown(ack) }),
    ...(pushes.length > 0 && { pushes: pushes.slice(0, MOST).map((push) => ({ to: push.to, event: push.event, args: shown(push.args) })) }),
    ...(changes.length > 0 && { changes: changes.slice(0, MOST).map(changeShown) }),
  };
}

const changeShown = ({ op, table, key, values, was }: Change): Json => ({
  [op]: table,
  ...(op === 'insert' ? { row: shown(values) } : { key: shown(key) }),
  ...(op === 'update' && { set: shown(values) }),
  ...(was && { was: shown(was) }),
});

const shown = (value: Value): Json => clipped(value, SHOWN_BYTES, SHOWN);

/** Known failures are reported and do not gate, until the day after they expire. */
export function isQuarantined(loaded: LoadedRecording, trace?: Trace): boolean {
  const quarantine = quarantineOf(loaded, trace);
  return quarantine !== undefined && quarantine.expires >= new Date().toISOString().slice(0, 10);
}

/** That of the trace or of its recording, whichever lasts longer. */
export function quarantineOf({ recording }: LoadedRecording, trace?: Trace): Trace['quarantine'] {
  const [own, whole] = [trace?.quarantine, recording.quarantine];
  return own && whole ? (own.expires >= whole.expires ? own : whole) : (own ?? whole);
}

/** Law 11, worst first, over what is not quarantined. */
export function verdictOf(gating: ReplaySummary['counts'], sessions: SessionState[], interrupted: boolean): Verdict {
  if (gating.mismatch + gating.rejected + gating.timeout + gating['connect-failed'] + gating.skipped > 0) return 'failed';
  if (interrupted || gating.aborted > 0) return 'interrupted';
  if (gating.disconnected > 0 || sessions.some((session) => isLost(session) && !isQuarantined(session.copy.loaded))) return 'disconnected';
  return 'finished';
}

export const round = (ms: number): number => Math.round(ms * 100) / 100;
