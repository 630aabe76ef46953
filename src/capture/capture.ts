/** One capture: from a live source, redacted, into memory and its log, until somebody stops it, a limit is reached or the source ends. */
import { ReplayError } from '../errors.js';
import type { Redactor } from '../recording/redact.js';
import { lockTarget } from '../wire/target-lock.js';
import { type Dropped, isForeign, noneDropped, ownersOf } from './belongs.js';
import { excluder } from './exclude.js';
import { createKept, type Kept } from './kept.js';
import { openLog } from './log.js';
import { eventRedactor } from './redact-event.js';
import type { Captured, CapturedHead, CaptureEnd, SourceEvent, SourceSocket, TraceSource } from './source.js';

export interface Limits {
  events: number;
  sessionEvents: number;
  bytes: number;
  /** milliseconds; absent: until stopped */
  duration?: number;
}
const defaultLimits: Limits = { events: 50_000, sessionEvents: 20_000, bytes: 50 * 1024 * 1024 };

const DRAIN_MS = 2_000;
const MAX_CHECKPOINTS = 1_000;
/** A flight recorder holds a quarter more before it throws anything away, so that it does so rarely. */
const SLACK = 1.25;

export interface CaptureOptions {
  name: string;
  source: TraceSource;
  /** Whether a connection is captured: asked once for each, of those that are there at the start and of later ones. */
  select(socket: SourceSocket, later: boolean): boolean;
  aliases?: Readonly<Record<string, string>>;
  redactor: Redactor;
  /** globs of event names, `table:GLOB` of tables */
  exclude?: readonly string[];
  folder: string;
  limits?: Partial<Limits>;
  /** where a limit is reached, throw away the oldest instead of ending: a flight recorder */
  newest?: boolean;
  /** the clients are told that they are being recorded, and when it ends */
  notify?: boolean;
  /** replaces a log of the same name that was never saved */
  replaceLog?: boolean;
  /** a connection was made that is not captured */
  onUncaptured?(socket: SourceSocket): void;
  onWarning?(message: string): void;
  onEvent?(): void;
  /** for tests: the log's way to the disk */
  writePiece?: (fd: number, text: string) => Promise<void>;
}

export interface Counts {
  sessions: number;
  emits: number;
  requests: number;
  pushes: number;
  /** null: the source sees none */
  changes: number | null;
}

/** `dropped`: not even kept, in addition to what `buildRecording` counts. */
export interface CaptureResult {
  captured: Captured;
  dropped: Dropped;
  /** what the traces had started and was still open after the drain */
  open: number;
}

export interface Capture {
  readonly counts: Readonly<Counts>;
  /** resolves when the capture is over, whoever ended it */
  readonly done: Promise<CaptureResult>;
  /** Names this moment, with what the tables hold. Throws REPLAY_CHECKPOINT for a name that is taken, and when the capture is over. */
  checkpoint(name: string): Promise<void>;
  /** Resolves when the log holds everything until now. */
  flush(): Promise<void>;
  /** Drains the source and ends as finished. */
  stop(): void;
  /** Ends at once, as interrupted. The log stays. */
  abort(): void;
}

