/** Turning traces off and on again, or taking them out with everything that speaks of them: what to edit, and what follows. Pure. */
import type { Edit } from './edit.js';
import { globPattern } from './glob.js';
import { labelOf, leftOut, type Push, type Recording, receivers, type Session, type Trace } from './schema.js';
import { neededNames } from './scope.js';
import { unknownNames } from './used-names.js';
import { Tagged, type Value, walk } from './values.js';

export type PruneMode = 'disable' | 'enable' | 'remove';

export interface Choice {
  /** globs of events that clients send; of requests as `POST /login` */
  events?: readonly string[];
  sessions?: readonly string[];
  /** numbers of traces in their sessions, from 0; both ends are meant too */
  from?: number;
  to?: number;
  /** `session/number` */
  traces?: readonly string[];
}

/** A trace that would be sent with a name that nothing makes any more. */
interface Orphan {
  session: number;
  trace: number;
  /** `session/number event: name` */
  what: string;
}

export interface Pruned {
  edits: Edit[];
  /** how many traces are meant, also those that are already as they should be */
  fitting: number;
  /** how many traces of each kind or event */
  counts: Map<string, number>;
  orphans: Orphan[];
}

/** Whether a trace is meant: everything that is said of it must fit. A connect is meant where it is named, or where its whole session goes. */
function isChosen(choice: Choice, session: Session, number: number): boolean {
  const { from = 0, to = Number.POSITIVE_INFINITY } = choice;
  const trace = session.traces[number];
  if (!trace || number < from || number > to) return false;
  if (choice.traces && !choice.traces.includes(`${session.id}/${number}`)) return false;
  if (choice.sessions && !choice.sessions.includes(session.id)) return false;
  if (choice.events === undefined) return true;
  return (trace.emit !== undefined || trace.http !== undefined) && choice.events.some((glob) => globPattern(glob).test(labelOf(trace)));
}

function chosenIn(session: Session, choice: Choice, mode: PruneMode): number[] {
  const numbers = [...session.traces.keys()].filter((number) => isChosen(choice, session, number));
  const keepsConnect = mode === 'remove' ? numbers.length < session.traces.length : choice.traces === undefined;
  return keepsConnect ? numbers.filter((number) => session.traces[number]?.connect === undefined || mode === 'enable') : numbers;
}

export function prune(recording: Recording, choice: Choice, mode: PruneMode): Pruned {
  const counts = new Map<string, number>();
  const gone = new Set<Trace>();
  const edits: Edit[] = [];
  let fitting = 0;
  for (const [s, session] of recording.sessions.entries())
    for (const t of chosenIn(session, choice, mode)) {
      const trace = session.traces[t] as Trace;
      fitting++;
      if ((mode === 'disable' && trace.disabled) || (mode === 'enable' && !trace.disabled)) continue;
      counts.set(labelOf(trace), (counts.get(labelOf(trace)) ?? 0) + 1);
      const at = ['sessions', s, 'traces', t, 'disabled'];
      if (mode === 'disable') edits.push({ at, set: true });
      else if (mode === 'enable') edits.push({ at, remove: true });
      if (mode !== 'enable') gone.add(trace);
    }
  if (mode === 'remove') edits.push(...removal(recording, gone));
  return { edits, counts, fitting, orphans: mode === 'enable' ? [] : orphansOf(recording, gone, mode) };
}

/** Out with the traces, their times, and the sessions that have none left. */
function removal(recording: Recording, gone: ReadonlySet<Trace>): Edit[] {
  const left = new Set(recording.sessions.filter(({ traces }) => traces.length === 0 || !traces.every((trace) => gone.has(trace))).map(({ id }) => id));
  const sessions = recording.sessions.flatMap((session, s): Edit[] => {
    const at = ['sessions', s];
    if (!left.has(session.id)) return [{ at, remove: true }];
    const kept: number[] = [];
    const edits = session.traces.flatMap((trace, t): Edit[] => {
      if (!gone.has(trace)) {
        kept.push(t);
        return withoutReceivers(trace, left, [...at, 'traces', t]);
      }
      return [{ at: [...at, 'traces', t], remove: true }, ...(session.times ? [{ at: [...at, 'times', t], remove: true } as const] : [])];
    });
    session.received?.forEach((received, r) => {
      const after = Math.max(0, kept.filter((number) => number <= received.after).length - 1);
      if (after !== received.after) edits.push({ at: [...at, 'received', r, 'after'], set: after });
    });
    return edits;
  });
  return [...sessions, ...checkpointEdits(recording, gone, left)];
}

