/**
 * Prisma collects what is asked of it within one tick and sends all of it in the context of the first. Its class for that is in nobody's
 * exports, so it is handed over from inside of its own file; each request then runs in the context that it was made in.
 */
import { type Context, currentContext, within } from './context.js';
import type { AnyFunction } from './foreign.js';
import { guarded } from './guard.js';
import { warn } from './hub.js';

interface Options {
  singleLoader: (request: object) => unknown;
  batchLoader: (requests: object[]) => unknown;
}

const RUNTIME = /[\\/]@prisma[\\/]client[\\/]runtime[\\/](?:client|library)\.js$/;
const KEY = 'socket-replay:data-loader';
const NAME = 'get[Symbol.toStringTag](){return"DataLoader"}';

const contexts = new WeakMap<object, Context | undefined>();
const patched = new WeakSet<object>();

/** The text of a module as it is to be compiled. No line moves. */
export function preparePrisma(file: string, source: string): string {
  if (!RUNTIME.test(file)) return source;
  if (!source.includes(NAME)) {
    warn('changes-unmeasured', 'This version of Prisma is not known: rows of requests that it batches may have the cause of another event.', 'prisma');
    return source;
  }
  Object.defineProperty(globalThis, Symbol.for(KEY), { value: (loader: object) => guarded('prisma', () => patch(loader)), configurable: true });
  return source.replace(NAME, `static{globalThis[Symbol.for("${KEY}")]?.(this)}${NAME}`);
}

function patch(loader: object): void {
  const { prototype } = loader as { prototype: { request: AnyFunction } };
  const { request } = prototype;
  prototype.request = function (this: unknown, ...args: unknown[]) {
    const [asked] = args;
    if (typeof asked === 'object' && asked !== null) contexts.set(asked, currentContext());
    guarded('prisma', () => patchOptions((this as { options: Options }).options));
    return Reflect.apply(request, this, args);
  };
}

function patchOptions(options: Options): void {
  if (patched.has(options)) return;
  patched.add(options);
  const { singleLoader, batchLoader } = options;
  options.singleLoader = (request) => within(contexts.get(request), () => Reflect.apply(singleLoader, options, [request]));
  options.batchLoader = (requests) => {
    const all = new Set(requests.map((request) => contexts.get(request)));
    // One statement for several events is nobody's.
    return within(all.size === 1 ? [...all][0] : undefined, () => Reflect.apply(batchLoader, options, [requests]));
  };
}
