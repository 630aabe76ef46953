/** The largest message that a client of a recording sends, as it leaves: against the limit of the server. */
import { Encoder, PacketType } from 'socket.io-parser';
import { labelOf, type Recording } from '../recording/schema.js';
import { mapValue, Tagged } from '../recording/values.js';
import type { Parser } from '../wire/parser.js';

export interface Message {
  bytes: number;
  session: string;
  trace: number;
  label: string;
}

/** Stands for values that are made at replay: about as long as they are. */
const MADE = 'x'.repeat(36);

export function largestMessage({ sessions }: Recording, parser?: Parser): Message | undefined {
  const encoder = new (parser?.Encoder ?? Encoder)();
  let largest: Message | undefined;
  for (const { id, traces } of sessions) {
    const nsp = traces[0]?.connect?.namespace ?? '/';
    traces.forEach((trace, number) => {
      // Where the server had hung up on it when it was recorded, that is expected.
      if (trace.disabled || trace.emit === undefined || traces[number + 1]?.disconnect?.startsWith('transport')) return;
      const args = mapValue(trace.args ?? [], (node) => (node instanceof Tagged ? MADE : undefined));
      const data = [trace.emit, ...(args as unknown[])];
      // Each binary value is a message of its own; a text has one byte of Engine.IO in front.
      for (const part of encoder.encode({ type: PacketType.EVENT, nsp, data, id: 0 })) {
        const bytes = typeof part === 'string' ? Buffer.byteLength(part) + 1 : part.length;
        if (bytes > (largest?.bytes ?? 0)) largest = { bytes, session: id, trace: number, label: labelOf(trace) };
      }
    });
  }
  return largest;
}
