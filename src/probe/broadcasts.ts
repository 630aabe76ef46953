/** The tap on a namespace's adapter: what a broadcast under way leaves out, how it is sent, and what a recovery sends again. */
import { tapArrivals, withCause } from './carried-causes.js';
import type { AnyFunction, Packet, ServerSocket } from './foreign.js';
import { isObject } from './foreign.js';
import { guarded } from './guard.js';
import { isWanted } from './hub.js';

type Namespace = ServerSocket['nsp'];

export interface Broadcast {
  /** the event and its arguments; older encoders leave placeholders for binary data in the packet, before anybody is notified */
  data: unknown[];
  /** The sockets that it leaves out on purpose: `socket.broadcast` and `socket.to` leave their sender out, which cannot be told from who else is left out by chance. */
  except?: string[];
  volatile?: true;
  /** how many values it had before a connection state recovery added its offset */
  length?: number;
}

export interface Taps {
  /** for each receiver, where Socket.IO notifies nobody */
  reaches: ((socket: ServerSocket, packet: Packet) => void) | undefined;
  ended(packet: Packet, nsp: Namespace): void;
}

/** What is to be known of the broadcasts under way. */
export const broadcasts = new WeakMap<Packet, Broadcast>();
const tapped = new WeakSet<object>();
/** by socket id, until it is connected */
const missed = new Map<string, Packet[]>();
const MAX_MISSED = 1_000;

export function tapAdapter(nsp: Namespace, taps: Taps): void {
  const { adapter } = nsp;
  if (adapter === undefined || tapped.has(adapter)) return;
  tapped.add(adapter);
  guarded('adapter', () => tapArrivals(adapter));
  let sending: Packet | undefined;
  for (const name of ['broadcast', 'broadcastWithAck']) {
    const original = adapter[name];
    if (typeof original !== 'function') continue;
    adapter[name] = function (this: unknown, packet: Packet, options: unknown, ...rest: unknown[]) {
      if (!isWanted()) return Reflect.apply(original, this, [packet, options, ...rest]);
      guarded('broadcast', () => broadcasts.set(packet, describe(packet, options, nsp)));
      const before = sending;
      sending = packet;
      try {
        return Reflect.apply(original, this, [packet, guarded('broadcast', () => withCause(adapter, options)) ?? options, ...rest]);
      } finally {
        sending = before;
        guarded('broadcast', () => taps.ended(packet, nsp));
      }
    };
  }
  const { apply } = adapter;
  const { reaches } = taps;
  if (reaches && typeof apply === 'function') {
    adapter.apply = function (this: unknown, options: unknown, callback: AnyFunction) {
      const packet = sending;
      if (packet === undefined) return Reflect.apply(apply, this, [options, callback]);
      const each = (socket: unknown): unknown => {
        guarded('push', () => reaches(socket as ServerSocket, packet));
        return callback(socket);
      };
      return Reflect.apply(apply, this, [options, each]);
    };
  }
  tapRecovery(adapter);
}

function describe({ data = [] }: Packet, options: unknown, { sockets, server }: Namespace): Broadcast {
  const { except, flags } = isObject(options) ? options : {};
  const leftOut = except instanceof Set ? [...except].filter((id): id is string => typeof id === 'string' && sockets?.has(id) === true) : [];
  return {
    data,
    ...(leftOut.length > 0 && { except: leftOut }),
    ...(isObject(flags) && flags.volatile === true && { volatile: true }),
    ...(server?._opts?.connectionStateRecovery !== undefined && { length: data.length }),
  };
}

/** What was missed is sent from inside the new socket's constructor, when nobody can know it yet. */
function tapRecovery(adapter: Record<string, unknown>): void {
  const original = adapter.restoreSession;
  if (typeof original !== 'function') return;
  adapter.restoreSession = function (this: unknown, ...args: unknown[]) {
    const result: unknown = Reflect.apply(original, this, args);
    if (result instanceof Promise) result.then((session) => guarded('recovery', () => remember(session)), ignore);
    return result;
  };
}

/** The application gets its own rejection. */
const ignore = (): void => undefined;

function remember(session: unknown): void {
  if (!isObject(session) || typeof session.sid !== 'string' || !Array.isArray(session.missedPackets)) return;
  if (missed.size >= MAX_MISSED) missed.clear();
  missed.set(session.sid, session.missedPackets.map(packetOf));
}

/** Each ends with its offset. */
function packetOf(data: unknown[]): Packet {
  const packet = { data };
  broadcasts.set(packet, { data, length: data.length - 1 });
  return packet;
}

/** Once: what a recovery has sent again to this socket. */
export function takeMissed(sid: string): Packet[] {
  const packets = missed.get(sid) ?? [];
  missed.delete(sid);
  return packets;
}
