/**
 * A source that sees no rows, and a database that is watched from outside beside it. A row change belongs to a trace where exactly one
 * was open between the two looks that the change lies between; else its cause is not known.
 */
import { fromJson, type Json } from '../../recording/json.js';
import { clock, type Seen, type Watch, type WatchedChange } from '../../watch/watch.js';
import type { SourceEvent, TraceSource } from '../source.js';
import { sourceEventSchema } from '../source.js';

/** What nobody answers (a connect, an emit without acknowledgement) counts as open for so long. */
const UNANSWERED_MS = 200;
/** What is answered may go on writing for so long, where nothing else is open. */
const AFTER_MS = 500;
/** A request is told when it ends: until then nobody knows that it is open. */
const HELD_MS = 1_000;
/** traces that ended so long ago are forgotten */
const FORGOTTEN_MS = 60_000;

interface Open {
  cause: string;
  from: number;
  /** undefined: not yet */
  to: number | undefined;
}

interface Held {
  changes: WatchedChange[];
  seen: Seen;
}

export function watchedSource(source: TraceSource, watch: Watch): TraceSource {
  let open: Open[] = [];
  let held: Held[] = [];
  let listener: ((event: SourceEvent) => void) | undefined;
  let told = '';
  let failed = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    try {
      await watch.flush();
    } catch (error) {
      if (failed) return;
      failed = true;
      listener?.({ type: 'warning', code: 'watch_failed', message: `rows are no longer recorded: ${(error as { what?: string }).what ?? String(error)}` });
    }
  };
  const tellTables = (): void => {
    const tables = watch.tables();
    const text = JSON.stringify(tables);
    if (text !== told) listener?.({ type: 'tables', tables });
    told = text;
  };
  const tell = ({ changes, seen }: Held): void => {
    tellTables();
    const cause = causeOf(open, seen);
    for (const change of changes) {
      const { success, data } = sourceEventSchema.safeParse(fromJson({ ...change, cause } as unknown as Json));
      listener?.(success ? data : { type: 'lost', count: 1 });
    }
  };
  const release = (before: number): void => {
    for (const batch of held.filter(({ seen }) => seen.to <= before)) tell(batch);
    held = held.filter(({ seen }) => seen.to > before);
    const oldest = (held[0]?.seen.from ?? before) - FORGOTTEN_MS;
    open = open.filter(({ to }) => to === undefined || to > oldest);
  };
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      release(clock() - HELD_MS);
      if (held.length > 0) later();
    }, HELD_MS);
  };

  /** Each boundary of a trace is one of the looks, too. */
  const follow = (event: SourceEvent): void => {
    const begins = beginning(event);
    if (begins) open.push(begins);
    else if (event.type === 'ack') {
      const answered = open.findLast(({ cause }) => cause === `${event.sid}:${event.n}`);
      if (answered) answered.to = event.at;
    } else return;
    void look();
  };

  return {
    kind: source.kind,
    app: source.app,
    targets: source.targets,
    changes: 'measured',
    sessions: () => source.sessions(),
    start(next) {
      listener = next;
      tellTables();
      watch.onChanges((changes, seen) => {
        held.push({ changes, seen });
        later();
      });
      source.start((event) => {
        follow(event);
        next(event);
      });
    },
    async drain(timeoutMs) {
      const drained = await source.drain(timeoutMs);
      await look();
      release(Number.POSITIVE_INFINITY);
      return drained;
    },
    ...(source.notify && { notify: (sids: readonly string[], recording: boolean) => source.notify?.(sids, recording) }),
    closed: source.closed,
    stop() {
      clearTimeout(timer);
      // An abort, or the end of the application: what came late is not lost.
      release(Number.POSITIVE_INFINITY);
      listener = undefined;
      source.stop();
    },
  };
}

function beginning(event: SourceEvent): Open | undefined {
  switch (event.type) {
    case 'connect':
      return event.before ? undefined : unanswered(`${event.socket.sid}:0`, event.socket.at);
    case 'emit':
      return event.asks ? { cause: `${event.sid}:${event.n}`, from: event.at, to: undefined } : unanswered(`${event.sid}:${event.n}`, event.at);
    case 'http':
      return { cause: event.id, from: event.at, to: event.end };
    case 'disconnect':
      return unanswered(`${event.sid}:x`, event.at);
    default:
      return undefined;
  }
}

const unanswered = (cause: string, at: number): Open => ({ cause, from: at, to: at + UNANSWERED_MS });

/** null: none was open, or more than one. */
function causeOf(open: readonly Open[], seen: Seen): string | null {
  const during = open.filter(({ from, to }) => from <= seen.to && (to ?? Number.POSITIVE_INFINITY) >= seen.from);
  const [only, other] = during.length > 0 ? during : open.filter(({ from, to }) => from <= seen.to && to !== undefined && to + AFTER_MS >= seen.from);
  return only && !other ? only.cause : null;
}
