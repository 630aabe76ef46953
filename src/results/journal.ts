/**
 * The writer of a journal: one a test, NDJSON, written while the test runs, so that a killed run leaves what it saw.
 */
import { closeSync, mkdirSync, openSync, write as writeCallback, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { ReplayError } from '../errors.js';
import type { JournalRecord } from './schema.js';

const writeAt = promisify(writeCallback);

const FLUSH_BYTES = 64 * 1024;
const FLUSH_AFTER = 1000;

export interface Journal {
  /** Takes the record as it is now. Never waits and never throws: what fails is told by `close`. */
  write(record: JournalRecord): void;
  flush(): Promise<void>;
  /** The last chance, in an exit handler: everything is in the file when it returns. */
  flushSync(): void;
  /** Rejects with REPLAY_JOURNAL_WRITE if anything was lost. */
  close(): Promise<void>;
}

/** Creates the file, which must not exist: a journal is one attempt at one test. */
export function openJournal(file: string): Journal {
  let descriptor: number;
  try {
    mkdirSync(dirname(file), { recursive: true });
    descriptor = openSync(file, 'wx');
  } catch (error) {
    throw failed(file, error);
  }
  return journalOn(file, descriptor);
}

const failed = (file: string, error: unknown): ReplayError =>
  new ReplayError('REPLAY_JOURNAL_WRITE', `The journal could not be written: ${error instanceof Error ? error.message : String(error)}`, { file });

/** Apart from `openJournal` so that a test can hand in a descriptor that cannot be written. */
export function journalOn(file: string, descriptor: number): Journal {
  let lines: string[] = [];
  let size = 0;
  let timer: NodeJS.Timeout | undefined;
  /** Where the next chunk begins. Every chunk has its own place, so that writing one again (flushSync) changes nothing. */
  let end = 0;
  const waiting: { bytes: Buffer; position: number }[] = [];
  let queue: Promise<void> = Promise.resolve();
  let failure: unknown;
  let closed = false;

  const seal = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (lines.length === 0) return;
    const bytes = Buffer.from(lines.join(''));
    waiting.push({ bytes, position: end });
    end += bytes.length;
    lines = [];
    size = 0;
  };

  const drain = async (): Promise<void> => {
    for (let chunk = waiting[0]; chunk && failure === undefined; chunk = waiting[0]) {
      try {
        for (let done = 0; done < chunk.bytes.length; )
          done += (await writeAt(descriptor, chunk.bytes, done, chunk.bytes.length - done, chunk.position + done)).bytesWritten;
        // flushSync may have taken it meanwhile
        if (waiting[0] === chunk) waiting.shift();
      } catch (error) {
        failure = error;
      }
    }
  };

  const flush = (): Promise<void> => {
    seal();
    queue = queue.then(drain);
    return queue;
  };

  return {
    write(record) {
      if (closed) return;
      try {
        const line = `${JSON.stringify(record)}\n`;
        lines.push(line);
        size += line.length;
      } catch (error) {
        failure ??= error;
      }
      if (size >= FLUSH_BYTES) void flush();
      else timer ??= setTimeout(() => void flush(), FLUSH_AFTER).unref();
    },
    flush,
    flushSync() {
      if (closed) return;
      seal();
      try {
        for (let chunk = waiting[0]; chunk; chunk = waiting[0]) {
          for (let done = 0; done < chunk.bytes.length; ) done += writeSync(descriptor, chunk.bytes, done, chunk.bytes.length - done, chunk.position + done);
          waiting.shift();
        }
      } catch (error) {
        failure ??= error;
      }
    },
    async close() {
      if (!closed) {
        await flush();
        closed = true;
        try {
          closeSync(descriptor);
        } catch (error) {
          failure ??= error;
        }
      }
      if (failure !== undefined) throw failed(file, failure);
    },
  };
}
