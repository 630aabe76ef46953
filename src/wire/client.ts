/** The reader's end: finds the probes of this user, subscribes to one, and hands on what it says, validated. */
import { readdirSync, readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { ReplayError } from '../errors.js';
import { type FromProbe, fromProbeSchema, PROTOCOL, type ProbeFile, probeFileSchema, type Table, type TableState, type ToProbe } from './messages.js';
import { isStill } from './process.js';
import { runtimeDir } from './runtime-dir.js';

type Hello = Extract<FromProbe, { type: 'hello' }>;

export interface ProbeOptions {
  host?: string;
  port: number;
  token: string;
  mode: 'record' | 'replay' | 'list';
}

/** `open`: what had not ended; `rss`: the memory of the application, bytes, where the probe tells it. */
interface Drained {
  open: number;
  waited: number;
  rss?: number;
}

export interface ProbeConnection {
  readonly hello: Hello;
  /** The first listener also gets everything that arrived before it, the hello first. Returns what removes it again. */
  onMessage(listener: (message: FromProbe) => void): () => void;
  /** Resolves when what the traces started has ended, at most after `timeoutMs`; everything reported until then has been handed on. */
  drain(timeoutMs: number): Promise<Drained>;
  /** as the database declares them; none: it has not told, or knows no database */
  readonly tables: readonly Table[];
  /** What the tables hold now; the changes that led there have been handed on before. */
  state(): Promise<TableState[]>;
  /** Tells clients whether they are being recorded. */
  notify(sids: readonly string[], recording: boolean): void;
  /** Resolves when the connection has ended, however; `error` says why, where it was not `close()`. */
  readonly closed: Promise<void>;
  readonly error: ReplayError | undefined;
  close(): void;
}

const CONNECT_TIMEOUT = 5_000;
/** how much longer than asked a probe may take to answer: the application may be busy */
const GRACE = 10_000;

type Answer = Extract<FromProbe, { id: number }>;
interface Request {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** The probes that run now, newest first. */
export function findProbes(): ProbeFile[] {
  let names: string[];
  try {
    names = readdirSync(runtimeDir());
  } catch {
    return [];
  }
  return names
    .filter((name) => /^probe-\d+(-\d+)?\.json$/.test(name))
    .flatMap((name) => readProbeFile(join(runtimeDir(), name)))
    .filter(({ pid, began }) => isStill(pid, began))
    .sort((a, b) => b.at - a.at);
}

export function connectProbe(options: ProbeOptions): Promise<ProbeConnection> {
  const { host = '127.0.0.1', port, token, mode } = options;
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    socket.setNoDelay(true);
    const connection = new Connection(socket, `${host}:${port}`, resolve);
    const timer = setTimeout(
      () => connection.fail(new ReplayError('REPLAY_PROBE_UNREACHABLE', `The probe at ${host}:${port} did not answer within ${CONNECT_TIMEOUT / 1000} s.`)),
      CONNECT_TIMEOUT,
    );
    socket.once('connect', () => connection.send({ type: 'subscribe', protocol: PROTOCOL, token, mode }));
    connection.greeted.then(
      () => clearTimeout(timer),
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

class Connection implements ProbeConnection {
  hello!: Hello;
  error: ReplayError | undefined;
  tables: readonly Table[] = [];
  readonly closed: Promise<void>;
  readonly greeted: Promise<void>;
  private readonly listeners = new Set<(message: FromProbe) => void>();
  private backlog: FromProbe[] | undefined = [];
  private readonly requests = new Map<number, Request>();
  private asked = 0;
  private pieces: string[] = [];
  private greet!: { resolve(): void; reject(error: Error): void };
  private greeting = true;
  private closing = false;

  constructor(
    private readonly socket: Socket,
    private readonly address: string,
    private readonly ready: (connection: ProbeConnection) => void,
  ) {
    this.greeted = new Promise((resolve, reject) => (this.greet = { resolve, reject }));
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.ended())));
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => this.read(piece));
    socket.on('error', (error) => this.fail(new ReplayError('REPLAY_PROBE_UNREACHABLE', `The probe at ${this.address} cannot be reached: ${error.message}.`)));
  }

  onMessage(listener: (message: FromProbe) => void): () => void {
    this.listeners.add(listener);
    const backlog = this.backlog ?? [];
    this.backlog = undefined;
    for (const message of backlog) listener(message);
    return () => this.listeners.delete(listener);
  }

  async drain(timeoutMs: number): Promise<Drained> {
    const answer = await this.ask((id) => ({ type: 'drain', id, timeout: timeoutMs }), timeoutMs);
    if (answer.type !== 'drained') return { open: 0, waited: 0 };
    const { open, waited, rss } = answer;
    return { open, waited, ...(rss !== undefined && { rss }) };
  }

  async state(): Promise<TableState[]> {
    const answer = await this.ask((id) => ({ type: 'state', id }), 0);
    return answer.type === 'state' ? answer.tables : [];
  }

  notify(sids: readonly string[], recording: boolean): void {
    this.send({ type: 'notify', sids: [...sids], recording });
  }

  private ask(message: (id: number) => ToProbe, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed || this.closing) {
        reject(this.error ?? this.gone());
        return;
      }
      this.asked += 1;
      const asked = message(this.asked);
      const overdue = (): void =>
        this.fail(new ReplayError('REPLAY_PROBE_UNREACHABLE', `The probe at ${this.address} did not answer \`${asked.type}\` within ${timeoutMs + GRACE} ms.`));
      this.requests.set(this.asked, { resolve, reject, timer: setTimeout(overdue, timeoutMs + GRACE) });
      this.send(asked);
    });
  }

  /** What was sent before still arrives. */
  close(): void {
    this.closing = true;
    this.socket.unref();
    this.socket.destroySoon();
  }

  send(message: ToProbe): void {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }

  /** The first reason stands. */
  fail(error: ReplayError): void {
    if (!this.closing) this.error ??= error;
    this.socket.destroy();
    if (this.greeting) this.greet.reject(error);
  }

  private read(piece: string): void {
    if (this.closing) return;
    // A line of many pieces is joined once, when its end is there.
    const end = piece.lastIndexOf('\n');
    if (end === -1) {
      this.pieces.push(piece);
      return;
    }
    const lines = (this.pieces.join('') + piece.slice(0, end)).split('\n');
    const rest = piece.slice(end + 1);
    this.pieces = rest === '' ? [] : [rest];
    for (const line of lines) {
      if (this.socket.destroyed) return;
      this.take(line);
    }
  }

  private take(line: string): void {
    const message = parseLine(line);
    if (message === undefined) {
      this.fail(
        new ReplayError('REPLAY_PROBE_PROTOCOL', `What answers at ${this.address} does not speak protocol ${PROTOCOL} of the probe: ${line.slice(0, 120)}`),
      );
      return;
    }
    if (message.type === 'refused') {
      this.fail(
        new ReplayError(
          /protocol/.test(message.message) ? 'REPLAY_PROBE_PROTOCOL' : 'REPLAY_PROBE_REFUSED',
          `The probe at ${this.address} refused: ${message.message}.`,
        ),
      );
      return;
    }
    if (this.greeting) {
      if (message.type !== 'hello') {
        this.fail(new ReplayError('REPLAY_PROBE_PROTOCOL', `The probe at ${this.address} began with ${message.type} instead of hello.`));
        return;
      }
      this.hello = message;
      this.greeting = false;
      this.greet.resolve();
      this.ready(this);
    }
    if (message.type === 'tables') this.tables = message.tables;
    this.backlog?.push(message);
    for (const listener of this.listeners) listener(message);
    if (message.type === 'drained' || message.type === 'state') this.settle(message.id, ({ resolve }) => resolve(message));
  }

  private settle(id: number, how: (request: Request) => void): void {
    const request = this.requests.get(id);
    if (request === undefined) return;
    this.requests.delete(id);
    clearTimeout(request.timer);
    how(request);
  }

  private ended(): void {
    if (!this.closing) this.error ??= this.gone();
    if (this.greeting) this.greet.reject(this.error ?? this.gone());
    for (const id of [...this.requests.keys()]) this.settle(id, ({ reject }) => reject(this.error ?? this.gone()));
  }

  private gone(): ReplayError {
    return new ReplayError(
      'REPLAY_PROBE_UNREACHABLE',
      `The connection to the probe at ${this.address} has ended.`,
      undefined,
      'See why the application ended: its own output says it.',
    );
  }
}

function parseLine(line: string): FromProbe | undefined {
  try {
    return fromProbeSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function readProbeFile(file: string): ProbeFile[] {
  try {
    return [probeFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))];
  } catch {
    return [];
  }
}
