/**
 * Law 4: within a copy a trace starts only after every trace of the same recording that had ended before it began in the
 * recording; overlapping ones stay free. Pure: a recording in, numbers out; `createGate` keeps what has settled.
 */
import type { Recording, Session, Trace } from '../recording/schema.js';

/** `recording`: across the sessions of a recording; `session`: each session for itself. */
export type OrderMode = 'recording' | 'session';

export interface Place {
  /** what is ordered together: the recording, or the session */
  group: number;
  /** the trace starts when the first `after` of the group's ends have settled */
  after: number;
  /** its own position among the group's ends */
  end: number;
  /** recorded start, ms */
  start: number;
  /** traces of its session that the client had an answer to before this one, though not yet all of their effects */
  answers: number[];
  /** a connect before anything else of the recording: made before the start (law 5) */
  early: boolean;
  /** a disconnect after which nothing of the recording begins but disconnects: made at the end (law 10) */
  final: boolean;
}

export interface Order {
  /** by session and trace; disabled traces have none: nobody waits for them */
  places: (Place | undefined)[][];
  /** how many traces each group has */
  groups: number[];
}

interface Span {
  session: number;
  trace: number;
  start: number;
  end: number;
  /** when it was answered, where that was before its end and somebody waited for it */
  answered?: number;
  what: Trace;
}

interface Point {
  time: number;
  span: Span;
  isEnd: boolean;
}

/** `connectInPlace`: no connect is made before the start. */
export function orderOf(recording: Recording, mode: OrderMode = 'recording', connectInPlace = false): Order {
  const spans = recording.sessions.flatMap((session, s) => spansOf(session.traces, s, session.times));
  const groups = mode === 'session' ? recording.sessions.map((_, s) => spans.filter((span) => span.session === s)) : [spans];
  const places: (Place | undefined)[][] = recording.sessions.map(({ traces }) => traces.map(() => undefined));
  groups.forEach((members, group) => {
    let ends = 0;
    for (const { span, isEnd } of sweep(members)) {
      const own = places[span.session] as (Place | undefined)[];
      if (isEnd) (own[span.trace] as Place).end = ends++;
      else
        own[span.trace] = {
          group,
          after: span.what.independent ? 0 : ends,
          end: 0,
          start: span.start,
          answers: answersBefore(span, members),
          early: false,
          final: false,
        };
    }
  });
  const starts = sweep(spans).filter(({ isEnd }) => !isEnd);
  const mark = (points: Point[], kind: 'connect' | 'disconnect', flag: 'early' | 'final'): void => {
    for (const { span } of points) {
      const place = places[span.session]?.[span.trace];
      if (!place || span.what[kind] === undefined) return;
      place[flag] = true;
    }
  };
  if (!connectInPlace) mark(starts, 'connect', 'early');
  mark(starts.reverse(), 'disconnect', 'final');
  return { places, groups: groups.map((members) => members.length) };
}

/** Only of its own session: another client knows nothing of the answer. */
const answersBefore = ({ session, trace, start, what }: Span, members: Span[]): number[] =>
  what.independent
    ? []
    : members.flatMap((span) =>
        span.session === session && span.trace < trace && span.answered !== undefined && span.answered <= start && start < span.end ? [span.trace] : [],
      );

/** Without times one trace after the other, the sessions side by side. What a session did later never began earlier, whatever a hand wrote. */
function spansOf(traces: Trace[], session: number, times: Session['times']): Span[] {
  let before = 0;
  return traces.flatMap((what, trace) => {
    const [recorded, duration, answered] = times?.[trace] ?? [trace, 0];
    before = Math.max(before, recorded);
    const end = Math.round((before + duration) * 1000) / 1000;
    // Starts are whole milliseconds.
    return what.disabled ? [] : [{ session, trace, start: before, end, ...(answered !== undefined && { answered: Math.floor(before + answered) }), what }];
  });
}

/**
 * All starts and ends in one order. Milliseconds are coarse: in the same one, what began earlier ends first; then come the
 * starts session by session, a trace that lasted 0 ms ending before the next begins. So no two ever wait for each other.
 */
function sweep(spans: Span[]): Point[] {
  const points = spans.flatMap((span): Point[] => [
    { time: span.start, span, isEnd: false },
    { time: span.end, span, isEnd: true },
  ]);
  const phase = ({ isEnd, span }: Point): number => (isEnd && span.end > span.start ? 0 : 1);
  // Who was there before the recording was there before what it began with.
  const came = ({ span }: Point): number => (span.what.connect?.before ? 0 : 1);
  return points.sort(
    (a, b) =>
      a.time - b.time ||
      came(a) - came(b) ||
      phase(a) - phase(b) ||
      a.span.session - b.span.session ||
      a.span.trace - b.span.trace ||
      Number(a.isEnd) - Number(b.isEnd),
  );
}

export interface Gate {
  /** resolves when everything that had ended before this place began has settled */
  ready(place: Place): Promise<void>;
  settle(place: Place): void;
}

export function createGate(order: Order): Gate {
  const groups = order.groups.map((size) => ({ settled: new Uint8Array(size), prefix: 0 }));
  let waiting: { place: Place; go: () => void }[] = [];
  const isReady = ({ group, after }: Place): boolean => after <= (groups[group]?.prefix ?? 0);
  return {
    ready: (place) => (isReady(place) ? Promise.resolve() : new Promise((go) => waiting.push({ place, go }))),
    settle({ group, end }) {
      const state = groups[group];
      if (!state) return;
      const before = state.prefix;
      state.settled[end] = 1;
      while (state.settled[state.prefix] === 1) state.prefix++;
      if (state.prefix === before) return;
      const free = waiting.filter(({ place }) => isReady(place));
      if (free.length === 0) return;
      waiting = waiting.filter(({ place }) => !isReady(place));
      // Those that may go together go in the order in which they were recorded.
      for (const { go } of free.sort((a, b) => a.place.start - b.place.start)) go();
    },
  };
}
