/**
 * What an observer between clients and their server sees, as events of a capture: Engine.IO messages in, source events out. No
 * I/O. Causes cannot be seen here, so every push has none.
 */
import { parse } from 'node:querystring';
import { decodePacket, type Packet as EnginePacket } from 'engine.io-parser';
import { Decoder, type Packet, PacketType } from 'socket.io-parser';
import { fromJson, type Json } from '../../recording/json.js';
import { any, isObject, type Value } from '../../recording/values.js';
import { encode } from '../../wire/encode.js';
import { FENCE_EVENT } from '../../wire/messages.js';
import type { Parser } from '../../wire/parser.js';
import type { SourceEvent, SourceSocket } from '../source.js';

/** One Engine.IO connection as it was asked for. */
export interface EngineMeta {
  /** path and query of its first request */
  url: string;
  address: string;
  user: string | null;
}

export interface Engine {
  /**
   * One message of the client: a text with its packet type in front (of a polling payload each part, see `messagesOf`), or the
   * bytes of an attachment; in the order in which the server processes them.
   */
  client(message: string | Uint8Array, at: number): void;
  server(message: string | Uint8Array, at: number): void;
  /** Its transport has ended; `broken`: nobody closed it. */
  closed(by: 'client' | 'server' | 'broken', at: number): void;
}

export type Follow<Meta extends EngineMeta = EngineMeta> = (meta: Meta) => Engine;

/** The messages of a polling body. */
export const messagesOf = (payload: string): string[] => payload.split('\x1e');

/** A socket of one namespace. */
interface Followed {
  socket: SourceSocket;
  /** numbers of emits and pushes that wait for an acknowledgement, by its id on the wire */
  asked: Map<number, number>;
  pushed: Map<number, number>;
  /** has said goodbye; what the server sent before it heard that is still on its way */
  left: boolean;
}

/** What a connection has of its source. */
interface Shared {
  tell(event: SourceEvent): void;
  warn(code: string, message: string): void;
  nextPush(): number;
  /** how many emits a socket id has made; a recovered connection goes on counting */
  counts: Map<string, number>;
  open: Map<string, Followed>;
  /** Default: Socket.IO's own */
  parser: Parser | undefined;
}

/** Follows the connections of one source: pushes are numbered, and warnings given once, over all of them. Events come with what was given of their connection. */
export function frameFollower<Meta extends EngineMeta>(tell: (event: SourceEvent, meta: Meta) => void, parser?: Parser): Follow<Meta> {
  const warned = new Set<string>();
  const common = { counts: new Map(), open: new Map(), parser };
  let pushes = 0;
  return (meta) =>
    followEngine(meta, {
      ...common,
      tell: (event) => tell(event, meta),
      warn(code, message) {
        if (!warned.has(code)) tell({ type: 'warning', code, message }, meta);
        warned.add(code);
      },
      nextPush: () => ++pushes,
    });
}

const closeReasons = { client: 'transport close', server: 'forced server close', broken: 'transport error' } as const;

