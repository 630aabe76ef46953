/**
 * Law 7: what a trace of another copy may push to a session, and what is a leak. Allowed is an event that the trace records for
 * that session, or that it broadcast leaving that session out (`socket.to` leaves out its sender; the sender's twin in another
 * copy is somebody else). Everything else is a leak, where that can be told: a session that is further, or less far, than it was
 * when this was recorded may have joined or left rooms since, and then it cannot.
 */
import { leftOut, receivers, type Session, type Trace } from '../recording/schema.js';
import type { Source } from './causes.js';
import { effectsKnown, type SessionState } from './state.js';

type OtherCopy = 'allowed' | 'leak' | 'cannot be told';

/** How far a session is: how many traces it has begun, and whether all of them have settled. */
export interface Position {
  next: number;
  settled: boolean;
}

export const positionOf = ({ next, running }: SessionState): Position => ({ next, settled: [...running.values()].every((run) => run.settled) });

/** `at`: how far the receiver was when it came; the probe's word of it may come when it has gone on, and even left. */
export function judgeOtherCopy(source: Source, receiver: SessionState, event: string, at: Position = positionOf(receiver)): OtherCopy {
  const recorded = source.session.session.traces[source.number];
  if (!recorded || !effectsKnown(recorded) || isAllowed(recorded, receiver.session.id, event)) return 'allowed';
  return isAsFar(source, receiver, at) ? 'leak' : 'cannot be told';
}

const isAllowed = (trace: Trace, to: string, event: string): boolean =>
  (trace.pushes ?? []).some((push) => push.event === event && (receivers(push).includes(to) || leftOut(push).includes(to)));

/** Whether the receiver has begun and finished just what it had when the trace was recorded. */
function isAsFar({ session, number }: Source, receiver: SessionState, at: Position): boolean {
  const [start, duration] = timeOf(session.session, number);
  const then = receiver.session.traces.filter((_, trace) => timeOf(receiver.session, trace)[0] <= start + duration).length;
  return at.next === then && at.settled;
}

const timeOf = ({ times }: Session, trace: number): readonly [number, number, number?] => times?.[trace] ?? [trace, 0];
