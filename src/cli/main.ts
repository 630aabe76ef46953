#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
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

/** By its name. Only the one that is asked for is loaded: reading all of them takes longer than most of them run. */
const commands: Record<string, () => Promise<Command>> = {
  record: async () => (await import('./commands/record.js')).recordCommand(),
  import: async () => (await import('./commands/import.js')).importCommand(),
  init: async () => (await import('./commands/init.js')).initCommand(),
  sessions: async () => (await import('./commands/sessions.js')).sessionsCommand(),
  checkpoint: async () => (await import('./commands/checkpoint.js')).checkpointCommand(),
  stop: async () => (await import('./commands/stop.js')).stopCommand(),
  captures: async () => (await import('./commands/captures.js')).capturesCommand(),
  export: async () => (await import('./commands/export.js')).exportCommand(),
  plan: async () => (await import('./commands/plan.js')).planCommand(),
  learn: async () => (await import('./commands/learn.js')).learnCommand(),
  rerun: async () => (await import('./commands/rerun.js')).rerunCommand(),
  lint: async () => (await import('./commands/lint.js')).lintCommand(),
  inspect: async () => (await import('./commands/inspect.js')).inspectCommand(),
  give: async () => (await import('./commands/give.js')).giveCommand(),
  prune: async () => (await import('./commands/prune.js')).pruneCommand(),
  rename: async () => (await import('./commands/rename.js')).renameCommand(),
  migrate: async () => (await import('./commands/migrate.js')).migrateCommand(),
  undo: async () => (await import('./commands/undo.js')).undoCommand(),
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand(),
};
const [, , asked] = process.argv;
const needed = Object.entries(commands).filter(([name]) => name === asked);
for (const [, load] of needed.length > 0 ? needed : Object.entries(commands)) program.addCommand(inherit(await load(), program));

try {
  await program.parseAsync();
} catch (error) {
  // commander has said what was wrong, and throws for --help and --version too
  process.exitCode =
    error instanceof CommanderError && error.exitCode === 0 ? exitCodes.good : error instanceof CommanderError ? exitCodes.usage : exitCodeOf(error);
  if (!(error instanceof CommanderError)) process.stderr.write(`${messageOf(error)}\n`);
}
