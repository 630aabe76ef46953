/** The tap on a server socket: numbers what arrives, reports it, and runs the application in the trace's context. */
import type { FENCE_EVENT, RECORDING_EVENT, SocketInfo } from '../wire/messages.js';
import { takeMissed } from './broadcasts.js';
import { isFollowing, rootContext, within } from './context.js';
import { closeOutgoing, isOpen, openOutgoing, tapOutgoing } from './emissions.js';
import { type AnyFunction, isObject, type Packet, type ServerSocket } from './foreign.js';
import { guarded } from './guard.js';
import { tapHandlers } from './handlers.js';
import { encodeOrNull, now, reportAck, reportConnect, reportDisconnect, reportEmit } from './hub.js';
import { tapMiddlewares } from './middlewares.js';
import { carried } from './parser.js';
import { cookieHashes } from './requests.js';
import { realSetImmediate } from './timers.js';

/** spelled again because messages.ts loads zod; the type holds the two together */
const FENCE: typeof FENCE_EVENT = '$socket-replay:fence';
const RECORDING: typeof RECORDING_EVENT = 'socket-replay:recording';
const MAX_REMEMBERED = 10_000;

const tapped = new WeakSet<ServerSocket>();
const connected = new Map<string, { socket: ServerSocket; at: number }>();
/** by socket id: a recovered connection is a new object that goes on counting */
const counts = new Map<string, number>();

export const connectedSockets = (): SocketInfo[] => [...connected.values()].map(({ socket, at }) => describe(socket, at));

/** An event like any other of the server: the page may show a red dot. Recorders leave it out by its name. */
export function notifyRecording(sids: readonly string[], recording: boolean): void {
  for (const sid of sids) {
    const socket = connected.get(sid)?.socket;
    if (socket !== undefined) guarded('notify', () => Reflect.apply(socket.emit as AnyFunction, socket, [RECORDING, { recording }]));
  }
}

/** Idempotent. In front of the application's own `connection` listeners. */
export function tap(socket: ServerSocket): void {
  if (tapped.has(socket)) return;
  tapped.add(socket);
  tapEvents(socket);
  tapOutgoing(socket);
  tapHandlers(socket);
  tapClose(socket);
  guarded('middlewares', () => tapMiddlewares(socket.nsp));
  const at = now();
  connected.set(socket.id, { socket, at });
  reportConnect(describe(socket, at));
  const missed = takeMissed(socket.id);
  guarded('push', () => openOutgoing(socket, socket.recovered === true ? missed : []));
}

function tapEvents(socket: ServerSocket): void {
  const { onevent, ack } = socket;
  /** the trace whose event is being handed over: Socket.IO makes its ack function meanwhile */
  let current = 0;
  socket.onevent = function (this: unknown, ...given: [packet: Packet, ...rest: unknown[]]) {
    const packet = given[0];
    if (packet?.data?.[0] === FENCE && answerFence(socket, ack as AnyFunction, packet)) return undefined;
    const n = (counts.get(socket.id) ?? 0) + 1;
    counts.set(socket.id, n);
    guarded('emit', () => reportEmit(socket.id, n, String(packet.data?.[0]), packet.data?.slice(1) ?? [], packet.id != null));
    const before = current;
    current = n;
    try {
      return isFollowing() ? within(rootContext(`${socket.id}:${n}`), () => Reflect.apply(onevent, this, given)) : Reflect.apply(onevent, this, given);
    } finally {
      current = before;
    }
  };
  socket.ack = function (this: unknown, ...given: [id: number]) {
    const answer = Reflect.apply(ack, this, given) as AnyFunction;
    const n = current;
    let sent = false;
    return function (this: unknown, ...args: unknown[]) {
      if (!sent) {
        sent = true;
        // A connection that is gone carries nothing.
        if (isOpen(socket)) guarded('ack', () => reportAck(socket.id, n, carried(socket.server, args)));
      }
      return Reflect.apply(answer, this, args);
    };
  };
}

/** Whatever the harness sent before has been handed over by now; its answer follows what that made the application send at once. */
function answerFence(socket: ServerSocket, ack: AnyFunction, packet: Packet): boolean {
  const { id } = packet;
  if (id != null) {
    guarded('fence', () => {
      const answer = Reflect.apply(ack, socket, [id]) as AnyFunction;
      realSetImmediate(() => guarded('fence', () => answer()));
    });
  }
  return true;
}

function tapClose(socket: ServerSocket): void {
  const name = typeof socket._onclose === 'function' ? '_onclose' : 'onclose';
  const original = socket[name];
  if (typeof original !== 'function') return;
  socket[name] = function (this: unknown, ...args: unknown[]) {
    if (connected.get(socket.id)?.socket !== socket) return Reflect.apply(original, this, args);
    guarded('disconnect', () => {
      forget(socket);
      closeOutgoing(socket);
      reportDisconnect(socket.id, String(args[0]));
    });
    return within(rootContext(`${socket.id}:x`), () => Reflect.apply(original, this, args));
  };
}

function forget(socket: ServerSocket): void {
  connected.delete(socket.id);
  if (!socket.server?._opts?.connectionStateRecovery) {
    counts.delete(socket.id);
    return;
  }
  // May come back under the same id; re-added so that the oldest is dropped first.
  const count = counts.get(socket.id);
  counts.delete(socket.id);
  if (count !== undefined) counts.set(socket.id, count);
  if (counts.size <= MAX_REMEMBERED + connected.size) return;
  for (const sid of counts.keys()) {
    if (connected.has(sid)) continue;
    counts.delete(sid);
    return;
  }
}

function describe(socket: ServerSocket, at: number): SocketInfo {
  const { handshake } = socket;
  return {
    sid: socket.id,
    namespace: String(socket.nsp.name),
    user: guarded('user', () => userOf(socket)) ?? null,
    transport: String(guarded('transport', () => socket.conn?.transport?.name) ?? 'unknown'),
    address: typeof handshake.address === 'string' ? handshake.address : '',
    handshake: { auth: encodeOrNull(authOf(socket)), query: encodeOrNull(handshake.query) },
    port: socket.request?.socket?.localPort,
    cookies: guarded('cookies', () => cookieHashes(handshake.headers?.cookie)) ?? [],
    at,
  };
}

/** What a client asks recovery with is not the user's, and another one at every connect. */
function authOf({ handshake: { auth }, server }: ServerSocket): unknown {
  if (!server?._opts?.connectionStateRecovery || !isObject(auth) || typeof auth.pid !== 'string') return auth;
  const { pid: _, offset: __, ...own } = auth;
  return own;
}

/** A name or an id for the list of sessions; the best known first. */
function userOf(socket: ServerSocket): string | null {
  const session = isObject(socket.request?.session) ? socket.request.session : {};
  const passport = isObject(session.passport) ? session.passport.user : undefined;
  const data = isObject(socket.data) ? socket.data : {};
  const candidates = [
    nameIn(passport),
    nameIn(session.user),
    nameIn(socket.request?.user),
    textOf(session.username),
    textOf(session.userId),
    nameIn(data.user),
    nameIn(data),
    nameIn(socket.user),
    nameIn(socket.username),
  ];
  return candidates.find((candidate) => candidate !== null) ?? null;
}

function nameIn(user: unknown): string | null {
  if (!isObject(user)) return textOf(user);
  for (const key of ['username', 'userName', 'name', 'id', 'userId']) {
    const text = textOf(user[key]);
    if (text !== null) return text;
  }
  return null;
}

const textOf = (value: unknown): string | null => ((typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : null);
