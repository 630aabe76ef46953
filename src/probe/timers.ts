/**
 * Timers keep the trace that set them; their callbacks run one generation later, so that a heartbeat set by an event is not
 * taken for the event. The objects that timers return, and what `util.promisify` finds, stay Node's own.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import { currentContext, throughTimer, within } from './context.js';
import type { AnyFunction } from './foreign.js';
import { followTimer } from './work.js';

/** Node's own, for the probe itself. */
export const { setTimeout: realSetTimeout, setImmediate: realSetImmediate, clearTimeout: realClearTimeout } = timers;

const NAMES = ['setTimeout', 'setInterval', 'setImmediate'] as const;
type Name = (typeof NAMES)[number];

export function installTimers(): void {
  for (const name of NAMES) {
    const original = timers[name] as unknown as AnyFunction;
    const replacement = wrap(name, original);
    Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(original));
    // A test runner may have put its own clock on globalThis: that one is left alone.
    const onGlobal = Object.getOwnPropertyDescriptor(globalThis, name);
    if (onGlobal?.value === original) Object.defineProperty(globalThis, name, { ...onGlobal, value: replacement });
    Object.assign(timers, { [name]: replacement });
  }
  syncBuiltinESMExports();
}

function wrap(name: Name, original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const context = currentContext();
    const callback = args[0];
    if (context === undefined || typeof callback !== 'function') return Reflect.apply(original, this, args);
    const next = throughTimer(context);
    args[0] = function (this: unknown, ...given: unknown[]) {
      return within(next, () => Reflect.apply(callback, this, given));
    };
    const handle = Reflect.apply(original, this, args);
    // Intervals never end: nobody waits for them.
    if (name !== 'setInterval' && typeof handle === 'object' && handle !== null) followTimer(handle, name === 'setTimeout' ? delayOf(args[1]) : 0, context);
    return handle;
  };
}

/** Node's own reading of a delay. */
function delayOf(given: unknown): number {
  const delay = Number(given);
  return delay >= 1 && delay <= 2_147_483_647 ? delay : 1;
}
