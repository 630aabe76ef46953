/**
 * A broadcast for the clients of other processes takes its cause along, in the flags that every adapter hands over beside the
 * packet (cluster, Redis, PostgreSQL, MongoDB), so that the process that delivers it can tell it. The packet stays as it is.
 */
import { carriedContext, causeOf, currentCause, currentContext, within } from './context.js';
import { type AnyFunction, isObject } from './foreign.js';
import { isWanted } from './hub.js';

const FLAG = '$socket-replay:cause';
/** it comes from outside */
const MAX_LENGTH = 200;
const METHODS = ['broadcast', 'broadcastWithAck'];

const tapped = new WeakSet<object>();

/** The options of a broadcast, with its cause; a request's number says nothing in another process. */
export function withCause(adapter: unknown, options: unknown): unknown {
  if (!isObject(options) || !reachesOthers(adapter)) return options;
  const cause = currentCause();
  if (cause === null || cause.startsWith('http:')) return options;
  return { ...options, flags: { ...(isObject(options.flags) && options.flags), [FLAG]: cause } };
}

/** What other processes send enters below the instance: the class at the root is tapped, once. */
export function tapArrivals(adapter: unknown): void {
  const classes = classesOf(adapter);
  const base = classes.at(-1);
  if (base === undefined || classes.length < 2 || tapped.has(base)) return;
  tapped.add(base);
  for (const name of METHODS) {
    const original = base[name];
    if (typeof original !== 'function') continue;
    base[name] = function (this: unknown, ...args: unknown[]) {
      const cause = isWanted() ? causeIn(args[1]) : undefined;
      const deliver = (): unknown => Reflect.apply(original as AnyFunction, this, args);
      return cause === undefined || cause === causeOf(currentContext()) ? deliver() : within(carriedContext(cause), deliver);
    };
  }
}

const causeIn = (options: unknown): string | undefined => {
  const cause = isObject(options) && isObject(options.flags) ? options.flags[FLAG] : undefined;
  return typeof cause === 'string' && cause.length <= MAX_LENGTH ? cause : undefined;
};

/** One that keeps to its process is one class; what reaches others adds its own broadcast. */
const reachesOthers = (adapter: unknown): boolean => classesOf(adapter).length > 1;

/** The prototypes that broadcast, the root last. */
function classesOf(adapter: unknown): Record<string, unknown>[] {
  const classes: Record<string, unknown>[] = [];
  let prototype: unknown = isObject(adapter) ? Object.getPrototypeOf(adapter) : undefined;
  while (isObject(prototype) && prototype !== Object.prototype) {
    if (typeof Object.getOwnPropertyDescriptor(prototype, 'broadcast')?.value === 'function') classes.push(prototype);
    prototype = Object.getPrototypeOf(prototype);
  }
  return classes;
}
