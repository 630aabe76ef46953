/** Captures that a log is left of: the process crashed, or the recording could not be written. */
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { fromJson, type Json } from '../recording/json.js';
import { isAlive } from '../wire/process.js';
import { LOG_VERSION, logFile } from './log.js';
import { type Captured, type CaptureEnd, capturedHeadSchema, endSchema, type SourceEvent, sourceEventSchema } from './source.js';

const startLine = capturedHeadSchema.extend({
  type: z.literal('start'),
  version: z.literal(LOG_VERSION),
  pid: z.number(),
  at: z.number(),
  missing: z.number().optional(),
});
const endLine = endSchema.extend({ type: z.literal('end') });

export interface LeftLog {
  name: string;
  /** whether it was found without an end, and marked now */
  crashed: boolean;
}

/** The captures that were never saved. Those whose process has died without an end are marked interrupted. */
export function leftLogs(folder: string): LeftLog[] {
  if (!existsSync(folder)) return [];
  const left: LeftLog[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.ndjson')) continue;
    const path = join(folder, file);
    const ended = endOf(lastLine(path)) !== undefined;
    if (!ended && isRunning(path)) continue;
    if (!ended) markInterrupted(path);
    left.push({ name: file.slice(0, -'.ndjson'.length), crashed: !ended });
  }
  return left;
}

/**
 * What a log holds. A log without an end reads interrupted; a last line that was cut off is ignored. `running`: its capture goes
 * on, and what is there so far is wanted.
 */
export function readLog(folder: string, name: string, running = false): Captured {
  const file = logFile(folder, name);
  if (!existsSync(file)) throw new ReplayError('REPLAY_CAPTURE_LOG', `there is no capture log of the name ${name}`, { file });
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '');
  const start = startLine.safeParse(parse(lines[0] ?? ''));
  if (!start.success) throw new ReplayError('REPLAY_CAPTURE_LOG', 'this is no log of a capture, or one of another version', { file, line: 1 });
  const end = endOf(lines.at(-1) ?? '');
  if (!end && !running && start.data.pid !== process.pid && isAlive(start.data.pid))
    throw new ReplayError('REPLAY_CAPTURE_LOG', `process ${start.data.pid} still writes this capture`, { file }, 'Stop that recording; it is saved then.');
  const body = lines.slice(1, end ? -1 : undefined);
  const events: SourceEvent[] = [];
  body.forEach((text, i) => {
    const event = parseEvent(text);
    if (event) events.push(event);
    else if (i < body.length - 1) throw new ReplayError('REPLAY_CAPTURE_LOG', 'a line is broken', { file, line: i + 2 });
  });
  const { missing } = start.data;
  const unended: CaptureEnd = running ? { status: 'truncated', reason: 'still_recording' } : { status: 'interrupted' };
  return { ...capturedHeadSchema.parse(start.data), events, ...(missing !== undefined && { missing }), end: end ?? unended };
}

function isRunning(path: string): boolean {
  const start = startLine.safeParse(parse(firstLine(path)));
  return start.success && isAlive(start.data.pid);
}

/** A piece may have been cut off in the middle of a line: the end begins a new one. */
function markInterrupted(path: string): void {
  const end: CaptureEnd = { status: 'interrupted', reason: 'crashed' };
  appendFileSync(path, `\n${JSON.stringify({ type: 'end', ...end })}\n`);
}

const firstLine = (path: string): string => part(path, (size) => [0, Math.min(size, 1 << 20)]).split('\n')[0] ?? '';
const lastLine = (path: string): string =>
  part(path, (size) => [Math.max(0, size - 4096), Math.min(size, 4096)])
    .trimEnd()
    .split('\n')
    .at(-1) ?? '';

function part(path: string, range: (size: number) => [from: number, length: number]): string {
  const fd = openSync(path, 'r');
  try {
    const [from, length] = range(fstatSync(fd).size);
    const buffer = Buffer.alloc(length);
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, length, from));
  } finally {
    closeSync(fd);
  }
}

function endOf(text: string): CaptureEnd | undefined {
  const end = endLine.safeParse(parse(text));
  return end.success ? { status: end.data.status, ...(end.data.reason !== undefined && { reason: end.data.reason }) } : undefined;
}

function parseEvent(text: string): SourceEvent | undefined {
  const json = parse(text);
  if (json === undefined) return undefined;
  const event = sourceEventSchema.safeParse(fromJson(json));
  return event.success ? event.data : undefined;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
