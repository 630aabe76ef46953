import { Transform, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { currentCause, followTraces, rootContext, within } from '../../src/probe/context.js';
import { tapLogStream } from '../../src/probe/log-streams.js';

type Entry = { message: string };
type Done = (error?: Error | null) => void;

let written: string[] = [];
let finish: Done[] = [];
beforeEach(() => {
  written = [];
  finish = [];
  followTraces(true);
});
afterEach(() => followTraces(false));

/** As winston's: a logger that formats, and a transport whose writes end later. */
class Transport extends Writable {
  constructor() {
    super({ objectMode: true });
  }
  log({ message }: Entry, done: Done): void {
    written.push(`${message} of ${currentCause()}`);
    finish.push(done);
  }
  override _write(entry: Entry, _: string, done: Done): void {
    this.log(entry, done);
  }
}

class Batching extends Transport {
  override _writev(waiting: { chunk: Entry; encoding: BufferEncoding }[], done: Done): void {
    for (const { chunk } of waiting) this.log(chunk, () => undefined);
    done(null);
  }
}

class Logger extends Transform {
  constructor() {
    super({ objectMode: true });
  }
  override _transform(entry: Entry, _: string, done: Done): void {
    this.push({ message: entry.message.toUpperCase() });
    done();
  }
}

tapLogStream(Transport.prototype);
tapLogStream(Batching.prototype);
tapLogStream(Logger.prototype);

const logIn = (trace: string | undefined, stream: Writable, message: string): void =>
  within(trace === undefined ? undefined : rootContext(trace), () => void stream.write({ message }));

/** One write after the other ends, in the context of nobody. */
async function drain(): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    for (const done of finish.splice(0)) done();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

it.each([
  ['one by one', new Transport()],
  ['in batches', new Batching()],
])('entries that wait for the one before them are written in the context that logged them: %s', async (_, transport) => {
  logIn('a:1', transport, 'first');
  logIn('b:1', transport, 'second');
  logIn(undefined, transport, 'third');
  logIn('b:2', transport, 'fourth');
  expect(written).toHaveLength(1);
  await drain();
  expect(written).toEqual(['first of a:1', 'second of b:1', 'third of null', 'fourth of b:2']);
});

it('a logger that holds entries back, because its transport is full, hands on in their own contexts what it has formatted, and the rest in none', async () => {
  const logger = new Logger();
  logger.pipe(new Batching());
  const entries = Array.from({ length: 60 }, (_, index) => `e${index}`);
  for (const [index, message] of entries.entries()) logIn(`s${index}:1`, logger, message);
  await drain();
  const own = entries.map((message, index) => `${message.toUpperCase()} of s${index}:1`);
  const held = written.findIndex((line) => line.endsWith(' null'));
  expect(held).toBeGreaterThan(15);
  expect(written).toEqual([...own.slice(0, held), ...own.slice(held).map((line) => line.replace(/s\d+:1$/, 'null'))]);
});

it('a format sees the stack as it is without us', () => {
  let stack: string | undefined;
  class Formatting extends Transform {
    override _transform(entry: Entry, _: string, done: Done): void {
      stack = new Error().stack;
      this.push({ ...entry });
      done();
    }
  }
  tapLogStream(Formatting.prototype);
  logIn('a:1', new Formatting({ objectMode: true }), 'x');
  expect(stack).toContain('log-streams.test.ts');
  expect(stack).not.toContain('log-streams.js');
  expect(stack).not.toContain('probe/log-streams.ts');
});

it('an object that is logged again belongs to who logged it then', async () => {
  const logger = new Logger();
  logger.pipe(new Transport());
  const entry = { message: 'again' };
  within(rootContext('a:1'), () => void logger.write(entry));
  await drain();
  within(rootContext('b:1'), () => void logger.write(entry));
  await drain();
  expect(written).toEqual(['AGAIN of a:1', 'AGAIN of b:1']);
});
