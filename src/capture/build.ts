/** From captured events to a recording with concrete values; finding names is the next step. Pure. */
import type { Evidence, TableInfo } from '../recording/evidence.js';
import { type ChangeEntry, type Checkpoint, type Received, type Recording, receivers, type Session, type Trace, VERSION } from '../recording/schema.js';
import type { Value } from '../recording/values.js';
import { capturedIn, type Dropped, isForeign, isReserved, noneDropped, traceOf } from './belongs.js';
import {
  addPush,
  addToNobody,
  type ChangeEvent,
  changeEntry,
  connectEntry,
  httpEntry,
  type PushEvent,
  type PushList,
  pushEntries,
  pushList,
  receivedEntry,
  withArgs,
} from './entries.js';
import { type People, sessionId, userOf } from './session-ids.js';
import type { Captured, SourceEvent, SourceSocket } from './source.js';
import { isBroken, statusOf } from './status.js';

export interface Built {
  recording: Recording;
  evidence: Evidence;
  dropped: Dropped;
  /** events that the source itself had to throw away */
  lost: number;
  people: People;
  /** whether row changes were seen: none is then none */
  measured: boolean;
}

interface OpenTrace {
  /** place among the captured events */
  position: number;
  trace: Trace;
  start: number;
  /** when its last effect was seen */
  end: number;
  /** when its acknowledgement was */
  answered?: number;
  /** when its own client had the last push of it, which is the answer where none was asked for */
  told?: number;
  pushes: PushList;
  changes: ChangeEntry[];
}

interface OpenSession {
  id: string;
  user: string | undefined;
  position: number;
  socket: SourceSocket;
  traces: OpenTrace[];
  received: Received[];
  /** number of the last trace that lies before the event at hand */
  reached: number;
}

/** What the first pass finds. A socket id comes back after a connection state recovery, therefore lists. */
interface Index {
  /** what names the recording; null: an event that is not in it */
  events: (SourceEvent | null)[];
  sessions: OpenSession[];
  bySocket: Map<string, OpenSession[]>;
  /** by cause, `SID:n` */
  traces: Map<string, OpenTrace[]>;
  reserved: Set<string>;
  answers: Map<string, Value[]>;
  tables: TableInfo[];
  uncaptured: string[];
  lost: number;
  dropped: Dropped;
  people: People;
}

export function buildRecording(given: Captured): Built {
  const captured = { ...given, events: requestsWhereTheyBegan(given.events) };
  const index = indexEvents(captured);
  const unattributed = attachEffects(index);
  const zero = index.events.reduce((least, event) => Math.min(least, timeOf(event) ?? least), Number.POSITIVE_INFINITY);
  const last = index.events.reduce((most, event) => Math.max(most, timeOf(event) ?? most), zero);
  const order = new Map(index.sessions.map((session, i) => [session.id, i]));
  const since = clockOf(index.sessions, zero);
  const withoutCause = eventsWithoutCause(index.sessions);
  const sessions = index.sessions.map((session) => closeSession(session, since, order, withoutCause));
  const checkpoints = index.events.flatMap((event, position) => (event?.type === 'checkpoint' ? [checkpointEntry(event, index.sessions, position)] : []));
  const recording: Recording = {
    version: VERSION,
    name: captured.name,
    recorded: { source: captured.source, ...(captured.app && { app: captured.app }), took: Number.isFinite(zero) ? Math.floor(last - zero) : 0 },
    ...statusOf(captured.end, sessions, index.lost, captured.missing ?? 0),
    sessions,
    ...(checkpoints.length > 0 && { checkpoints }),
    ...(captured.missing && { missing: captured.missing }),
    ...(unattributed.length > 0 && { unattributed }),
    ...(index.uncaptured.length > 0 && { uncaptured: index.uncaptured }),
  };
  const sockets = Object.fromEntries(index.sessions.map(({ id, socket }) => [id, socket.sid]));
  const evidence = { tables: index.tables, startedAt: Number.isFinite(zero) ? zero : 0, sockets };
  return {
    recording,
    evidence,
    dropped: index.dropped,
    lost: index.lost,
    people: index.people,
    measured: captured.events.some(({ type }) => type === 'tables' || type === 'change'),
  };
}

