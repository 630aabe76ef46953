/** The program's own sources, for tests that hold them and the documentation together. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../e2e/support.js';

export interface Source {
  file: string;
  text: string;
}

export const sources: Source[] = ['src', 'reporters'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ file: join(folder, name), text: withoutComments(readFileSync(join(root, folder, name), 'utf8')) })),
);

/** A code that only a comment mentions is not used. Strings that look like comments do not occur in front of codes. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}
