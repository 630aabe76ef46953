/** The probe's door: a TCP server on loopback that never keeps the application alive, and asks every reader for the token. */
import cluster from 'node:cluster';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { FromProbe, PROTOCOL as Protocol, ToProbe } from '../wire/messages.js';
import { processBegan } from '../wire/process.js';
import { outside } from './context.js';
import { drain, tellTheRest } from './drain.js';
import { isObject } from './foreign.js';
import { guarded } from './guard.js';
import { addReader, currentReaders, knownWarnings, lineOf, now, removeReader } from './hub.js';
import { type Mode, Reader } from './reader.js';
import { appName, removeProbeFile, writeProbeFile } from './runtime-file.js';
import { realClearTimeout, realSetImmediate, realSetTimeout } from './timers.js';

const PROTOCOL: typeof Protocol = 2;
const SUBSCRIBE_WITHIN = 5_000;
const MAX_LINE = 64 * 1024;

/** What the channel tells of the application. */
export interface Source {
  listening(): string[];
  sockets(): Extract<FromProbe, { type: 'hello' }>['sockets'];
  /** readers that want row changes came (before their hello) or the last one went */
  changesWanted(wanted: boolean): void | Promise<void>;
  changes(): 'measured' | 'none';
  tables(): Extract<FromProbe, { type: 'tables' }>['tables'];
  /** what the tables hold now, after the changes that led there were told */
  states(): Promise<Extract<FromProbe, { type: 'state' }>['tables']>;
  /** tells clients whether they are being recorded */
  notifyRecording(sids: readonly string[], recording: boolean): void;
}

let server: Server | undefined;
let port = 0;
let token = '';
let app = '';
let source: Source;

/** Once a process. Returns at once; the line on stderr says when it is ready. */
export function openChannel(given: Source): void {
  if (server !== undefined) return;
  source = given;
  app = appName();
  token = process.env.REPLAY_PROBE_TOKEN || randomBytes(32).toString('hex');
  server = createServer((socket) => guarded('reader', () => welcome(socket)));
  server.on('error', (error) => say(`socket-replay probe cannot listen: ${error.message}`));
  // Exclusive: the workers of a cluster would share one port else, and a reader reach any of them.
  const wanted = cluster.isWorker ? 0 : Number(process.env.REPLAY_PROBE_PORT) || 0;
  server.listen({ host: '127.0.0.1', port: wanted, exclusive: true }, () => guarded('channel', ready));
  server.unref();
}

/** Again whenever the application listens somewhere else. */
export function announce(): void {
  if (port === 0) return;
  const run = process.env.REPLAY_PROBE_RUN;
  const listening = source.listening();
  const more = cluster.isPrimary ? { workers: Object.keys(cluster.workers ?? {}).length } : { serving: isServing() };
  writeProbeFile({
    protocol: PROTOCOL,
    pid: process.pid,
    began: processBegan(process.pid),
    port,
    token,
    app,
    listening,
    cluster: clusterId(),
    ...more,
    run,
    protected: isProtected(),
    at: now(),
  });
}

/** Whoever runs the application may say that it is never replayed against. */
const isProtected = (): true | undefined => (['1', 'true'].includes(process.env.REPLAY_PROTECTED ?? '') ? true : undefined);

/** A worker knows its primary; a primary is one when it has workers. */
function clusterId(): number | undefined {
  if (cluster.isWorker) return process.ppid;
  return Object.keys(cluster.workers ?? {}).length > 0 ? process.pid : undefined;
}

/** Behind a sticky primary a worker never listens: connections come as messages. */
const isServing = (): boolean => source.listening().length > 0 || process.listenerCount('message') > 0;

/** What the primary hands over before that is lost. */
function announceServing(): void {
  if (!cluster.isWorker || isServing()) return;
  const onListener = (name: string | symbol): void => {
    if (name !== 'message') return;
    process.off('newListener', onListener);
    realSetImmediate(() => guarded('channel', announce));
  };
  process.on('newListener', onListener);
}

function ready(): void {
  const address = server?.address();
  if (!isObject(address)) return;
  port = Number(address.port);
  process.once('exit', () => {
    guarded('exit', tellTheRest);
    guarded('exit', removeProbeFile);
  });
  if (cluster.isPrimary) for (const event of ['fork', 'exit']) cluster.on(event, () => guarded('channel', announce));
  announceServing();
  try {
    announce();
  } catch (error) {
    say(`socket-replay probe left no address: ${String(error)}`);
  }
  say(`socket-replay probe ready on 127.0.0.1:${port}`);
}

