/** `socket-replay export NAME`: a recording from the log of a capture that was never saved. */
import { exportLog } from '../../capture/export.js';
import { captureFolder } from '../../capture/log.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { summary } from '../text.js';

export function exportCapture(terminal: Console, name: string, options: { out: string; force?: boolean }): number {
  const saved = exportLog(name, { out: options.out, captures: captureFolder(), force: options.force });
  for (const line of summary(saved)) terminal.print(line);
  return exitCodes.good;
}
