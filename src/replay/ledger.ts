/** Which traces have settled, which are judged and written: each once, and once more when something came too late. */
import type { LoadedRecording } from '../recording/load.js';
import type { Trace } from '../recording/schema.js';
import { type Success, successOf } from '../recording/success.js';
import type { Outcome } from '../results/schema.js';
import { chooseNames } from './choose.js';
import type { Progress, ReplayInput, ReplaySummary } from './input.js';
import { isQuarantined, traceRecord } from './records.js';
import { type CopyState, isComplete, mayReceive, newRun, type SessionState, type TraceRun } from './state.js';
import { type Judging, judge, type TraceVerdict } from './verdict.js';
import type { Writes } from './writes.js';

export interface Ledger {
  counts: ReplaySummary['counts'];
  judging: Judging;
  /** where the recording may be updated: all that was seen of each trace, also of one that was opened again, and what it came to */
  seen?: Map<SessionState, Map<number, { runs: TraceRun[]; outcome: Outcome }>>;
  /** the same without what is quarantined */
  gating: ReplaySummary['counts'];
  /** an effect of the run has come */
  changed(run: TraceRun): void;
  /** the run waits no longer */
  settle(run: TraceRun): void;
  /** An effect of a trace that was judged already: its record is written again, with what came too late or too much. */
  reopen(session: SessionState, number: number): TraceRun | undefined;
  /** Writes what has begun and is not written. */
  judgeAll(sessions: SessionState[], which: (run: TraceRun) => boolean): void;
  /** What is under way, and what never began, is aborted. */
  abort(sessions: SessionState[]): void;
}

export function createLedger(input: ReplayInput, copies: readonly CopyState[], writes: Writes, progress: Progress, began: number): Ledger {
  const judging: Judging = { measures: input.measures, ignore: input.ignore, writes, copies, successOf: successes(input) };
  const counts = noCounts();
  const gating = noCounts();
  const seen: Ledger['seen'] = input.update ? new Map() : undefined;
  const write = (run: TraceRun, verdict: TraceVerdict): void => {
    const { session } = run;
    const { outcome } = verdict;
    const line = traceRecord(run, verdict, input, began);
    counts[outcome]++;
    if (!line.quarantined) gating[outcome]++;
    if (outcome !== 'passed' && !line.quarantined) progress.failed++;
    session.running.delete(run.number);
    if (outcome === 'passed') session.passed.set(run.number, { startedAt: run.startedAt, latency: run.latency, compared: verdict.compared });
    input.write(line);
    if (!seen) return;
    const traces = seen.get(session) ?? new Map();
    seen.set(session, traces);
    const runs = traces.get(run.number)?.runs ?? [];
    traces.set(run.number, { runs: runs.includes(run) ? runs : [...runs, run], outcome });
  };

  const settle = (run: TraceRun): void => {
    if (run.settled) return;
    run.settled = true;
    clearTimeout(run.timer);
    const place = run.session.copy.order.places[run.session.index]?.[run.number];
    if (place) run.session.copy.gate.settle(place);
    progress.settled++;
    run.done?.resolve();
    run.answered?.resolve();
    // A trace that has all it should have, and that is right, is written at once; what is wrong, or may come yet, waits for the end.
    if (run.forced === undefined && isComplete(run) && !mayReceive(run)) {
      const verdict = judged(run, judging);
      if (verdict.outcome === 'passed') write(run, verdict);
    }
    input.progress(progress);
  };

  const judgeAll = (sessions: SessionState[], which: (run: TraceRun) => boolean): void => {
    for (const { running } of sessions)
      for (const run of [...running.values()].sort((a, b) => a.number - b.number)) {
        if (!which(run)) continue;
        settle(run);
        if (!running.has(run.number)) continue;
        chooseNames(run, judging, seenAt(run));
        write(run, judged(run, judging));
      }
  };

  return {
    judging,
    ...(seen && { seen }),
    counts,
    gating,
    settle,
    changed(run) {
      if (!run.settled && isComplete(run)) settle(run);
    },
    reopen(session, number) {
      const expected = session.session.traces[number];
      const passed = session.passed.get(number);
      if (!expected || !passed) return undefined;
      session.passed.delete(number);
      counts.passed--;
      if (!isQuarantined(session.copy.loaded, expected)) gating.passed--;
      const run = Object.assign(newRun(session, number, lateExpectation(expected), input), { ...passed, settled: true });
      session.running.set(number, run);
      return run;
    },
    judgeAll,
    abort(sessions) {
      for (const session of sessions) {
        for (const run of session.running.values())
          if (!run.settled) {
            run.forced ??= { outcome: 'aborted', reason: 'the run was aborted' };
            settle(run);
          }
        judgeAll([session], () => true);
        const { traces } = session.session;
        for (; session.next < traces.length; session.next++) {
          const expected = traces[session.next] as Trace;
          if (expected.disabled) continue;
          const run = newRun(session, session.next, expected, input);
          run.forced = { outcome: 'aborted', reason: 'not started: the run was aborted' };
          write(run, judged(run, judging));
        }
      }
    },
  };
}

/** All copies of a recording have one. */
function successes({ success }: ReplayInput): Judging['successOf'] {
  const known = new Map<LoadedRecording, Success>();
  return (loaded) => {
    const found = known.get(loaded) ?? successOf(loaded.recording, success);
    known.set(loaded, found);
    return found;
  };
}

/** A comparison that fails is a difference, never the end of the replay. */
function judged(run: TraceRun, judging: Judging): TraceVerdict {
  try {
    return judge(run, judging, seenAt(run));
  } catch (error) {
    const note = `it cannot be compared: ${error instanceof Error ? error.message : String(error)}`;
    return { outcome: 'mismatch', differences: [{ path: 'trace', class: 'value', part: 'trace', note }], compared: { value: 0, type: 0, ignored: 0 } };
  }
}

/** When the effects of a trace were seen, near enough for `!timestamp`: judging may come much later. Milliseconds since the epoch. */
export const seenAt = ({ startedAt, latency }: TraceRun): number => (startedAt === null ? Date.now() : performance.timeOrigin + startedAt + (latency ?? 0));

/** What a trace that passed still expects: nothing. Whatever comes now was not recorded. */
function lateExpectation(trace: Trace): Trace {
  const { pushes: _, changes: __, ack: ___, ...rest } = trace;
  return rest;
}

const noCounts = (): ReplaySummary['counts'] => ({
  passed: 0,
  mismatch: 0,
  rejected: 0,
  timeout: 0,
  'connect-failed': 0,
  disconnected: 0,
  aborted: 0,
  skipped: 0,
});
