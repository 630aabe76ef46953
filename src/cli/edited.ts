/** How a command ends that edits recordings: their difference, or the files. */
import type { EditedFiles } from '../recording/edit-files.js';
import type { Console } from './console.js';
import { exitCodes } from './exit.js';

export function finish(terminal: Console, edited: EditedFiles, dryRun: boolean | undefined, said: readonly string[]): number {
  if (dryRun) for (const line of edited.diff) terminal.print(line);
  else edited.write();
  for (const line of said) terminal.print(line);
  if (dryRun) terminal.print('Nothing was written (--dry-run).');
  return exitCodes.good;
}
