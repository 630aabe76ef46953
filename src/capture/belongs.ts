/** Which events are a recording's: those of captured connections, and what nobody is known to have caused. Pure. */
import { FENCE_EVENT, RECORDING_EVENT } from '../wire/messages.js';
import type { SourceEvent } from './source.js';

/** Events that were seen and are not in the recording, by reason. */
export interface Dropped {
  /** of connections that are not captured */
  uncaptured: number;
  /** acknowledgements, answers and changes of traces from before the capture began */
  earlier: number;
  /** the harness's own events */
  reserved: number;
  /** excluded by name, and what they made happen */
  excluded: number;
  /** HTTP requests whose client cannot be told, or who had no connection yet */
  unclaimed: number;
}

export const noneDropped = (): Dropped => ({ uncaptured: 0, earlier: 0, reserved: 0, excluded: 0, unclaimed: 0 });

export type IsCaptured = (sid: string) => boolean;

/** The connections that a capture took. */
export function capturedIn(events: readonly SourceEvent[]): IsCaptured {
  const taken = new Set(events.flatMap((event) => (event.type === 'connect' && !event.uncaptured ? [event.socket.sid] : [])));
  return (sid) => taken.has(sid);
}

/** `reserved` events are left to `buildRecording`, which must see their numbers to know their acknowledgements. */
export function isForeign(event: SourceEvent, isCaptured: IsCaptured): boolean {
  switch (event.type) {
    case 'emit':
    case 'ack':
    case 'answer':
    case 'disconnect':
      return !isCaptured(event.sid);
    case 'http':
      return event.sid !== null && !isCaptured(event.sid);
    case 'push':
      return ![...event.to, ...(event.except ?? [])].some(isCaptured);
    case 'change': {
      const sid = socketOf(event.cause);
      return sid !== null && !isCaptured(sid);
    }
    default:
      return false;
  }
}

export const isReserved = (event: SourceEvent): boolean => 'event' in event && (event.event === FENCE_EVENT || event.event === RECORDING_EVENT);

/** The socket of a cause; null: no cause, or an HTTP request, which belongs to no connection. */
function socketOf(cause: string | null): string | null {
  if (cause === null || cause.startsWith('http:')) return null;
  return cause.slice(0, cause.lastIndexOf(':'));
}

/** The trace that a cause names. What came through a timer is still that trace's. */
export const traceOf = (cause: string): string => (cause.endsWith('~') ? cause.slice(0, -1) : cause);

/** The connections to which an event counts, for limits: those that made or received it. */
export function ownersOf(event: SourceEvent): string[] {
  switch (event.type) {
    case 'connect':
      return [event.socket.sid];
    case 'push': {
      const sid = socketOf(event.cause);
      return sid === null ? event.to : [sid];
    }
    case 'change': {
      const sid = socketOf(event.cause);
      return sid === null ? [] : [sid];
    }
    case 'http':
      return event.sid === null ? [] : [event.sid];
    case 'checkpoint':
    case 'tables':
    case 'lost':
    case 'warning':
      return [];
    default:
      return [event.sid];
  }
}
