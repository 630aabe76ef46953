/** `socket-replay export NAME`: a recording from the log of a capture that was never saved, or that still runs. */
import { Command } from 'commander';
import { exportLog } from '../../capture/export.js';
import { captureFolder } from '../../capture/log.js';
import { parseRange } from '../../capture/parse-range.js';
import { ask, findRecorders } from '../../capture/recorders.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { outOption } from '../options.js';
import { run } from '../run.js';
import { summary } from '../text.js';

interface ExportOptions {
  as?: string;
  since?: string;
  from?: string;
  to?: string;
  between?: string[];
  out: string;
  force?: boolean;
}

export const exportCommand = (): Command =>
  new Command('export')
    .description('Save a capture that was interrupted, or what a running one has so far, from its log.')
    .argument('<name>', 'name of the capture, as `record` told it')
    .option('--as <name>', 'name of the recording (default: that of the capture; NAME-so-far while it runs)')
    .option('--since <number>', 'only from the event of this number on')
    .option('--from <time>', 'only from this time of the capture on: 500ms, 90s, 2m')
    .option('--to <time>', 'only until this time of the capture')
    .option('--between <checkpoint...>', 'only what lies between two checkpoints')
    .addOption(outOption())
    .option('--force', 'replace a recording of the same name')
    .addHelpText(
      'after',
      `
A capture that runs goes on; its log stays. So does the log of which only a part is exported.

Examples:
  npx socket-replay export 2026-11-21T08-30-00
  npx socket-replay export checkout --between cart paid --as pay`,
    )
    .action((name: string, options: ExportOptions) => run((terminal) => exportCapture(terminal, name, options)));

async function exportCapture(terminal: Console, name: string, options: ExportOptions): Promise<number> {
  const range = parseRange(options);
  const recorder = findRecorders().find((one) => one.name === name);
  if (recorder) await ask(recorder, { do: 'flush' });
  const saved = exportLog(name, {
    out: options.out,
    captures: recorder?.folder ?? captureFolder(),
    force: options.force,
    as: options.as ?? (recorder ? `${name}-so-far` : undefined),
    range,
    running: recorder !== undefined,
  });
  for (const line of summary(saved)) terminal.print(line);
  return exitCodes.good;
}
