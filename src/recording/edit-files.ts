/** Edits of recordings on the disk: all files are read, edited and read again before the first is written; none, if one is wrong. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ReplayError, ReplayErrors } from '../errors.js';
import { readSideFile, readText, replaceFiles, shown, writeSideFiles } from './disk.js';
import type { EditSteps } from './edit-recording.js';
import { lineDiff } from './line-diff.js';
import { recordingFiles } from './load.js';
import { suggestion } from './nearest.js';
import type { ReadOptions } from './read.js';

export interface EditedFiles {
  /** how many were read */
  read: number;
  /** those that change, as people are told them */
  changed: string[];
  /** as `git diff` shows it */
  diff: string[];
  write(): void;
}

/**
 * `chosen` are paths of files, or names of recordings of the folder; none: all of the folder. Throws everything that is wrong
 * with any of them.
 */
export function editFiles(
  folder: string,
  chosen: readonly string[],
  edit: (text: string, options: ReadOptions) => EditSteps | { errors: ReplayError[] },
): EditedFiles {
  const errors: ReplayError[] = [];
  const edited: (EditSteps & { path: string; file: string })[] = [];
  const paths = pathsOf(folder, chosen);
  for (const path of paths) {
    const file = shown(path);
    const text = readText(path);
    const result = typeof text === 'string' ? edit(text, { file, readBinary: (sha256) => readSideFile(dirname(path), sha256) }) : { errors: [text] };
    if ('errors' in result) errors.push(...result.errors);
    else if (result.steps.length > 0) edited.push({ ...result, path, file });
  }
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new ReplayErrors(errors);
  return {
    read: paths.length,
    changed: edited.map(({ file }) => file),
    diff: edited.flatMap(({ file, steps }) => steps.flatMap(({ before, splices }) => lineDiff(file, before, splices))),
    write() {
      for (const { path, files } of edited) writeSideFiles(dirname(path), files);
      replaceFiles(edited.map(({ path, text }) => ({ path, content: hasMark(path) ? `\ufeff${text}` : text })));
    },
  };
}

function pathsOf(folder: string, chosen: readonly string[]): string[] {
  const names = recordingFiles(folder) ?? [];
  if (chosen.length === 0) {
    if (names.length === 0) throw new ReplayError('REPLAY_NO_RECORDINGS', `no recording (*.yaml) in ${shown(folder)}`, { file: shown(folder) });
    return names.map((name) => join(folder, name));
  }
  return [...new Set(chosen)].map((name) => {
    if (statSync(name, { throwIfNoEntry: false })?.isFile()) return name;
    if (names.includes(`${name}.yaml`)) return join(folder, `${name}.yaml`);
    const known = names.map((file) => file.slice(0, -'.yaml'.length));
    throw new ReplayError('REPLAY_RECORDING_NOT_FOUND', `there is no file and no recording \`${name}\`${suggestion(name, known)}`, { file: shown(folder) });
  });
}

/** A byte order mark, which reading takes off and writing puts back. */
function hasMark(path: string): boolean {
  const bytes = Buffer.alloc(3);
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, 3, 0);
  } finally {
    closeSync(file);
  }
  return bytes.toString('hex') === 'efbbbf';
}
