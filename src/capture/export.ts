/** A recording from the log of a capture that was never saved, or that still runs. */
import { type Saved, type SaveOptions, saveCapture } from './finish.js';
import { inRange, type Range } from './ranges.js';
import { readLog } from './read-log.js';

interface ExportOptions extends Omit<SaveOptions, 'keepLog' | 'log'> {
  /** the name of the recording, where it is not that of the capture */
  as?: string;
  range?: Range;
  /** the capture goes on */
  running?: boolean;
}

/** A capture that failed is exported as interrupted: what its log holds was written before. */
export function exportLog(name: string, { as, range, running = false, ...options }: ExportOptions): Saved {
  const captured = readLog(options.captures, name, running);
  const end = captured.end.status === 'failed' ? { ...captured.end, status: 'interrupted' as const } : captured.end;
  const wanted = range ? inRange(captured, range) : captured;
  return saveCapture({ ...wanted, name: as ?? name, end }, { ...options, keepLog: running || range !== undefined, log: name });
}
