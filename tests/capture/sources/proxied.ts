/** A real application behind the proxy, and observers at both ends that know nothing of it. */
import { once } from 'node:events';
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket as NetSocket } from 'node:net';
import { Server, type ServerOptions, type Socket as ServerSocket } from 'socket.io';
import { io as connectTo, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type { SourceEvent, TraceSource } from '../../../src/capture/source.js';
import { proxySource } from '../../../src/capture/sources/proxy.js';
import type { Parser } from '../../../src/wire/parser.js';

type Of<T extends SourceEvent['type']> = Extract<SourceEvent, { type: T }>;

/** What one end saw, in its order: `[event, ...args]`, acknowledgements as `[null, ...args]`. */
interface Seen {
  emits: unknown[][];
  acks: unknown[][];
  pushes: unknown[][];
  answers: unknown[][];
}

export interface World {
  io: Server;
  http: HttpServer;
  /** of the application, and of the proxy */
  direct: string;
  url: string;
  source: TraceSource;
  told: SourceEvent[];
  /** by socket id */
  seen: Map<string, Seen>;
  of<T extends SourceEvent['type']>(type: T): Of<T>[];
  client(options?: Partial<ManagerOptions & SocketOptions>, path?: string): Promise<Socket>;
  /** Resolves when an event has been told for which this holds. */
  until<T extends SourceEvent['type']>(type: T, holds?: (event: Of<T>) => boolean): Promise<Of<T>>;
  /** The application's connections break, and it listens no more. */
  crash(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function proxied(
  options: Partial<ServerOptions> = {},
  onRequest: RequestListener | null = (_, response) => void response.end(),
  parser?: Parser,
): Promise<World> {
  const http = onRequest ? createServer(onRequest) : createServer();
  const sockets = new Set<NetSocket>();
  http.on('connection', (socket) => sockets.add(socket));
  const io = new Server(http, { maxHttpBufferSize: 1e8, ...options });
  const seen = new Map<string, Seen>();
  const at = (sid: string): Seen => {
    const known = seen.get(sid) ?? { emits: [], acks: [], pushes: [], answers: [] };
    seen.set(sid, known);
    return known;
  };
  for (const name of ['/', '/admin']) io.of(name).on('connection', (socket) => serve(socket, at(socket.id)));
  const listen = async (at: number): Promise<number> => {
    http.listen(at, '127.0.0.1');
    await once(http, 'listening');
    return (http.address() as AddressInfo).port;
  };
  const listening = await listen(0);
  const direct = `http://127.0.0.1:${listening}`;
  const { source, port } = await proxySource(new URL(direct), 0, parser);
  const told: SourceEvent[] = [];
  const waiting = new Set<() => void>();
  source.start((event) => {
    told.push(event);
    for (const check of waiting) check();
  });
  const clients: Socket[] = [];
  const url = `http://127.0.0.1:${port}`;
  const of = <T extends SourceEvent['type']>(type: T) => told.filter((event): event is Of<T> => event.type === type);
  return {
    io,
    http,
    direct,
    url,
    source,
    told,
    seen,
    of,
    async client(given = {}, path = '') {
      const socket = connectTo(`${url}${path}`, { forceNew: true, reconnection: false, ...given });
      clients.push(socket);
      const heard: unknown[][] = [];
      socket.onAny((...args: unknown[]) => heard.push(args.filter((arg) => typeof arg !== 'function')));
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
      at(socket.id ?? '').pushes = heard;
      return socket;
    },
    until: (type, holds = () => true) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = of(type).find(holds);
          if (!found) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    async crash() {
      const closed = once(http, 'close');
      http.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async restart() {
      await listen(listening);
    },
    async close() {
      for (const client of clients) client.disconnect();
      source.stop();
      await io.close();
    },
  };
}

function serve(socket: ServerSocket, seen: Seen): void {
  socket.onAny((...args: unknown[]) => seen.emits.push(args.map((arg) => (typeof arg === 'function' ? '(ack)' : arg))));
  socket.emit('ready', socket.nsp.name);
  socket.on('echo', (...args: unknown[]) => (args.pop() as (...answer: unknown[]) => void)(...args));
  socket.on('all', (...args: unknown[]) => void socket.nsp.emit('told', ...args));
  socket.on('quiz', (text: unknown, done: () => void) => {
    socket.timeout(5_000).emit('question', text, (_: unknown, ...answer: unknown[]) => {
      seen.answers.push(answer);
      done();
    });
  });
  socket.on('kick', () => socket.disconnect());
  socket.on('kickAll', () => socket.disconnect(true));
}

/** `emit` with an acknowledgement, all of its arguments, noted where the observer looks. */
export async function ask({ seen }: World, socket: Socket, event: string, ...args: unknown[]): Promise<unknown[]> {
  const answer = await new Promise<unknown[]>((resolve) => socket.emit(event, ...args, (...given: unknown[]) => resolve(given)));
  seen.get(socket.id ?? '')?.acks.push(answer);
  return answer;
}

/** Bytes are the same whatever holds them. */
export const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, item) =>
      ArrayBuffer.isView(item)
        ? { bytes: Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('base64') }
        : item?.type === 'Buffer'
          ? { bytes: Buffer.from(item.data).toString('base64') }
          : item,
    ),
  );