function followEngine(meta: EngineMeta, shared: Shared): Engine {
  const query = { ...parse(meta.url.slice(meta.url.indexOf('?') + 1)) } as Record<string, string | string[]>;
  const sockets = new Map<string, Followed>();
  /** what the client sent with its CONNECT, until the server answers */
  const auths = new Map<string, Value>();
  let transport = String(query.transport ?? 'unknown');
  let awaitsPong = false;
  let readable = true;
  let now = 0;

  const disconnect = (followed: Followed, reason: string): void => {
    if (followed.left) return;
    followed.left = true;
    const { sid } = followed.socket;
    if (shared.open.get(sid) === followed) shared.open.delete(sid);
    if (!followed.socket.recovery) shared.counts.delete(sid);
    shared.tell({ type: 'disconnect', sid, reason, at: now });
  };

  const connected = (nsp: string, { sid, pid }: { sid?: unknown; pid?: unknown }): void => {
    if (typeof sid !== 'string') return unreadable();
    // Its old connection was found dead by the server before the observer could.
    const before = shared.open.get(sid);
    if (before) disconnect(before, 'transport close');
    const { address, user } = meta;
    const recovery = pid !== undefined && { recovery: true as const };
    const auth = recovery ? withoutPlace(auths.get(nsp)) : auths.get(nsp);
    const socket = { sid, namespace: nsp, user, transport, address, handshake: { auth: auth ?? {}, query }, at: now, ...recovery };
    const followed = { socket, asked: new Map(), pushed: new Map(), left: false };
    auths.delete(nsp);
    sockets.set(nsp, followed);
    shared.open.set(sid, followed);
    shared.tell({ type: 'connect', socket });
  };

  const fromClient = ({ type, nsp, id, data }: Packet): void => {
    const followed = sockets.get(nsp);
    if (type === PacketType.CONNECT) auths.set(nsp, (data as Value | undefined) ?? {});
    if (!followed || followed.left) return;
    const { sid } = followed.socket;
    if (type === PacketType.DISCONNECT) disconnect(followed, 'client namespace disconnect');
    else if (type === PacketType.ACK) {
      const push = id === undefined ? undefined : followed.pushed.get(id);
      if (push === undefined) return;
      followed.pushed.delete(id as number);
      shared.tell({ type: 'answer', push, sid, args: data, at: now });
    } else if (type === PacketType.EVENT && data?.[0] !== FENCE_EVENT) {
      const n = (shared.counts.get(sid) ?? 0) + 1;
      shared.counts.set(sid, n);
      if (id !== undefined) followed.asked.set(id, n);
      shared.tell({ type: 'emit', sid, n, event: String(data?.[0]), args: data?.slice(1) ?? [], asks: id !== undefined, at: now });
    }
  };

  const fromServer = ({ type, nsp, id, data }: Packet): void => {
    if (type === PacketType.CONNECT) return connected(nsp, data ?? {});
    if (type === PacketType.CONNECT_ERROR) auths.delete(nsp);
    const followed = sockets.get(nsp);
    if (!followed) return;
    const { sid } = followed.socket;
    if (type === PacketType.DISCONNECT) disconnect(followed, 'server namespace disconnect');
    else if (type === PacketType.ACK) {
      const n = id === undefined ? undefined : followed.asked.get(id);
      if (n === undefined) return;
      followed.asked.delete(id as number);
      shared.tell({ type: 'ack', sid, n, args: data, at: now });
    } else if (type === PacketType.EVENT) {
      const push = shared.nextPush();
      if (id !== undefined) followed.pushed.set(id, push);
      const args: Value[] = data?.slice(1) ?? [];
      if (followed.socket.recovery && id === undefined) hideOffset(args);
      shared.tell({ type: 'push', push, cause: null, event: String(data?.[0]), args, to: [sid], asks: id !== undefined, at: now });
    }
  };

  const unreadable = (): void => {
    readable = false;
    shared.warn(
      'frames_unreadable',
      shared.parser
        ? 'a connection speaks another format than the parser of --parser: it works, but is not recorded.'
        : 'a connection speaks another format than Socket.IO (a custom parser?): it works, but is not recorded. The probe records it, and a proxy that knows its --parser.',
    );
  };

  const lost = (): void => {
    shared.warn('frames_too_deep', `an event was nested deeper than ${MAX_DEPTH} levels: it passed, but is not in the recording.`);
    shared.tell({ type: 'lost', count: 1 });
  };

  /** What is nested too deep is counted as it would be, and lost. */
  const unlessDeep =
    (take: (packet: Packet) => void, by: 'client' | 'server') =>
    (packet: Packet): void => {
      if (!isDeep(packet.data)) return take(packet);
      const followed = sockets.get(packet.nsp);
      if (packet.type === PacketType.CONNECT) take({ ...packet, data: {} });
      else if (packet.type === PacketType.EVENT && by === 'client' && followed && !followed.left)
        shared.counts.set(followed.socket.sid, (shared.counts.get(followed.socket.sid) ?? 0) + 1);
      lost();
    };

  const decode = (decoder: Reader, data: unknown): void => {
    try {
      decoder.add(data);
    } catch (error) {
      // Attachments are put in their places by recursion.
      if (!(error instanceof RangeError)) return unreadable();
      decoder.destroy?.();
      lost();
    }
  };

  const closed: Engine['closed'] = (by, at) => {
    now = at;
    readable = false;
    const reason = by === 'server' && awaitsPong ? 'ping timeout' : closeReasons[by];
    for (const followed of sockets.values()) disconnect(followed, reason);
  };

  if (query.EIO !== '4') {
    readable = false;
    shared.warn('frames_protocol', 'a client speaks the protocol of Socket.IO 2 or older: it works, but is not recorded. The probe records it.');
  }
  const clientDecoder = decoderTo(unlessDeep(fromClient, 'client'), shared.parser);
  const serverDecoder = decoderTo(unlessDeep(fromServer, 'server'), shared.parser);

  /** The bytes may stand in a buffer that is used again. Other parsers want them as Node's servers give them. */
  const copied = (data: string | Uint8Array): string | Uint8Array =>
    typeof data === 'string' ? data : shared.parser ? Buffer.from(data) : new Uint8Array(data);

  /** After the upgrade the transport closes itself; what the old one says of closing means only itself. */
  const isClose = ({ type }: EnginePacket): boolean => type === 'close' && transport !== 'websocket';

  return {
    client(message, at) {
      if (!readable) return;
      now = at;
      awaitsPong = false;
      const packet = decodePacket(message);
      if (packet.type === 'message') decode(clientDecoder, copied(packet.data));
      else if (packet.type === 'upgrade') transport = 'websocket';
      else if (isClose(packet)) closed('client', at);
    },
    server(message, at) {
      if (!readable) return;
      now = at;
      const packet = decodePacket(message);
      if (packet.type === 'message') decode(serverDecoder, copied(packet.data));
      else if (packet.type === 'ping') awaitsPong = true;
      else if (isClose(packet)) closed('server', at);
    },
    closed,
  };
}

