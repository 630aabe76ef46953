/**
 * One replay: the clients of an iteration (or of one recording alone), in the order of laws 4, 5 and 10:
 * log in, connect those that had connected before anything else, start together, let everything settle, drain the probe,
 * fence every connection, judge, then the recorded disconnects, drain again, totals. Whatever happens, every socket is closed.
 */
import type { EndRecord } from '../results/schema.js';
import type { FromProbe } from '../wire/messages.js';
import { createBackground } from './background.js';
import { createCheckpoints } from './checkpoints.js';
import { connectEarly } from './connecting.js';
import { createCopies } from './copies.js';
import { createEffects, type EffectCounts } from './effects.js';
import { drain, fenceAll, lookAtRows } from './fencing.js';
import type { Progress, ReplayInput, ReplaySummary } from './input.js';
import { createLedger } from './ledger.js';
import { createLogins } from './login.js';
import { watchLoop } from './loop-delay.js';
import { round, verdictOf } from './records.js';
import { judgeRows, type Rows, rowsOf } from './rows.js';
import { createSentRequests } from './sent-requests.js';
import { runSession } from './session.js';
import { deferred, type Replaying, type SessionState, type TraceRun, wake } from './state.js';
import { createTotals, isOff, totalWords } from './totals.js';
import { rowsWereSeen } from './unseen.js';
import { updateOf } from './update.js';
import { createWrites } from './writes.js';

export type { Measures, Progress, ReplayInput, ReplaySummary } from './input.js';

export async function replay(given: ReplayInput): Promise<ReplaySummary> {
  const rows = rowsOf(given);
  const { input } = rows;
  const began = performance.now();
  const replaying = prepare(rows, began);
  const { sessions, effects, ledger, logins, final } = replaying;
  const errors = [...input.errors];
  const abort = abortion(input.signal);
  const deaf = listen(input, effects.reported, errors);
  const blind = input.watch?.onChanges((changes) => (rows.tables ? rows.tables.changed(changes) : effects.watched(changes)));
  const loop = watchLoop();
  let left: EffectCounts;
  try {
    await abort.or(() => logins.logIn(sessions));
    loop.restart();
    await abort.or(() => connectEarly(replaying));
    // What logins on the connections wrote is told before anything else can be.
    if (sessions.some(({ copy }) => copy.greeted)) await abort.or(() => lookAtRows(input, errors));
    replaying.origin = performance.now();
    const loops = abort.or(() => Promise.all(sessions.map((session) => runSession(session, replaying))));
    // A session that breaks ends the replay; nobody would ever come to its end.
    loops.catch(() => {});
    await abort.or(() => Promise.race([Promise.all(sessions.map((session) => session.beforeFinal.promise)), loops]));
    await abort.or(() => allSettled(sessions));
    loop.read();
    await abort.or(() => drain(input, errors));
    await abort.or(() => fenceAll(sessions, input));
    await abort.or(() => lookAtRows(input, errors));
    if (!input.signal.aborted) {
      effects.handOut();
      ledger.judgeAll(sessions, (run) => !isFinal(run));
      final.resolve();
    }
    await loops;
    await abort.or(() => allSettled(sessions));
    await abort.or(() => drain(input, errors));
    await abort.or(() => lookAtRows(input, errors));
    await abort.or(() => judgeRows(rows, errors));
    await abort.or(() => replaying.checkpoints.rest());
  } finally {
    left = effects.finish();
    if (input.signal.aborted) ledger.abort(sessions);
    for (const session of sessions) wake(session.copy);
    await Promise.all(sessions.map((session) => session.client?.close()));
    await logins.end();
    // What our own goodbye makes the application do must not fall into the next replay.
    await abort.or(() => drain(input, errors));
    await abort.or(() => lookAtRows(input, errors));
    ledger.judgeAll(sessions, () => true);
    deaf();
    blind?.();
    replaying.requests.end();
    abort.forget();
    loop.read();
  }
  const beside = tellBeside(replaying, left, errors);
  const verdict = errors.length > 0 ? 'failed' : verdictOf(ledger.gating, sessions, input.signal.aborted);
  const { foreign, unattributed } = left;
  const took = round(performance.now() - began);
  const harness = loop.read();
  input.write({ type: 'end', verdict, took, foreign, unattributed, eventLoopDelay: harness.max, harness, errors, ...beside });
  // What failed for another reason than its traces proves nothing of them.
  const update = input.update && verdict === 'failed' && errors.length === 0 ? updateOf(replaying) : undefined;
  return { verdict, counts: ledger.counts, errors, ...(update && { update }) };
}

