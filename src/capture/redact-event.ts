/** An event without its secrets: what is kept and written. Pure, given the redactor. */
import { Tagged, type Value, type ValueObject } from '../recording/values.js';
import type { SourceEvent, SourceSocket } from './source.js';

export interface Redact {
  redact(value: Value, keyHint?: string): Value;
}

/** Of a connection that is not captured only who and where is kept. */
export function redactEvent(event: SourceEvent, redact: Redact): SourceEvent {
  const all = (args: Value[]): Value[] => redact.redact(args) as Value[];
  const row = (values: ValueObject): ValueObject => redact.redact(values) as ValueObject;
  switch (event.type) {
    case 'connect':
      return { ...event, socket: event.uncaptured ? { ...event.socket, address: '', handshake: {} } : redactSocket(event.socket, redact) };
    case 'emit':
    case 'ack':
    case 'push':
    case 'answer':
      return { ...event, args: all(event.args) };
    case 'http':
      return {
        ...event,
        url: redactUrl(event.url, redact),
        ...(event.headers && { headers: row(event.headers) }),
        ...(event.body !== undefined && { body: redact.redact(event.body) }),
        ...(event.answer !== undefined && { answer: redact.redact(event.answer) }),
      };
    case 'change':
      return { ...event, key: row(event.key), before: event.before && row(event.before), after: event.after && row(event.after) };
    default:
      return event;
  }
}

/** A query is redacted pair by pair; a URL is a plain text, so a secret in it is spelled out by its name. */
function redactUrl(url: string, redact: Redact): string {
  const [path = '', query] = url.split('?', 2);
  if (query === undefined) return url;
  const pairs = query.split('&').map((pair) => {
    const [key = '', value = ''] = pair.split('=', 2);
    const clean = redact.redact(decoded(value), decoded(key));
    return clean instanceof Tagged && clean.body.tag === 'secret' ? `${key}=[secret ${clean.body.name}]` : pair;
  });
  return `${path}?${pairs.join('&')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
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
