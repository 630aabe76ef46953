/** From files to recordings: each file is captured like any other source. All of them are written, or none. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReplayError, ReplayErrors } from '../errors.js';
import { createRedactor } from '../recording/redact.js';
import { type CaptureResult, startCapture } from './capture.js';
import { prepareCapture, refuseExisting, type Saved } from './finish.js';
import { type ImportFile, invalid } from './sources/import-file.js';

export interface ImportOptions {
  /** where recordings lie */
  out: string;
  force: boolean;
  aliases: Readonly<Record<string, string>>;
  exclude?: readonly string[];
  /** more keys whose values are secret */
  redact?: readonly string[];
}

interface Imported {
  saved: Saved;
  result: CaptureResult;
  notes: readonly string[];
}

/** What is wrong is said of all files at once. */
export function readAll(files: readonly string[], read: (file: string) => ImportFile): ImportFile[] {
  const errors: ReplayError[] = [];
  const understood = files.flatMap((file) => {
    try {
      return [read(file)];
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      errors.push(error);
      return [];
    }
  });
  if (errors.length > 0) throw new ReplayErrors(errors);
  return understood;
}

export async function importAll(files: readonly ImportFile[], options: ImportOptions): Promise<Imported[]> {
  const named = files.map((file) => ({ ...file, name: recordingNameOf(file.name) }));
  for (const [i, { name, file }] of named.entries()) {
    const twin = named.findIndex((other) => other.name === name);
    if (twin < i)
      throw new ReplayError('REPLAY_DUPLICATE_RECORDING', `${named[twin]?.file} is called ${name} too`, { file }, 'Import one of them alone, with --name.');
    refuseExisting(options.out, name, options.force);
  }
  // The files themselves are there to be imported again: the logs are worth nothing afterwards.
  const captures = mkdtempSync(join(tmpdir(), 'socket-replay-import-'));
  try {
    const ready = [];
    for (const { file, name, source, notes } of named) {
      const result = await startCapture({
        name,
        source,
        select: () => true,
        aliases: options.aliases,
        redactor: createRedactor({ rules: options.redact }),
        exclude: options.exclude,
        folder: captures,
      }).done;
      ready.push({ save: prepared(file, () => prepareCapture(result.captured, { out: options.out, captures, force: options.force })), result, notes });
    }
    return ready.map(({ save, result, notes }) => ({ saved: save(), result, notes }));
  } finally {
    rmSync(captures, { recursive: true, force: true });
  }
}

/** What is to be done about an empty capture is another thing where nobody can use the application again. */
function prepared(file: string, prepare: () => () => Saved): () => Saved {
  try {
    return prepare();
  } catch (error) {
    if (!(error instanceof ReplayError) || error.code !== 'REPLAY_CAPTURE_EMPTY') throw error;
    throw invalid(file, 'holds nothing that a client did', 'Import a file in which somebody uses the application, or exclude less.');
  }
}

/** A name that a recording can have, as near as possible to what the file says. */
function recordingNameOf(text: string): string {
  const clean = text.replace(/[^\w.-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');
  return clean.slice(0, 100) || 'imported';
}
