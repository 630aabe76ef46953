/**
 * Which trace runs now. The storage stands on globalThis, so that two copies of this module (preloaded, and bundled into the
 * application) see the same traces. Without a reader nobody asks, and the storage is off: on Node 20 it makes every promise dearer.
 * What began then belongs to no trace, also for a reader that comes while it runs.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Context {
  /** `SID:n`, `SID:0`, `SID:x` or `http:N` */
  readonly id: string;
  /** how many timers lie between the trace and what runs now */
  readonly generation: number;
  /** grows with every trace: a drain waits for what began before it, not for what other users start meanwhile */
  readonly root: number;
  /** false where nothing waits for what is started: Engine.IO's own requests arm ping timers of 25 s */
  readonly counted: boolean;
}

interface Shared {
  storage: AsyncLocalStorage<Context | undefined>;
  roots: number;
  following: boolean;
}

const KEY = Symbol.for('socket-replay:context');
const holder = globalThis as { [KEY]?: Shared };
const shared: Shared = holder[KEY] ?? { storage: new AsyncLocalStorage<Context | undefined>(), roots: 0, following: false };
holder[KEY] = shared;

export function followTraces(on: boolean): void {
  if (shared.following && !on) shared.storage.disable();
  shared.following = on;
}

export const isFollowing = (): boolean => shared.following;
export const currentContext = (): Context | undefined => (shared.following ? shared.storage.getStore() : undefined);
/** Runs the application in this context, or outside all of them. */
export const within = <T>(context: Context | undefined, run: () => T): T => (shared.following ? shared.storage.run(context, run) : run());
export const lastRoot = (): number => shared.roots;
export const currentCause = (): string | null => causeOf(currentContext());
/** Runs what belongs to the probe itself, so that none of it counts as the application's work. */
export const outside = <T>(run: () => T): T => within(undefined, run);

export function rootContext(id: string, counted = true): Context {
  shared.roots += 1;
  return { id, generation: 0, root: shared.roots, counted };
}

export const throughTimer = ({ id, generation, root, counted }: Context): Context => ({ id, generation: generation + 1, root, counted });
export const causeOf = (context: Context | undefined): string | null => (context === undefined ? null : context.generation > 0 ? `${context.id}~` : context.id);
/** Of a trace that another process runs: nothing here waits for it. */
export const carriedContext = (cause: string): Context =>
  cause.endsWith('~') ? { id: cause.slice(0, -1), generation: 1, root: 0, counted: false } : { id: cause, generation: 0, root: 0, counted: false };
