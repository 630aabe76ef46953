/** What the probe touches of other people's objects: only what it uses, everything optional that some version lacks. */

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

export interface Packet {
  type?: number;
  id?: number | null;
  data?: unknown[];
}

export interface Server {
  _opts?: { connectionStateRecovery?: unknown };
  _parser?: unknown;
}

/** A Socket.IO server socket of any copy and version. */
export interface ServerSocket {
  id: string;
  nsp: { name: string; adapter?: Record<string, unknown>; sockets?: ReadonlyMap<string, unknown>; server?: Server };
  handshake: { auth?: unknown; query?: unknown; address?: unknown; headers?: { cookie?: unknown } };
  connected?: boolean;
  acks?: unknown;
  conn?: { readyState?: unknown; transport?: { name?: unknown; writable?: unknown } };
  recovered?: unknown;
  request?: { session?: unknown; user?: unknown; socket?: { localPort?: number } };
  data?: unknown;
  user?: unknown;
  username?: unknown;
  server?: Server;
  onevent(packet: Packet): unknown;
  ack(id: number): AnyFunction;
  [method: string]: unknown;
}

export function isServerSocket(value: unknown): value is ServerSocket {
  if (!isObject(value)) return false;
  return isObject(value.nsp) && isObject(value.handshake) && typeof value.onevent === 'function' && typeof value.id === 'string';
}

export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
