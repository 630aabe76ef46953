/** Every place of a recording where a value stands, in the order in which the values came to be. */
import type { Path } from '../document.js';
import { type ChangeEntry, type Push, type Received, type Recording, receivers, type Session, type Trace, urlText } from '../schema.js';
import { isObject, secretsOf, Tagged, type Value, type ValueObject } from '../values.js';

type Part = 'args' | 'handshake' | 'ack' | 'push' | 'row' | 'key' | 'set';

/** One scalar and what surrounds it. */
export interface Site {
  value: Value;
  part: Part;
  /** where the part stands in the recording */
  at: Path;
  /** property names and list positions from the root of the part */
  path: (string | number)[];
  /** the nearest property name, '' at the top */
  key: string;
  /** the value is itself the name of a property */
  isKey?: true;
  /** the objects around the value, innermost first */
  within: ValueObject[];
  /** the whole part: all arguments, the whole row */
  root: Value;
  /** the arguments of the trace */
  args: Value[];
  session: string;
  /** whose socket a bare `!socket` is here: in pushes and answers the receiver's, where there is one only */
  self?: string;
  trace: number;
  /** the event of the trace, and of the push */
  event: string;
  /** rows: the table */
  table?: string;
  /** when the trace began and when its last effect came, ms since the recording began */
  start: number;
  end: number;
  /** order of the trace among all: effects of an earlier one are known to a later one */
  order: number;
  /** in a push without a cause: its place among those of its session, and when the next trace of the session began, by which it had come */
  received?: { index: number; by: number };
}

/** Whether the value was seen, not sent. */
export const isEffect = (site: Site): boolean => site.part !== 'args' && site.part !== 'handshake';

/**
 * Whether what is seen at one site was there when the other one was sent. Of a push without a cause only that it came between
 * two traces of its session is known: what others sent meanwhile may be its cause.
 */
export function isKnownTo(seen: Site, sent: Site): boolean {
  if (!seen.received) return seen.order < sent.order;
  if (seen.session !== sent.session) return seen.received.by < sent.start;
  return seen.trace < sent.trace || (sent.received !== undefined && seen.received.index <= sent.received.index);
}

/** The traces of a recording in the order in which they began. */
export function timeline(recording: Recording): { session: string; number: number; trace: Trace; start: number; duration: number }[] {
  return recording.sessions
    .flatMap((session) =>
      session.traces.map((trace, number) => {
        const [start, duration] = session.times?.[number] ?? [number, 0];
        return { session: session.id, number, trace, start, duration };
      }),
    )
    .sort((a, b) => a.start - b.start);
}

/** What a client answers to a push is sent when the effects of its trace are known. */
const ANSWER = 0.5;

/**
 * A new recording in which `replace` may exchange any scalar; it sees traces in time order, in each: arguments, changes, pushes,
 * acknowledgement; and what was received before the next trace of its session, when it had come for sure.
 */
export function mapSites(recording: Recording, replace: Replace): Recording {
  const done = new Map<Trace, Trace>();
  const times = timeline(recording);
  const orders = new Map(times.map(({ trace }, order) => [trace, order]));
  const indexes = new Map(recording.sessions.map(({ id }, index) => [id, index]));
  const received = new Map<Received, Received>();
  /** by the next trace of its session; none: after everything */
  const due = new Map<Trace | undefined, (() => void)[]>();
  for (const [s, session] of recording.sessions.entries())
    for (const [index, push] of (session.received ?? []).entries()) {
      const next = session.traces[push.after + 1];
      const list = due.get(next) ?? [];
      due.set(next, list);
      list.push(() => received.set(push, mapReceived(session, push, ['sessions', s, 'received', index], orders, replace)));
    }
  times.forEach(({ session, number, trace, start, duration }, order) => {
    for (const take of due.get(trace) ?? []) take();
    const at = ['sessions', indexes.get(session) ?? 0, 'traces', number];
    const base = {
      session,
      self: session,
      trace: number,
      start,
      end: start + duration,
      order,
      args: trace.args ?? (trace.http?.body === undefined ? [] : [trace.http.body]),
    };
    const map = (value: Value, part: Part, event: string, where: Path, table?: string): Value =>
      mapPart(value, { ...base, at: [...at, ...where], part, event, table }, replace);
    const list = (values: Value[], part: Part, event: string, where: Path): Value[] => map(values, part, event, where) as Value[];
    const event = trace.emit ?? (trace.connect ? 'connect' : trace.http ? urlText(trace.http.url) : 'disconnect');
    const next: Trace = { ...trace };
    if (trace.connect)
      next.connect = {
        ...trace.connect,
        ...(trace.connect.auth && { auth: map(trace.connect.auth, 'handshake', event, ['connect', 'auth']) as ValueObject }),
        ...(trace.connect.query && { query: map(trace.connect.query, 'handshake', event, ['connect', 'query']) as ValueObject }),
      };
    if (trace.http) {
      const { url, headers, body, answer } = trace.http;
      next.http = {
        ...trace.http,
        url: map(url, 'args', event, ['http', 'url']) as string | Tagged,
        ...(headers && { headers: map(headers, 'args', event, ['http', 'headers']) as ValueObject }),
        ...(body !== undefined && { body: map(body, 'args', event, ['http', 'body']) }),
        ...(answer !== undefined && { answer: map(answer, 'ack', event, ['http', 'answer']) }),
      };
    }
    if (trace.args) next.args = list(trace.args, 'args', event, ['args']);
    if (trace.changes)
      next.changes = trace.changes.map((change, c) =>
        mapChange(change, (value, part, table) => map(value, part, event, ['changes', c, part], table) as ValueObject),
      );
    if (trace.pushes)
      next.pushes = trace.pushes.map((push, p) => {
        const around = { ...base, self: onlyReceiver(push), event: push.event };
        const where = [...at, 'pushes', p];
        return {
          ...push,
          ...(push.args && { args: mapPart(push.args, { ...around, at: [...where, 'args'], part: 'push' }, replace) as Value[] }),
          ...(push.answer && {
            answer: mapPart(push.answer, { ...around, at: [...where, 'answer'], order: order + ANSWER, part: 'args' }, replace) as Value[],
          }),
        };
      });
    if (Array.isArray(trace.ack)) next.ack = list(trace.ack, 'ack', event, ['ack']);
    done.set(trace, next);
  });
  for (const take of due.get(undefined) ?? []) take();
  const sessions = recording.sessions.map((session) => ({
    ...session,
    traces: session.traces.map((trace) => done.get(trace) ?? trace),
    ...(session.received && { received: session.received.map((push) => received.get(push) ?? push) }),
  }));
  const nowhere = { session: '', trace: 0, start: 0, end: Number.POSITIVE_INFINITY, order: Number.MAX_SAFE_INTEGER, args: [], event: '' };
  const unattributed = recording.unattributed?.map((change, c) =>
    mapChange(change, (value, part, table) => mapPart(value, { ...nowhere, at: ['unattributed', c, part], part, table }, replace) as ValueObject),
  );
  return { ...recording, sessions, ...(unattributed && { unattributed }) };
}

