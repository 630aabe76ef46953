/** What a recording contains, why each of its names is one, what it needs, and what would stop a replay. Pure. */
import { type Coincidence, coincidences, sentDays } from './coincidences.js';
import { type NameUse, nameUses, secretUses } from './name-uses.js';
import { noiseTables } from './noise.js';
import { type Place, placesOf, type Step, stepsOf } from './places.js';
import { changeOf, kindOf, type Recording, receivers, type Session } from './schema.js';
import { Tagged } from './values.js';

export interface Inspection {
  recording: Recording;
  sessions: { session: Session; emits: number; received: number; from: number; to: number }[];
  /** most frequent first */
  events: EventCounts[];
  /** most changed first */
  tables: { table: string; insert: number; update: number; delete: number }[];
  names: NameInfo[];
  /** sent as they stand, though the server had said them before */
  literals: Coincidence[];
  /** days that are sent as they stand */
  days: Place[];
  secrets: { name: string; sent: Place[]; seen: Place[] }[];
  /** tags without a name, such as `!any timestamp`, and how often they stand */
  matchers: { tag: string; count: number }[];
  /** what keeps it, or parts of it, from being replayed */
  stops: string[];
  /** tables that changed without a trace only */
  noise: string[];
}

interface EventCounts {
  event: string;
  count: number;
  acks: number;
  /** as they are received: a broadcast to two is two */
  pushes: number;
  changes: number;
}

export interface NameInfo extends NameUse {
  why: string;
}

export function inspectRecording(recording: Recording, now: number): Inspection {
  const places = placesOf(recording);
  const steps = stepsOf(recording);
  return {
    recording,
    sessions: recording.sessions.map((session) => sessionOf(recording, session)),
    events: eventCounts(steps),
    tables: tableCounts(recording),
    names: nameUses(recording, places).map((use) => ({ ...use, why: givenAs(recording, use.name) ?? reasonOf(use) })),
    literals: coincidences(places),
    days: sentDays(places),
    secrets: secretUses(places),
    matchers: matcherCounts(places),
    stops: stopsOf(recording, steps, now),
    noise: noiseTables(recording),
  };
}

function sessionOf(recording: Recording, session: Session): Inspection['sessions'][number] {
  const times = session.times ?? session.traces.map((_, number): [number, number] => [number, 0]);
  const pushes = recording.sessions.flatMap(({ traces }) => traces.flatMap((trace) => trace.pushes ?? []));
  return {
    session,
    emits: session.traces.filter(({ emit }) => emit !== undefined).length,
    received: pushes.filter((push) => receivers(push).includes(session.id)).length + (session.received?.length ?? 0),
    from: times[0]?.[0] ?? 0,
    to: Math.max(0, ...times.map(([start, duration]) => start + duration)),
  };
}

function eventCounts(steps: readonly Step[]): EventCounts[] {
  const counts = new Map<string, EventCounts>();
  for (const { trace } of steps) {
    const event = trace.emit ?? (trace.http ? `http ${trace.http.method}` : kindOf(trace));
    const known = counts.get(event) ?? { event, count: 0, acks: 0, pushes: 0, changes: 0 };
    counts.set(event, known);
    known.count++;
    if (Array.isArray(trace.ack)) known.acks++;
    known.pushes += (trace.pushes ?? []).reduce((sum, push) => sum + receivers(push).length, 0);
    known.changes += trace.changes?.length ?? 0;
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

function tableCounts(recording: Recording): Inspection['tables'] {
  const counts = new Map<string, Inspection['tables'][number]>();
  const changes = recording.sessions.flatMap(({ traces }) => traces.flatMap((trace) => trace.changes ?? []));
  for (const { op, table } of [...changes, ...(recording.unattributed ?? [])].map(changeOf)) {
    const known = counts.get(table) ?? { table, insert: 0, update: 0, delete: 0 };
    counts.set(table, known);
    known[op]++;
  }
  return [...counts.values()].sort((a, b) => b.insert + b.update + b.delete - (a.insert + a.update + a.delete));
}

function matcherCounts(places: readonly Place[]): Inspection['matchers'] {
  const counts = new Map<string, number>();
  for (const { value } of places) {
    if (!(value instanceof Tagged)) continue;
    const { body } = value;
    if (['id', 'unique', 'text', 'keys', 'secret'].includes(body.tag) || ('name' in body && body.name !== undefined)) continue;
    const tag = body.tag === 'any' ? `!any ${body.type}` : body.tag === 'now' ? `!now ${body.form}` : `!${body.tag}`;
    counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return [...counts].map(([tag, count]) => ({ tag, count })).sort((a, b) => b.count - a.count);
}

function givenAs({ given }: Recording, name: string): string | undefined {
  return given && Object.hasOwn(given, name) ? `it is given: ${JSON.stringify(given[name])} alone, among others what \`use.vary\` says` : undefined;
}

/** As far as the file tells it: the finder knew the concrete values, which are gone. */
function reasonOf({ kind, made, sent }: NameUse): string {
  const row = made.find(({ part, change, value }) => part === 'row' && change === 'insert' && value instanceof Tagged);
  if (kind === 'unique') {
    const column = made.find(({ part }) => part === 'row');
    return column
      ? `the client chose it, and a second one in ${column.of}.${column.key} would collide`
      : 'the client chose it, and it must be new in each copy';
  }
  if (kind === 'uuid') return 'the client makes a new one each time';
  if (kind === 'now') return 'the time at which the client sent it, or so long after it, kept';
  if (row) return `the server makes a new one each time, for ${row.of}.${row.key}`;
  if (made.length === 0) return 'nothing makes it';
  return sent.length > 0 ? 'the server made it, and the client sends it back' : 'the server made it, and it stands in several places';
}

function stopsOf(recording: Recording, steps: readonly Step[], now: number): string[] {
  const today = new Date(now).toISOString().slice(0, 10);
  const disabled = steps.filter(({ trace }) => trace.disabled).length;
  const quarantined = steps.filter(({ trace }) => trace.quarantine && trace.quarantine.expires >= today).length;
  const { quarantine } = recording;
  return [
    ...(recording.disabled ? ['it is disabled: replayed only where it is named'] : []),
    ...(recording.copies ? [`it is replayed alone only: ${recording.reason ?? ''}`] : []),
    ...(quarantine
      ? [`it is quarantined until ${quarantine.expires} by ${quarantine.owner}: ${quarantine.reason}${quarantine.expires < today ? ' (over)' : ''}`]
      : []),
    ...(disabled > 0 ? [`${disabled} of ${steps.length} traces are disabled`] : []),
    ...(quarantined > 0 ? [`${quarantined} of ${steps.length} traces are quarantined: their failures do not count`] : []),
  ];
}
