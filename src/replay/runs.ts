/** The life of one running trace: it begins, and is settled by its effects, by its timeout, or by what made it impossible. */
import type { Trace } from '../recording/schema.js';
import type { ReplayInput } from './input.js';
import { newRun, type Replaying, type SessionState, type TraceRun } from './state.js';

/** The session's next trace. */
export function begin(session: SessionState, expected: Trace, { input }: Replaying): TraceRun {
  const run = newRun(session, session.next++, expected, input);
  session.running.set(run.number, run);
  return run;
}

/** Milliseconds that its effects may take: as long as they took when they were recorded, and the ack timeout. */
export const patienceOf = ({ session: { session }, number }: TraceRun, { ackTimeout }: ReplayInput): number =>
  ackTimeout + Math.ceil(session.times?.[number]?.[1] ?? 0);

/** What has not come by now is missing. */
export function expire(run: TraceRun, { ledger }: Replaying): void {
  if (run.settled) return;
  const { down } = run.session;
  run.waited = performance.now() - (run.startedAt ?? 0);
  // Without an answer nobody knows whether it arrived before the connection ended.
  if (down?.outcome === 'disconnected' && run.ack === undefined) run.forced = { outcome: 'disconnected', reason: down.reason };
  ledger.settle(run);
}

export function force(run: TraceRun, { ledger }: Replaying, outcome: NonNullable<TraceRun['forced']>['outcome'], reason: string, needs?: string): void {
  if (run.settled) return;
  run.forced = { outcome, reason, ...(needs === undefined ? {} : { needs }) };
  ledger.settle(run);
}