function welcome(socket: Socket): void {
  socket.unref();
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  let rest = '';
  let reader: Reader | undefined;
  const late = realSetTimeout(() => refuse(socket, 'no subscription within 5 s'), SUBSCRIBE_WITHIN);
  late.unref();
  socket.on('data', (piece: string) => {
    if (socket.destroyed || socket.writableEnded) return;
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) refuse(socket, 'the line is too long');
    for (const line of lines) {
      if (socket.writableEnded) return;
      if (reader !== undefined) guarded('request', () => obey(reader as Reader, parse(line)));
      else reader = subscribe(socket, parse(line));
      if (reader !== undefined) realClearTimeout(late);
    }
  });
  socket.on('close', () => {
    realClearTimeout(late);
    if (reader !== undefined) guarded('reader', () => leave(reader as Reader));
  });
}

function subscribe(socket: Socket, message: Partial<Extract<ToProbe, { type: 'subscribe' }>>): Reader | undefined {
  const { type, protocol, mode } = message;
  if (type !== 'subscribe') return refuse(socket, 'the first line must be subscribe');
  if (protocol !== PROTOCOL)
    return refuse(socket, `this probe speaks protocol ${PROTOCOL}, the reader ${String(protocol)}: use the same version of socket-replay on both sides`);
  if (typeof message.token !== 'string' || !sameToken(message.token)) return refuse(socket, 'the token is not the one of this probe');
  if (mode !== 'record' && mode !== 'replay' && mode !== 'list') return refuse(socket, 'the mode must be record, replay or list');
  const reader = new Reader(socket, mode);
  guarded('subscribe', () => enter(reader, mode));
  return reader;
}

/** subscribed, and waiting until their rows can be seen */
const entering = new Set<Reader>();

/** The hello is written after the changes are measured: what a reader does then is seen. */
function enter(reader: Reader, mode: Mode): void {
  entering.add(reader);
  const installing = mode === 'list' ? undefined : guarded('changes', () => source.changesWanted(true));
  if (installing instanceof Promise) void installing.then(() => guarded('subscribe', () => greet(reader, mode)));
  else greet(reader, mode);
}

function greet(reader: Reader, mode: Mode): void {
  if (!entering.delete(reader)) return;
  const changes = source.changes();
  reader.push(
    lineOf({
      type: 'hello',
      protocol: PROTOCOL,
      pid: process.pid,
      app,
      node: process.version,
      at: now(),
      listening: source.listening(),
      sockets: source.sockets(),
      changes,
      protected: isProtected(),
      production: process.env.NODE_ENV === 'production' ? true : undefined,
    }),
  );
  if (mode !== 'list' && changes === 'measured') guarded('tables', () => reader.push(lineOf({ type: 'tables', tables: source.tables() })));
  for (const warning of knownWarnings()) reader.push(lineOf(warning));
  addReader(reader);
}

function leave(reader: Reader): void {
  removeReader(reader);
  entering.delete(reader);
  if (entering.size === 0 && ![...currentReaders()].some(({ mode }) => mode !== 'list')) void source.changesWanted(false);
}

function obey(reader: Reader, message: Partial<Record<'type' | 'id' | 'timeout' | 'sids' | 'recording', unknown>>): void {
  const { type, id, timeout, sids, recording } = message;
  if (type === 'drain' && typeof id === 'number' && typeof timeout === 'number')
    outside(() =>
      drain(timeout, ({ open, waited }) =>
        reader.answer(lineOf({ type: 'drained', id, open, waited, rss: guarded('memory', () => process.memoryUsage.rss()) })),
      ),
    );
  else if (type === 'state' && typeof id === 'number')
    outside(() => void source.states().then((tables) => reader.answer(lineOf({ type: 'state', id, tables }))));
  else if (type === 'notify' && Array.isArray(sids)) outside(() => source.notifyRecording(sids.map(String), recording === true));
}

function refuse(socket: Socket, message: string): undefined {
  if (!socket.destroyed && !socket.writableEnded) socket.end(lineOf({ type: 'refused', message }));
  return undefined;
}

function sameToken(given: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function parse(line: string): Record<string, never> {
  try {
    const message: unknown = JSON.parse(line);
    return (isObject(message) ? message : {}) as Record<string, never>;
  } catch {
    return {};
  }
}

/** Written at once, also where stderr is a pipe; a closed one is nobody's problem. */
function say(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // nobody reads
  }
}
