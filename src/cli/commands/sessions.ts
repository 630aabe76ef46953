/** `socket-replay sessions`: who is connected to the applications under the probe. */
import { Command } from 'commander';
import { applicationsAt } from '../../capture/choose.js';
import { probeSource } from '../../capture/sources/probe.js';
import { ReplayError } from '../../errors.js';
import { connectProbe, findProbes } from '../../wire/client.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { run } from '../run.js';
import { sessionTable, targetName } from '../text.js';

export const sessionsCommand = (): Command =>
  new Command('sessions')
    .description('List who is connected to the applications that run under the probe.')
    .option('--target <url>', 'only the application that listens there')
    .addHelpText('after', '\nExamples:\n  npx socket-replay sessions\n  npx socket-replay sessions --target http://localhost:3000')
    .action((options: { target?: string }) => run((terminal) => sessions(terminal, options)));

async function sessions(terminal: Console, options: { target?: string }): Promise<number> {
  const applications = applicationsAt(findProbes(), options.target);
  if (applications.length === 0) {
    const where = options.target === undefined ? 'no application runs under the probe' : `no application under the probe listens at ${options.target}`;
    throw new ReplayError('REPLAY_NO_PROBE', where);
  }
  for (const application of applications) {
    const sources = await Promise.all(application.map(async ({ port, token }) => probeSource(await connectProbe({ port, token, mode: 'list' }))));
    terminal.print(targetName(application));
    const open = sources.flatMap((source) => source.sessions());
    for (const line of open.length > 0 ? sessionTable(open, Date.now()) : ['nobody is connected']) terminal.print(`  ${line}`);
    for (const source of sources) source.stop();
  }
  return exitCodes.good;
}
