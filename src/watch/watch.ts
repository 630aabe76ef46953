/**
 * A database seen from outside, for applications that cannot carry the probe: which rows changed, never who changed them. How a
 * database is looked at is one file a technique; here is what all of them are to those who use them, and when they look.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { ReplayError } from '../errors.js';
import type { FromProbe, Table } from '../wire/messages.js';

export type WatchedChange = Extract<FromProbe, { type: 'change' }>;

/** Milliseconds since the epoch: what is told with it was committed after `from` and before `to`. */
export interface Seen {
  from: number;
  to: number;
}

export interface Watch {
  /** the database, without user and password */
  readonly database: string;
  /** how it is watched, and what that means, as a sentence */
  readonly how: string;
  /** two looks at a row tell what became of it, not how often it was written in between */
  readonly net: boolean;
  /** tables that are not watched, a sentence each */
  notWatched(): { table: string; why: string }[];
  tables(): Table[];
  /** Returns what removes it again. */
  onChanges(listener: (changes: WatchedChange[], seen: Seen) => void): () => void;
  /** Every row that was committed before the call has been told. Rejects where the database can no longer be read. */
  flush(): Promise<void>;
  /** Everything of ours is gone from the database. */
  close(): Promise<void>;
}

/** One way of looking at a database. */
export interface Technique extends Pick<Watch, 'database' | 'how' | 'net' | 'notWatched' | 'tables' | 'close'> {
  /** What was committed since the last look. Cheap where nothing was. */
  look(): Promise<Look>;
}

export interface Look {
  changes: WatchedChange[];
  /** all of it was committed by then; the reading may have taken longer */
  by: number;
}

/** how long nobody looks, at least; a look that took long is followed by a longer pause, so that the database has time for others */
const PAUSE_MS = 15;
const SHARE = 3;

export const clock = (): number => performance.timeOrigin + performance.now();

/** Looks again and again, and when it is asked to; one look at a time. */
export function watching(technique: Technique): Watch {
  const listeners = new Set<(changes: WatchedChange[], seen: Seen) => void>();
  const closing = new AbortController();
  let last = clock();
  let took = 0;
  let failure: ReplayError | undefined;
  let turn: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    // Whoever asks from here on wants the next one.
    waiting = undefined;
    if (failure) throw failure;
    if (closing.signal.aborted) return;
    const began = clock();
    try {
      const { changes, by } = await technique.look();
      const seen = { from: last, to: by };
      last = began;
      took = clock() - began;
      if (changes.length > 0) for (const listener of listeners) listener(changes, seen);
    } catch (error) {
      failure = error instanceof ReplayError ? error : unreadable(technique.database, error);
      throw failure;
    }
  };
  const flush = (): Promise<void> => {
    waiting ??= turn = turn.catch(() => {}).then(look);
    return waiting;
  };
  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted && !failure) {
      await wait(Math.max(PAUSE_MS, took * SHARE), undefined, { ref: false, signal: closing.signal });
      await flush();
    }
  };
  // Who flushes learns of a failure; nobody else has to.
  loop().catch(() => {});

  const { database, how, net, notWatched, tables } = technique;
  return {
    database,
    how,
    net,
    notWatched,
    tables,
    onChanges(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    flush,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await turn.catch(() => {});
      await technique.close();
    },
  };
}

export const unreadable = (database: string, error: unknown): ReplayError =>
  new ReplayError('REPLAY_WATCH_FAILED', `${database} cannot be watched: ${error instanceof Error ? error.message : String(error)}`);
