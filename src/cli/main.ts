#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { exportCapture } from './commands/export.js';
import { init } from './commands/init.js';
import { type RecordOptions, record } from './commands/record.js';
import { sessions } from './commands/sessions.js';
import { type Console, openConsole } from './console.js';
import { exitCodeOf, exitCodes, messageOf } from './exit.js';

const out = () => new Option('--out <folder>', 'where recordings lie').default('recordings');

/** Runs one command in a console of its own; whatever it throws becomes one message and an exit code. */
async function run(command: (terminal: Console) => Promise<number> | number): Promise<void> {
  const terminal = openConsole();
  try {
    process.exitCode = await command(terminal);
  } catch (error) {
    terminal.warn(messageOf(error));
    process.exitCode = exitCodeOf(error);
  } finally {
    terminal.close();
  }
}

const program = new Command('socket-replay')
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

program
  .command('record')
  .description('Record what users do on a running application into recordings/NAME.yaml.')
  .argument('[command...]', 'the command that starts the application, after --; without it, an application that runs under the probe is used')
  .option('--name <name>', 'name of the recording (default: date and time)')
  .option('--target <url>', 'the application to attach to, by where it listens')
  .option('--pick <id...>', 'record only these connections: socket ids or users, as `sessions` lists them')
  .option('--all', 'record all connections, also later ones, without asking')
  .option('--user <id=alias...>', 'the user of a connection (socket id or what the application calls the user), as your configuration names it')
  .option('--duration <time>', 'stop after this time: 60s, 5m')
  .option('--exclude <glob...>', 'leave out events of these names and what they made happen; table:GLOB leaves out tables')
  .option('--redact <key...>', 'more keys whose values are secret')
  .addOption(out())
  .option('--force', 'replace a recording of the same name')
  .option('--replay', 'replay it once afterwards, without asking')
  .option('--no-replay', 'do not offer to replay it')
  .addHelpText(
    'after',
    `
The recording ends with Enter (without a terminal: a line \`stop\`), with Ctrl-C, after --duration, when the application ends, or
at 50,000 events. Values that look secret are replaced before anything is written.

Examples:
  npx socket-replay record -- npm start
  npx socket-replay record --name checkout --target http://localhost:3000
  npx socket-replay record --pick alice bob --duration 5m
  npx socket-replay record --user 7=alice --exclude 'cursor*' 'table:log' -- node server.js`,
  )
  .action((command: string[], options: RecordOptions) => run((terminal) => record(terminal, options, command)));

program
  .command('init')
  .description('Write what a project needs to replay: Playwright configuration, the scenario, editor settings.')
  .option('--force', 'replace files that differ')
  .addHelpText('after', '\nExamples:\n  npx socket-replay init')
  .action((options: { force?: boolean }) => run((terminal) => init(terminal, options)));

program
  .command('sessions')
  .description('List who is connected to the applications that run under the probe.')
  .option('--target <url>', 'only the application that listens there')
  .addHelpText('after', '\nExamples:\n  npx socket-replay sessions\n  npx socket-replay sessions --target http://localhost:3000')
  .action((options: { target?: string }) => run((terminal) => sessions(terminal, options)));

program
  .command('export')
  .description('Save a capture that was interrupted, from its log.')
  .argument('<name>', 'name of the capture, as `record` told it')
  .addOption(out())
  .option('--force', 'replace a recording of the same name')
  .addHelpText('after', '\nExamples:\n  npx socket-replay export 2026-11-21T08-30-00')
  .action((name: string, options: { out: string; force?: boolean }) => run((terminal) => exportCapture(terminal, name, options)));

try {
  await program.parseAsync();
} catch (error) {
  // commander has said what was wrong, and throws for --help and --version too
  process.exitCode =
    error instanceof CommanderError && error.exitCode === 0 ? exitCodes.good : error instanceof CommanderError ? exitCodes.usage : exitCodeOf(error);
  if (!(error instanceof CommanderError)) process.stderr.write(`${messageOf(error)}\n`);
}
