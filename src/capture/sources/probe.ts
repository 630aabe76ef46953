/** The probe inside the application as a source: everything is seen, with its cause. */

import { fromJson, type Json } from '../../recording/json.js';
import { any } from '../../recording/values.js';
import type { FromProbe, TableState } from '../../wire/messages.js';
import type { CaptureEnd, SourceEvent, SourceSocket, TraceSource } from '../source.js';
import { sourceEventSchema } from '../source.js';

/** What `connectProbe` gives, as far as it is used here. */
export interface ProbeConnection {
  hello: Extract<FromProbe, { type: 'hello' }>;
  onMessage(listener: (message: FromProbe) => void): unknown;
  drain(timeoutMs: number): Promise<{ open: number }>;
  state(): Promise<TableState[]>;
  notify(sids: readonly string[], recording: boolean): void;
  closed: Promise<unknown>;
  close(): unknown;
}

/** Follows the open connections from the first message on, so that the list is right whenever it is asked for. */
export function probeSource(connection: ProbeConnection): TraceSource {
  const { hello } = connection;
  const open = new Map<string, SourceSocket>();
  for (const socket of hello.sockets) {
    const event = decode({ type: 'connect', socket });
    if (event.type === 'connect') open.set(socket.sid, event.socket);
  }
  let tables: SourceEvent | undefined;
  /** told with the hello, before anybody listens: they do not come again */
  const warnings: SourceEvent[] = [];
  let listener: ((event: SourceEvent) => void) | undefined;
  let stopped = false;
  connection.onMessage((message) => {
    if (stopped) return;
    let event: SourceEvent;
    switch (message.type) {
      case 'hello':
      case 'drained':
      case 'state':
      case 'refused':
        return;
      case 'tables':
        event = tables = { type: 'tables', tables: message.tables };
        break;
      default:
        event = decode(message);
    }
    if (event.type === 'connect') open.set(event.socket.sid, event.socket);
    if (event.type === 'disconnect') open.delete(event.sid);
    if (event.type === 'warning' && !listener) warnings.push(event);
    listener?.(event);
  });
  const gone = (): CaptureEnd => ({ status: 'interrupted', reason: 'application_ended' });
  return {
    kind: 'probe',
    app: hello.app,
    targets: hello.listening.length > 0 ? hello.listening : [`pid:${hello.pid}`],
    changes: hello.changes,
    sessions: () => [...open.values()],
    start(next) {
      listener = next;
      if (tables) next(tables);
      for (const warning of warnings) next(warning);
    },
    drain: (timeoutMs) => connection.drain(timeoutMs),
    ...(hello.changes === 'measured' && { state: () => connection.state() }),
    notify: (sids, recording) => connection.notify(sids, recording),
    closed: connection.closed.then(gone, gone),
    stop() {
      stopped = true;
      listener = undefined;
      connection.close();
    },
  };
}

/**
 * Everything in a message outside its values is plain, and comes out of `fromJson` as it went in. What cannot be read is lost, not silent.
 * The offset that connection state recovery hides in a push is another one every time; a volatile push that got lost arrives another time.
 */
function decode(message: FromProbe): SourceEvent {
  const { success, data: event } = sourceEventSchema.safeParse(fromJson(message as unknown as Json));
  if (!success) return { type: 'lost', count: 1 };
  if (event.type !== 'push' || message.type !== 'push') return event;
  const args = message.offset ? [...event.args.slice(0, -1), any('string')] : event.args;
  return { ...event, args, to: [...event.to, ...(message.lost ?? [])] };
}
