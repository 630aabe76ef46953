/** Events without their secrets: what is kept and written. */
import type { Redactor } from '../recording/redact.js';
import { urlText } from '../recording/schema.js';
import type { Value, ValueObject } from '../recording/values.js';
import type { SourceEvent, SourceSocket } from './source.js';

export interface EventRedactor {
  /** Of a connection that is not captured only who and where is kept. */
  redact(event: SourceEvent): SourceEvent;
  /** All events once more, now that every secret is known, also those that stood elsewhere before; and ids put back that were taken for keys. */
  again(events: readonly SourceEvent[]): SourceEvent[];
}

export function eventRedactor(redactor: Redactor): EventRedactor {
  /** the event of each trace and push, because an acknowledgement does not say which it is for */
  const names = new Map<string, string>();
  const inPlace = (event: string | undefined, part: string) => (value: Value) => redactor.redact(value, { event, part });
  const once = (event: SourceEvent): SourceEvent => {
    const args = (name: string | undefined, part: string, values: Value[]): Value[] => inPlace(name, part)(values) as Value[];
    switch (event.type) {
      case 'connect':
        return { ...event, socket: event.uncaptured ? { ...event.socket, address: '', handshake: {} } : redactSocket(event.socket, inPlace) };
      case 'emit':
        names.set(`${event.sid}:${event.n}`, event.event);
        return { ...event, event: redactor.text(event.event, 'name'), args: args(event.event, 'args', event.args) };
      case 'ack':
        return { ...event, args: args(names.get(`${event.sid}:${event.n}`), 'ack', event.args) };
      case 'push':
        names.set(String(event.push), event.event);
        return { ...event, event: redactor.text(event.event, 'name'), args: args(event.event, 'args', event.args) };
      case 'answer':
        return { ...event, args: args(names.get(String(event.push)), 'answer', event.args) };
      case 'http': {
        const request = `${event.method} ${urlText(event.url).replace(/\?.*/s, '')}`;
        return {
          ...event,
          url: redactor.redact(event.url) as typeof event.url,
          ...(event.headers && { headers: inPlace(request, 'headers')(event.headers) as ValueObject }),
          ...(event.body !== undefined && { body: inPlace(request, 'body')(event.body) }),
          ...(event.answer !== undefined && { answer: inPlace(request, 'answer')(event.answer) }),
        };
      }
      case 'change': {
        const row = (values: ValueObject): ValueObject => inPlace(`table:${event.table}`, 'row')(values) as ValueObject;
        return { ...event, key: row(event.key), before: event.before && row(event.before), after: event.after && row(event.after) };
      }
      case 'disconnect':
        return { ...event, reason: redactor.text(event.reason, 'sentence') };
      case 'checkpoint':
        return { ...event, name: redactor.text(event.name, 'sentence') };
      case 'warning':
        return { ...event, message: redactor.text(event.message, 'sentence') };
      default:
        return event;
    }
  };
  return {
    redact(event) {
      if (event.type === 'connect' && event.socket.user !== null) redactor.publish(event.socket.user);
      const before = redactor.learnt;
      const clean = once(event);
      // A secret that stands under its key may stand elsewhere in the same event, and before it.
      return redactor.learnt === before ? clean : once(clean);
    },
    again: (events) => events.map((event) => redactor.restore(once(event) as unknown as Value) as unknown as SourceEvent),
  };
}

function redactSocket(socket: SourceSocket, inPlace: (event: string, part: string) => (value: Value) => Value): SourceSocket {
  const { auth, query } = socket.handshake;
  return {
    ...socket,
    handshake: {
      ...(auth !== undefined && { auth: inPlace('connect', 'auth')(auth) }),
      ...(query !== undefined && { query: inPlace('connect', 'query')(query) }),
    },
  };
}
