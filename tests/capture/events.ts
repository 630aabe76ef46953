/** Events for tests, with what does not matter filled in. */
import type { Captured, SourceEvent, SourceSocket } from '../../src/capture/source.js';
import type { Value, ValueObject } from '../../src/recording/values.js';

export const socket = (sid: string, more: Partial<SourceSocket> = {}): SourceSocket => ({
  sid,
  namespace: '/',
  user: sid,
  transport: 'websocket',
  address: '127.0.0.1',
  handshake: { auth: {}, query: {} },
  at: 1000,
  ...more,
});

export const connect = (sid: string, more: Partial<SourceSocket> = {}): SourceEvent => ({ type: 'connect', socket: socket(sid, more) });
export const connectedBefore = (sid: string, more: Partial<SourceSocket> = {}): SourceEvent => ({ type: 'connect', socket: socket(sid, more), before: true });

/** A connection that the capture leaves out. */
export const uncaptured = (sid: string, more: Partial<SourceSocket> = {}): SourceEvent => ({ type: 'connect', socket: socket(sid, more), uncaptured: true });

type Of<T extends SourceEvent['type']> = Extract<SourceEvent, { type: T }>;

export const emit = (sid: string, n: number, event: string, more: Partial<Of<'emit'>> = {}): SourceEvent => ({
  type: 'emit',
  sid,
  n,
  event,
  args: [],
  asks: false,
  at: 1000,
  ...more,
});
export const ack = (sid: string, n: number, args: Value[] = [], at = 1000): SourceEvent => ({ type: 'ack', sid, n, args, at });
export const push = (number: number, cause: string | null, event: string, to: string[], more: Partial<Of<'push'>> = {}): SourceEvent => ({
  type: 'push',
  push: number,
  cause,
  event,
  args: [],
  to,
  asks: false,
  at: 1000,
  ...more,
});
export const answer = (number: number, sid: string, args: Value[]): SourceEvent => ({ type: 'answer', push: number, sid, args, at: 1000 });
export const change = (
  cause: string | null,
  op: 'insert' | 'update' | 'delete',
  table: string,
  key: ValueObject,
  more: Partial<Of<'change'>> = {},
): SourceEvent => ({
  type: 'change',
  cause,
  op,
  table,
  key,
  before: null,
  after: null,
  at: 1000,
  ...more,
});
export const http = (sid: string | null, id: string, more: Partial<Of<'http'>> = {}): SourceEvent => ({
  type: 'http',
  sid,
  id,
  method: 'POST',
  url: '/things',
  status: 200,
  at: 1000,
  end: 1000,
  ...more,
});
export const disconnect = (sid: string, reason = 'transport close', at = 1000): SourceEvent => ({ type: 'disconnect', sid, reason, at });

export const captured = (events: SourceEvent[], more: Partial<Captured> = {}): Captured => ({
  name: 'test',
  source: 'probe',
  app: 'app',
  aliases: {},
  end: { status: 'finished' },
  events,
  ...more,
});
