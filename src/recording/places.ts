/** Every scalar and tag of a recording, with where it stands and whether the client sends it or the server made it. */
import type { Path } from './document.js';
import type { ChangeEntry, Recording, Session, Trace } from './schema.js';
import { isObject, Tagged, type Value } from './values.js';

type Part = 'handshake' | 'args' | 'request' | 'ack' | 'answer' | 'push' | 'row';

export interface Place {
  value: Value;
  path: Path;
  /** the nearest property name, '' at the top */
  key: string;
  part: Part;
  /** at replay the client sends it; else it is an expectation */
  sent: boolean;
  /** the trace that it belongs to; none: its cause is not proven */
  step?: Step;
  /** in a push without a cause: the trace of its session that it came after */
  after?: Step;
  /** the event, the pushed event, or the table */
  of: string;
  /** in a row: it is inserted, updated or deleted */
  change?: 'insert' | 'update' | 'delete';
}

/** One trace and where it stands. */
export interface Step {
  session: string;
  trace: Trace;
  path: Path;
  number: number;
  start: number;
}

export const stepsOf = (recording: Recording): Step[] =>
  recording.sessions.flatMap((session, s) => session.traces.map((trace, t) => stepOf(session, s, trace, t)));

const stepOf = (session: Session, s: number, trace: Trace, t: number): Step => ({
  session: session.id,
  trace,
  path: ['sessions', s, 'traces', t],
  number: t,
  start: session.times?.[t]?.[0] ?? t,
});

type Around = Omit<Place, 'value' | 'path' | 'key'>;

export function placesOf(recording: Recording): Place[] {
  const places: Place[] = [];
  const add = (value: Value | undefined, path: Path, around: Around, key = ''): void => {
    if (value === undefined) return;
    if (Array.isArray(value)) for (const [i, item] of value.entries()) add(item, [...path, i], around, key);
    else if (value instanceof Tagged && (value.body.tag === 'some' || value.body.tag === 'unordered'))
      for (const [i, item] of value.body.items.entries()) add(item, [...path, i], around, key);
    else if (value instanceof Tagged && value.body.tag === 'keys') {
      places.push({ ...around, value, path, key });
      for (const [name, item] of Object.entries(value.body.entries)) add(item, [...path, name], around, name);
    } else if (isObject(value)) for (const [name, item] of Object.entries(value)) add(item, [...path, name], around, name);
    else places.push({ ...around, value, path, key });
  };
  const addChanges = (changes: readonly ChangeEntry[] | undefined, path: Path, step?: Step): void => {
    for (const [c, entry] of (changes ?? []).entries()) {
      const change = entry.insert !== undefined ? 'insert' : entry.update !== undefined ? 'update' : 'delete';
      const around: Around = { part: 'row', sent: false, step, of: entry[change] ?? '', change };
      for (const part of ['key', 'row', 'set'] as const) add(entry[part], [...path, c, part], around);
    }
  };
  for (const step of stepsOf(recording)) {
    const { trace, path } = step;
    const of = trace.emit ?? (trace.connect ? 'connect' : trace.http ? trace.http.method : 'disconnect');
    for (const part of ['auth', 'query'] as const) add(trace.connect?.[part], [...path, 'connect', part], { part: 'handshake', sent: true, step, of });
    for (const part of ['url', 'headers', 'body'] as const) add(trace.http?.[part], [...path, 'http', part], { part: 'request', sent: true, step, of });
    add(trace.http?.answer, [...path, 'http', 'answer'], { part: 'ack', sent: false, step, of });
    add(trace.args, [...path, 'args'], { part: 'args', sent: true, step, of });
    if (Array.isArray(trace.ack)) add(trace.ack, [...path, 'ack'], { part: 'ack', sent: false, step, of });
    for (const [p, push] of (trace.pushes ?? []).entries()) {
      add(push.args, [...path, 'pushes', p, 'args'], { part: 'push', sent: false, step, of: push.event });
      add(push.answer, [...path, 'pushes', p, 'answer'], { part: 'answer', sent: true, step, of: push.event });
    }
    addChanges(trace.changes, [...path, 'changes'], step);
  }
  recording.sessions.forEach((session, s) => {
    for (const [r, push] of (session.received ?? []).entries()) {
      const path = ['sessions', s, 'received', r];
      const trace = session.traces[push.after];
      const after = trace && stepOf(session, s, trace, push.after);
      add(push.args, [...path, 'args'], { part: 'push', sent: false, after, of: push.event });
      add(push.answer, [...path, 'answer'], { part: 'answer', sent: true, after, of: push.event });
    }
  });
  addChanges(recording.unattributed, ['unattributed']);
  return places;
}
