/** Puts the probe into a process, once, however many copies of it are loaded. No effect until a Socket.IO server exists. */
import cluster from 'node:cluster';
import type { Server as HttpServer } from 'node:http';
import { adoptModule, changesMeasured, flushChanges, knownTables, measureChanges, tableStates } from './changes/drivers.js';
import { adoptNodeSqlite } from './changes/node-sqlite.js';
import { announce, openChannel } from './channel.js';
import { outside } from './context.js';
import { setFlushChanges } from './drain.js';
import type { ServerSocket } from './foreign.js';
import { guarded } from './guard.js';
import { followOutgoingRequests, installCompileHook, installEmitHook } from './hooks.js';
import { tapLogStreams } from './log-streams.js';
import { tapMiddlewares } from './middlewares.js';
import { addressOf } from './runtime-file.js';
import { connectedSockets, notifyRecording, tap } from './sockets.js';
import { installTimers } from './timers.js';

export interface Probe {
  /** A server socket, connected or about to be. */
  found(socket: ServerSocket): void;
  /** A Socket.IO server exists; `server` is the one it listens with, if known. */
  open(server?: HttpServer): void;
}

const KEY = Symbol.for('socket-replay:probe');
/** The primary of a cluster listens for its workers and has no Socket.IO of its own, but this. */
const STICKY = /[\\/]@socket\.io[\\/]sticky[\\/]/;
/** also under another name, as npm's aliases give it */
const SOCKET_IO = /[\\/]socket\.io(?!-(?:adapter|client|parser))[^\\/]*[\\/](?:dist|lib)[\\/]index\.js$/;

export function install(): Probe {
  const holder = globalThis as { [KEY]?: Probe };
  holder[KEY] ??= create();
  return holder[KEY];
}

function create(): Probe {
  const listening = new Set<HttpServer>();
  let moduleLoaded = false;
  const source = {
    listening: (): string[] => [...listening].map(addressOf).filter((address) => address !== undefined),
    sockets: connectedSockets,
    changesWanted: measureChanges,
    changes: (): 'measured' | 'none' => (changesMeasured() ? 'measured' : 'none'),
    tables: knownTables,
    states: tableStates,
    notifyRecording,
  };
  const probe: Probe = {
    found: (socket) => {
      probe.open();
      tap(socket);
    },
    open: (server) => {
      if (server?.listening) listening.add(server);
      outside(() => openChannel(source));
    },
  };
  const findings = {
    socket: (socket: object) => probe.found(socket as ServerSocket),
    listening: (server: HttpServer) => {
      listening.add(server);
      if (moduleLoaded || servesEngine(server)) probe.open();
      announce();
    },
    closed: (server: HttpServer) => {
      if (listening.delete(server)) announce();
    },
    module: (file: string, exports: unknown) => {
      if (SOCKET_IO.test(file) || STICKY.test(file)) {
        moduleLoaded = true;
        tapMiddlewares((exports as { Namespace?: { prototype?: unknown } } | undefined)?.Namespace?.prototype);
        // Behind a sticky primary a worker never listens itself.
        if (listening.size > 0 || cluster.isWorker) probe.open();
      } else {
        adoptModule(file, exports);
        tapLogStreams(file, exports);
      }
    },
  };
  setFlushChanges(flushChanges);
  guarded('install', installTimers);
  guarded('install', () => installEmitHook(findings));
  guarded('install', () => installCompileHook(findings));
  guarded('install', followOutgoingRequests);
  guarded('install', adoptNodeSqlite);
  return probe;
}

/** A bundle loads no module that could be recognised; property names survive its minifier. */
const servesEngine = (server: HttpServer): boolean => server.listeners('upgrade').some((listener) => String(listener).includes('destroyUpgrade'));
