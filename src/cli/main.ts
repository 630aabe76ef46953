#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { capturesCommand } from './commands/captures.js';
import { checkpointCommand } from './commands/checkpoint.js';
import { doctorCommand } from './commands/doctor.js';
import { exportCommand } from './commands/export.js';
import { giveCommand } from './commands/give.js';
import { importCommand } from './commands/import.js';
import { initCommand } from './commands/init.js';
import { inspectCommand } from './commands/inspect.js';
import { learnCommand } from './commands/learn.js';
import { lintCommand } from './commands/lint.js';
import { migrateCommand } from './commands/migrate.js';
import { planCommand } from './commands/plan.js';
import { pruneCommand } from './commands/prune.js';
import { recordCommand } from './commands/record.js';
import { renameCommand } from './commands/rename.js';
import { rerunCommand } from './commands/rerun.js';
import { sessionsCommand } from './commands/sessions.js';
import { stopCommand } from './commands/stop.js';
import { undoCommand } from './commands/undo.js';
import { exitCodeOf, exitCodes, messageOf } from './exit.js';

const { version } = createRequire(import.meta.url)('socket-replay/package.json') as { version: string };
const program = new Command('socket-replay')
  .version(version, '--version')
  .description('Record Socket.IO sessions of a running application to reviewable YAML, and replay them with Playwright.')
  .exitOverride()
  .showHelpAfterError('Use --help to see what can be given.')
  .addHelpText(
    'after',
    `
Exit codes: 0 good, 1 regression, 2 wrong use, 3 target or environment, 130 aborted.

Examples:
  npx socket-replay init                                   set up a project
  npx socket-replay record --name checkout -- npm start    start the application and record what users do
  npx playwright test                                      replay all recordings`,
  );

/** Also for the commands of a command. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const inner of command.commands) inherit(inner, command);
  return command;
}

const commands = [
  recordCommand,
  importCommand,
  initCommand,
  sessionsCommand,
  checkpointCommand,
  stopCommand,
  capturesCommand,
  exportCommand,
  planCommand,
  learnCommand,
  rerunCommand,
  lintCommand,
  inspectCommand,
  giveCommand,
  pruneCommand,
  renameCommand,
  migrateCommand,
  undoCommand,
  doctorCommand,
];
for (const command of commands) program.addCommand(inherit(command(), program));

try {
  await program.parseAsync();
} catch (error) {
  // commander has said what was wrong, and throws for --help and --version too
  process.exitCode =
    error instanceof CommanderError && error.exitCode === 0 ? exitCodes.good : error instanceof CommanderError ? exitCodes.usage : exitCodeOf(error);
  if (!(error instanceof CommanderError)) process.stderr.write(`${messageOf(error)}\n`);
}
