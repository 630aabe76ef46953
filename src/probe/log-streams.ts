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
type Methods = Partial<Record<'write' | 'push' | '_transform' | '_write' | '_writev', AnyFunction>> & { logv?: unknown };

const contexts = new WeakMap<object, Context | undefined>();
const tapped = new WeakSet<object>();

export function tapLogStreams(file: string, exports: unknown): void {
  if (MODULE.test(file) && typeof exports === 'function') tapLogStream(exports.prototype as Methods);
}

export function tapLogStream(prototype: Methods): void {
  if (tapped.has(prototype)) return;
  tapped.add(prototype);
  const { write, push, _transform: transform, _write: writeOne, _writev: writeAll } = prototype;
  const isLogger = Object.hasOwn(prototype, '_transform');
  if (typeof write === 'function')
    prototype.write = function (this: unknown, ...args: unknown[]) {
      // An application may log one object twice.
      remember(args[0], isLogger);
      return Reflect.apply(write, this, args);
    };
  // What a format made of the entry.
  if (isLogger && typeof push === 'function')
    prototype.push = function (this: unknown, ...args: unknown[]) {
      remember(args[0], false);
      return Reflect.apply(push, this, args);
    };
  if (isLogger) prototype._transform = inContext(transform);
  else prototype._write = inContext(writeOne);
  // null in Node's own streams
  if (!isLogger && typeof writeAll === 'function')
    prototype._writev = function (this: unknown, ...args: unknown[]) {
      const [waiting, done] = args as [Waiting[], (error: null) => void];
      const first = waiting[0];
      if (first === undefined || waiting.every(({ chunk }) => isSame(chunk, first.chunk)))
        return inItsContext(first?.chunk, () => Reflect.apply(writeAll, this, args));
      // One statement for entries of several traces: nobody's.
      if ((this as Methods).logv !== undefined) return outside(() => Reflect.apply(writeAll, this, args));
      try {
        for (const one of waiting) inItsContext(one.chunk, () => Reflect.apply(writeAll, this, [[one], () => undefined]));
      } finally {
        done(null);
      }
      return undefined;
    };
}

const inContext = (original: AnyFunction | undefined): AnyFunction | undefined =>
  original &&
  function (this: unknown, ...args: unknown[]) {
    return inItsContext(args[0], () => Reflect.apply(original, this, args));
  };

function remember(entry: unknown, again: boolean): void {
  if (isObject(entry) && isFollowing() && (again || !contexts.has(entry))) contexts.set(entry, currentContext());
}

const inItsContext = <T>(entry: unknown, run: () => T): T => (isObject(entry) && contexts.has(entry) ? within(contexts.get(entry), run) : run());

const isSame = (one: unknown, other: unknown): boolean => {
  const [a, b] = [one, other].map((entry) => (isObject(entry) ? contexts.get(entry) : undefined));
  return a === b && isObject(one) && contexts.has(one);
};
