/** `socket-replay inspect`: what a recording contains, and why each of its names is one. */
import { Command } from 'commander';
import { ReplayErrors } from '../../errors.js';
import { inspectRecording } from '../../recording/inspect.js';
import { lintRecording } from '../../recording/lint/index.js';
import { openRecordings } from '../../recording/load.js';
import { placeFinder } from '../../recording/read.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { type FileInfo, inspectionLines, nameLines } from '../inspect-text.js';
import { outOption } from '../options.js';
import { run } from '../run.js';

export const inspectCommand = (): Command =>
  new Command('inspect')
    .description('Tell what a recording contains, and why each of its names is one.')
    .argument('<recording>', 'name of a recording, or a file')
    .option('--names', 'only the names')
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  npx socket-replay inspect checkout\n  npx socket-replay inspect checkout --names')
    .action((path: string, options: { out: string; names?: boolean }) => run((terminal) => inspect(terminal, path, options)));

function inspect(terminal: Console, path: string, { out, names }: { out: string; names?: boolean }): number {
  const { recordings, errors } = openRecordings(out, [path]);
  if (errors.length > 0) throw new ReplayErrors(errors);
  for (const { recording, file, text, sideFiles } of recordings) {
    const bytes = sideFiles.reduce((sum, side) => sum + side.bytes, Buffer.byteLength(text));
    const now = Date.now();
    // What secrets it needs is said in a table of its own.
    const notes = lintRecording({ recording, file, text, bytes, now, configured: () => true });
    const placeOf = placeFinder(text, file);
    const info: FileInfo = { file, bytes, sideFiles, lineOf: (place) => placeOf(place.path).line ?? 1, notes };
    const inspection = inspectRecording(recording, now);
    for (const line of names ? nameLines(inspection, info).slice(1) : inspectionLines(inspection, info)) terminal.print(line);
  }
  return exitCodes.good;
}
