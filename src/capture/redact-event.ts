/** An event without its secrets: what is kept and written. Pure, given the redactor. */
import type { Value, ValueObject } from '../recording/values.js';
import type { SourceEvent, SourceSocket } from './source.js';

export interface Redact {
  redact(value: Value, keyHint?: string): Value;
}

/** Of a connection that is not captured only who and where is kept. */
export function redactEvent(event: SourceEvent, redact: Redact, foreign: boolean): SourceEvent {
  const all = (args: Value[]): Value[] => redact.redact(args) as Value[];
  const row = (values: ValueObject): ValueObject => redact.redact(values) as ValueObject;
  switch (event.type) {
    case 'connect':
      return { ...event, socket: foreign ? { ...event.socket, address: '', handshake: {} } : redactSocket(event.socket, redact) };
    case 'emit':
    case 'ack':
    case 'push':
    case 'answer':
      return { ...event, args: all(event.args) };
    case 'change':
      return { ...event, key: row(event.key), before: event.before && row(event.before), after: event.after && row(event.after) };
    default:
      return event;
  }
}

function redactSocket(socket: SourceSocket, redact: Redact): SourceSocket {
  const { auth, query } = socket.handshake;
  return {
    ...socket,
    handshake: {
      ...(auth !== undefined && { auth: redact.redact(auth) }),
      ...(query !== undefined && { query: redact.redact(query) }),
    },
  };
}
