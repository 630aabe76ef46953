/** The probe inside the application as a source: everything is seen, with its cause. */

import { fromJson, type Json } from '../../recording/json.js';
import { any } from '../../recording/values.js';
import type { FromProbe, SocketInfo, TableState } from '../../wire/messages.js';
import type { Identity } from '../proxy/clients.js';
import { type ClientRequest, clientRequests, requestEvent } from '../requests.js';
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

type Begun = Extract<FromProbe, { type: 'request' }>;
type Answered = Extract<FromProbe, { type: 'answered' }>;

/**
 * Follows the open connections from the first message on, so that the list is right whenever it is asked for. `clients` is shared by
 * the processes of a cluster: one of them may answer the requests of another one's connections.
 */
export function probeSource(connection: ProbeConnection, clients = clientRequests()): TraceSource {
  const { hello } = connection;
  const open = new Map<string, SourceSocket>();
  const requests = new Map<string, { begun: Begun; client: ClientRequest }>();
  for (const socket of hello.sockets) {
    const event = decode({ type: 'connect', socket });
    if (event.type === 'connect') open.set(socket.sid, event.socket);
    clients.connected(socket.sid, identityOf(socket));
  }
  let tables: SourceEvent | undefined;
  /** told with the hello, before anybody listens: they do not come again */
  const warnings: SourceEvent[] = [];
  let listener: ((event: SourceEvent) => void) | undefined;
  let stopped = false;
  const tell = (event: SourceEvent): void => listener?.(event);
  const answered = ({ id, headers, body, status, answerHeaders, answer, at }: Answered): void => {
    const { begun, client } = requests.get(id) ?? {};
    requests.delete(id);
    if (begun && client && status !== undefined) {
      const tooLarge = (message: string): void => tell({ type: 'warning', code: 'http_body', message });
      const whole = { method: begun.method, url: begun.url, headers, body: bytesOf(body), at: begun.at };
      const event = requestEvent(client.owner(), whole, { status, headers: answerHeaders, body: bytesOf(answer), end: at }, tooLarge);
      if (event) tell({ ...event, id });
    }
    client?.over();
  };
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
      case 'request':
        requests.set(message.id, { begun: message, client: clients.begin(identityOf(message), message.method) });
        return;
      case 'answered':
        answered(message);
        return;
      case 'disconnect':
        open.delete(message.sid);
        clients.disconnected(message.sid, () => tell(decode(message)));
        return;
      default:
        event = decode(message);
    }
    if (event.type === 'connect') open.set(event.socket.sid, event.socket);
    if (message.type === 'connect') clients.connected(message.socket.sid, identityOf(message.socket));
    if (event.type === 'emit') clients.active(event.sid);
    if (event.type === 'warning' && !listener) warnings.push(event);
    tell(event);
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
    async drain(timeoutMs) {
      const drained = await connection.drain(timeoutMs);
      clients.giveUp();
      return drained;
    },
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

/** Browsers send a cookie to every port of a host: at another one listens another server of the application, whose requests would be replayed at the wrong one. */
const identityOf = ({ cookies = [], port }: Pick<SocketInfo, 'cookies' | 'port'>): Identity => ({
  client: undefined,
  secrets: cookies.map((cookie) => `${port} ${cookie}`),
});
const bytesOf = (body: string | null | undefined): Buffer | null => (body === null ? null : Buffer.from(body ?? '', 'base64'));

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
