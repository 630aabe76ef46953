/** One replaying socket: connects, emits, counts what really leaves, and hands over what comes, in the order of the wire. */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Manager } from 'socket.io-client';
import { greet } from '../auth/event-login.js';
import { type Greeting, within } from '../auth/identity.js';
import { fromJson, type Json } from '../recording/json.js';
import { mapValue, type Value, type ValueObject } from '../recording/values.js';
import { encode } from '../wire/encode.js';
import { FENCE_EVENT } from '../wire/messages.js';
import type { Parser } from '../wire/parser.js';
import { shakeHands } from './handshake.js';
import { limited, TOO_DEEP } from './limits.js';

export interface ClientOptions {
  target: string;
  namespace: string;
  auth?: ValueObject;
  query?: Record<string, string>;
  /** value of the Cookie header */
  cookie?: string;
  headers?: Record<string, string>;
  path?: string;
  /** Default websocket */
  transport?: 'websocket' | 'polling';
  /** Default: Socket.IO's own */
  parser?: Parser;
  /** milliseconds */
  connectTimeout: number;
  onPush(event: string, args: Value[], answer?: (args: Value[]) => void): void;
  /** the handshake has been answered; at once, because what follows may be in the same batch of packets */
  onUp(): void;
  /** an answer to the handshake, or to a poll, sets cookies; what the Cookie header is from now on, undefined: as before */
  onCookies(set: string[]): string | undefined;
  /** the server, or the network, ended the connection after it was up */
  onDown(reason: string): void;
}

export interface Client {
  /** the socket id; undefined before it is connected */
  sid(): string | undefined;
  /** Connects; rejects with a sentence that says why not. `gently`: with a pause before its first packet. */
  connect(gently?: boolean): Promise<void>;
  /** Sends; returns its number on this connection, 0 when it could not leave. Throws where the event has a reserved name. */
  emit(event: string, args: Value[], onAck?: (args: Value[]) => void): number;
  /** A login event, counted as any other; its answer. Rejects with a ReplayError that says why not. */
  greet(greeting: Greeting): Promise<Value[]>;
  /** As recorded: says goodbye, or drops the connection without a word. */
  disconnect(reason: string): void;
  /** true when the server has answered the fence: nothing that it sent before is still on the way */
  fence(timeout: number): Promise<boolean>;
  /** The same without a probe: two CONNECTs to a namespace that does not exist, one after the other. */
  fenceByNamespace(timeout: number): Promise<boolean>;
  /** Ends everything, also what is being waited for; resolves when the connection is closed. Nothing is handed over any more. */
  close(): Promise<void>;
}

/** A server that does not answer the closing handshake is not waited for longer. */
const CLOSE_TIMEOUT = 1000;

