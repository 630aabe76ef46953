/** `socket-replay export NAME`: a recording from the log of a capture that was never saved. */
import { Command } from 'commander';
import { exportLog } from '../../capture/export.js';
import { captureFolder } from '../../capture/log.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { outOption } from '../options.js';
import { run } from '../run.js';
import { summary } from '../text.js';

export const exportCommand = (): Command =>
  new Command('export')
    .description('Save a capture that was interrupted, from its log.')
    .argument('<name>', 'name of the capture, as `record` told it')
    .addOption(outOption())
    .option('--force', 'replace a recording of the same name')
    .addHelpText('after', '\nExamples:\n  npx socket-replay export 2026-11-21T08-30-00')
    .action((name: string, options: { out: string; force?: boolean }) => run((terminal) => exportCapture(terminal, name, options)));

function exportCapture(terminal: Console, name: string, options: { out: string; force?: boolean }): number {
  const saved = exportLog(name, { out: options.out, captures: captureFolder(), force: options.force });
  for (const line of summary(saved)) terminal.print(line);
  return exitCodes.good;
}