/** As deep as the probe encodes. */
const MAX_DEPTH = 200;
function isDeep(value: unknown, depth = -1): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return depth > MAX_DEPTH || Object.values(value).some((item) => isDeep(item, depth + 1));
}

type Reader = InstanceType<Parser['Decoder']>;

/** Without the limit of attachments, which is the application's to set. */
function decoderTo(listener: (packet: Packet) => void, parser: Parser | undefined): Reader {
  if (!parser) {
    const own = new Decoder({ maxAttachments: Number.POSITIVE_INFINITY });
    own.on('decoded', listener);
    return own;
  }
  const decoder = new parser.Decoder();
  decoder.on('decoded', ({ type, data, ...packet }: Packet) => {
    const kind = type === PacketType.BINARY_EVENT ? PacketType.EVENT : type === PacketType.BINARY_ACK ? PacketType.ACK : type;
    // It may carry more than JSON has, such as a Date: that is taken as the probe takes it.
    listener({ ...packet, type: kind, data: data === undefined || isDeep(data) ? data : fromJson(encode(data) as Json) });
  });
  return decoder;
}

/** The server's note of how far the client has come is another one every time. A client takes any text at the end for it; so does this. */
function hideOffset(args: Value[]): void {
  if (typeof args.at(-1) === 'string') args[args.length - 1] = any('string');
}

/** Where a client that comes back left off is not the user's. */
function withoutPlace(auth: Value | undefined): Value | undefined {
  if (!isObject(auth) || typeof auth.pid !== 'string') return auth;
  const { pid: _, offset: __, ...own } = auth;
  return own;
}
