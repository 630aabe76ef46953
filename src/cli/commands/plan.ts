/** `socket-replay plan`: what a run would do to its target, from configuration and recordings alone. */
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { ReplayError } from '../../errors.js';
import { bigness, type Plan, planLines } from '../../replay/load-plan.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { runNpx } from '../playwright.js';
import { run } from '../run.js';

/** What the configuration leaves in the file that REPLAY_PLAN names. */
const answerSchema = z.union([
  z.object({ plan: z.custom<Plan>((input) => typeof input === 'object' && input !== null) }),
  z.object({ errors: z.array(z.object({ message: z.string() })) }),
]);

export const planCommand = (): Command =>
  new Command('plan')
    .description('Show what a run would do: clients, emits, pushes, requests, logins, time. Nothing is started, and nothing is sent.')
    .argument('[playwright...]', 'what `npx playwright test` would be given, behind --: --project=NAME, --no-deps, --config=FILE')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  npx socket-replay plan\n  npx socket-replay plan --json -- --project=iteration-1')
    .action((args: string[], { json = false }: { json?: boolean }) => run((terminal) => plan(terminal, args, json)));

async function plan(terminal: Console, args: readonly string[], json: boolean): Promise<number> {
  const file = join(tmpdir(), `socket-replay-plan-${process.pid}.json`);
  try {
    const { output } = await runNpx(['playwright', 'test', '--list', ...args], { REPLAY_PLAN: file });
    const answer = answerSchema.safeParse(contentOf(file));
    if (!answer.success)
      throw new ReplayError('REPLAY_COMMAND_FAILED', `Playwright read no configuration of socket-replay\n    ${wordsOf(output)}`, undefined, ADVICE);
    if ('errors' in answer.data) {
      for (const { message } of answer.data.errors) terminal.warn(message);
      return exitCodes.usage;
    }
    const { plan: found } = answer.data;
    const wants = bigness(found);
    for (const line of json ? [JSON.stringify({ ...found, wants }, null, 2)] : planLines(found)) terminal.print(line);
    if (!json && wants.length > 0) terminal.print(`\nIt starts with REPLAY_YES=1 or \`allowLoad: true\` only: ${wants.join('; ')}.`);
    return exitCodes.good;
  } finally {
    rmSync(file, { force: true });
  }
}

const ADVICE = 'See what `npx playwright test --list` says; `defineReplayConfig` has to make the configuration.';

/** Without the stack of an error. */
const wordsOf = (output: string): string =>
  output
    .split('\n')
    .filter((line) => !/^\s*at |^npm warn/.test(line) && line.trim() !== '')
    .slice(0, 5)
    .join('\n    ');

function contentOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
