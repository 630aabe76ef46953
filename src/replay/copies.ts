/** The copies of an iteration: each with its own names, gate and sessions; what all copies of a recording share is made once. */
import type { LoadedRecording } from '../recording/load.js';
import { ownLiterals, type Scope, uniqueText } from '../recording/scope.js';
import { Tagged, type Value, walk } from '../recording/values.js';
import type { ReplayInput } from './input.js';
import { createGate, type Order, orderOf } from './order.js';
import { dueTimes, startOf } from './pace.js';
import { type CopyState, deferred } from './state.js';

interface Prepared {
  loaded: LoadedRecording;
  order: Order;
  due: ReadonlyMap<number, number>;
  own: ReadonlySet<string>;
  uniques: string[];
}

/** Copy by copy, each in the order of the recordings: client i is `pool[i mod N]` in copy `floor(i / N)` (law 2). */
export function createCopies(input: ReplayInput): CopyState[] {
  const prepared = input.recordings.map((loaded) => prepare(loaded, input));
  const stamp =
    Date.now().toString(36).slice(-5) +
    Math.floor(Math.random() * 1296)
      .toString(36)
      .padStart(2, '0');
  // All of one length: the application may search for a unique text, and must not find that of another copy, which it begins.
  const width = (input.copies * prepared.length).toString(36).length;
  return Array.from({ length: input.copies }, (_, copy) =>
    // Two recordings may use the same unique text: each has a suffix of its own.
    prepared.map((recording, index) => createCopy(recording, copy, stamp + (copy * prepared.length + index).toString(36).padStart(width, '0'), input)),
  ).flat();
}

function prepare(loaded: LoadedRecording, input: ReplayInput): Prepared {
  const { recording } = loaded;
  const own = new Set<string>();
  for (const session of recording.sessions) for (const trace of session.traces) ownLiterals(trace.args ?? [], own);
  const uniques = new Set<string>();
  walk(recording as unknown as Value, (value) => value instanceof Tagged && value.body.tag === 'unique' && uniques.add(value.body.text));
  const order = orderOf(recording, input.order, input.connectInPlace);
  const starts = order.places.flatMap((places) => places.flatMap((place) => (place ? [place.start] : [])));
  return { loaded, order, due: dueTimes(starts, input), own, uniques: [...uniques] };
}

/** A secret that the client makes is another one in each copy. */
const secretsOf = (secrets: ReplayInput['secrets'], suffix: string): Scope['secrets'] =>
  new Map([...secrets].map(([name, value]) => [name, typeof value === 'string' ? value.replaceAll('{unique}', suffix) : value]));

function createCopy({ loaded, order, due, own, uniques }: Prepared, copy: number, suffix: string, input: ReplayInput): CopyState {
  const given = Object.entries(loaded.recording.given ?? {});
  const scope: Scope = {
    level: input.level,
    names: new Map(given.map(([name, recorded]) => [name, input.copies === 1 ? recorded : varied(input.vary?.[name], copy, recorded)])),
    ...(given.length > 0 && { given: new Map(given) }),
    suffix,
    sockets: new Map(),
    secrets: secretsOf(input.secrets, suffix),
    own,
    mutable: input.mutable,
  };
  // A unique text may be expected before, or in a text around, the place where it is sent.
  for (const text of uniques) uniqueText(scope, text);
  const startsAt = startOf(copy, input.copies, input.spreadMs);
  const state: CopyState = {
    loaded,
    copy,
    scope,
    order,
    startsAt,
    due,
    gate: createGate(order),
    sessions: [],
    waiters: new Set(),
    jars: new Map(),
    givenUp: new Set(),
  };
  state.sessions = loaded.recording.sessions.map((session, index) => ({
    copy: state,
    session,
    index,
    login: null,
    connect: null,
    sent: [],
    running: new Map(),
    next: 0,
    beforeFinal: deferred(),
    passed: new Map(),
  }));
  return state;
}

const varied = (values: readonly (string | number)[] = [], copy: number, recorded: string | number): string | number =>
  values[copy % values.length] ?? recorded;