/** Whether nothing was captured that a replay could do: connections of before alone are nothing. */
export const isEmpty = (recording: Recording): boolean => recording.sessions.every(({ traces }) => traces.every((trace) => trace.connect?.before));

/** A request is told when it is answered. What it made happen stands behind it, and what its client did meanwhile, too. */
function requestsWhereTheyBegan(events: readonly SourceEvent[]): SourceEvent[] {
  const ordered: SourceEvent[] = [];
  for (const event of events) {
    let place = ordered.length;
    if (event.type === 'http') {
      const isBefore = (other: SourceEvent | undefined): boolean => {
        if (other === undefined || (other.type === 'connect' && other.socket.sid === event.sid)) return true;
        const time = timeOf(other);
        return time !== undefined && time <= event.at;
      };
      while (!isBefore(ordered[place - 1])) place--;
    }
    if (place === ordered.length) ordered.push(event);
    else ordered.splice(place, 0, event);
  }
  return ordered;
}

/** First pass: sessions, their traces, and what is looked up while effects are attached, which may be told before their cause. */
function indexEvents(captured: Captured): Index {
  const index: Index = {
    events: [],
    sessions: [],
    bySocket: new Map(),
    traces: new Map(),
    reserved: new Set(),
    answers: new Map(),
    tables: [],
    uncaptured: [],
    lost: 0,
    dropped: noneDropped(),
    people: new Map(),
  };
  const isCaptured = capturedIn(captured.events);
  const taken = new Set<string>();
  captured.events.forEach((event, position) => {
    index.events[position] = null;
    if (event.type === 'tables') index.tables = event.tables;
    else if (event.type === 'lost') index.lost += event.count;
    else if (event.type === 'connect' && event.uncaptured) {
      index.uncaptured.push(`${userOf(event.socket, captured.aliases, index.people) ?? 'anonymous'} on ${event.socket.namespace}`);
    } else if (event.type === 'connect') {
      const user = userOf(event.socket, captured.aliases, index.people);
      const session: OpenSession = { id: sessionId(user, taken), user, position, socket: event.socket, traces: [], received: [], reached: 0 };
      index.sessions.push(session);
      put(index.bySocket, event.socket.sid, session);
      addTrace(
        index,
        session,
        `${event.socket.sid}:0`,
        { connect: connectEntry(event.socket, event.before === true) },
        position,
        event.before ? null : event.socket.at,
      );
      index.events[position] = event;
    } else if (isForeign(event, isCaptured)) index.dropped.uncaptured++;
    else if (isReserved(event)) {
      index.dropped.reserved++;
      if (event.type === 'emit') index.reserved.add(`${event.sid}:${event.n}`);
    } else if (event.type === 'emit' || event.type === 'disconnect') {
      const session = at(index.bySocket.get(event.sid), position);
      if (!session) index.dropped.uncaptured++;
      else {
        addTrace(index, session, `${event.sid}:${event.type === 'emit' ? event.n : 'x'}`, traceEntry(event), position, event.at);
        index.events[position] = event;
      }
    } else if (event.type === 'http') {
      const session = event.sid === null ? undefined : at(index.bySocket.get(event.sid), position);
      if (!session || session.position > position) index.dropped.unclaimed++;
      else {
        lasts(addTrace(index, session, event.id, httpEntry(event), position, event.at), event.end);
        index.events[position] = event;
      }
    } else {
      if (event.type === 'answer') index.answers.set(`${event.push}:${event.sid}`, event.args);
      if (event.type !== 'warning') index.events[position] = event;
    }
  });
  return index;
}

