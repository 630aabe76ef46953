/**
 * Groups what leaves by emission: Socket.IO notifies each receiver's outgoing listeners with the same packet object, so the
 * packet is the emission. `notifyOutgoingListeners` is overridden on the instance instead of adding a listener: the
 * application's own list, and its `offAnyOutgoing()`, stay what they were.
 */
import { currentContext, within } from './context.js';
import type { AnyFunction, Packet, ServerSocket } from './foreign.js';
import { guarded } from './guard.js';
import { beginEmission, type Emission, isWanted, reportAnswer, warn } from './hub.js';

const emissions = new WeakMap<Packet, Emission>();
/** The sockets that a broadcast under way leaves out. */
const leftOut = new WeakMap<Packet, string[]>();
const tapped = new WeakSet<object>();
const bound = new WeakSet<AnyFunction>();

export function tapOutgoing(socket: ServerSocket): void {
  guarded('adapter', () => tapAdapter(socket.nsp));
  const original = socket.notifyOutgoingListeners;
  if (typeof original !== 'function') {
    warn('pushes-unseen', 'This Socket.IO is older than 4.5: what the server sends is not seen by the probe.');
    return;
  }
  // Once a receiver: nothing is made that is not needed.
  socket.notifyOutgoingListeners = function (this: unknown, packet: Packet) {
    if (isWanted() || packet?.id != null) guarded('push', () => onOutgoing(socket, packet));
    // biome-ignore lint/complexity/noArguments: see above
    return Reflect.apply(original as AnyFunction, this, arguments as unknown as unknown[]);
  };
}

/** `socket.broadcast` and `socket.to` leave their sender out: that is said, because who else is left out by chance cannot be told from it. */
function tapAdapter({ adapter, sockets }: ServerSocket['nsp']): void {
  const original = adapter?.broadcast;
  if (adapter === undefined || typeof original !== 'function' || tapped.has(adapter)) return;
  tapped.add(adapter);
  adapter.broadcast = function (this: unknown, packet: Packet, options: { except?: unknown }, ...rest: unknown[]) {
    if (!isWanted() || !(options?.except instanceof Set) || options.except.size === 0)
      return Reflect.apply(original as AnyFunction, this, [packet, options, ...rest]);
    const { except } = options;
    guarded('broadcast', () => {
      const sids = [...except].filter((id): id is string => typeof id === 'string' && sockets?.has(id) === true);
      if (sids.length > 0) leftOut.set(packet, sids);
    });
    const result = Reflect.apply(original as AnyFunction, this, [packet, options, ...rest]);
    // A broadcast that reached nobody says all the same to whom it would have gone.
    guarded('broadcast', () => {
      if (leftOut.has(packet) && !emissions.has(packet) && isWanted()) emissionOf(packet, false);
    });
    return result;
  };
}

function onOutgoing(socket: ServerSocket, packet: Packet): void {
  const asks = packet.id !== undefined && packet.id !== null;
  const emission = isWanted() ? add(socket.id, packet, asks) : undefined;
  if (asks && packet.id != null) bindAck(socket, packet.id, emission?.push);
}

function add(sid: string, packet: Packet, asks: boolean): Emission {
  const emission = emissionOf(packet, asks);
  emission.to.push(sid);
  return emission;
}

function emissionOf(packet: Packet, asks: boolean): Emission {
  let emission = emissions.get(packet);
  if (emission === undefined || emission.sent) {
    const [event, ...args] = packet.data ?? [];
    emission = beginEmission(String(event), args, asks, leftOut.get(packet));
    emissions.set(packet, emission);
  }
  return emission;
}

/** The client's answer arrives in the connection's context: the application's callback belongs to the trace that asked. */
function bindAck(socket: ServerSocket, id: number, push: number | undefined): void {
  if (!(socket.acks instanceof Map)) return;
  const acks = socket.acks as Map<number, AnyFunction>;
  const callback = acks.get(id);
  if (typeof callback !== 'function' || bound.has(callback)) return;
  const context = currentContext();
  const replacement: AnyFunction = function (this: unknown, ...args: unknown[]) {
    if (push !== undefined) guarded('answer', () => reportAnswer(push, socket.id, args));
    return within(context, () => Reflect.apply(callback, this, args));
  };
  bound.add(replacement);
  acks.set(id, replacement);
}
