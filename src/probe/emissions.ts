/**
 * Groups what leaves by emission: Socket.IO notifies each receiver's outgoing listeners with the same packet object, so the
 * packet is the emission. `notifyOutgoingListeners` is overridden on the instance instead of adding a listener: the
 * application's own list, and its `offAnyOutgoing()`, stay what they were. Versions before 4.5 have no such method: there
 * `packet` and the adapter's `apply` say who receives.
 */
import { broadcasts, tapAdapter } from './broadcasts.js';
import { currentContext, rootContext, within } from './context.js';
import type { AnyFunction, Packet, ServerSocket } from './foreign.js';
import { tapForeignAdapter } from './foreign-adapters.js';
import { guarded } from './guard.js';
import { beginEmission, type Emission, isWanted, reportAnswer, warn } from './hub.js';
import { carried } from './parser.js';

/** Socket.IO's packet types that are events; 5 has binary data. */
const EVENTS: readonly unknown[] = [2, 5];

const emissions = new WeakMap<Packet, Emission>();
/** What one socket is sent and may get lost. */
const volatiles = new WeakSet<Packet>();
/** What was sent to sockets that are not let in yet: it arrives when they are. */
const held = new WeakMap<ServerSocket, Packet[]>();
const open = new WeakSet<ServerSocket>();
const tapped = new WeakSet<ServerSocket>();
const bound = new WeakSet<AnyFunction>();

/** Idempotent; from here on what is sent to the socket is held. */
export function tapOutgoing(socket: ServerSocket): void {
  if (tapped.has(socket)) return;
  tapped.add(socket);
  held.set(socket, []);
  const { notifyOutgoingListeners: notify, packet: write } = socket;
  const notifies = typeof notify === 'function';
  // First the prototype: the instance keeps what it finds.
  if (notifies) guarded('adapter', () => tapForeignAdapter(socket.nsp.adapter, leaves));
  guarded('adapter', () => tapAdapter(socket.nsp, { reaches: notifies ? undefined : leaves, ended }));
  if (notifies) {
    // Once a receiver: nothing is made that is not needed.
    socket.notifyOutgoingListeners = function (this: unknown, packet: Packet) {
      if (matters(packet)) guarded('push', () => leaves(socket, packet));
      // biome-ignore lint/complexity/noArguments: see above
      return Reflect.apply(notify, this, arguments as unknown as unknown[]);
    };
  } else if (typeof socket.nsp.adapter?.apply !== 'function') {
    warn('pushes-unseen', 'This Socket.IO is older than 4.0: what the server broadcasts is not seen by the probe.');
  }
  if (typeof write !== 'function') return;
  socket.packet = function (this: unknown, packet: Packet, options?: { volatile?: unknown; preEncoded?: unknown }) {
    if ((!notifies || options?.volatile === true) && matters(packet) && EVENTS.includes(packet.type) && options?.preEncoded !== true) {
      guarded('push', () => {
        if (options?.volatile === true) markVolatile(packet);
        if (!notifies) leaves(socket, packet, options?.volatile === true);
        else if (!takes(socket)) retract(socket, packet);
      });
    }
    // biome-ignore lint/complexity/noArguments: see above
    return Reflect.apply(write, this, arguments as unknown as unknown[]);
  };
}

/** The socket was let in: what was held for it is its connect's. `missed` was sent again by a connection state recovery. */
export function openOutgoing(socket: ServerSocket, missed: readonly Packet[]): void {
  const packets = [...missed, ...(held.get(socket) ?? [])];
  held.delete(socket);
  open.add(socket);
  if (packets.length === 0) return;
  within(rootContext(`${socket.id}:0`), () => {
    for (const packet of packets) onOutgoing(socket, packet);
  });
}

/** Whatever is still sent to it arrives nowhere. */
export const closeOutgoing = (socket: ServerSocket): unknown => open.delete(socket);
export const isOpen = (socket: ServerSocket): boolean => open.has(socket) && isConnected(socket);

/** Without a reader only answers are followed. */
const matters = (packet: Packet): boolean => isWanted() || packet.id != null;

function leaves(socket: ServerSocket, packet: Packet, volatile = broadcasts.get(packet)?.volatile === true): void {
  if (!isConnected(socket)) return;
  if (volatile && !takes(socket)) {
    if (open.has(socket) && isWanted()) lose(emissionOf(packet, false, socket.nsp), socket);
    return;
  }
  if (open.has(socket)) onOutgoing(socket, packet);
  else held.get(socket)?.push(packet);
}

const isConnected = ({ conn }: ServerSocket): boolean => conn?.readyState === undefined || conn.readyState === 'open';
/** What is volatile is thrown away where it would have to wait. */
const takes = ({ conn }: ServerSocket): boolean => conn?.transport?.writable !== false;

function onOutgoing(socket: ServerSocket, packet: Packet): void {
  const asks = packet.id !== undefined && packet.id !== null;
  const emission = isWanted() ? add(socket, packet, asks) : undefined;
  if (asks && packet.id != null) bindAck(socket, packet.id, emission?.push);
}

function add(socket: ServerSocket, packet: Packet, asks: boolean): Emission {
  const emission = emissionOf(packet, asks, socket.nsp);
  emission.to.push(socket.id);
  return emission;
}

/** Socket.IO says so only after it has notified. */
function markVolatile(packet: Packet): void {
  volatiles.add(packet);
  const emission = emissions.get(packet);
  if (emission) emission.volatile = true;
}

/** Socket.IO throws it away only after it has notified. */
function retract(socket: ServerSocket, packet: Packet): void {
  const waiting = held.get(socket);
  if (waiting?.at(-1) === packet) waiting.pop();
  const emission = emissions.get(packet);
  if (emission?.to.at(-1) !== socket.id) return;
  emission.to.pop();
  lose(emission, socket);
}

/** Who records is told: next time it may arrive. */
function lose(emission: Emission, { id }: ServerSocket): void {
  emission.lost ??= [];
  emission.lost.push(id);
}

/** A broadcast that reached nobody says all the same to whom it would have gone. */
function ended(packet: Packet, nsp: ServerSocket['nsp']): void {
  if (broadcasts.get(packet)?.except !== undefined && !emissions.has(packet) && isWanted()) emissionOf(packet, false, nsp);
}

function emissionOf(packet: Packet, asks: boolean, { server }: ServerSocket['nsp']): Emission {
  let emission = emissions.get(packet);
  if (emission === undefined || emission.sent) {
    const broadcast = broadcasts.get(packet);
    const data = broadcast?.data ?? packet.data ?? [];
    const [event, ...args] = carried(server, data);
    const hasOffset = broadcast?.length !== undefined && data.length > broadcast.length;
    emission = beginEmission(String(event), args, asks, { ...(broadcast?.except && { except: broadcast.except }), ...(hasOffset && { offset: true }) });
    if (broadcast?.volatile || volatiles.has(packet)) emission.volatile = true;
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
