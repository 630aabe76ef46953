/** `socket-replay learn [RECORDING...]`: replays recordings, and writes matchers for what is noise. */
import { Command } from 'commander';
import { ReplayError } from '../../errors.js';
import { visible } from '../../results/text.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { isRed } from '../learn-runs.js';
import { greenWords, learnNoise } from '../learning.js';
import { dryRunOption, outOption } from '../options.js';
import { playwrightConfig } from '../playwright.js';
import { run } from '../run.js';
import { collisionsIn } from '../second-copy.js';

interface Options {
  out: string;
  yes?: boolean;
  dryRun?: boolean;
}

export const learnCommand = (): Command =>
  new Command('learn')
    .description('Replay recordings twice alone and once in two copies, and write names and matchers for the values that differ each time.')
    .argument('[recordings...]', 'names of recordings (default: all that are not disabled)')
    .option('--yes', 'write without asking')
    .addOption(dryRunOption())
    .addOption(outOption())
    .addHelpText(
      'after',
      `
Ids that the application made in memory, and that clients send, become names: first of all, because with an old id a step fails. The
replays with them must show that they are right, else they are taken back.
Only texts, numbers and truth values that differ between replays, and lists in another order, become matchers. What is missing, new or
of another type, and what is the same in every replay, is listed and left as it is.

Exits with 0 when the recordings are green, alone and in two copies; with 1 when they are still red, or nothing was written.

Examples:
  npx socket-replay learn checkout --dry-run
  npx socket-replay learn checkout --yes`,
    )
    .action((names: string[], options: Options) => run((terminal) => learnCommanded(terminal, names, options)));

async function learnCommanded(terminal: Console, names: string[], { out, yes, dryRun }: Options): Promise<number> {
  if (!playwrightConfig())
    throw new ReplayError('REPLAY_USAGE', 'there is no playwright.config here', undefined, 'Set up the project once: npx socket-replay init');
  const learning = await learnNoise(terminal, out, names, async () => !dryRun && (yes || (await agreed(terminal))));
  const { alone, together, names: named, matchers, written } = learning;
  const red = [alone, together].find((results) => results && isRed(results));
  if (!red) {
    terminal.print(written ? `${greenWords(learning)}.` : `There is nothing to learn: ${greenWords(learning)}.`);
    return exitCodes.good;
  }
  if (written || named + matchers === 0) {
    terminal.print(`${written ? '' : 'Nothing was learnt. '}Still red: ${red.headline}`);
    for (const { name, why } of collisionsIn(learning))
      terminal.print(
        visible(`${name}: a second copy collides: ${why}. If that is meant, say \`copies: 1\` with a \`reason\`, or \`!unique\` for a text that must be new.`),
      );
  } else terminal.print(`Nothing was written${dryRun ? ' (--dry-run)' : terminal.interactive ? '' : '; --yes writes it'}.`);
  return exitCodes.regression;
}

async function agreed(terminal: Console): Promise<boolean> {
  return terminal.interactive && /^y/i.test((await terminal.ask('Write this? [y/N] ')).trim());
}
