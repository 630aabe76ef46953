/**
 * A capture on disk while it runs: append-only NDJSON, first what is captured, then the events, at last how it ended. Written
 * in pieces through one queue; `append` only adds to memory, so that the source is never blocked.
 */
import { close, mkdirSync, openSync, renameSync, write, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ReplayError } from '../errors.js';
import { toJson } from '../recording/json.js';
import type { Value } from '../recording/values.js';
import type { CapturedHead, CaptureEnd, SourceEvent } from './source.js';

export const LOG_VERSION = 1;
const PIECE_BYTES = 64 * 1024;
const PIECE_MS = 1_000;

export const captureFolder = (root = process.cwd()): string => join(root, '.socket-replay', 'captures');
export const logFile = (folder: string, name: string): string => join(folder, `${name}.ndjson`);

export interface CaptureLog {
  /** the bytes that the event takes */
  append(event: SourceEvent): number;
  /** Begins anew with these events, the old log in place until the new one is whole: what a flight recorder throws away leaves the disk too. */
  restart(events: readonly SourceEvent[], missing: number): void;
  /** Resolves when everything that was appended is written; rejects when a piece was lost. */
  flush(): Promise<void>;
  /** Writes what is left and how the capture ended; rejects when a piece was lost. */
  end(end: CaptureEnd): Promise<void>;
}

type WritePiece = (fd: number, text: string) => Promise<void>;

/** Synchronous, for the caller has taken a lock and must not wait. `onLost` is called once, when a piece could not be written. */
export function openLog(
  folder: string,
  head: CapturedHead,
  onLost: (error: Error) => void,
  options: { replace?: boolean; write?: WritePiece } = {},
): CaptureLog {
  const file = logFile(folder, head.name);
  const writePiece = options.write ?? writeAll;
  const start = (missing?: number): string => line({ type: 'start', version: LOG_VERSION, pid: process.pid, at: began, ...head, ...(missing && { missing }) });
  const began = Date.now();
  let fd = create(file, options.replace === true);
  writeSync(fd, start());
  let waiting: string[] = [];
  let bytes = 0;
  let failure: Error | undefined;
  let queue = Promise.resolve();
  const enqueue = (step: () => Promise<void>): void => {
    queue = queue
      .then(() => (failure ? undefined : step()))
      .catch((error: Error) => {
        if (failure) return;
        failure = error;
        onLost(error);
      });
  };
  const flush = (): void => {
    if (waiting.length === 0) return;
    const piece = waiting.join('');
    waiting = [];
    bytes = 0;
    enqueue(() => writePiece(fd, piece));
  };
  const timer = setInterval(flush, PIECE_MS);
  timer.unref();
  return {
    append(event) {
      const text = line(toJson(event as unknown as Value));
      const size = Buffer.byteLength(text);
      waiting.push(text);
      bytes += size;
      if (bytes >= PIECE_BYTES) flush();
      return size;
    },
    restart(events, missing) {
      waiting = [];
      bytes = 0;
      const text = [start(missing), ...events.map((event) => line(toJson(event as unknown as Value)))].join('');
      enqueue(async () => {
        const next = openSync(`${file}.new`, 'w', 0o600);
        await writePiece(next, text);
        renameSync(`${file}.new`, file);
        await closeFile(fd);
        fd = next;
      });
    },
    async flush() {
      flush();
      await queue;
      if (failure) throw failure;
    },
    async end(end) {
      clearInterval(timer);
      waiting.push(line({ type: 'end', ...end }));
      flush();
      await queue;
      await closeFile(fd).catch(() => undefined);
      if (failure) throw failure;
    },
  };
}

const closeFile = promisify(close);
const writeFd = promisify(write);

/** write() may take less than it was given. */
async function writeAll(fd: number, text: string): Promise<void> {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    const { bytesWritten } = await writeFd(fd, rest, 0, rest.length, null);
    rest = rest.subarray(bytesWritten);
  }
}

function create(file: string, replace: boolean): number {
  mkdirSync(dirname(file), { recursive: true });
  try {
    return openSync(file, replace ? 'w' : 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new ReplayError(
      'REPLAY_CAPTURE_LOG',
      'a capture of this name has not been saved yet',
      { file },
      'Save it with `npx socket-replay export NAME`, choose another --name, or replace it with --force.',
    );
  }
}

const line = (json: unknown): string => `${JSON.stringify(json)}\n`;
