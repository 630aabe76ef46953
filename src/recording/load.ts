/** The recordings of a folder, loaded and saved. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ReplayError } from '../errors.js';
import { readSideFile, readText, replaceFiles, sha256Of, shown, writeSideFiles } from './disk.js';
import { inMegabytes } from './limits.js';
import { suggestion } from './nearest.js';
import { type ReadRecording, readRecording } from './read.js';
import { type Recording, recordingName } from './schema.js';
import { writeRecording } from './write.js';

export interface LoadedRecording {
  recording: Recording;
  /** relative to the working directory when inside it */
  file: string;
  /** the line (from 1) of a session, or of one of its traces */
  lineOf(session: number, trace?: number): number;
}

export interface LoadResult {
  /** in the order of the file names */
  recordings: LoadedRecording[];
  errors: ReplayError[];
}

/** Parsing is by far the most expensive step, and every worker and every phase of a run asks for the same texts. */
const cache = new Map<string, ReadRecording>();

/**
 * The recordings of a folder. Without `select` (or with none in it) all that are not disabled; with it those named, also
 * disabled ones. Files that cannot be read are in `errors`, the others are loaded all the same. Treat the result as read-only:
 * equal texts share it.
 */
export function loadRecordings(folder: string, select?: readonly string[]): LoadResult {
  const names = recordingFiles(folder);
  const where = { file: shown(folder) };
  if (!names) return { recordings: [], errors: [new ReplayError('REPLAY_NO_RECORDINGS', `there is no folder ${shown(folder)}`, where)] };
  if (names.length === 0) return { recordings: [], errors: [new ReplayError('REPLAY_NO_RECORDINGS', `no recording (*.yaml) in ${shown(folder)}`, where)] };

  const errors: ReplayError[] = [];
  const loaded: LoadedRecording[] = [];
  const broken = new Set<string>();
  for (const name of names) {
    const result = loadFile(folder, name);
    if (Array.isArray(result)) {
      errors.push(...result);
      broken.add(name.slice(0, -'.yaml'.length));
    } else loaded.push(result);
  }
  errors.push(...duplicates(loaded));
  if (select && select.length > 0) {
    const known = loaded.map(({ recording }) => recording.name);
    // What cannot be read has been reported; it is not missing.
    for (const name of new Set(select))
      if (!known.includes(name) && !broken.has(name))
        errors.push(new ReplayError('REPLAY_RECORDING_NOT_FOUND', `there is no recording \`${name}\`${suggestion(name, [...known, ...broken])}`, where));
    return { recordings: loaded.filter(({ recording }) => select.includes(recording.name)), errors };
  }
  const enabled = loaded.filter(({ recording }) => !recording.disabled);
  if (enabled.length === 0 && errors.length === 0)
    errors.push(new ReplayError('REPLAY_NO_RECORDINGS', `every recording in ${shown(folder)} is disabled`, where, 'Enable one, or name it.'));
  return { recordings: enabled, errors };
}

/** Writes a recording as `NAME.yaml`, its large binary values first: whoever reads meanwhile sees the old file or the new one. Returns the path. */
export function saveRecording(folder: string, recording: Recording, maxBytes = Number.POSITIVE_INFINITY): string {
  // The name becomes a file name.
  if (!recordingName.safeParse(recording.name).success)
    throw new ReplayError('REPLAY_INVALID_VALUE', `${JSON.stringify(recording.name)} cannot be the name of a recording`);
  const { text, files } = writeRecording(recording);
  const bytes = [...files.values()].reduce((sum, file) => sum + file.length, Buffer.byteLength(text));
  if (bytes > maxBytes)
    throw new ReplayError(
      'REPLAY_RECORDING_LIMITS',
      `the recording ${recording.name} has ${inMegabytes(bytes)}, more than ${inMegabytes(maxBytes)}`,
      undefined,
      `Record a shorter flow, or leave out what is not needed with --exclude. To save it all the same: npx socket-replay export ${recording.name} --force`,
    );
  writeSideFiles(folder, files);
  const path = join(folder, `${recording.name}.yaml`);
  replaceFiles([{ path, content: text }]);
  return path;
}

