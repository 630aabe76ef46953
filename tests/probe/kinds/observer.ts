/** What one client sees of one namespace, taken from its own packets: nothing in here knows the probe, but the hash that both ends must agree on. */
import { Manager, type ManagerOptions, type Socket } from 'socket.io-client';
import { hashArgs } from '../../../src/wire/encode.js';

export interface Sent {
  event: string;
  args: unknown[];
  asks: boolean;
}
export interface Acked {
  n: number;
  args: unknown[];
}
export interface Received {
  event: string;
  args: unknown[];
  asks: boolean;
  /** what a replaying client makes of it */
  hash: string;
  answer?: unknown[];
}

interface Packet {
  type: number;
  id?: number;
  data: unknown[];
}
interface Internals {
  packet(packet: Packet): void;
  onack(packet: Packet): void;
  ack(id: number): (...args: unknown[]) => void;
}

const EVENT = 2;
const ACK = 3;
const RESERVED = '$socket-replay:fence';

export class Observer {
  readonly sent: Sent[] = [];
  readonly acked: Acked[] = [];
  readonly received: Received[] = [];
  /** the socket id, also after the end */
  sid = '';
  refusal: (Error & { data?: unknown }) | undefined;

  constructor(
    readonly socket: Socket,
    jsonOnly = false,
  ) {
    const internals = socket as unknown as Internals;
    const numbers = new Map<number, number>();
    const asked = new Map<number, Received>();
    const ids = new WeakMap<object, number>();
    const { packet: leave, onack, ack } = internals;
    internals.packet = (packet) => {
      const { type, id, data } = packet;
      if (type === EVENT && data[0] !== RESERVED) {
        const args = data.slice(1);
        this.sent.push({ event: String(data[0]), args: plain(jsonOnly ? JSON.parse(JSON.stringify(args)) : args) as unknown[], asks: id !== undefined });
        if (id !== undefined) numbers.set(id, this.sent.length);
      }
      const question = type === ACK && id !== undefined ? asked.get(id) : undefined;
      if (question) question.answer = plain(jsonOnly ? JSON.parse(JSON.stringify(data)) : data) as unknown[];
      leave.call(socket, packet);
    };
    internals.onack = (packet) => {
      const n = numbers.get(packet.id ?? -1);
      if (n !== undefined) this.acked.push({ n, args: plain(packet.data) as unknown[] });
      onack.call(socket, packet);
    };
    internals.ack = (id) => {
      const answer = ack.call(socket, id);
      ids.set(answer, id);
      return answer;
    };
    socket.onAny((event: string, ...given: unknown[]) => {
      const answer = given.at(-1);
      const id = typeof answer === 'function' ? ids.get(answer) : undefined;
      const args = id === undefined ? given : given.slice(0, -1);
      const received: Received = { event, args: plain(args) as unknown[], asks: id !== undefined, hash: hashArgs(args) };
      this.received.push(received);
      if (id !== undefined) asked.set(id, received);
    });
    socket.on('connect', () => (this.sid = socket.id ?? ''));
    socket.on('connect_error', (error) => (this.refusal = error));
  }

  /** Sends with this client's next tag, and resolves with the acknowledgement. */
  ask(event: string, ...args: unknown[]): Promise<unknown[]> {
    return new Promise((resolve) => this.socket.emit(event, this.tag(), ...args, (...answer: unknown[]) => resolve(answer)));
  }

  tell(event: string, ...args: unknown[]): void {
    this.socket.emit(event, this.tag(), ...args);
  }

  /** Resolves when `count` pushes of this event have come. */
  async pushes(event: string, count = 1): Promise<void> {
    await until(() => this.received.filter((push) => push.event === event).length >= count, this.socket);
  }

  private tags = 0;
  private tag(): string {
    this.tags += 1;
    return `${this.sid}-${this.tags}`;
  }
}

/** Checked again at everything that arrives. */
function until(done: () => boolean, socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (!done()) return;
      socket.offAny(check);
      resolve();
    };
    socket.onAny(check);
    check();
  });
}

/** `jsonOnly`: what the parser makes of a Buffer is what arrives */
export type ClientOptions = Partial<ManagerOptions> & { jsonOnly?: boolean };

export interface Managed {
  manager: Manager;
  jsonOnly: boolean;
}

/** Not connected yet. */
export function managed(port: number, { jsonOnly = false, ...options }: ClientOptions = {}): Managed {
  return { jsonOnly, manager: new Manager(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false, autoConnect: false, ...options }) };
}

export function observe({ manager, jsonOnly }: Managed, namespace = '/', auth: Record<string, unknown> = {}): Observer {
  return new Observer(manager.socket(namespace, { auth }), jsonOnly);
}

/** Resolves when it is connected or refused. */
export async function connected(observer: Observer): Promise<Observer> {
  const over = new Promise((resolve) => {
    observer.socket.once('connect', () => resolve(undefined));
    observer.socket.once('connect_error', resolve);
  });
  observer.socket.connect();
  await over;
  return observer;
}

const binary = (bytes: Buffer): unknown => ({ '!binary': bytes.toString('base64') });

/** A value as JSON can show it: what was sent and what arrived become comparable, whatever the parser. */
function plain(value: unknown): unknown {
  if (value === undefined || typeof value === 'function') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return binary(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof ArrayBuffer) return binary(Buffer.from(value));
  if (Array.isArray(value)) return Array.from(value, plain);
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON());
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined && typeof item !== 'function')
      .map(([key, item]) => [key, plain(item)]),
  );
}
