/**
 * What a replay saw, as a recording: the same that a capture would have made of it, with names found and secrets taken out. Its
 * sessions and traces stand where those of the replayed recording do; its pushes and changes are those of the runs, one by one.
 */
import { findNames, type Named } from '../recording/names/index.js';
import { createRedactor } from '../recording/redact.js';
import type { ChangeEntry, Recording, Trace } from '../recording/schema.js';
import { uniqueValues } from '../recording/scope.js';
import { id, mapValue, secretPart, Tagged, type Value } from '../recording/values.js';
import type { ObservedChange, Replaying, SessionState, TraceRun } from './state.js';

export type RunOf = (session: SessionState, number: number) => TraceRun | undefined;

/** Shorter secrets are only found as a whole value, and shorter names only where the evidence says so. */
const LONG = 8;
const SHORT = 4;

export function recordAgain({ input, sessions }: Pick<Replaying, 'input' | 'sessions'>, runOf: RunOf): Named {
  const [first] = sessions;
  if (!first) throw new Error('there is no session');
  const { loaded, scope } = first.copy;
  const begin = Math.min(...sessions.flatMap((session) => session.session.traces.flatMap((_, number) => runOf(session, number)?.startedAt ?? [])));
  const hide = hiding(scope.secrets, new Set(sessions.flatMap(({ session }) => [session.id, session.user ?? ''])));
  const redactor = createRedactor();
  const redact = (value: Value, event: string | undefined, part: string): Value => redactor.redact(hide(value), { event, part });
  const traceOf = (trace: Trace, run: TraceRun): Trace => {
    const event = trace.emit;
    const list = (values: Value[], part: string, of = event): Value[] => redact(values, of, part) as Value[];
    return {
      ...trace,
      ...(trace.emit !== undefined && run.args && { args: list(run.args, 'args') }),
      ...(run.ack && { ack: list(run.ack, 'ack') }),
      ...(trace.http && run.answer && { http: { ...trace.http, ...(redact({ ...run.answer }, undefined, 'answer') as Partial<Trace['http']>) } }),
      pushes: run.pushes.map(({ to, event: of, args, volatile }) => ({ to, event: of, args: list(args, 'args', of), ...(volatile && { volatile }) })),
      changes: run.changes.map((change) => changeEntry(change, (row) => redact(row, `table:${change.table}`, 'row') as Record<string, Value>)),
    };
  };
  const build = (): Recording['sessions'] =>
    sessions.map((session) => {
      let last = 0;
      const times = session.session.traces.map((_, number): [number, number] => {
        const run = runOf(session, number);
        last = run?.startedAt == null ? last : run.startedAt - begin;
        return [last, Math.max(run?.latency ?? 0, session.session.times?.[number]?.[1] ?? 0)];
      });
      const traces = session.session.traces.map((trace, number) => {
        const run = runOf(session, number);
        return run ? traceOf(trace, run) : { ...trace, pushes: [], changes: [] };
      });
      return { id: session.session.id, ...(session.session.user !== undefined && { user: session.session.user }), times, traces };
    });
  build();
  // Once more, now that every secret is known, also those that stood elsewhere before.
  const concrete: Recording = {
    version: 1,
    name: loaded.recording.name,
    status: 'finished',
    sessions: redactor.restore(build() as unknown as Value) as unknown as Recording['sessions'],
  };
  const sockets = Object.fromEntries(sessions.flatMap(({ session, sid }) => (sid === undefined ? [] : [[session.id, sid]])));
  const named = findNames(concrete, { tables: [...(input.probe?.tables ?? [])], startedAt: performance.timeOrigin + begin, sockets });
  return { ...named, recording: mapValue(named.recording as unknown as Value, ownWords(first)) as unknown as Recording };
}

function changeEntry({ op, table, key, values, was }: ObservedChange, redact: (row: Record<string, Value>) => Record<string, Value>): ChangeEntry {
  const before = was ? { was: redact(was) } : {};
  if (op === 'insert') return { insert: table, row: redact(values) };
  if (op === 'delete') return { delete: table, key: redact(key), ...before };
  return { update: table, key: redact(key), set: redact(values), ...before };
}

/** Configured secrets, by their names. What everybody knows, such as the name of a user, is none. */
function hiding(secrets: ReadonlyMap<string, string | number>, known: ReadonlySet<string>): (value: Value) => Value {
  const hidden = [...secrets].map(([name, value]) => ({ name, text: String(value) })).filter(({ text }) => text.length >= SHORT && !known.has(text));
  return (value) =>
    mapValue(value, (node) => {
      if (typeof node === 'number') {
        const found = hidden.find(({ text }) => text === String(node));
        return found && new Tagged({ tag: 'secret', name: found.name });
      }
      if (typeof node !== 'string') return undefined;
      const whole = hidden.find(({ text }) => text === node);
      if (whole) return new Tagged({ tag: 'secret', name: whole.name });
      const inside = hidden.filter(({ text }) => text.length >= LONG && node.includes(text));
      if (inside.length === 0) return undefined;
      if (node.includes('${')) return new Tagged({ tag: 'secret', name: inside[0]?.name ?? '' });
      return new Tagged({ tag: 'text', template: inside.reduce((text, { name, text: secret }) => text.replaceAll(secret, secretPart(name)), node) });
    });
}

/** What this copy alone knows to be a name: its unique texts, and long values that are bound. */
function ownWords({ copy: { scope, loaded } }: SessionState): (value: Value) => Value | undefined {
  const uniques = uniqueValues(loaded.recording as unknown as Value, scope);
  const bound = new Map<Value, string>();
  for (const [name, value] of scope.names) if (typeof value === 'string' && value.length >= LONG && !uniques.has(value)) bound.set(value, name);
  const inTemplate = (template: string): string => {
    let text = template;
    for (const [made, base] of uniques) text = text.replaceAll(`\${${made}}`, `\${${base}}`).replaceAll(made, `\${${base}}`);
    return text;
  };
  return (node) => {
    if (typeof node === 'string') {
      const unique = uniques.get(node);
      if (unique !== undefined) return new Tagged({ tag: 'unique', text: unique });
      const name = bound.get(node);
      if (name !== undefined) return id(name);
      const template = node.includes('${') ? node : inTemplate(node);
      return template === node ? undefined : new Tagged({ tag: 'text', template });
    }
    if (!(node instanceof Tagged)) return undefined;
    const { body } = node;
    if (body.tag === 'unique') return new Tagged({ tag: 'unique', text: uniques.get(body.text) ?? body.text });
    return body.tag === 'text' ? new Tagged({ tag: 'text', template: inTemplate(body.template) }) : undefined;
  };
}