/** Second pass: acknowledgements, pushes and changes go to the trace that made them, or where what has no cause stands. */
function attachEffects(index: Index): ChangeEntry[] {
  const unattributed: ChangeEntry[] = [];
  const answered = new Set<string>();
  for (const [position, event] of index.events.entries()) {
    let drop: keyof Dropped | undefined;
    if (event?.type === 'ack') drop = attachAck(index, event, position);
    else if (event?.type === 'push') drop = attachPush(index, event, position, answered);
    else if (event?.type === 'change') drop = attachChange(index, event, position, unattributed);
    if (drop) leaveOut(index, position, drop);
  }
  for (const [position, event] of index.events.entries())
    if (event?.type === 'answer' && !answered.has(`${event.push}:${event.sid}`)) leaveOut(index, position, 'earlier');
  return unattributed;
}

/** Each returns why the event is in no recording; undefined: it is. */
function attachAck(index: Index, event: Extract<SourceEvent, { type: 'ack' }>, position: number): keyof Dropped | undefined {
  const key = `${event.sid}:${event.n}`;
  const open = at(index.traces.get(key), position);
  if (open?.trace.emit === undefined || Array.isArray(open.trace.ack)) return index.reserved.has(key) ? 'reserved' : 'earlier';
  open.trace.ack = event.args;
  open.answered = event.at;
  lasts(open, event.at);
  return undefined;
}

function attachPush(index: Index, event: PushEvent, position: number, answered: Set<string>): keyof Dropped | undefined {
  const receivers = event.to.flatMap((sid) => at(index.bySocket.get(sid), position) ?? []);
  const except = (event.except ?? []).flatMap((sid) => at(index.bySocket.get(sid), position)?.id ?? []);
  const open = event.cause === null ? undefined : at(index.traces.get(traceOf(event.cause)), position);
  if (receivers.length === 0 && (except.length === 0 || !open)) return 'uncaptured';
  if (open) lasts(open, event.at);
  if (open && event.to.some((sid) => event.cause?.startsWith(`${sid}:`))) open.told = event.at;
  if (open && receivers.length === 0) addToNobody(open.pushes, event, except);
  for (const receiver of receivers) {
    const key = `${event.push}:${receiver.socket.sid}`;
    const answer = index.answers.get(key);
    answered.add(key);
    if (open) addPush(open.pushes, event, receiver.id, answer, except);
    else receiver.received.push(receivedEntry(event, reach(receiver, position), answer));
  }
  return undefined;
}

function attachChange(index: Index, event: ChangeEvent, position: number, unattributed: ChangeEntry[]): keyof Dropped | undefined {
  const open = event.cause === null ? undefined : at(index.traces.get(traceOf(event.cause)), position);
  if (!open && (event.cause === null || event.cause.startsWith('http:'))) {
    unattributed.push(changeEntry(event));
    return undefined;
  }
  if (!open) return 'earlier';
  open.changes.push(changeEntry(event));
  lasts(open, event.at);
  return undefined;
}

function leaveOut(index: Index, position: number, reason: keyof Dropped): void {
  index.dropped[reason]++;
  index.events[position] = null;
}

/** `id`: what causes call it. `start` null: since before the capture, which is its time 0. */
function addTrace(index: Index, session: OpenSession, id: string, trace: Trace, position: number, start: number | null): OpenTrace {
  const time = start ?? Number.NEGATIVE_INFINITY;
  const open: OpenTrace = { position, trace, start: time, end: time, pushes: pushList(), changes: [] };
  session.traces.push(open);
  put(index.traces, id, open);
  return open;
}

/** The traces of each session that lie before it. */
function checkpointEntry({ name, tables }: Extract<SourceEvent, { type: 'checkpoint' }>, sessions: readonly OpenSession[], position: number): Checkpoint {
  const next = sessions.flatMap(({ id, traces }): [string, number][] => {
    const before = traces.filter((trace) => trace.position < position).length;
    return before > 0 ? [[id, before]] : [];
  });
  const states = tables?.map(({ hash, ...table }) => ({ ...table, ...(hash !== null && { hash }) }));
  return { name, next: Object.fromEntries(next), ...(states && { tables: states }) };
}

