/** Real Socket.IO servers made in the test, recordings made by hand, and what a replay wrote about them. */
import { mkdtempSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { Server, type ServerOptions } from 'socket.io';
import { attach } from '../../src/probe/attach.js';
import type { LoadedRecording } from '../../src/recording/load.js';
import type { Recording, Session, Trace } from '../../src/recording/schema.js';
import { Tagged } from '../../src/recording/values.js';
import { ignoreOf } from '../../src/replay/ignore.js';
import { type ReplayInput, type ReplaySummary, replay } from '../../src/replay/replay.js';
import type { EndRecord, JournalRecord, NoteRecord, SessionRecord, TraceRecord } from '../../src/results/schema.js';
import { journalRecordSchema } from '../../src/results/schema.js';
import { connectProbe, findProbes, type ProbeConnection } from '../../src/wire/client.js';

export const connect = (more: Partial<Trace> = {}): Trace => ({ connect: { namespace: '/' }, ...more });
export const emit = (event: string, args: Trace['args'] = [], more: Partial<Trace> = {}): Trace => ({ emit: event, args, ...more });
export const goodbye = (more: Partial<Trace> = {}): Trace => ({ disconnect: 'client namespace disconnect', ...more });
export const id = (name: string): Tagged => new Tagged({ tag: 'id', name });

export function recorded(name: string, sessions: Record<string, Trace[] | Omit<Session, 'id'>>, more: Partial<Recording> = {}): LoadedRecording {
  const all = Object.entries(sessions).map(([session, traces]): Session => (Array.isArray(traces) ? { id: session, traces } : { id: session, ...traces }));
  return { recording: { version: 1, name, status: 'finished', sessions: all, ...more }, file: `recordings/${name}.yaml`, lineOf: () => 1 };
}

export interface World {
  io: Server;
  http: HttpServer;
  url: string;
  close(): Promise<void>;
}

const servers = new Set<World>();

export async function serve(setup: (io: Server) => void, options: Partial<ServerOptions> = {}): Promise<World> {
  const http = createServer();
  const io = new Server(http, options);
  setup(io);
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  const world: World = {
    io,
    http,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      servers.delete(world);
      const closed = io.close();
      // Requests of a replay leave connections that are kept alive.
      http.closeAllConnections();
      await closed;
    },
  };
  servers.add(world);
  return world;
}

export interface ProbedWorld extends World {
  probe: ProbeConnection;
  db: BetterSqlite3.Database;
}

/** The same under the real probe, with a real database. */
export async function serveProbed(
  schema: string,
  setup: (io: Server, db: BetterSqlite3.Database) => void,
  options: Partial<ServerOptions> = {},
): Promise<ProbedWorld> {
  if (!process.env.REPLAY_TEST_ALONE) throw new Error('the probe stays in this process: name the file among `probes` in vitest.config.ts');
  process.env.REPLAY_RUNTIME_DIR ??= mkdtempSync(join(tmpdir(), 'socket-replay-test-'));
  attach(new Server());
  const Database = createRequire(import.meta.url)('../../examples/annotator/db/better-sqlite3.cjs') as typeof BetterSqlite3;
  const db = new Database(':memory:');
  db.exec(schema);
  const world = await serve((io) => {
    attach(io);
    setup(io, db);
  }, options);
  let file = findProbes().find(({ pid }) => pid === process.pid);
  while (!file) {
    await new Promise((done) => setImmediate(done));
    file = findProbes().find(({ pid }) => pid === process.pid);
  }
  const probe = await connectProbe({ port: file.port, token: file.token, mode: 'replay' });
  const close = async (): Promise<void> => {
    probe.close();
    await world.close();
    db.close();
  };
  return { ...world, probe, db, close };
}

export async function closeAll(): Promise<void> {
  for (const world of [...servers]) await world.close();
}

export interface Outcome {
  summary: ReplaySummary;
  records: JournalRecord[];
  /** the last record of each trace, as `copy/session/number` */
  traces: Record<string, TraceRecord>;
  /** the outcomes of them */
  outcomes: Record<string, string>;
  sessions: SessionRecord[];
  notes: NoteRecord[];
  end: EndRecord;
  took: number;
}

export function inputOf(world: World | ProbedWorld, recordings: LoadedRecording | LoadedRecording[], more: Partial<ReplayInput> = {}): ReplayInput {
  const probe = 'probe' in world ? world.probe : undefined;
  const copies = more.copies ?? 1;
  return {
    recordings: Array.isArray(recordings) ? recordings : [recordings],
    copies,
    level: copies === 1 ? 'exact' : 'shared',
    target: world.url,
    ackTimeout: 400,
    connectTimeout: 1000,
    speed: 0,
    order: 'recording',
    measures: { acks: true, pushes: true, changes: probe !== undefined },
    ignore: ignoreOf([], []),
    secrets: new Map(),
    mutable: new Set(),
    login: () => Promise.reject(new Error('no login')),
    ...(probe && { probe }),
    namespaceFence: true,
    errors: [],
    write: () => {},
    signal: new AbortController().signal,
    progress: () => {},
    ...more,
  };
}

export async function run(world: World | ProbedWorld, recordings: LoadedRecording | LoadedRecording[], more: Partial<ReplayInput> = {}): Promise<Outcome> {
  const records: JournalRecord[] = [];
  const began = performance.now();
  const summary = await replay(
    inputOf(world, recordings, {
      ...more,
      write(record) {
        records.push(journalRecordSchema.parse(JSON.parse(JSON.stringify(record))));
        more.write?.(record);
      },
    }),
  );
  const took = performance.now() - began;
  const traces: Record<string, TraceRecord> = {};
  const many = new Set(records.flatMap((record) => (record.type === 'trace' ? [record.recording] : []))).size > 1;
  for (const record of records)
    if (record.type === 'trace') traces[`${many ? `${record.recording}/` : ''}${record.copy}/${record.session}/${record.trace}`] = record;
  return {
    summary,
    records,
    traces,
    outcomes: Object.fromEntries(Object.entries(traces).map(([key, { outcome }]) => [key, outcome])),
    sessions: records.filter((record) => record.type === 'session'),
    notes: records.filter((record) => record.type === 'note'),
    end: records.find((record) => record.type === 'end') as EndRecord,
    took,
  };
}

/** What differs, as `path class`. */
export const differences = (trace: TraceRecord | undefined): string[] =>
  (trace?.differences ?? []).map((difference) => `${difference.path} ${difference.class}`);