/** A push to several has one content: a socket id in it is the same one for all of them. */
function onlyReceiver(push: Push): string | undefined {
  const [first, ...others] = receivers(push);
  return others.length === 0 ? first : undefined;
}

function mapReceived(session: Session, push: Received, at: Path, orders: ReadonlyMap<Trace, number>, replace: Replace): Received {
  const after = session.traces[push.after];
  const start = session.times?.[push.after]?.[0] ?? push.after;
  const by = push.after + 1 < session.traces.length ? (session.times?.[push.after + 1]?.[0] ?? push.after + 1) : Number.POSITIVE_INFINITY;
  const order = (after && orders.get(after)) ?? Number.MAX_SAFE_INTEGER;
  const around = {
    session: session.id,
    self: session.id,
    trace: push.after,
    start,
    end: by - 1,
    order,
    args: [],
    event: push.event,
    received: { index: Number(at.at(-1)), by },
  };
  return {
    ...push,
    ...(push.args && { args: mapPart(push.args, { ...around, at: [...at, 'args'], part: 'push' }, replace) as Value[] }),
    ...(push.answer && { answer: mapPart(push.answer, { ...around, at: [...at, 'answer'], part: 'args', order: order + ANSWER }, replace) as Value[] }),
  };
}

function mapChange(change: ChangeEntry, map: (value: ValueObject, part: Part, table: string) => ValueObject): ChangeEntry {
  const table = change.insert ?? change.update ?? change.delete ?? '';
  return {
    ...change,
    ...(change.key && { key: map(change.key, 'key', table) }),
    ...(change.row && { row: map(change.row, 'row', table) }),
    ...(change.set && { set: map(change.set, 'set', table) }),
  };
}

type Replace = (site: Site) => Value | undefined;
type Around = Omit<Site, 'value' | 'path' | 'key' | 'within' | 'root'>;

function mapPart(root: Value, around: Around, replace: Replace): Value {
  const visit = (value: Value, path: (string | number)[], key: string, within: ValueObject[]): Value => {
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index], key, within));
    if (value instanceof Tagged && (value.body.tag === 'some' || value.body.tag === 'unordered'))
      return new Tagged({ ...value.body, items: value.body.items.map((item, index) => visit(item, [...path, index], key, within)) });
    if (value instanceof Tagged && value.body.tag === 'keys') {
      const object = visit(value.body.entries, path, key, within);
      return isObject(object) ? new Tagged({ tag: 'keys', entries: object }) : object;
    }
    if (isObject(value)) {
      // The names of columns are no values.
      const isRow = around.table !== undefined && within.length === 0;
      let templates = false;
      const entries = Object.entries(value).map(([name, item]): [string, Value] => {
        const found =
          isRow || name === '' || name.includes('${')
            ? undefined
            : replace({ ...around, value: name, path: [...path, name], key, isKey: true, within: [value, ...within], root });
        const template = found instanceof Tagged ? templateOf(found) : undefined;
        templates ||= template !== undefined;
        return [template ?? name, visit(item, [...path, name], name, [value, ...within])];
      });
      const object = Object.fromEntries(entries);
      return templates ? new Tagged({ tag: 'keys', entries: object }) : object;
    }
    if (
      value instanceof Uint8Array ||
      value === null ||
      typeof value === 'boolean' ||
      (value instanceof Tagged && value.body.tag !== 'text' && secretsOf(value.body).length === 0)
    )
      return value;
    return replace({ ...around, value, path, key, within, root }) ?? value;
  };
  return visit(root, [], '', []);
}

/** What a key can say: names, and texts that hold some. */
function templateOf({ body }: Tagged): string | undefined {
  if (body.tag === 'text') return body.template;
  return body.tag === 'id' || (body.tag === 'uuid' && body.name !== undefined) ? `\${${body.name}}` : undefined;
}

/** All sites, without changing anything. */
export function sitesOf(recording: Recording): Site[] {
  const sites: Site[] = [];
  mapSites(recording, (site) => {
    sites.push(site);
    return undefined;
  });
  return sites;
}
