/** Who makes a name, who needs one, and the wait between them. */
import type { LoadedRecording } from '../recording/load.js';
import { changeOf, type Trace } from '../recording/schema.js';
import { neededNames } from '../recording/scope.js';
import { secretsOf, Tagged, type Value, walk } from '../recording/values.js';
import type { ReplayInput } from './input.js';
import type { CopyState, SessionState } from './state.js';

interface Needs {
  names: string[];
  /** sessions whose socket id is sent */
  sockets: string[];
  secrets: string[];
  /** no tag at all: it is sent as it stands */
  plain: boolean;
}

export interface Missing {
  reason: string;
  name?: string;
}

/** The same trace is sent in every copy. */
const known = new WeakMap<object, Needs>();

export function needsOf(values: Value[]): Needs {
  const remembered = known.get(values);
  if (remembered) return remembered;
  const sockets = new Set<string>();
  const secrets = new Set<string>();
  let plain = true;
  walk(values, (value) => {
    if (!(value instanceof Tagged)) return;
    plain = false;
    if (value.body.tag === 'socket' && value.body.session !== undefined) sockets.add(value.body.session);
    for (const name of secretsOf(value.body)) secrets.add(name);
  });
  const needs = { names: plain ? [] : neededNames(values), sockets: [...sockets], secrets: [...secrets], plain };
  known.set(values, needs);
  return needs;
}

/** Waits until the values can be sent, at most the ack timeout; what is missing then. */
export async function awaitNames(values: Value[], session: SessionState, input: ReplayInput): Promise<Missing | undefined> {
  const { copy } = session;
  const needs = needsOf(values);
  if (needs.plain) return undefined;
  const secret = needs.secrets.find((name) => !copy.scope.secrets.has(name));
  if (secret !== undefined) return { reason: `the secret ${secret} is not configured: set \`use.secrets.${secret}\` or REPLAY_SECRET_${secret.toUpperCase()}` };
  const find = (): string | undefined =>
    needs.names.find((name) => copy.scope.names.get(name) === undefined) ?? needs.sockets.find((id) => !copy.scope.sockets.has(id));
  const first = find();
  if (first === undefined) return undefined;
  if (!copy.givenUp.has(first)) await woken(copy, input, () => find() === undefined || session.down !== undefined);
  const name = find();
  if (name === undefined) return undefined;
  copy.givenUp.add(name);
  return needs.names.includes(name)
    ? { reason: `the name ${name} was never made${lackOf(producerOf(copy.loaded, name))}`, name }
    : { reason: `the session ${name}, whose socket id is sent, never connected` };
}

function woken({ waiters }: CopyState, { signal, ackTimeout }: ReplayInput, enough: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      waiters.delete(check);
      resolve();
    };
    const check = (): void => {
      if (signal.aborted || enough()) done();
    };
    const timer = setTimeout(done, ackTimeout);
    waiters.add(check);
  });
}

export interface Producer {
  session: string;
  /** whose effects make the name, or after which the push came that makes it */
  trace: number;
  /** the event of such a push, which has no cause */
  received?: string;
}

const lackOf = (producer: Producer | undefined): string =>
  producer?.received === undefined ? '' : `: ${producer.session} did not receive ${producer.received}, recorded after its trace ${producer.trace}`;

const producers = new WeakMap<LoadedRecording, Map<string, Producer>>();

/** What makes a name first in the recording. */
export function producerOf(loaded: LoadedRecording, name: string): Producer | undefined {
  const all = producers.get(loaded) ?? producersOf(loaded);
  producers.set(loaded, all);
  return all.get(name);
}

function producersOf({ recording }: LoadedRecording): Map<string, Producer> {
  const first = new Map<string, Producer & { start: number }>();
  const add = (values: Value[], producer: Producer & { start: number }): void =>
    walk(values, (value) => {
      if (!(value instanceof Tagged)) return;
      for (const name of neededNames(value)) if (producer.start < (first.get(name)?.start ?? Number.POSITIVE_INFINITY)) first.set(name, producer);
    });
  for (const { id, times, traces, received } of recording.sessions) {
    const startOf = (trace: number): number => times?.[trace]?.[0] ?? trace;
    traces.forEach((trace, number) => {
      add(effectsOf(trace), { session: id, trace: number, start: startOf(number) });
    });
    for (const { after, event, args } of received ?? []) add(args ?? [], { session: id, trace: after, start: startOf(after), received: event });
  }
  return first;
}

const effectsOf = (trace: Trace): Value[] => [
  ...(Array.isArray(trace.ack) ? trace.ack : []),
  ...(trace.http?.answer === undefined ? [] : [trace.http.answer]),
  ...(trace.pushes ?? []).flatMap((push) => push.args ?? []),
  ...(trace.changes ?? []).map((entry) => changeOf(entry).values),
];
