/** How a recording ended. Pure. */
import type { Recording, Session, Trace } from '../recording/schema.js';
import type { CaptureEnd } from './source.js';

/** Breakdowns by which a session did not end as people end one: a closed page is `transport close`, and fine. */
const breakdowns = new Set(['transport error', 'ping timeout', 'parse error']);

export const isBroken = (traces: readonly Trace[]): boolean => breakdowns.has(traces.at(-1)?.disconnect ?? '');

/** Worst wins (law 11). */
export function statusOf(end: CaptureEnd, sessions: Session[], lost: number, missing: number): Pick<Recording, 'status' | 'statusReason'> {
  const broken = sessions.find(({ status }) => status === 'disconnected');
  if (end.status === 'failed' || end.status === 'interrupted') return { status: end.status, ...(end.reason && { statusReason: end.reason }) };
  if (broken) return { status: 'disconnected', statusReason: `${broken.id}: ${broken.traces.at(-1)?.disconnect}` };
  if (end.status === 'finished' && lost > 0) return { status: 'truncated', statusReason: 'events_lost' };
  if (end.status === 'finished' && missing > 0) return { status: 'truncated', statusReason: 'head_missing' };
  return { status: end.status, ...(end.reason && { statusReason: end.reason }) };
}
