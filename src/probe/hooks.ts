/** How the probe gets hold of an application that knows nothing of it: two patches, in effect before its first line runs. */
import { subscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { type ClientRequest, Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import Module from 'node:module';
import { currentContext, isFollowing, rootContext, within } from './context.js';
import { type AnyFunction, isServerSocket } from './foreign.js';
import { guarded } from './guard.js';
import { preparePrisma } from './prisma.js';
import { beginRequest, contextOf, endRequest, isOpenRequest } from './requests.js';
import { followRequest } from './work.js';

export interface Findings {
  socket(socket: Parameters<typeof isServerSocket>[0] & object): void;
  listening(server: HttpServer): void;
  closed(server: HttpServer): void;
  module(file: string, exports: unknown): void;
}

/** Requests that carry Socket.IO's own transport. */
const ENGINE_REQUEST = /[?&]EIO=\d/;
let requests = 0;

/** Every copy of Socket.IO, also one in a bundle, announces a connection through `EventEmitter.prototype.emit`. */
export function installEmitHook(findings: Findings): void {
  const original = EventEmitter.prototype.emit as AnyFunction;
  const watched = (emitter: unknown, args: unknown[]): unknown => {
    switch (args[0]) {
      case 'connect':
      case 'connection': {
        const socket = args[1];
        if (!isServerSocket(socket)) break;
        guarded('connection', () => findings.socket(socket));
        if (!isFollowing()) break;
        return within(rootContext(`${socket.id}:0`), () => Reflect.apply(original, emitter, args));
      }
      case 'request': {
        if (!isHttpServer(emitter)) break;
        requests += 1;
        if (!isFollowing()) break;
        const [, request, response] = args as [unknown, IncomingMessage, ServerResponse];
        const isEngine = ENGINE_REQUEST.test(request?.url ?? '');
        const context = contextOf(request) ?? rootContext(`http:${requests}`, !isEngine);
        if (!isEngine) guarded('request', () => beginRequest(request, response, context));
        return within(context, () => Reflect.apply(original, emitter, args));
      }
      case 'listening':
        if (isHttpServer(emitter)) guarded('listening', () => findings.listening(emitter as HttpServer));
        break;
      case 'close':
        if (isHttpServer(emitter)) guarded('close', () => findings.closed(emitter as HttpServer));
        else if (isOpenRequest(emitter)) guarded('request', () => endRequest(emitter));
        break;
    }
    return Reflect.apply(original, emitter, args);
  };
  // Runs for every event of the application: `arguments`, because a rest parameter that a closure sees is a list each time.
  const emit: AnyFunction = function (this: unknown, type: unknown) {
    switch (type) {
      case 'connect':
      case 'connection':
      case 'request':
      case 'listening':
      case 'close':
        // biome-ignore lint/complexity/noArguments: see above
        return watched(this, [...arguments]);
      default:
        // biome-ignore lint/complexity/noArguments: see above
        return Reflect.apply(original, this, arguments as unknown as unknown[]);
    }
  };
  Object.defineProperty(emit, 'name', { value: 'emit', configurable: true });
  EventEmitter.prototype.emit = emit as typeof EventEmitter.prototype.emit;
}

/** Reaches CommonJS modules however they are loaded: required, imported from ESM, or by tsx. */
export function installCompileHook(findings: Findings): void {
  const prototype = Module.prototype as unknown as { _compile: AnyFunction };
  const original = prototype._compile;
  prototype._compile = function (this: unknown, ...args: unknown[]) {
    const file = args[1];
    if (typeof file === 'string' && typeof args[0] === 'string') {
      const source = args[0];
      args[0] = guarded('module', () => preparePrisma(file, source)) ?? source;
    }
    const result = Reflect.apply(original, this, args);
    if (typeof file === 'string' && file.includes('node_modules')) guarded('module', () => findings.module(file, (this as { exports: unknown }).exports));
    return result;
  };
  // What was loaded before us (`attach` in a running application).
  const cache = (Module as unknown as { _cache?: Record<string, { exports?: unknown } | undefined> })._cache ?? {};
  for (const [file, loaded] of Object.entries(cache)) {
    if (file.includes('node_modules')) guarded('module', () => findings.module(file, loaded?.exports));
  }
}

/** Requests that a trace sends to other services are open work. */
export function followOutgoingRequests(): void {
  const open = new WeakSet<object>();
  const begin = (request: object, isOpen: () => boolean): void => {
    const context = currentContext();
    if (context === undefined) return;
    open.add(request);
    followRequest(isOpen, context);
  };
  const on = (channel: string, key: string, listener: (request: object) => void): void =>
    subscribe(channel, (message) => {
      const request = (message as Record<string, unknown>)[key];
      if (typeof request === 'object' && request !== null) guarded(channel, () => listener(request));
    });
  const end = (request: object): unknown => open.delete(request);
  on('undici:request:create', 'request', (request) => begin(request, () => open.has(request)));
  on('undici:request:trailers', 'request', end);
  on('undici:request:error', 'request', end);
  on('http.client.request.start', 'request', (request) => {
    const client = request as ClientRequest;
    if (!ENGINE_REQUEST.test(client.path)) begin(client, () => open.has(client) && !client.destroyed);
  });
  on('http.client.response.finish', 'request', end);
  on('http.client.request.error', 'request', end);
}

const isHttpServer = (value: unknown): boolean => value instanceof HttpServer || value instanceof HttpsServer;
