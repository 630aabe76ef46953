/** `socket-replay stop`: ends a recording that runs, from another terminal or a script. */
import { Command } from 'commander';
import { ask, chooseRecorder, findRecorders } from '../../capture/recorders.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { run } from '../run.js';

export const stopCommand = (): Command =>
  new Command('stop')
    .description('End a recording that runs; its recorder writes it.')
    .argument('[name]', 'which recording, if several run')
    .addHelpText('after', '\nExamples:\n  npx socket-replay stop')
    .action((name: string | undefined) => run((terminal) => stop(terminal, name)));

async function stop(terminal: Console, name: string | undefined): Promise<number> {
  const recorder = chooseRecorder(findRecorders(), name);
  await ask(recorder, { do: 'stop' });
  terminal.print(`Stopping ${recorder.name}; process ${recorder.pid} writes it.`);
  return exitCodes.good;
}
