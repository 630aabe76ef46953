/**
 * Ranges of a capture. Events are numbered from the beginning of the capture; a flight recorder throws old ones away, their
 * numbers are never used again. A range says how many of its events are missing. Pure.
 */
import { ReplayError } from '../errors.js';
import { headAt } from './head.js';
import type { Captured, SourceEvent } from './source.js';

export type Range =
  /** from this number on */
  | { since: number }
  /** milliseconds since the first event, both ends inclusive */
  | { from: number; to: number }
  /** between two checkpoints, in either order: from the earlier one on, without what came at or after the later one */
  | { between: [string, string] };

/** A capture of that range alone. `missing` counts the events of the range that were not kept. */
export function inRange(captured: Captured, range: Range): Captured {
  const { events } = captured;
  const first = captured.missing ?? 0;
  const [from, to] = boundsOf(captured, range);
  const start = Math.min(Math.max(0, from - first), events.length);
  const end = Math.min(Math.max(start, to - first), events.length);
  const missing = Math.max(0, Math.min(first, to) - from);
  return { ...withoutMissing(captured), events: [...headAt(events, start), ...events.slice(start, end)], ...(missing > 0 && { missing }) };
}

/** Half-open, in numbers of events. */
function boundsOf(captured: Captured, range: Range): [from: number, to: number] {
  const { events } = captured;
  const first = captured.missing ?? 0;
  if ('since' in range) return [range.since, first + events.length];
  if ('between' in range) {
    const [a, b] = range.between.map((name) => placeOf(events, name) + first) as [number, number];
    return [Math.min(a, b), Math.max(a, b)];
  }
  const zero = Math.min(...events.flatMap((event) => timeOf(event) ?? []));
  const inside = (event: SourceEvent): boolean => {
    const at = timeOf(event);
    return at !== undefined && at - zero >= range.from && at - zero <= range.to;
  };
  const begin = events.findIndex(inside);
  return begin < 0 ? [first, first] : [first + begin, first + events.findLastIndex(inside) + 1];
}

function placeOf(events: readonly SourceEvent[], name: string): number {
  const place = events.findIndex((event) => event.type === 'checkpoint' && event.name === name);
  if (place >= 0) return place;
  const names = events.flatMap((event) => (event.type === 'checkpoint' ? [event.name] : []));
  throw new ReplayError(
    'REPLAY_CHECKPOINT',
    `there is no checkpoint ${name}`,
    undefined,
    names.length > 0 ? `Checkpoints: ${names.join(', ')}` : 'The capture has none.',
  );
}

function timeOf(event: SourceEvent): number | undefined {
  if (event.type === 'connect') return event.before ? undefined : event.socket.at;
  return 'at' in event ? event.at : undefined;
}

function withoutMissing({ missing: _, ...rest }: Captured): Captured {
  return rest;
}
