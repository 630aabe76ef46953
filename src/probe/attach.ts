import type { Server as HttpServer } from 'node:http';
import { isObject, isServerSocket } from './foreign.js';
import { guarded } from './guard.js';
import { install } from './install.js';
import { tapMiddlewares } from './middlewares.js';

/**
 * Puts the probe into an application that is not started with it preloaded: `attach(io)`, best before the first connection.
 * Returns the server it was given. Handlers that are running already, and timers set before, belong to no trace.
 */
export function attach<T extends object>(io: T): T {
  guarded('attach', () => {
    const probe = install();
    const { httpServer, _nsps } = io as { httpServer?: unknown; _nsps?: unknown };
    probe.open(isObject(httpServer) && 'listening' in httpServer ? (httpServer as unknown as HttpServer) : undefined);
    for (const namespace of _nsps instanceof Map ? _nsps.values() : []) {
      tapMiddlewares(namespace);
      for (const socket of (namespace as { sockets?: Map<string, unknown> }).sockets?.values() ?? []) {
        if (isServerSocket(socket)) probe.found(socket);
      }
    }
  });
  return io;
}
