/** A trap is a small server of its own: used once while the real capture records it, then replayed. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import type { Server, ServerOptions } from 'socket.io';
import { io as connectTo, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { expect } from 'vitest';
import { startCapture } from '../../src/capture/capture.js';
import { saveCapture } from '../../src/capture/finish.js';
import { proxySource } from '../../src/capture/sources/proxy.js';
import { mutableColumns } from '../../src/playwright/known.js';
import { type LoadedRecording, loadRecordings } from '../../src/recording/load.js';
import type { ReplayInput } from '../../src/replay/replay.js';
import { unredacted } from '../capture/unredacted.js';
import { type Recorded, record } from '../replay/record.js';
import { closeAll, differences, type Outcome, type ProbedWorld, run, serveProbed, type World } from '../replay/world.js';

export type Reply = (...answer: unknown[]) => void;
export type Database = BetterSqlite3.Database;

const probed = new Set<ProbedWorld>();
const people = new Set<Socket>();

/** The server of a trap, under the probe. */
export async function trap(setup: (io: Server, db: Database) => void, schema = '', options: Partial<ServerOptions> = {}): Promise<ProbedWorld> {
  const world = await serveProbed(schema === '' ? 'CREATE TABLE unused (id INTEGER PRIMARY KEY)' : schema, setup, options);
  probed.add(world);
  return world;
}

export async function end(): Promise<void> {
  leave();
  for (const world of probed) await world.close();
  probed.clear();
  await closeAll();
}

/** Somebody who uses the application. */
export interface Person {
  socket: Socket;
  /** all arguments of the acknowledgement */
  ask(event: string, ...args: unknown[]): Promise<unknown[]>;
  /** the arguments of the next push of this event */
  next(event: string): Promise<unknown[]>;
}

export async function person(url: string, options: Partial<ManagerOptions & SocketOptions> = {}, connected = true): Promise<Person> {
  const socket = connectTo(url, { transports: ['websocket'], forceNew: true, reconnection: false, ...options });
  people.add(socket);
  if (connected) await new Promise((resolve) => socket.once('connect', () => resolve(undefined)));
  return {
    socket,
    ask: (event, ...args) => new Promise((resolve) => socket.emit(event, ...args, (...answer: unknown[]) => resolve(answer))),
    next: (event) => new Promise((resolve) => socket.once(event, (...args: unknown[]) => resolve(args))),
  };
}

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Recorded through the probe. */
export const recordTrap = (name: string, use: () => Promise<void>): Promise<Recorded> =>
  record(name, async () => {
    await use();
    leave();
  });

/** Recorded through the proxy, which sees the client's requests too, and no causes. */
export async function recordByProxy(name: string, world: World, use: (url: string) => Promise<void>): Promise<LoadedRecording> {
  const folder = mkdtempSync(join(tmpdir(), 'socket-replay-trap-'));
  const { source, port } = await proxySource(new URL(world.url), 0);
  const capture = startCapture({ name, source, select: () => true, redactor: unredacted, folder });
  await use(`http://127.0.0.1:${port}`);
  leave();
  capture.stop();
  saveCapture((await capture.done).captured, { out: folder, captures: folder });
  const { recordings, errors } = loadRecordings(folder);
  if (errors.length > 0 || !recordings[0]) throw errors[0] ?? new Error('nothing was recorded');
  return recordings[0];
}

function leave(): void {
  for (const socket of people) socket.disconnect();
  people.clear();
}

export const replayed = (world: World | ProbedWorld, loaded: LoadedRecording, more: Partial<ReplayInput> = {}): Promise<Outcome> =>
  run(world, loaded, { mutable: mutableColumns([loaded]), ackTimeout: 1000, ...more });

/** What is wrong with a replay, in words that a failing test shows. */
export const faults = ({ traces, end: last }: Outcome): string[] => [
  ...Object.entries(traces).flatMap(([key, trace]) =>
    trace.outcome === 'passed' ? [] : [`${key} ${trace.outcome} ${trace.reason ?? ''} ${differences(trace).join(', ')}`.trim()],
  ),
  ...last.errors.map(({ message }) => message),
];

/** Alone and in two copies, on whatever state the replay before has left. */
export async function expectGreen(world: World | ProbedWorld, loaded: LoadedRecording, more: Partial<ReplayInput> = {}): Promise<void> {
  for (const copies of [1, 2]) {
    const outcome = await replayed(world, loaded, { copies, ...more });
    expect({ copies, faults: faults(outcome), verdict: outcome.end.verdict }).toEqual({ copies, faults: [], verdict: 'finished' });
  }
}
