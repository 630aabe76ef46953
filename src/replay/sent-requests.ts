/**
 * Which request at the application is which trace. Nothing is added to a request: this end knows the connection that it leaves on, the
 * probe the one that it arrives on, and on one connection both see the same order. What passes something in between (a reverse proxy)
 * arrives on another connection, and is nobody's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FromProbe } from '../wire/messages.js';
import type { Source } from './causes.js';

export interface SentRequests {
  /** Runs what sends the request of a trace. */
  sending<T>(source: Source, send: () => Promise<T>): Promise<T>;
  /** the probe saw one begin */
  begun(message: Extract<FromProbe, { type: 'request' }>): void;
  /** the trace of a cause `http:N`; undefined: not one of ours */
  sourceOf(cause: string | null): Source | undefined;
  end(): void;
}

interface Sent {
  method: string;
  path: string;
  /** undefined: a request of ours that is no trace, such as a login */
  source: Source | undefined;
}

/** What the `fetch` of Node tells of itself, by undici. */
interface Told {
  request: { method?: string; path?: string };
  socket?: { localAddress?: string; localPort?: number };
}

const MADE = 'undici:request:create';
const LEAVES = 'undici:client:sendHeaders';

/** `isProbed`: somebody is going to say what has arrived; without, nothing is kept. */
export function createSentRequests(isProbed: boolean): SentRequests {
  const current = new AsyncLocalStorage<Source>();
  /** not yet seen by the probe, by connection */
  const sent = new Map<string, Sent[]>();
  const traces = new Map<string, Source>();
  const sources = new WeakMap<object, Source>();
  const onMade = (message: unknown): void => {
    const source = current.getStore();
    if (source) sources.set((message as Told).request, source);
  };
  const onLeaves = (message: unknown): void => {
    const { request, socket } = message as Told;
    if (socket?.localPort === undefined) return;
    const from = `${(socket.localAddress ?? '').replace(/^::ffff:/, '')}:${socket.localPort}`;
    const one = { method: request.method ?? '', path: request.path ?? '', source: sources.get(request) };
    const known = sent.get(from);
    if (known) known.push(one);
    else sent.set(from, [one]);
  };
  if (isProbed) {
    subscribe(MADE, onMade);
    subscribe(LEAVES, onLeaves);
  }
  return {
    sending: (source, send) => current.run(source, send),
    begun({ id, method, url, from }) {
      const waiting = sent.get(from) ?? [];
      const found = waiting.findIndex((one) => one.method === method && one.path === url);
      const [request] = found < 0 ? [] : waiting.splice(0, found + 1).slice(-1);
      if (request?.source) traces.set(id, request.source);
    },
    sourceOf: (cause) => (cause?.startsWith('http:') ? traces.get(cause.endsWith('~') ? cause.slice(0, -1) : cause) : undefined),
    end() {
      unsubscribe(MADE, onMade);
      unsubscribe(LEAVES, onLeaves);
    },
  };
}