/** What is told beside the traces: changes without a cause, and whether everything adds up. */
function tellBeside(
  { input, ledger, sessions, totals, background, checkpoints }: Replaying,
  left: EffectCounts,
  errors: ReplaySummary['errors'],
): Partial<EndRecord> {
  for (const { kind, what, asRecorded } of left.examples) {
    const message = `a ${kind} whose cause is not a trace of this replay${asRecorded ? '; it was recorded without one, too' : ''}`;
    input.write({ type: 'note', level: 'info', code: 'UNATTRIBUTED', message, detail: what });
  }
  for (const { recording } of input.measures.changes ? input.recordings.filter((loaded) => !rowsWereSeen(loaded)) : []) {
    const message = `the rows of ${recording.name} are not compared: its source (${recording.recorded?.source}) sees none`;
    input.write({ type: 'note', level: 'info', code: 'ROWS_NOT_RECORDED', message });
  }
  // What was cut off proves nothing of what would have come, and of rows seen from outside each trace was judged by all of its own.
  const ignored = left.ignoredPushes > 0 ? { ignoredPushes: left.ignoredPushes } : {};
  if (input.watch || !input.measures.changes || input.signal.aborted || errors.some(({ code }) => code === 'REPLAY_PROBE_LOST')) return ignored;
  for (const message of background?.missing() ?? []) input.write({ type: 'note', level: 'info', code: 'UNATTRIBUTED_MISSING', message });
  const all = totals.result();
  // Where a trace failed the sum only follows.
  if (verdictOf(ledger.gating, sessions, false) === 'finished')
    for (const total of all.filter(isOff)) errors.push({ code: 'REPLAY_TOTALS', message: totalWords(total, input.copies) });
  return {
    ...(all.length > 0 && { totals: all }),
    ...(checkpoints.counts.compared + checkpoints.counts.notCompared > 0 && { checkpoints: checkpoints.counts }),
    ...ignored,
    ...(left.ignoredChanges > 0 && { ignoredChanges: left.ignoredChanges }),
    ...(background && background.counts.recorded > 0 && { recordedUnattributed: background.counts }),
  };
}

function prepare({ input, tables, alone }: Rows, began: number): Replaying {
  const copies = createCopies(input);
  const sessions = copies.flatMap((copy) => copy.sessions);
  const traces = sessions.reduce((sum, { session }) => sum + session.traces.filter((trace) => !trace.disabled).length, 0);
  const progress: Progress = { connected: 0, clients: sessions.length, settled: 0, traces, failed: 0 };
  const bySid = new Map<string, SessionState>();
  const writes = createWrites();
  const totals = createTotals(input);
  const background =
    alone && input.probe && !input.watch
      ? createBackground(
          input.recordings.map(({ recording }) => recording),
          input.ignore,
        )
      : undefined;
  const ledger = createLedger(input, copies, writes, progress, began);
  const runOf = (session: SessionState, number: number): TraceRun | undefined => session.running.get(number) ?? ledger.reopen(session, number);
  const checkpoints = createCheckpoints(input, sessions, runOf);
  const requests = createSentRequests(input.probe !== undefined);
  const effects = createEffects({
    probe: input.probe !== undefined,
    alone,
    bySid,
    ...(input.watch && !tables && copies[0] && { watch: { watch: input.watch, copy: copies[0] } }),
    ignore: input.ignore,
    writes,
    totals,
    ...(input.wrote && { wrote: input.wrote }),
    ...(background && { background }),
    requests,
    runOf,
    changed: (run) => ledger.changed(run),
    bound: (session) => wake(session.copy),
  });
  return {
    input,
    sessions,
    effects,
    ledger,
    logins: createLogins(input),
    totals,
    checkpoints,
    ...(background && { background }),
    progress,
    requests,
    origin: began,
    bySid,
    final: deferred(),
  };
}

/** From now on: what the probe has said before (a reset, another replay) is not ours. Returns what ends it. */
function listen({ probe, write }: ReplayInput, take: (message: FromProbe) => void, errors: ReplaySummary['errors']): () => void {
  let listening = false;
  const stop = probe?.onMessage((message) => {
    if (!listening) return;
    if (message.type === 'lost')
      errors.push({ code: 'REPLAY_PROBE_LOST', message: `the probe had to throw ${message.count} messages away: what the application did is not known` });
    else if (message.type === 'warning') write({ type: 'note', level: 'warning', code: 'PROBE', message: message.message });
    else take(message);
  });
  listening = true;
  return () => stop?.();
}

/** Work is not begun after an abort, and not waited for any longer. */
function abortion(signal: AbortSignal): { or(work: () => Promise<unknown>): Promise<void>; forget(): void } {
  const aborted = deferred();
  signal.addEventListener('abort', aborted.resolve, { once: true });
  return {
    async or(work) {
      if (!signal.aborted) await Promise.race([work(), aborted.promise]);
    },
    forget: () => signal.removeEventListener('abort', aborted.resolve),
  };
}

/** Every trace that began has its effects, or has waited long enough. */
async function allSettled(sessions: SessionState[]): Promise<void> {
  const unsettled = sessions.flatMap(({ running }) => [...running.values()].filter((run) => !run.settled));
  for (const run of unsettled) run.done ??= deferred();
  await Promise.all(unsettled.map((run) => run.done?.promise));
}

const isFinal = (run: TraceRun): boolean => run.session.copy.order.places[run.session.index]?.[run.number]?.final === true;
