/** `socket-replay checkpoint NAME`: names this moment of a recording that runs. */
import { Command } from 'commander';
import { checkpoint } from '../../capture/checkpoint.js';
import { exitCodes } from '../exit.js';
import { run } from '../run.js';

export const checkpointCommand = (): Command =>
  new Command('checkpoint')
    .description('Name this moment of a recording that runs, with what the tables hold.')
    .argument('<name>', 'name of the checkpoint')
    .option('--recording <name>', 'which recording, if several run')
    .addHelpText('after', '\nExamples:\n  npx socket-replay checkpoint paid')
    .action((name: string, options: { recording?: string }) =>
      run(async (terminal) => {
        await checkpoint(name, options);
        terminal.print(`Checkpoint ${name} is set.`);
        return exitCodes.good;
      }),
    );
