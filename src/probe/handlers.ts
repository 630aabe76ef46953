/**
 * The promises of the application's socket handlers are open work. Handlers are wrapped as they are added; a wrapper carries
 * the application's function as `.listener`, by which `off`, `listeners` and `listenerCount` know it, as Node's `once` does.
 */
import { types } from 'node:util';
import { currentContext, isFollowing } from './context.js';
import type { AnyFunction, ServerSocket } from './foreign.js';
import { followPromise } from './work.js';

type Wrapper = AnyFunction & { listener: AnyFunction };

export function tapHandlers(socket: ServerSocket): void {
  adoptHandlers(socket);
  const { on, addListener, prependListener } = socket as unknown as Record<string, AnyFunction>;
  for (const [name, add] of Object.entries({ on, addListener, prependListener })) {
    override(socket, name, (type, listener) => Reflect.apply(add as AnyFunction, socket, [type, followed(listener)]));
  }
  // `once` is spelled out: Node's own would call `on` with a bound function that no longer shows what it stands for.
  for (const [name, add] of Object.entries({ once: on, prependOnceListener: prependListener })) {
    override(socket, name, (type, listener) => Reflect.apply(add as AnyFunction, socket, [type, once(socket, type, listener)]));
  }
  const use = socket.use;
  if (typeof use !== 'function') return;
  socket.use = function (this: unknown, ...args: unknown[]) {
    const middleware = args[0];
    return Reflect.apply(use, this, typeof middleware === 'function' ? [follow(middleware as AnyFunction), ...args.slice(1)] : args);
  };
}

function override(socket: ServerSocket, name: string, add: (type: unknown, listener: AnyFunction) => unknown): void {
  const original = socket[name];
  if (typeof original !== 'function') return;
  socket[name] = function (this: unknown, ...args: unknown[]) {
    const [type, listener] = args;
    // What is no function gets Node's own complaint; on another receiver nothing is ours.
    return this === socket && typeof listener === 'function' ? add(type, listener as AnyFunction) : Reflect.apply(original, this, args);
  };
}

/** Handlers that a connection middleware added before the socket was known (or that `attach` finds) are exchanged in place. */
function adoptHandlers(socket: ServerSocket): void {
  const events = socket._events as Record<string | symbol, unknown> | undefined;
  if (typeof events !== 'object' || events === null) return;
  for (const type of Reflect.ownKeys(events)) {
    const listeners = events[type];
    if (type === 'error') continue;
    if (typeof listeners === 'function') events[type] = adopted(listeners as AnyFunction);
    else if (Array.isArray(listeners)) for (const [index, listener] of listeners.entries()) listeners[index] = adopted(listener as AnyFunction);
  }
}

/** A pending `once` stays as it is: it removes itself by identity. */
const adopted = (listener: AnyFunction): AnyFunction => ('listener' in listener ? listener : followed(listener));

const followed = (listener: AnyFunction): AnyFunction => ('listener' in listener ? listener : Object.assign(follow(listener), { listener }));

function once(socket: ServerSocket, type: unknown, listener: AnyFunction): Wrapper {
  let fired = false;
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    if (fired) return undefined;
    (socket.removeListener as (type: unknown, listener: unknown) => void)(type, wrapper);
    fired = true;
    return run(listener, this, args);
  };
  wrapper.listener = listener;
  return wrapper;
}

function follow(listener: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    return run(listener, this, args);
  };
}

function run(listener: AnyFunction, self: unknown, args: unknown[]): unknown {
  const result = Reflect.apply(listener, self, args);
  if (isFollowing() && types.isPromise(result)) followPromise(result, currentContext());
  return result;
}
