/** `socket-replay captures`: what is recorded now, and what was never saved. */
import { Command } from 'commander';
import { captureFolder } from '../../capture/log.js';
import { leftLogs } from '../../capture/read-log.js';
import { ask, findRecorders } from '../../capture/recorders.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { run } from '../run.js';
import { leftLogLines, progressLine } from '../text.js';

export const capturesCommand = (): Command =>
  new Command('captures')
    .description('List what is recorded now, and what was never saved.')
    .addHelpText('after', '\nExamples:\n  npx socket-replay captures')
    .action(() => run(captures));

async function captures(terminal: Console): Promise<number> {
  const recorders = findRecorders();
  for (const recorder of recorders) {
    const counts = await ask(recorder, { do: 'status' });
    terminal.print(`${recorder.name}: ${progressLine(counts, Date.now() - recorder.since)} (${recorder.app}, process ${recorder.pid})`);
  }
  const left = leftLogLines(leftLogs(captureFolder()));
  for (const line of left) terminal.print(line);
  if (recorders.length + left.length === 0) terminal.print('Nothing is recorded now, and nothing is left to save.');
  return exitCodes.good;
}
