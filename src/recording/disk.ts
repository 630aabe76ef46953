/** Files of recordings: read as text, replaced whole or not at all. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { ReplayError } from '../errors.js';
import { MAX_TEXT } from './document.js';

/** The text without a byte order mark, or why it is none. */
export function readText(path: string): string | ReplayError {
  const file = shown(path);
  const size = statSync(path).size;
  if (size > MAX_TEXT) return new ReplayError('REPLAY_RECORDING_LIMITS', `${size} bytes, larger than ${MAX_TEXT / 1024 / 1024} MB`, { file });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    return new ReplayError('REPLAY_YAML_SYNTAX', `cannot be read: ${(error as Error).message}`, { file });
  }
}

/** undefined when it is missing or its content is not what its name says */
export function readSideFile(folder: string, sha256: string): Uint8Array | undefined {
  const path = join(folder, 'files', sha256);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
  const bytes = new Uint8Array(readFileSync(path));
  return sha256Of(bytes) === sha256 ? bytes : undefined;
}

export function writeSideFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [sha256, bytes] of files) if (!readSideFile(folder, sha256)) replaceFiles([{ path: join(folder, 'files', sha256), content: bytes }]);
}

/** Every content is on the disk before the first file is replaced: a full disk harms none. */
export function replaceFiles(files: readonly { path: string; content: string | Uint8Array }[]): void {
  const written: { temporary: string; path: string }[] = [];
  try {
    for (const { path, content } of files) {
      const known = statSync(path, { throwIfNoEntry: false });
      // A link stays one: what it leads to is replaced.
      const real = known ? realpathSync(path) : path;
      mkdirSync(dirname(real), { recursive: true });
      const temporary = join(dirname(real), `.${randomBytes(6).toString('hex')}.tmp`);
      written.push({ temporary, path: real });
      writeFileSync(temporary, content, { mode: known ? known.mode & 0o777 : 0o666 });
    }
    for (const { temporary, path } of written) renameSync(temporary, path);
  } catch (error) {
    for (const { temporary } of written) rmSync(temporary, { force: true });
    throw error;
  }
}

export const sha256Of = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Relative to the working directory when inside it. */
export function shown(path: string): string {
  const inside = relative(process.cwd(), resolve(path));
  return inside === '' ? '.' : inside.startsWith('..') || isAbsolute(inside) ? resolve(path) : inside;
}
