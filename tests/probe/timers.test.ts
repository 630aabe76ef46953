import { createRequire } from 'node:module';
import * as timersModule from 'node:timers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { causeOf, currentContext, followTraces, rootContext, within } from '../../src/probe/context.js';
import { installTimers } from '../../src/probe/timers.js';
import { countOpen, followPromise, followWork, isPending } from '../../src/probe/work.js';

const native = globalThis.setTimeout;
installTimers();
beforeEach(() => {
  followTraces(true);
  followWork(true);
});
afterEach(() => {
  followTraces(false);
  followWork(false);
});

const cause = (): string | null => causeOf(currentContext());
const inTrace = <T>(id: string, run: () => T): T => within(rootContext(id), run);
const ALL = Number.MAX_SAFE_INTEGER;

it('marks what runs through a timer, one generation a timer', async () => {
  const seen = await inTrace(
    's:1',
    () =>
      new Promise<(string | null | number)[]>((resolve) => {
        setTimeout(
          (a: number, b: number) => {
            const first = cause();
            setImmediate(() => {
              const interval = setInterval(() => {
                clearInterval(interval);
                resolve([first, a, b, cause(), currentContext()!.generation]);
              }, 1);
            });
          },
          1,
          4,
          5,
        );
      }),
  );
  expect(seen).toEqual(['s:1~', 4, 5, 's:1~', 3]);
});

it('leaves promise sleeps, the callback without a trace, and everything of Node alone', async () => {
  expect(globalThis.setTimeout).not.toBe(native);
  expect(createRequire(import.meta.url)('timers').setTimeout).toBe(globalThis.setTimeout);
  expect(timersModule.setTimeout).toBe(globalThis.setTimeout);
  expect(setTimeout.name).toBe('setTimeout');
  expect(await inTrace('s:1', () => promisify(setTimeout)(1, 'value'))).toBe('value');
  expect(
    await inTrace('s:1', async () => {
      await promisify(setTimeout)(1);
      return cause();
    }),
  ).toBe('s:1');
  const timeout = inTrace('s:1', () => setTimeout(() => undefined, 50));
  expect([
    timeout.hasRef(),
    timeout.unref().hasRef(),
    timeout.ref().hasRef(),
    typeof timeout.refresh,
    typeof timeout[Symbol.dispose],
    typeof timeout[Symbol.toPrimitive](),
  ]).toEqual([true, false, true, 'function', 'function', 'number']);
  clearTimeout(timeout[Symbol.toPrimitive]());
  const bad = (run: () => unknown): unknown =>
    inTrace('s:1', () => {
      try {
        return run();
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
  expect(bad(() => setTimeout('no function' as never))).toBe('ERR_INVALID_ARG_TYPE');
  expect(
    await new Promise((resolve) =>
      setTimeout(function (this: unknown) {
        resolve([cause(), typeof (this as NodeJS.Timeout).refresh]);
      }, 1),
    ),
  ).toEqual([null, 'function']);
});

it('counts timers that are due, not those cleared, unreferenced, repeated, or of a heartbeat', () => {
  inTrace('s:1', () => {
    const timers = [setTimeout(() => undefined, 1000), setTimeout(() => undefined, 1000), setTimeout(() => undefined, 1000)];
    setInterval(() => undefined, 5).unref();
    timers.push(setTimeout(() => undefined, 90_000));
    expect(countOpen(ALL, 2000)).toBe(3);
    clearTimeout(timers[0]);
    clearTimeout(timers[1]![Symbol.toPrimitive]());
    expect(countOpen(ALL, 2000)).toBe(1);
    timers[2]!.unref();
    expect(countOpen(ALL, 2000)).toBe(0);
    expect(countOpen(ALL, 100_000)).toBe(1);
    clearTimeout(timers[3]);
  });
  within({ ...rootContext('s:2'), generation: 4 }, () => clearTimeoutLater(setTimeout(() => undefined, 10)));
  expect(countOpen(ALL, 1000)).toBe(0);
  const later = rootContext('s:3');
  within(later, () => clearTimeoutLater(setTimeout(() => undefined, 10)));
  expect([countOpen(later.root - 1, 1000), countOpen(later.root, 1000)]).toEqual([0, 1]);
});

const pendingTimers: NodeJS.Timeout[] = [];
const clearTimeoutLater = (timer: NodeJS.Timeout): unknown => pendingTimers.push(timer);
afterEach(() => {
  for (const timer of pendingTimers.splice(0)) clearTimeout(timer);
});

it('knows the state of a promise without touching it', async () => {
  const rejected = Promise.reject(new Error('x'));
  rejected.catch(() => undefined);
  class Mine<T> extends Promise<T> {}
  const decorated = Object.assign(new Promise(() => undefined), { a: 1, [Symbol('x')]: 2 });
  expect([new Promise(() => undefined), new Mine(() => undefined), decorated, (async () => new Promise(() => undefined))()].map(isPending)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect([Promise.resolve('<pending>'), Promise.resolve({ a: '{ <pending>' }), rejected, Mine.resolve([1]), Promise.resolve(undefined)].map(isPending)).toEqual(
    [false, false, false, false, false],
  );
});

it('forgets what has ended without being asked', async () => {
  const context = rootContext('s:1');
  for (let i = 0; i < 5000; i += 1) followPromise(Promise.resolve(i), context);
  const open = new Promise(() => undefined);
  followPromise(open, context);
  // No look takes long: what it did not get to counts as open.
  for (let look = 0; look < 3; look += 1) expect(countOpen(ALL, 0)).toBe(1);
  expect(await Promise.race([open, 'open'])).toBe('open');
});
