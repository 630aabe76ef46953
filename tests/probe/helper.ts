import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { connectProbe, type ProbeConnection } from '../../src/wire/client.js';
import { FENCE_EVENT, type FromProbe } from '../../src/wire/messages.js';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const TOKEN = 'token-of-the-test';

type Of<T extends FromProbe['type']> = Extract<FromProbe, { type: T }>;

/** The probe as it is shipped: JavaScript without dependencies. */
export function bundlePreload(directory: string): string {
  const outfile = join(directory, 'preload.mjs');
  buildSync({ entryPoints: [join(root, 'src/probe/preload.ts')], bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile, logLevel: 'error' });
  return outfile;
}

export interface AppOptions {
  env?: Record<string, string>;
  /** arguments for node in place of the preloaded probe */
  execArgv?: string[];
  args?: string[];
}

/** An application in a child process with the probe preloaded. */
export class App {
  readonly stderr: string[] = [];
  readonly messages: Record<string, unknown>[] = [];
  port = 0;
  probePort = 0;
  private readonly clients: Socket[] = [];
  private readonly connections: ProbeConnection[] = [];

  private constructor(
    readonly child: ChildProcess,
    readonly runtime: string,
  ) {}

  static async start(file: string, preload: string, options: AppOptions = {}): Promise<App> {
    const runtime = mkdtempSync(join(tmpdir(), 'socket-replay-test-'));
    const child = fork(resolve(root, 'tests/probe/apps', file), options.args ?? [], {
      cwd: root,
      execArgv: options.execArgv ?? ['--import', pathToFileURL(preload).href],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        REPLAY_PROBE_TOKEN: TOKEN,
        REPLAY_RUNTIME_DIR: join(runtime, 'run'),
        APP_DB: join(runtime, 'app.db'),
        ...options.env,
      },
    });
    const app = new App(child, runtime);
    child.stdout?.resume();
    const ready = new Promise<number>((resolve) => {
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        app.stderr.push(text);
        const found = /probe ready on 127\.0\.0\.1:(\d+)/.exec(app.stderr.join(''));
        if (found) resolve(Number(found[1]));
      });
    });
    const port = new Promise<number>((resolve, reject) => {
      child.on('message', (message: Record<string, unknown>) => {
        app.messages.push(message);
        if (typeof message.port === 'number') resolve(message.port);
      });
      child.once('exit', (code) => reject(new Error(`the application ended with ${code}: ${app.stderr.join('')}`)));
    });
    app.port = await port;
    app.probePort = await (options.env?.LATE_PROBE ? 0 : ready);
    void ready.then((found) => (app.probePort = found));
    return app;
  }

  async reader(mode: 'record' | 'replay' | 'list' = 'record'): Promise<Heard> {
    const connection = await connectProbe({ port: this.probePort, token: TOKEN, mode });
    this.connections.push(connection);
    return new Heard(connection);
  }

  /** Connected, and its first push received. */
  async client(options: Partial<ManagerOptions & SocketOptions> = {}, path = ''): Promise<Socket> {
    const socket = io(`http://127.0.0.1:${this.port}${path}`, { transports: ['websocket'], forceNew: true, ...options });
    this.clients.push(socket);
    await new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(undefined));
      socket.once('connect_error', reject);
    });
    return socket;
  }

  /** The application's answer to a message over IPC. */
  async ask(message: Record<string, unknown>): Promise<Record<string, unknown>> {
    const answer = once(this.child, 'message');
    this.child.send(message);
    return (await answer)[0] as Record<string, unknown>;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    for (const connection of this.connections) connection.close();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exit;
    }
    rmSync(this.runtime, { recursive: true, force: true });
  }
}

/** What a reader has heard so far, and the wait for more. */
export class Heard {
  readonly all: FromProbe[] = [];
  private waits: (() => void)[] = [];

  constructor(readonly connection: ProbeConnection) {
    connection.onMessage((message) => {
      this.all.push(message);
      for (const wake of this.waits.splice(0)) wake();
    });
  }

  of<T extends FromProbe['type']>(type: T): Of<T>[] {
    return this.all.filter((message): message is Of<T> => message.type === type);
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.waits.push(resolve));
  }

  async count<T extends FromProbe['type']>(type: T, count: number): Promise<Of<T>[]> {
    await this.until(() => this.of(type).length >= count);
    return this.of(type);
  }

  drain(timeout = 5_000): Promise<{ open: number; waited: number }> {
    return this.connection.drain(timeout);
  }
}

export const fence = (socket: Socket): Promise<unknown> => socket.emitWithAck(FENCE_EVENT);

export function emitAck(socket: Socket, event: string, ...args: unknown[]): Promise<unknown[]> {
  return new Promise((resolve) => socket.emit(event, ...args, (...answer: unknown[]) => resolve(answer)));
}

export function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'socket-replay-probe-'));
}
