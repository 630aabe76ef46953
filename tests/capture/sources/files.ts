/** Files to import, and what comes of them. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importAll, readAll } from '../../../src/capture/import.js';
import type { ImportFile } from '../../../src/capture/sources/import-file.js';

export const sample = (name: string): string => join(import.meta.dirname, '../samples', name);

export function fileOf(content: string | Uint8Array, name = 'import.json'): string {
  const file = join(mkdtempSync(join(tmpdir(), 'import-')), name);
  writeFileSync(file, content);
  return file;
}

/** Imports one file into a folder of its own. */
export async function importSample(read: () => ImportFile, options: { aliases?: Record<string, string>; exclude?: string[] } = {}) {
  const out = mkdtempSync(join(tmpdir(), 'recordings-'));
  const [imported] = await importAll(readAll(['a file'], read), { out, force: false, aliases: {}, ...options });
  if (!imported) throw new Error('nothing was imported');
  return { recording: imported.saved.recording, result: imported.result, file: imported.saved.file, notes: imported.notes };
}
