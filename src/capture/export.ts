/** A recording from the log of a capture that was never saved. */

import { type Saved, type SaveOptions, saveCapture } from './finish.js';
import { readLog } from './read-log.js';

/** A capture that failed is exported as interrupted: what its log holds was written before. */
export function exportLog(name: string, options: SaveOptions): Saved {
  const captured = readLog(options.captures, name);
  const end = captured.end.status === 'failed' ? { ...captured.end, status: 'interrupted' as const } : captured.end;
  return saveCapture({ ...captured, end }, options);
}
