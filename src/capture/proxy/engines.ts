/** Puts what passes the proxy together to Engine.IO connections: polling requests and a websocket of one session are one. No I/O. */
import type { IncomingMessage } from 'node:http';
import { parse } from 'node:querystring';
import { type Engine, type EngineMeta, type Follow, messagesOf } from '../frames/follow.js';
import { frameReader } from './frames.js';

type End = 'client' | 'server' | 'broken';

interface Session {
  engine: Engine;
  /** the messages go over a websocket; what becomes of polling requests says nothing any more */
  upgraded: boolean;
  /** requests under way */
  pending: number;
  /** milliseconds after which the server gives up a client that polls no more */
  patience: number;
  timer?: NodeJS.Timeout;
}

export interface RequestTap {
  sent(body: Buffer): void;
  answered(status: number, body: Buffer): void;
  /** No whole answer came, or it could not be delivered. */
  failed(by: End): void;
}

export interface SocketTap {
  client(chunk: Buffer): void;
  server(chunk: Buffer): void;
  ended(by: End): void;
}

export interface Engines<Meta> {
  polling(request: IncomingMessage, meta: Meta): RequestTap;
  websocket(request: IncomingMessage, meta: Meta): SocketTap;
  stop(): void;
}

/** By the protocol's own query, wherever the application has put its path. */
export const isEngine = (url: string): boolean => /[?&]EIO=\d/.test(url) && /[?&]transport=(polling|websocket)/.test(url);

export function createEngines<Meta extends EngineMeta>(follow: Follow<Meta>, now: () => number): Engines<Meta> {
  const sessions = new Map<string, Session>();

  const open = (sid: string, session: Session): void => {
    sessions.set(sid, session);
  };
  const end = (session: Session, by: End): void => {
    clearTimeout(session.timer);
    for (const [sid, other] of sessions) if (other === session) sessions.delete(sid);
    session.engine.closed(by, now());
  };
  const begins = (session: Session): void => {
    session.pending++;
    clearTimeout(session.timer);
  };
  const rests = (session: Session): void => {
    session.pending--;
    if (session.pending === 0 && !session.upgraded) session.timer = setTimeout(() => end(session, 'client'), session.patience).unref();
  };

  return {
    polling({ url = '', method }, meta) {
      const { sid } = queryOf(url);
      const session = sid === undefined ? newSession(follow(meta)) : sessions.get(sid);
      if (!session || (method !== 'GET' && method !== 'POST')) return ignored;
      const { engine } = session;
      begins(session);
      return {
        sent(body) {
          if (method === 'POST') for (const message of messagesOf(body.toString())) engine.client(message, now());
        },
        answered(status, body) {
          const at = now();
          if (status === 200 && method === 'GET')
            for (const message of messagesOf(body.toString())) {
              const opened = sid === undefined ? handshakeOf(message) : undefined;
              if (opened) {
                session.patience = opened.patience;
                open(opened.sid, session);
              }
              engine.server(message, at);
            }
          rests(session);
          if (status >= 400 && !session.upgraded) end(session, 'server');
        },
        failed(by) {
          rests(session);
          if (!session.upgraded) end(session, by);
        },
      };
    },

    websocket({ url = '' }, meta) {
      const { sid } = queryOf(url);
      const known = sid === undefined ? undefined : sessions.get(sid);
      const session = known ?? newSession(follow(meta));
      const { engine } = session;
      /** whether the connection lives by this socket, and not by polling beside it */
      const carries = (): boolean => known === undefined || session.upgraded;
      let ended = false;
      const ends = (by: End): void => {
        if (ended) return;
        ended = true;
        if (carries()) end(session, by);
      };
      return {
        client: frameReader({
          message(data) {
            if (data === '5') {
              session.upgraded = true;
              clearTimeout(session.timer);
            }
            engine.client(data, now());
          },
          close: () => ends('client'),
        }),
        server: frameReader({ message: (data) => engine.server(data, now()), close: () => ends('server') }),
        ended: ends,
      };
    },

    stop() {
      for (const { timer } of sessions.values()) clearTimeout(timer);
      sessions.clear();
    },
  };
}

const ignored: RequestTap = { sent: () => undefined, answered: () => undefined, failed: () => undefined };

const newSession = (engine: Engine): Session => ({ engine, upgraded: false, pending: 0, patience: 60_000 });

const queryOf = (url: string): { sid?: string } => {
  const { sid } = parse(url.slice(url.indexOf('?') + 1));
  return typeof sid === 'string' ? { sid } : {};
};

/** What the server opens a connection with: `0{"sid":…}`. */
function handshakeOf(message: string): { sid: string; patience: number } | undefined {
  if (!message.startsWith('0')) return undefined;
  const { sid, pingInterval, pingTimeout } = JSON.parse(message.slice(1)) as Record<string, unknown>;
  return typeof sid === 'string' ? { sid, patience: Number(pingInterval) + Number(pingTimeout) || 60_000 } : undefined;
}
