/**
 * Adapters of other packages (Redis, PostgreSQL) may bring a copy of socket.io-adapter from before 2.4: its broadcasts notify
 * nobody of what leaves. There the prototype is tapped, because what other processes send enters below the instance.
 */
import { type AnyFunction, isObject, type Packet, type ServerSocket } from './foreign.js';
import { guarded } from './guard.js';

const tapped = new WeakSet<object>();

/** `leaves` is called for each receiver of a broadcast of which its socket is not notified. */
export function tapForeignAdapter(adapter: unknown, leaves: (socket: ServerSocket, packet: Packet) => void): void {
  const base = baseOf(adapter);
  // Decided once: another tap of ours may stand there later. Property names survive a minifier.
  if (base === undefined || tapped.has(base)) return;
  tapped.add(base);
  if (String(base.broadcast).includes('notifyOutgoingListeners')) return;
  const { broadcast, apply } = base;
  let sending: Packet | undefined;
  base.broadcast = function (this: unknown, ...args: unknown[]) {
    const before = sending;
    sending = args[0] as Packet;
    try {
      return Reflect.apply(broadcast, this, args);
    } finally {
      sending = before;
    }
  };
  base.apply = function (this: unknown, ...args: unknown[]) {
    const packet = sending;
    const [options, callback] = args;
    if (packet === undefined || typeof callback !== 'function') return Reflect.apply(apply, this, args);
    const each = (socket: unknown): unknown => {
      guarded('push', () => leaves(socket as ServerSocket, packet));
      return callback(socket);
    };
    return Reflect.apply(apply, this, [options, each]);
  };
}

interface Base {
  broadcast: AnyFunction;
  apply: AnyFunction;
}

/** The class at the root of the adapter's: the one that knows the sockets. */
function baseOf(adapter: unknown): Base | undefined {
  let found: Base | undefined;
  for (let prototype: unknown = adapter; isObject(prototype) && prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype)) {
    const { broadcast, apply } = Object.getOwnPropertyDescriptors(prototype);
    if (typeof broadcast?.value === 'function' && typeof apply?.value === 'function') found = prototype as unknown as Base;
  }
  return found;
}
