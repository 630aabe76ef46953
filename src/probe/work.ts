/**
 * What the traces have started and what has not ended yet. Looked at, never touched: a `then` on a handler's promise would
 * change what the application sees of an unhandled rejection, so promises, timers and requests are polled while somebody drains.
 */
import { inspect } from 'node:util';
import type { Context } from './context.js';

interface Pending {
  root: number;
  /** ms until it is due, 0 while it can only be waited for, GONE when it has ended */
  left: () => number;
  /** whether it has certainly ended, for next to nothing */
  ended: () => boolean;
}

const GONE = -1;

/** A chain of timers longer than this is a heartbeat, not a consequence. */
const MAX_GENERATION = 3;
const FIRST_SWEEP = 512;
/** how many ended promises one look takes out */
const MAX_ENDED = 2_000;

const pending = new Set<Pending>();
let sweepAt = FIRST_SWEEP;
let following = false;

/** Nothing is kept while no reader could ask for it. */
export function followWork(on: boolean): void {
  following = on;
  if (on) return;
  pending.clear();
  sweepAt = FIRST_SWEEP;
}

export function followPromise(promise: Promise<unknown>, context: Context | undefined): void {
  if (!following || !context?.counted) return;
  // Weak, because asking a promise is dear: who could still settle it keeps it, and what nobody keeps starts nothing more.
  const weak = new WeakRef(promise);
  const left = (): number => {
    const kept = weak.deref();
    return kept !== undefined && isPending(kept) ? 0 : GONE;
  };
  add({ root: context.root, left, ended: () => weak.deref() === undefined });
}

/** `handle` is a Timeout or an Immediate; a cleared or fired one says so itself. */
export function followTimer(handle: object, delay: number, context: Context): void {
  if (!following || !context.counted || context.generation > MAX_GENERATION) return;
  const timer = handle as { _destroyed?: boolean; _idleStart?: number; hasRef?: () => boolean };
  const due = performance.now() + delay;
  const started = timer._idleStart ?? 0;
  const left = (): number => {
    // An unreferenced timer is housekeeping by the application's own word (undici's clock is one).
    if (timer._destroyed === true || timer.hasRef?.() === false) return GONE;
    // refresh() moves the start.
    const rest = due + ((timer._idleStart ?? started) - started) - performance.now();
    return rest > 0 ? rest : timer._destroyed === undefined ? GONE : 0;
  };
  add({ root: context.root, left, ended: () => left() === GONE });
}

export function followRequest(isOpen: () => boolean, context: Context): void {
  if (following && context.counted) add({ root: context.root, left: () => (isOpen() ? 0 : GONE), ended: () => !isOpen() });
}

/** How much of what began before `root` has not ended; timers only if due within `remaining` ms. */
export function countOpen(root: number, remaining: number): number {
  let open = 0;
  let ended = 0;
  for (const item of pending) {
    if (item.root > root) continue;
    const left = item.left();
    if (left !== GONE) {
      if (left <= remaining) open += 1;
      continue;
    }
    pending.delete(item);
    ended += 1;
    // The application has its turn; the next look goes on.
    if (ended >= MAX_ENDED) return open + 1;
  }
  return open;
}

function add(item: Pending): void {
  pending.add(item);
  if (pending.size < sweepAt) return;
  for (const old of pending) if (old.ended()) pending.delete(old);
  sweepAt = Math.max(FIRST_SWEEP, pending.size * 2);
}

/** Files, name lookups and connects cannot be told apart by trace; all of them are waited for. */
export function resourcesInUse(): number {
  let count = 0;
  for (const name of process.getActiveResourcesInfo()) {
    if (name.startsWith('FSReq') || name.startsWith('GetAddrInfo') || name === 'TCPConnectWrap') count += 1;
  }
  return count;
}

const LOOK = { depth: 0, customInspect: false, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 0, maxStringLength: 0 } as const;
/** The only public way to ask a promise for its state without becoming one of its listeners. */
export const isPending = (promise: Promise<unknown>): boolean => /^[^{]*\{\s+<pending>/.test(inspect(promise, LOOK));