/** Checkpoints stay between the traces that they were between. What they say of the tables stays what was seen. */
function checkpointEdits(recording: Recording, gone: ReadonlySet<Trace>, left: ReadonlySet<string>): Edit[] {
  return (recording.checkpoints ?? []).flatMap(({ next }, c) =>
    Object.entries(next).flatMap(([id, number]): Edit[] => {
      const at = ['checkpoints', c, 'next', id];
      if (!left.has(id)) return [{ at, remove: true }];
      const before = recording.sessions.find((session) => session.id === id)?.traces.slice(0, number) ?? [];
      const shifted = before.filter((trace) => !gone.has(trace)).length;
      return shifted === number ? [] : [{ at, set: shifted }];
    }),
  );
}

/** Nobody receives for a session that is no more; a push that nobody receives any more goes too. */
function withoutReceivers(trace: Trace, left: ReadonlySet<string>, at: (string | number)[]): Edit[] {
  const isLost = (push: Push): boolean => receivers(push).length > 0 && !receivers(push).some((id) => left.has(id));
  const pushes = trace.pushes ?? [];
  if (pushes.length > 0 && pushes.every(isLost)) return [{ at: [...at, 'pushes'], remove: true }];
  return pushes.flatMap((push, p): Edit[] => {
    if (isLost(push)) return [{ at: [...at, 'pushes', p], remove: true }];
    const edits: Edit[] = [];
    const to = receivers(push).filter((id) => left.has(id));
    const except = leftOut(push).filter((id) => left.has(id));
    if (to.length < receivers(push).length) edits.push({ at: [...at, 'pushes', p, 'to'], set: to.length === 1 ? (to[0] as string) : to });
    if (except.length < leftOut(push).length)
      edits.push(
        except.length === 0
          ? { at: [...at, 'pushes', p, 'except'], remove: true }
          : { at: [...at, 'pushes', p, 'except'], set: except.length === 1 ? (except[0] as string) : except },
      );
    return edits;
  });
}

/** Traces that stay and need what only those that go make; what was wrong before is not this one's doing. */
function orphansOf(recording: Recording, gone: ReadonlySet<Trace>, mode: PruneMode): Orphan[] {
  const unknown = (isLeft: (trace: Trace) => boolean): Set<string> => {
    const sessions = recording.sessions.map((session) => ({ ...session, traces: session.traces.filter(isLeft) }));
    const rest = mode === 'remove' ? sessions.filter(({ traces }) => traces.length > 0) : sessions;
    return new Set(unknownNames({ ...recording, sessions: rest } as unknown as Value).unknown.map(({ name }) => name));
  };
  const before = unknown((trace) => !trace.disabled);
  const lost = [...unknown((trace) => !trace.disabled && !gone.has(trace))].filter((name) => !before.has(name));
  return recording.sessions.flatMap((session, s) =>
    session.traces.flatMap((trace, t) => {
      if (trace.disabled || gone.has(trace)) return [];
      const used = usedNames(trace);
      const names = lost.filter((name) => used.has(name));
      return names.length > 0 ? [{ session: s, trace: t, what: `${session.id}/${t} ${labelOf(trace)}: ${names.join(', ')}` }] : [];
    }),
  );
}

/** What a trace sends, and whose sockets it speaks of. */
function usedNames(trace: Trace): Set<string> {
  const answers = (trace.pushes ?? []).map(({ answer }) => answer ?? []);
  const names = new Set(neededNames([trace.args ?? [], trace.connect?.auth ?? {}, trace.connect?.query ?? {}, ...answers]));
  walk(trace as unknown as Value, (node) => {
    if (node instanceof Tagged && node.body.tag === 'socket' && node.body.session !== undefined) names.add(node.body.session);
  });
  return names;
}
