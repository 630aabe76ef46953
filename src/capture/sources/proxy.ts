/** A proxy in front of the application as a source: clients use its address. What passes is seen; causes and rows are not. */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { BODY_LIMIT } from '../../recording/http.js';
import type { Parser } from '../../wire/parser.js';
import { type EngineMeta, frameFollower } from '../frames/follow.js';
import { type Identity, identityOf, userOfHost } from '../proxy/clients.js';
import { createEngines, isEngine } from '../proxy/engines.js';
import { clientCookie } from '../proxy/headers.js';
import { checkTarget, startProxy, type Tap } from '../proxy/server.js';
import { clientRequests, requestEvent } from '../requests.js';
import type { SourceEvent, SourceSocket, TraceSource } from '../source.js';

/** How long nothing must have passed before all is said to be over. */
const QUIET_MS = 100;
const POLL_MS = 20;

interface Meta extends EngineMeta {
  identity: Identity;
}

export interface ProxySource {
  source: TraceSource;
  /** the port that clients open */
  port: number;
}

/** `parser`: where it is another than Socket.IO's own. */
export async function proxySource(target: URL, port: number, parser?: Parser): Promise<ProxySource> {
  await checkTarget(target);
  const sockets = new Map<string, SourceSocket>();
  const clients = clientRequests();
  /** emits that wait for their acknowledgement, by socket */
  const unanswered = new Map<string, Set<number>>();
  let listener: ((event: SourceEvent) => void) | undefined;
  let lastTold = 0;
  let requests = 0;
  const now = (): number => performance.timeOrigin + performance.now();

  const pass = (event: SourceEvent): void => {
    lastTold = now();
    listener?.(event);
  };

  const tell = (event: SourceEvent, { identity }: Meta): void => {
    if (event.type === 'connect') {
      sockets.set(event.socket.sid, event.socket);
      clients.connected(event.socket.sid, identity);
    } else if (event.type === 'disconnect') {
      sockets.delete(event.sid);
      unanswered.delete(event.sid);
      clients.disconnected(event.sid, () => pass(event));
      return;
    } else if (event.type === 'emit') {
      clients.active(event.sid);
      if (event.asks && listener) unanswered.set(event.sid, (unanswered.get(event.sid) ?? new Set()).add(event.n));
    } else if (event.type === 'ack') unanswered.get(event.sid)?.delete(event.n);
    pass(event);
  };

  const engines = createEngines(frameFollower(tell, parser), now);
  const metaOf = ({ url = '', socket, headers }: IncomingMessage, identity: Identity): Meta => ({
    url,
    address: socket.remoteAddress ?? '',
    user: userOfHost(headers.host),
    identity,
  });

  const follow = (request: IncomingMessage, identity: Identity): Tap['tap'] => {
    const { url = '/', method = 'GET', headers } = request;
    const client = clients.begin(identity, method);
    const at = now();
    let sent: Buffer = Buffer.alloc(0);
    const tooLarge = (message: string): void => pass({ type: 'warning', code: 'proxy_body', message });
    return {
      sent(body) {
        sent = body;
      },
      answered(status, body, answer) {
        const answered = { status, headers: answer.headers, body, end: now() };
        const event = requestEvent(client.owner(), { method, url, headers, body: sent, at }, answered, tooLarge);
        if (event) pass({ ...event, id: `http:${++requests}` });
        client.over();
      },
      failed: client.over,
    };
  };

  const proxy = await startProxy(target, port, {
    request(request) {
      const identity = identityOf(request.headers.cookie);
      const cookie = identity.client === undefined ? { cookie: clientCookie(randomUUID()) } : {};
      if (isEngine(request.url ?? ''))
        return { limit: Number.POSITIVE_INFINITY, plain: true, ...cookie, tap: engines.polling(request, metaOf(request, identity)) };
      return { limit: BODY_LIMIT, plain: false, ...cookie, tap: follow(request, identity) };
    },
    upgrade: (request) => (isEngine(request.url ?? '') ? engines.websocket(request, metaOf(request, identityOf(request.headers.cookie))) : undefined),
    failed: (error) =>
      pass({ type: 'warning', code: 'proxy_tap', message: `something that passed could not be read, and is not recorded: ${(error as Error).message}` }),
  });

  const open = (): number => [...unanswered.values()].reduce((sum, { size }) => sum + size, 0) + clients.open();
  return {
    port: proxy.port,
    source: {
      kind: 'proxy',
      app: '',
      targets: [target.origin],
      changes: 'none',
      sessions: () => [...sockets.values()],
      start(next) {
        listener = next;
      },
      async drain(timeoutMs) {
        const deadline = now() + timeoutMs;
        while (now() < deadline && (open() > 0 || now() - lastTold < QUIET_MS)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        return { open: open() };
      },
      closed: new Promise(() => undefined),
      stop() {
        listener = undefined;
        engines.stop();
        proxy.stop();
      },
    },
  };
}
