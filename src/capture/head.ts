/** A part of a capture: what the events before it mean for those that stay. Pure. */
import type { SourceEvent } from './source.js';

type Connect = Extract<SourceEvent, { type: 'connect' }>;

/**
 * What has to stand in front of the events from `from` on: the tables, and the connections that were open there, which were then
 * made before. Who was never captured, and who had gone, is not in it.
 */
export function headAt(events: readonly SourceEvent[], from: number): SourceEvent[] {
  let tables: SourceEvent | undefined;
  const open = new Map<string, Connect>();
  for (const event of events.slice(0, from)) {
    if (event.type === 'tables') tables = event;
    else if (event.type === 'connect' && !event.uncaptured) open.set(event.socket.sid, { ...event, before: true });
    else if (event.type === 'disconnect') open.delete(event.sid);
  }
  return [...(tables ? [tables] : []), ...open.values()];
}