/** Everything up to the first event is synchronous: the targets are reserved before anybody waits. */
export function startCapture(options: CaptureOptions): Capture {
  const { source, newest = false } = options;
  const secrets = eventRedactor(options.redactor);
  const limits = { ...defaultLimits, ...options.limits };
  const chosen = new Set<string>();
  const isCaptured = (sid: string): boolean => chosen.has(sid);
  const head: CapturedHead = {
    name: options.name,
    source: source.kind,
    ...(source.app && { app: source.app }),
    aliases: { ...options.aliases },
  };
  const locks = lockAll(source.targets, `capture ${options.name}`);
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  let resolve: (result: CaptureResult) => void = () => undefined;
  const done = new Promise<CaptureResult>((settle) => {
    resolve = settle;
  });
  const kept = createKept();
  const counts: Counts = { sessions: 0, emits: 0, requests: 0, pushes: 0, changes: source.changes === 'measured' ? 0 : null };
  const dropped = noneDropped();
  const isExcluded = excluder(options.exclude ?? []);
  const perSession = new Map<string, number>();
  const checkpoints = new Set<string>();
  let state: 'running' | 'draining' | 'over' = 'running';
  let timer: NodeJS.Timeout | undefined;

  const notify = (sids: readonly string[], recording: boolean): void => {
    if (options.notify && sids.length > 0) source.notify?.(sids, recording);
  };

  const throwAway = (): void => {
    if (kept.cut(limits)) log.restart([...kept.head, ...kept.events], kept.missing);
  };

  /** What an excluded request made happen came before the request was told. */
  const isWanted = (event: SourceEvent): boolean => {
    const excluded = isExcluded(event);
    if (excluded) dropped.excluded++;
    return !excluded;
  };

  /** A secret may have been known only after it had stood elsewhere. */
  const cleaned = (end: CaptureEnd): { events: SourceEvent[]; end: CaptureEnd } => {
    try {
      return { events: secrets.again([...kept.head, ...kept.events].filter(isWanted)), end };
    } catch {
      return { events: [], end: { status: 'failed', reason: 'event_failed' } };
    }
  };

  const finish = (end: CaptureEnd, open = 0): void => {
    if (state === 'over') return;
    state = 'over';
    clearTimeout(timer);
    notify([...chosen], false);
    source.stop();
    if (newest) throwAway();
    log
      .end(end)
      .then(
        () => end,
        (): CaptureEnd => ({ status: 'failed', reason: 'chunk_write_failed' }),
      )
      .then((final) => {
        release();
        const { missing } = kept;
        resolve({ captured: { ...head, ...(missing > 0 && { missing }), ...cleaned(final) }, dropped, open });
      });
  };

  const take = (event: SourceEvent): void => {
    if (event.type === 'connect' && !isCaptured(event.socket.sid) && options.select(event.socket, !event.before)) {
      chosen.add(event.socket.sid);
      notify([event.socket.sid], true);
    }
    const foreign = event.type === 'connect' ? !isCaptured(event.socket.sid) : isForeign(event, isCaptured);
    if (foreign && event.type !== 'connect') {
      dropped.uncaptured++;
      return;
    }
    if (event.type === 'http' && event.sid === null) {
      dropped.unclaimed++;
      return;
    }
    if (isExcluded(event)) {
      dropped.excluded++;
      return;
    }
    const owners = ownersOf(event);
    const reached = newest ? undefined : limitReached(limits, kept, owners, perSession);
    if (reached) {
      finish({ status: 'truncated', reason: reached });
      return;
    }
    const clean = secrets.redact(foreign && event.type === 'connect' ? { ...event, uncaptured: true } : event);
    kept.add(clean, log.append(clean));
    for (const sid of owners) perSession.set(sid, (perSession.get(sid) ?? 0) + 1);
    count(counts, event, isCaptured);
    if (newest && (kept.events.length > limits.events * SLACK || kept.bytes > limits.bytes * SLACK)) throwAway();
    if (foreign && event.type === 'connect') options.onUncaptured?.(event.socket);
    if (clean.type === 'warning') options.onWarning?.(clean.message);
    if (event.type === 'lost') options.onWarning?.(`the source lost ${event.count} events: the recording will not be complete`);
    options.onEvent?.();
  };

  /** Nothing may reach the disk that was not redacted, and nothing may throw into the source. */
  const listener = (event: SourceEvent): void => {
    if (state === 'over') return;
    try {
      take(event);
    } catch (error) {
      // Not its message: that may have the event's content.
      options.onWarning?.(`an event could not be kept: ${(error as Error).name}`);
      finish({ status: 'failed', reason: 'event_failed' });
    }
  };

  let log: ReturnType<typeof openLog>;
  try {
    const onLost = () => finish({ status: 'failed', reason: 'chunk_write_failed' });
    log = openLog(options.folder, head, onLost, { replace: options.replaceLog, write: options.writePiece });
    const before = source.sessions().filter((socket) => options.select(socket, false));
    for (const socket of before) chosen.add(socket.sid);
    source.start(listener);
    for (const socket of before) listener({ type: 'connect', socket, before: true });
    notify([...chosen], true);
  } catch (error) {
    release();
    throw error;
  }
  source.closed.then((end) => finish(end));
  const stop = (): void => {
    if (state !== 'running') return;
    state = 'draining';
    source.drain(DRAIN_MS).then(
      ({ open }) => finish({ status: 'finished' }, open),
      () => finish({ status: 'interrupted', reason: 'application_ended' }),
    );
  };
  if (limits.duration !== undefined) timer = setTimeout(stop, limits.duration);

  const checkpoint = async (name: string): Promise<void> => {
    const refused = state !== 'running' ? 'the capture is over' : refusal(name, checkpoints);
    if (refused) throw new ReplayError('REPLAY_CHECKPOINT', refused);
    // reserved before the first await
    checkpoints.add(name);
    const tables = await source.state?.().catch(() => undefined);
    if (state === 'over') throw new ReplayError('REPLAY_CHECKPOINT', 'the capture is over');
    listener({ type: 'checkpoint', name, at: performance.timeOrigin + performance.now(), ...(tables && { tables }) });
  };
  return { counts, done, checkpoint, flush: () => log.flush(), stop, abort: () => finish({ status: 'interrupted', reason: 'aborted' }) };
}

function refusal(name: string, taken: ReadonlySet<string>): string | undefined {
  if (name === '' || name.length > 100) return 'the name of a checkpoint has 1 to 100 characters';
  if (taken.has(name)) return `there is a checkpoint of the name ${name}`;
  return taken.size >= MAX_CHECKPOINTS ? `a capture has at most ${MAX_CHECKPOINTS} checkpoints` : undefined;
}

function lockAll(targets: readonly string[], owner: string): { release(): void }[] {
  const locks: { release(): void }[] = [];
  try {
    for (const target of targets) locks.push(lockTarget(target, 'capture', owner));
    return locks;
  } catch (error) {
    for (const lock of locks) lock.release();
    throw error;
  }
}

/** The limit that one more event would pass. */
function limitReached(limits: Limits, kept: Kept, owners: readonly string[], perSession: ReadonlyMap<string, number>): string | undefined {
  if (kept.events.length >= limits.events) return 'event_cap';
  if (owners.some((sid) => (perSession.get(sid) ?? 0) >= limits.sessionEvents)) return 'session_event_cap';
  return kept.bytes >= limits.bytes ? 'byte_cap' : undefined;
}

/** Pushes are counted as they are received: a broadcast to two is two. */
function count(counts: Counts, event: SourceEvent, isCaptured: (sid: string) => boolean): void {
  if (event.type === 'connect' && isCaptured(event.socket.sid)) counts.sessions++;
  else if (event.type === 'emit') counts.emits++;
  else if (event.type === 'http') counts.requests++;
  else if (event.type === 'push') counts.pushes += event.to.filter(isCaptured).length;
  else if (event.type === 'change') counts.changes = (counts.changes ?? 0) + 1;
}