/** undefined when there is no such folder */
export function recordingFiles(folder: string): string[] | undefined {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return undefined;
  // Not by locale: the order is the order of replay.
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && !name.startsWith('.') && statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
    .sort();
}

export interface OpenedRecording extends LoadedRecording {
  text: string;
  sideFiles: { sha256: string; bytes: number }[];
}

/**
 * Recordings with their texts, also disabled ones, each once: `paths` are files, folders, and names of recordings in `folder`.
 * Files that cannot be read are in `errors`.
 */
export function openRecordings(folder: string, paths: readonly string[]): { recordings: OpenedRecording[]; errors: ReplayError[] } {
  const recordings: OpenedRecording[] = [];
  const errors: ReplayError[] = [];
  for (const path of new Set(paths.flatMap((one) => filesOf(folder, one, errors)))) {
    const text = readText(path);
    const loaded = typeof text === 'string' ? readLoaded(dirname(path), text, shown(path)) : [text];
    if (Array.isArray(loaded)) errors.push(...loaded);
    else if (typeof text === 'string') recordings.push({ ...loaded, text, sideFiles: sideFiles(path, text) });
  }
  return { recordings, errors };
}

function filesOf(folder: string, path: string, errors: ReplayError[]): string[] {
  const inside = recordingFiles(path);
  if (inside && inside.length > 0) return inside.map((name) => join(path, name));
  if (inside) errors.push(new ReplayError('REPLAY_NO_RECORDINGS', `no recording (*.yaml) in ${shown(path)}`, { file: shown(path) }));
  else if (existsSync(path)) return [join(path)];
  else if (existsSync(join(folder, `${path}.yaml`))) return [join(folder, `${path}.yaml`)];
  else {
    const known = (recordingFiles(folder) ?? []).map((name) => name.slice(0, -'.yaml'.length));
    errors.push(
      new ReplayError('REPLAY_RECORDING_NOT_FOUND', `there is no file and no recording \`${path}\`${suggestion(path, known)}`, { file: shown(folder) }),
    );
  }
  return [];
}

/** Side files of a folder that none of its recordings names, also none that cannot be read. */
export function orphanedFiles(folder: string): string[] {
  const path = join(folder, 'files');
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  const texts = (recordingFiles(folder) ?? []).map((name) => readFileSync(join(folder, name), 'utf8'));
  return readdirSync(path)
    .filter((name) => !name.startsWith('.') && !texts.some((text) => text.includes(name)))
    .sort()
    .map((name) => shown(join(path, name)));
}

/** The side files that the text of a recording names, and their sizes. */
const sideFiles = (file: string, text: string): { sha256: string; bytes: number }[] =>
  [...new Set([...text.matchAll(/!file ([0-9a-f]{64})/g)].map((match) => match[1] ?? ''))].map((sha256) => ({
    sha256,
    bytes: statSync(join(dirname(file), 'files', sha256), { throwIfNoEntry: false })?.size ?? 0,
  }));

function loadFile(folder: string, name: string): LoadedRecording | ReplayError[] {
  const path = join(folder, name);
  const text = readText(path);
  return typeof text === 'string' ? readLoaded(folder, text, shown(path)) : [text];
}

function readLoaded(folder: string, text: string, file: string): LoadedRecording | ReplayError[] {
  const hash = sha256Of(text);
  const known = cache.get(hash);
  if (known) return { recording: known.recording, file, lineOf: known.lineOf };
  const result = readRecording(text, { file, readBinary: (sha256) => readSideFile(folder, sha256) });
  if (result.recording === undefined) return result.errors;
  // Side files are named by their content, so the text alone says what was read.
  cache.set(hash, result);
  return { recording: result.recording, file, lineOf: result.lineOf };
}

function duplicates(loaded: LoadedRecording[]): ReplayError[] {
  const first = new Map<string, string>();
  return loaded.flatMap(({ recording: { name }, file }) => {
    const other = first.get(name);
    first.set(name, other ?? file);
    return other === undefined ? [] : [new ReplayError('REPLAY_DUPLICATE_RECORDING', `the recording \`${name}\` is also in ${other}`, { file })];
  });
}