export function createClient(options: ClientOptions): Client {
  /** `quiet`: what comes now is of no interest; `leaving`: the end of the connection is our own doing */
  let quiet = false;
  let leaving = false;
  let up = false;
  let sent = 0;
  const cancels = new Set<() => void>();
  const onCancel = (cancel: () => void): (() => void) => {
    cancels.add(cancel);
    return () => cancels.delete(cancel);
  };
  const cancelAll = (): void => {
    for (const cancel of [...cancels]) cancel();
  };
  /** read anew at each request */
  const headers: Record<string, string> = { ...options.headers, ...(options.cookie === undefined ? {} : { cookie: options.cookie }) };
  const answeredBy = ({ headers: { 'set-cookie': set = [] } }: IncomingMessage): void => {
    const cookie = set.length > 0 ? options.onCookies(set) : undefined;
    if (cookie !== undefined) headers.cookie = cookie;
  };
  const manager = new Manager(new URL(options.target).origin, {
    autoConnect: false,
    reconnection: false,
    transports: [options.transport ?? 'websocket'],
    timeout: options.connectTimeout,
    extraHeaders: headers,
    // What there is in Node is not in the types, which are those of browsers.
    ...(options.transport === 'polling' && { agent: observedBy(answeredBy, options.target) as unknown as string }),
    ...(options.path === undefined ? {} : { path: options.path }),
    ...(options.query && { query: options.query }),
    ...(options.parser && { parser: options.parser }),
  });
  const [incoming, outgoing] = options.parser ? [asJson, asBuffers] : [limited, (args: Value[]) => args];
  // Not `io(url)`: a namespace is a name, and may look like a host (`//other`) or a query.
  const socket = manager.socket(options.namespace, options.auth && { auth: options.auth });
  socket.onAnyOutgoing((event: string) => {
    if (event !== FENCE_EVENT) sent++;
  });
  socket.onAny((event: unknown, ...rest: unknown[]) => {
    if (quiet) return;
    const last = rest.at(-1);
    if (typeof last === 'function') options.onPush(String(event), incoming(rest.slice(0, -1) as Value[]), (args) => void last(...outgoing(args)));
    else options.onPush(String(event), incoming(rest as Value[]));
  });
  socket.on('connect', () => {
    up = true;
    options.onUp();
  });
  socket.on('disconnect', (reason) => {
    cancelAll();
    if (up && !leaving) options.onDown(reason);
  });

  const answered = (timeout: number, ask: (done: (answer: boolean) => void) => void): Promise<boolean> =>
    new Promise((resolve) => {
      const done = (answer: boolean): void => {
        clearTimeout(timer);
        forget();
        resolve(answer);
      };
      const timer = setTimeout(() => done(false), timeout);
      const forget = onCancel(() => done(false));
      if (socket.connected) ask(done);
      else done(false);
    });
  const refused = (namespace: string, timeout: number): Promise<boolean> =>
    answered(timeout, (done) => {
      const other = manager.socket(namespace);
      other.once('connect_error', () => done(true));
      other.once('connect', () => {
        other.disconnect();
        done(false);
      });
      other.connect();
    });

  return {
    sid: () => socket.id,
    connect(gently = false) {
      const done = shakeHands(socket, options.connectTimeout, gently, onCancel);
      webSocketOf(manager)?.once('upgrade', answeredBy);
      return done;
    },
    emit(event, args, onAck) {
      const before = sent;
      if (onAck) socket.emit(event, ...outgoing(args), (...answer: Value[]) => !quiet && onAck(incoming(answer)));
      else socket.emit(event, ...outgoing(args));
      return sent > before ? sent : 0;
    },
    async greet(greeting) {
      const over = new AbortController();
      const forget = onCancel(() => over.abort());
      try {
        return incoming((await greet(socket, { ...greeting, args: outgoing(greeting.args) }, within(greeting.timeout, over.signal))) as Value[]);
      } finally {
        forget();
      }
    },
    disconnect(reason) {
      leaving = true;
      if (/^(transport|ping) /.test(reason)) manager.engine?.close();
      else socket.disconnect();
    },
    fence: (timeout) => answered(timeout, (done) => socket.emit(FENCE_EVENT, () => done(true))),
    // One alone is overtaken by events that the server still handles in the same tick.
    fenceByNamespace: async (timeout) => (await refused('/socket-replay-fence-1', timeout)) && (await refused('/socket-replay-fence-2', timeout)),
    async close() {
      quiet = leaving = true;
      cancelAll();
      const closed = whenClosed(manager);
      socket.disconnect();
      // An unanswered fence would keep the connection open.
      manager.engine?.close();
      await closed;
    },
  };
}

/** A parser may carry more than JSON has, such as a Date or undefined: it is taken as the probe takes it. */
const asJson = (args: Value[]): Value[] => (limited(args) === TOO_DEEP ? TOO_DEEP : args.map((arg) => fromJson(encode(arg) as Json)));

/** What a parser makes of other bytes is its own: msgpack sends the whole memory around a view. */
const asBuffers = (args: Value[]): Value[] =>
  mapValue(args, (node) => (node instanceof Uint8Array ? Buffer.from(node.buffer, node.byteOffset, node.byteLength) : undefined)) as Value[];

/** The part of a `ws` WebSocket that is used. */
interface WebSocketLike {
  once(event: 'close', listener: () => void): void;
  once(event: 'upgrade', listener: (response: IncomingMessage) => void): void;
  terminate(): void;
  readyState: number;
}

const webSocketOf = (manager: Manager): WebSocketLike | undefined => {
  const { ws } = (manager.engine?.transport ?? {}) as { ws?: WebSocketLike | null };
  return ws && typeof ws.once === 'function' ? ws : undefined;
};

/** A connection for each request, as Engine.IO makes them without an agent; their answers are shown first of all. */
function observedBy(answered: (response: IncomingMessage) => void, target: string): HttpAgent {
  const agent = new (new URL(target).protocol === 'https:' ? HttpsAgent : HttpAgent)() as HttpAgent & {
    addRequest(request: ClientRequest, ...rest: unknown[]): void;
  };
  const { addRequest } = agent;
  agent.addRequest = (request, ...rest) => {
    request.once('response', answered);
    addRequest.call(agent, request, ...rest);
  };
  return agent;
}

/** Engine.IO says `close` before the connection is; the WebSocket below it knows better. */
function whenClosed(manager: Manager): Promise<void> {
  const ws = webSocketOf(manager);
  if (!ws || ws.readyState === 3) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => ws.terminate(), CLOSE_TIMEOUT);
    ws.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
