/** Renaming an event, a field, a table or a user throughout a recording: what to edit. Pure. */
import { ReplayError } from '../errors.js';
import type { Edit } from './edit.js';
import { globPattern } from './glob.js';
import { type ChangeEntry, changeOf, type Recording } from './schema.js';
import { isObject, Tagged, type Value } from './values.js';

export function renameEvent(recording: Recording, from: string, to: string): Edit[] {
  return recording.sessions.flatMap((session, s) => [
    ...session.traces.flatMap((trace, t): Edit[] => {
      const at = ['sessions', s, 'traces', t];
      return [
        ...renamed(trace.emit, from, to, [...at, 'emit']),
        ...(trace.pushes ?? []).flatMap(({ event }, p) => renamed(event, from, to, [...at, 'pushes', p, 'event'])),
      ];
    }),
    ...(session.received ?? []).flatMap(({ event }, r) => renamed(event, from, to, ['sessions', s, 'received', r, 'event'])),
  ]);
}

export function renameTable(recording: Recording, from: string, to: string): Edit[] {
  return changesOf(recording).flatMap(({ change, at }) =>
    (['insert', 'update', 'delete'] as const).flatMap((kind) => renamed(change[kind], from, to, [...at, kind])),
  );
}

export const renameUser = (recording: Recording, from: string, to: string): Edit[] =>
  recording.sessions.flatMap(({ user }, s) => renamed(user, from, to, ['sessions', s, 'user']));

const renamed = (value: string | undefined, from: string, to: string, at: PropertyKey[]): Edit[] => (value === from ? [{ at, set: to }] : []);

function changesOf(recording: Recording): { change: ChangeEntry; at: PropertyKey[] }[] {
  const list = (changes: ChangeEntry[] | undefined, at: PropertyKey[]) => (changes ?? []).map((change, c) => ({ change, at: [...at, c] }));
  return [
    ...recording.sessions.flatMap((session, s) => session.traces.flatMap((trace, t) => list(trace.changes, ['sessions', s, 'traces', t, 'changes']))),
    ...list(recording.unattributed, ['unattributed']),
  ];
}

export const eventsOf = (recording: Recording): string[] =>
  recording.sessions.flatMap(({ traces, received }) => [
    ...traces.flatMap(({ emit, pushes }) => [...(emit === undefined ? [] : [emit]), ...(pushes ?? []).map(({ event }) => event)]),
    ...(received ?? []).map(({ event }) => event),
  ]);
export const tablesOf = (recording: Recording): string[] => changesOf(recording).map(({ change }) => changeOf(change).table);
export const usersOf = (recording: Recording): string[] => recording.sessions.flatMap(({ user }) => user ?? []);

export const fieldPlaces = ['args', 'ack', 'push'] as const;
export type FieldPlace = (typeof fieldPlaces)[number];

/** A step on the way to a field: a key, an index, or every item. */
type Step = string | number | '*';

export interface Field {
  /** the last step is the field's key */
  steps: Step[];
  place: FieldPlace;
}

/** `args[0].documentId`, `ack[0].data.id`, `args[0][*].rows["my key"]`. */
export function parseField(path: string, place: FieldPlace | undefined): Field {
  const root = /^(args|ack|answer)?(?=[.[])/.exec(path)?.[1];
  const rest = path.slice(root?.length ?? 0);
  const steps: Step[] = [];
  let read = 0;
  for (const match of rest.matchAll(/\.([A-Za-z_$][\w$-]*)|\[(\d+)\]|\[(\*)\]|\["((?:[^"\\]|\\.)*)"\]/gy)) {
    const [all, word, index, every, quoted] = match;
    steps.push(word ?? every ?? (index === undefined ? (JSON.parse(`"${quoted}"`) as string) : Number(index)));
    read += all.length;
  }
  if (read < rest.length || steps.length < 2 || typeof steps.at(-1) !== 'string' || steps.at(-1) === '*' || root === 'answer')
    throw new ReplayError('REPLAY_USAGE', `${path} is no path to a field`, undefined, 'Write it as `args[0].documentId`, `ack[0].data.id` or `args[0][*].id`.');
  const said = place ?? (root === 'ack' ? 'ack' : 'args');
  if (root !== undefined && root !== (said === 'ack' ? 'ack' : 'args'))
    throw new ReplayError('REPLAY_USAGE', `${path} and --in ${said} contradict each other`, undefined, 'Leave --in out, or begin the path with `[`.');
  return { steps, place: said };
}

/** `event` is a glob. `occupied` is called where the new key stands already. */
export function renameField(recording: Recording, event: string, field: Field, key: string, occupied: (at: PropertyKey[]) => void): Edit[] {
  const pattern = globPattern(event);
  const within = (values: Value | undefined, at: PropertyKey[]): Edit[] => (Array.isArray(values) ? find(values, field.steps, at, key, occupied) : []);
  return recording.sessions.flatMap((session, s) => [
    ...session.traces.flatMap((trace, t): Edit[] => {
      const at = ['sessions', s, 'traces', t];
      if (field.place === 'push')
        return (trace.pushes ?? []).flatMap((push, p) => (pattern.test(push.event) ? within(push.args, [...at, 'pushes', p, 'args']) : []));
      return trace.emit !== undefined && pattern.test(trace.emit) ? within(trace[field.place] as Value | undefined, [...at, field.place]) : [];
    }),
    ...(field.place === 'push' ? (session.received ?? []) : []).flatMap((received, r) =>
      pattern.test(received.event) ? within(received.args, ['sessions', s, 'received', r, 'args']) : [],
    ),
  ]);
}

function find(value: Value, steps: readonly Step[], at: PropertyKey[], key: string, occupied: (at: PropertyKey[]) => void): Edit[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [];
  const items = value instanceof Tagged && (value.body.tag === 'some' || value.body.tag === 'unordered') ? value.body.items : value;
  if (Array.isArray(items)) return items.flatMap((item, index) => (step === '*' || step === index ? find(item, rest, [...at, index], key, occupied) : []));
  if (!isObject(items) || typeof step !== 'string' || !Object.hasOwn(items, step)) return [];
  if (rest.length > 0) return find(items[step] as Value, rest, [...at, step], key, occupied);
  if (step === key) return [];
  if (Object.hasOwn(items, key)) occupied([...at, key]);
  return [{ at: [...at, step], rename: key }];
}
