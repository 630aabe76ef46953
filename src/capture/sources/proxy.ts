/** A proxy in front of the application as a source: clients use its address. What passes is seen; causes and rows are not. */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { answerOf, BODY_LIMIT, bodyOf, isRecorded, isWrite, keptHeaders } from '../../recording/http.js';
import type { Parser } from '../../wire/parser.js';
import { type EngineMeta, frameFollower } from '../frames/follow.js';
import { type Identity, identityOf, type Owned, ownerOf, userOfHost } from '../proxy/clients.js';
import { createEngines, isEngine } from '../proxy/engines.js';
import { clientCookie } from '../proxy/headers.js';
import { checkTarget, startProxy, type Tap } from '../proxy/server.js';
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
  /** connections of clients, in the order in which they were last active */
  let active: Owned[] = [];
  /** emits that wait for their acknowledgement, by socket */
  const unanswered = new Map<string, Set<number>>();
  /** writing requests under way, by socket */
  const under = new Map<string, number>();
  /** disconnects that came while a request of the same client was under way, such as its logout */
  const held = new Map<string, SourceEvent>();
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
      active.push({ identity, sid: event.socket.sid });
    } else if (event.type === 'disconnect') {
      sockets.delete(event.sid);
      unanswered.delete(event.sid);
      active = active.filter(({ sid }) => sid !== event.sid);
      if (under.has(event.sid)) {
        held.set(event.sid, event);
        return;
      }
    } else if (event.type === 'emit') {
      active = [...active.filter(({ sid }) => sid !== event.sid), { identity, sid: event.sid }];
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

  /** Whose request it is, is settled when it begins; its answer may end the connection. */
  const follow = (request: IncomingMessage, identity: Identity): Tap['tap'] => {
    const { url = '/', method = 'GET', headers } = request;
    const sid = ownerOf(identity, active);
    const at = now();
    // A stream that is read may never end.
    const waitedFor = sid !== null && isWrite(method);
    let sent: Buffer = Buffer.alloc(0);
    if (waitedFor) under.set(sid, (under.get(sid) ?? 0) + 1);
    const over = (): void => {
      if (!waitedFor) return;
      const left = (under.get(sid) ?? 1) - 1;
      if (left > 0) {
        under.set(sid, left);
        return;
      }
      under.delete(sid);
      const disconnect = held.get(sid);
      held.delete(sid);
      if (disconnect) pass(disconnect);
    };
    const kept = (body: Buffer, what: string): Buffer => {
      if (body.length <= BODY_LIMIT) return body;
      pass({ type: 'warning', code: 'proxy_body', message: `${what} of ${method} ${url} is larger than 5 MB and left out` });
      return Buffer.alloc(0);
    };
    return {
      sent(body) {
        sent = body;
      },
      answered(status, body, answer) {
        if (isRecorded(method, url, headers, answer.headers)) {
          const still = sid !== null && (sockets.has(sid) || held.has(sid));
          const event = { type: 'http' as const, sid: still ? sid : null, id: `http:${++requests}`, method, url, status, at, end: now() };
          const [asked, answered] = [bodyOf(kept(sent, 'the body'), headers), answerOf(kept(body, 'the answer'), answer.headers)];
          const own = keptHeaders(headers);
          pass({ ...event, ...(own && { headers: own }), ...(asked !== undefined && { body: asked }), ...(answered !== undefined && { answer: answered }) });
        }
        over();
      },
      failed: over,
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

  const open = (): number => [...unanswered.values()].reduce((sum, { size }) => sum + size, 0) + [...under.values()].reduce((sum, count) => sum + count, 0);
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
