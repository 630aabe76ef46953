/**
 * Names that a recording sends and that nothing in it can make: such a trace could never be replayed.
 * Works on plain data, also on a recording that is wrong elsewhere.
 */
import { isObject, namesOf, Tagged, type Value, walk } from './values.js';

export interface Unknown {
  name: string;
  /** a session id of `!socket`, not a name */
  session: boolean;
  tag: Tagged;
}

/** The names that cannot be bound, and those that can. */
export function unknownNames(recording: Value): { unknown: Unknown[]; known: Set<string>; sessions: Set<string> } {
  const known = new Set<string>();
  const sent: { name: string; tag: Tagged }[] = [];
  const sockets: { name: string; tag: Tagged }[] = [];
  const sessions = new Set<string>();
  const given = field(recording, 'given');
  if (isObject(given)) for (const name of Object.keys(given)) known.add(name);

  const visit = (value: Value | undefined, sending: boolean): void => {
    if (value === undefined) return;
    walk(value, (node) => {
      if (!(node instanceof Tagged)) return;
      const { body } = node;
      // What a client makes itself it knows wherever it stands.
      if (body.tag === 'unique') known.add(body.text);
      else if ((body.tag === 'now' || body.tag === 'uuid') && body.name !== undefined) known.add(body.name);
      else if (body.tag === 'socket' && body.session !== undefined) sockets.push({ name: body.session, tag: node });
      for (const name of namesOf(body))
        if (sending) sent.push({ name, tag: node });
        else known.add(name);
    });
  };

  for (const session of list(field(recording, 'sessions'))) {
    const id = field(session, 'id');
    if (typeof id === 'string') sessions.add(id);
    for (const trace of list(field(session, 'traces'))) {
      visit(field(trace, 'args'), true);
      visit(field(trace, 'connect'), true);
      const http = field(trace, 'http');
      for (const part of ['url', 'headers', 'body']) visit(field(http, part), true);
      visit(field(http, 'answer'), false);
      visit(field(trace, 'ack'), false);
      visit(field(trace, 'changes'), false);
      visitPushes(field(trace, 'pushes'), visit);
    }
    visitPushes(field(session, 'received'), visit);
  }
  visit(field(recording, 'unattributed'), false);

  const unknown = [
    ...sent.filter(({ name }) => !known.has(name)).map((use) => ({ ...use, session: false })),
    ...sockets.filter(({ name }) => !sessions.has(name)).map((use) => ({ ...use, session: true })),
  ];
  return { unknown, known, sessions };
}

/** A push makes names; what the client answers to it is sent. */
function visitPushes(pushes: Value | undefined, visit: (value: Value | undefined, sending: boolean) => void): void {
  for (const push of list(pushes)) {
    visit(field(push, 'args'), false);
    visit(field(push, 'answer'), true);
  }
}

const field = (value: Value | undefined, key: string): Value | undefined => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined);
const list = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);
