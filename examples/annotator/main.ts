import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Whether this module is the one that was started, and not imported by another. */
export function isMain(moduleUrl: string): boolean {
  const started = process.argv[1];
  if (!started) return false;
  try {
    return pathToFileURL(realpathSync(started)).href === moduleUrl;
  } catch {
    return false;
  }
}