const traceEntry = (event: Extract<SourceEvent, { type: 'emit' | 'disconnect' }>): Trace =>
  event.type === 'disconnect' ? { disconnect: event.reason } : { emit: event.event, ...withArgs(event.args), ...(event.asks && { ack: 'never' as const }) };

/**
 * Milliseconds since time 0: whole ones, which people read, but hundredths in a millisecond that two sessions share, because
 * there the order of their traces would be lost.
 */
function clockOf(sessions: readonly OpenSession[], zero: number): (time: number) => number {
  const owners = new Map<number, Set<OpenSession>>();
  for (const session of sessions)
    for (const time of session.traces.flatMap(({ start, end }) => [start, end])) {
      const owner = owners.get(Math.floor(time - zero)) ?? new Set();
      owners.set(Math.floor(time - zero), owner.add(session));
    }
  return (time) => {
    const whole = Math.floor(time - zero);
    return Math.max(0, (owners.get(whole)?.size ?? 0) > 1 ? Math.floor((time - zero) * 100) / 100 : whole);
  };
}

/**
 * Events that came without a cause only, such as what a worker of a cluster sent for another one. Whom a broadcast of these left
 * out says nothing: a replay does not hold them against anybody.
 */
function eventsWithoutCause(sessions: readonly OpenSession[]): Set<string> {
  const caused = new Set(
    sessions.flatMap(({ traces }) => traces.flatMap(({ pushes }) => pushes.entries.filter(({ to }) => to.size > 0).map(({ push }) => push.event))),
  );
  return new Set(sessions.flatMap(({ received }) => received.map(({ event }) => event)).filter((event) => !caused.has(event)));
}

function closeSession(session: OpenSession, since: (time: number) => number, order: ReadonlyMap<string, number>, withoutCause: ReadonlySet<string>): Session {
  const traces = session.traces.map(({ trace, pushes, changes }): Trace => {
    const entries = pushEntries(pushes, order).filter((push) => receivers(push).length > 0 || !withoutCause.has(push.event));
    return { ...trace, ...(entries.length > 0 && { pushes: entries }), ...(changes.length > 0 && { changes }) };
  });
  return {
    id: session.id,
    ...(session.user !== undefined && { user: session.user }),
    ...(isBroken(traces) && { status: 'disconnected' as const }),
    times: session.traces.map((open, number) => timesOf(open, session.traces.slice(number + 1, number + 1 + LOOKED_AT), since)),
    traces,
    ...(session.received.length > 0 && { received: session.received }),
  };
}

/** of the traces that follow one */
const LOOKED_AT = 20;

/** When it was answered, or all that came to its own client had come, matters only to a trace that came after that, and before its last effect. */
function timesOf(
  { trace, start, end, told, answered = trace.ack === undefined ? told : undefined }: OpenTrace,
  later: OpenTrace[],
  since: (time: number) => number,
): NonNullable<Session['times']>[number] {
  const from = since(start);
  const lasted = hundredths(since(end) - from);
  const wasWaitedFor = answered !== undefined && later.some((next) => next.start >= answered && next.start < end);
  return wasWaitedFor ? [from, lasted, hundredths(since(answered) - from)] : [from, lasted];
}

const hundredths = (ms: number): number => Math.round(ms * 100) / 100;

function lasts(open: OpenTrace, time: number): void {
  open.end = Math.max(open.end, time);
}

function reach(session: OpenSession, position: number): number {
  while ((session.traces[session.reached + 1]?.position ?? Number.POSITIVE_INFINITY) < position) session.reached++;
  return session.reached;
}

/** The latest of a socket id's sessions or traces that had begun; what was told before its cause belongs to the first. */
const at = <T extends { position: number }>(list: readonly T[] | undefined, position: number): T | undefined =>
  list?.findLast((item) => item.position <= position) ?? list?.[0];

function put<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list) list.push(item);
  else map.set(key, [item]);
}

/** undefined: no time of this recording. */
function timeOf(event: SourceEvent | null): number | undefined {
  if (event === null) return undefined;
  if (event.type === 'connect') return event.before ? undefined : event.socket.at;
  return 'at' in event ? event.at : undefined;
}
