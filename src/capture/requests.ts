/**
 * HTTP requests beside connections, for sources that see those of many clients: whose a request is, and how it becomes an event.
 * Whose it is, is settled when it begins; its answer may end the connection.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { answerOf, BODY_LIMIT, bodyOf, isRecorded, isWrite, keptHeaders } from '../recording/http.js';
import { type Identity, type Owned, ownerOf } from './proxy/clients.js';
import type { SourceEvent } from './source.js';

export interface ClientRequest {
  /** whose it is, if that connection is still told; null: nobody's */
  owner(): string | null;
  /** answered, or it never will be */
  over(): void;
}

/** Several sources of one application may share it: socket ids are unique among them. */
export interface ClientRequests {
  connected(sid: string, identity: Identity): void;
  /** of several connections of a client a request belongs to the one that was active last */
  active(sid: string): void;
  /** Told at once, or when the writing requests of the same client are over, such as its logout. */
  disconnected(sid: string, tell: () => void): void;
  begin(identity: Identity, method: string): ClientRequest;
  /** how many writing requests of connections are under way; a stream that is read may never end */
  open(): number;
  /** Whoever still waits for a request, waits no more. */
  giveUp(): void;
}

export function clientRequests(): ClientRequests {
  /** connections of clients, in the order in which they were last active */
  const connections = new Map<string, Owned>();
  /** writing requests under way, by socket */
  const under = new Map<string, number>();
  /** disconnects that came while a request of the same client was under way */
  const held = new Map<string, () => void>();
  return {
    connected: (sid, identity) => void connections.set(sid, { identity, sid }),
    active(sid) {
      const connection = connections.get(sid);
      if (!connection) return;
      connections.delete(sid);
      connections.set(sid, connection);
    },
    disconnected(sid, tell) {
      connections.delete(sid);
      if (under.has(sid)) held.set(sid, tell);
      else tell();
    },
    begin(identity, method) {
      const sid = ownerOf(identity, [...connections.values()]);
      const waitedFor = sid !== null && isWrite(method);
      if (waitedFor) under.set(sid, (under.get(sid) ?? 0) + 1);
      return {
        owner: () => (sid !== null && (connections.has(sid) || held.has(sid)) ? sid : null),
        over() {
          if (!waitedFor) return;
          const left = (under.get(sid) ?? 1) - 1;
          if (left > 0) {
            under.set(sid, left);
            return;
          }
          under.delete(sid);
          const tell = held.get(sid);
          held.delete(sid);
          tell?.();
        },
      };
    },
    open: () => [...under.values()].reduce((sum, count) => sum + count, 0),
    giveUp() {
      for (const tell of held.values()) tell();
      held.clear();
    },
  };
}

interface Whole {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  /** null: larger than it may be */
  body: Buffer | null;
  at: number;
}

interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer | null;
  end: number;
}

/** Without its id. undefined: it is not recorded. */
export function requestEvent(
  owner: string | null,
  { method, url, headers, body, at }: Whole,
  answer: Answered,
  tooLarge: (what: string) => void,
): Omit<Extract<SourceEvent, { type: 'http' }>, 'id'> | undefined {
  if (!isRecorded(method, url, headers, answer.headers)) return undefined;
  const small = (bytes: Buffer | null, what: string): Buffer => {
    if (bytes !== null && bytes.length <= BODY_LIMIT) return bytes;
    tooLarge(`${what} of ${method} ${url} is larger than 5 MB and left out`);
    return Buffer.alloc(0);
  };
  const [asked, answered] = [bodyOf(small(body, 'the body'), headers), answerOf(small(answer.body, 'the answer'), answer.headers)];
  const own = keptHeaders(headers);
  const event = { type: 'http' as const, sid: owner, method, url, status: answer.status, at, end: answer.end };
  return { ...event, ...(own && { headers: own }), ...(asked !== undefined && { body: asked }), ...(answered !== undefined && { answer: answered }) };
}
