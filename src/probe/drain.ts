/** Waits until what the traces started has ended: the proof behind "nothing more comes". */
import { lastRoot } from './context.js';
import { guarded } from './guard.js';
import { currentReaders } from './hub.js';
import { realSetImmediate, realSetTimeout } from './timers.js';
import { countOpen, resourcesInUse } from './work.js';

export interface Drained {
  /** what had not ended in time */
  open: number;
  waited: number;
}

/** Of two quiet turns in a row the second sees what continuations of the first have started. */
const QUIET_TURNS = 2;
/** A drain that takes long looks less often. */
const EAGER_MS = 20;
const PAUSE_MS = 4;

/** Writes the change logs out; how many could not be (a transaction is open). */
let flushChanges: () => number | Promise<number> = () => 0;
export const setFlushChanges = (flush: () => number | Promise<number>): void => {
  flushChanges = flush;
};

/** What is known and not told yet: now or never, the process ends. */
export function tellTheRest(): void {
  flushChanges();
  for (const reader of currentReaders()) reader.flush();
}

export function drain(timeout: number, done: (result: Drained) => void): void {
  const began = performance.now();
  const root = lastRoot();
  let quiet = 0;
  const look = (): void => {
    const waited = performance.now() - began;
    const remaining = timeout - waited;
    const open = guarded('drain', () => countOpen(root, Math.max(0, remaining)) + resourcesInUse()) ?? 0;
    const unread = open === 0 ? (guarded('drain', flushChanges) ?? 0) : 0;
    if (unread instanceof Promise) unread.then(decide, () => decide(0));
    else decide(open + unread);
  };
  const decide = (open: number): void => {
    const waited = performance.now() - began;
    const remaining = timeout - waited;
    quiet = open === 0 ? quiet + 1 : 0;
    if (quiet >= QUIET_TURNS || remaining <= 0) {
      done({ open, waited: Math.round(waited * 1000) / 1000 });
      return;
    }
    if (quiet > 0 || waited < EAGER_MS) realSetImmediate(look);
    else realSetTimeout(look, Math.min(PAUSE_MS, remaining)).unref();
  };
  realSetImmediate(look);
}
