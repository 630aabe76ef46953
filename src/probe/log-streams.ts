/**
 * winston's loggers and transports are streams: while a transport writes an entry, those that come meanwhile wait, and are written in the
 * context of the one before them. Each entry is written in the context that logged it, so that its row in a database is that trace's.
 */
import { type Context, currentContext, isFollowing, outside, within } from './context.js';
import { type AnyFunction, isObject } from './foreign.js';

const MODULE = /[\\/]node_modules[\\/](?:winston-transport[\\/](?:index|modern)|winston[\\/](?:dist|lib)[\\/]winston[\\/]logger)\.js$/;

interface Waiting {
  chunk: unknown;
}
interface Stream extends Partial<Record<'push' | 'write' | '_write' | '_writev' | '_transform', unknown>> {
  logv?: unknown;
  _writableState?: { sync?: unknown; bufferProcessing?: unknown };
}

/** undefined: nobody's */
const contexts = new WeakMap<object, Context | undefined>();
const tapped = new WeakSet<object>();

export function tapLogStreams(file: string, exports: unknown): void {
  if (MODULE.test(file) && typeof exports === 'function') tapLogStream(exports.prototype as Stream);
}

/** The prototype of a logger or of transports. */
export function tapLogStream(prototype: Stream): void {
  if (tapped.has(prototype)) return;
  tapped.add(prototype);
  if (typeof prototype._transform === 'function') tapLogger(prototype);
  else tapTransport(prototype);
}

/** Behind the formats, some of which look through the stack for who logged: no frame of ours may stand there. */
function tapLogger(prototype: Stream): void {
  const push = prototype.push as AnyFunction;
  prototype.push = function (this: Stream, ...args: unknown[]) {
    const [entry] = args;
    // An entry that had to wait for its format comes in the context of another one.
    const isAtOnce = this._writableState?.sync === true && this._writableState.bufferProcessing !== true;
    if (isObject(entry) && isFollowing()) contexts.set(entry, isAtOnce ? currentContext() : undefined);
    return Reflect.apply(push, this, args);
  };
}

function tapTransport(prototype: Stream): void {
  const { write, _write: writeOne, _writev: writeAll } = prototype as Record<'write' | '_write' | '_writev', AnyFunction | null>;
  if (typeof write === 'function')
    prototype.write = function (this: unknown, ...args: unknown[]) {
      const [entry] = args;
      if (isObject(entry) && isFollowing() && !contexts.has(entry)) contexts.set(entry, currentContext());
      return Reflect.apply(write, this, args);
    };
  if (typeof writeOne === 'function')
    prototype._write = function (this: unknown, ...args: unknown[]) {
      return inItsContext(args[0], () => Reflect.apply(writeOne, this, args));
    };
  if (typeof writeAll !== 'function') return;
  prototype._writev = function (this: Stream, ...args: unknown[]) {
    if (!isFollowing()) return Reflect.apply(writeAll, this, args);
    // One statement for the entries of several traces is nobody's.
    if (this.logv !== undefined) return outside(() => Reflect.apply(writeAll, this, args));
    const [waiting, done] = args as [Waiting[], (error: null) => void];
    try {
      for (const one of waiting) inItsContext(one.chunk, () => Reflect.apply(writeAll, this, [[one], () => undefined]));
    } finally {
      done(null);
    }
    return undefined;
  };
}

const inItsContext = <T>(entry: unknown, run: () => T): T => (isObject(entry) && contexts.has(entry) ? within(contexts.get(entry), run) : run());
