/** Sockets are known from before the first middleware of their namespace: what a middleware sends arrives when the socket is let in. */
import { tapOutgoing } from './emissions.js';
import { type AnyFunction, isObject, isServerSocket } from './foreign.js';
import { guarded } from './guard.js';

const tapped = new WeakSet<object>();

/** `namespace` is one, or the prototype of all. */
export function tapMiddlewares(namespace: unknown): void {
  let owner = namespace;
  while (isObject(owner) && !Object.hasOwn(owner, 'run')) owner = Object.getPrototypeOf(owner);
  if (!isObject(owner) || typeof owner.run !== 'function' || tapped.has(owner)) return;
  tapped.add(owner);
  const original = owner.run as AnyFunction;
  owner.run = function (this: unknown, ...args: unknown[]) {
    const socket = args[0];
    if (isServerSocket(socket)) guarded('middleware', () => tapOutgoing(socket));
    return Reflect.apply(original, this, args);
  };
}
