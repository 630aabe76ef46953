/** Replays a new recording, alone and in two copies, and learns what of it is noise: whether it holds is best known at once. */
import { readFileSync } from 'node:fs';
import type { Application } from '../capture/application.js';
import type { Console } from './console.js';
import { exitCodes } from './exit.js';
import { isRed } from './learn-runs.js';
import { greenWords, learnNoise, learntWords } from './learning.js';
import { playwrightConfig } from './playwright.js';
import { isOnWhatWasLeft, settleSecondCopy } from './second-copy.js';

interface Recorded {
  name: string;
  /** where recordings lie */
  out: string;
  file: string;
  status: string;
}

/** `wanted` true: without asking; false: never; undefined: ask where somebody can answer. */
export async function offerReplay(
  terminal: Console,
  { name, out, file, status }: Recorded,
  wanted: boolean | undefined,
  application: Application | undefined,
): Promise<number> {
  const config = playwrightConfig();
  if (wanted === false || (wanted === undefined && !terminal.interactive)) return exitCodes.good;
  if (!config) {
    terminal.print('To replay it, set up the project once: npx socket-replay init');
    return wanted ? exitCodes.usage : exitCodes.good;
  }
  if (wanted === undefined) {
    const answer = await terminal.ask('Replay it now, alone and in two copies, and learn what of it is noise? [Y/n] ');
    if (/^n/i.test(answer.trim())) return exitCodes.good;
  }
  if (status !== 'finished') terminal.print(`The recording is ${status}; its end may not be reproducible.`);
  // A configuration with a webServer starts the application itself; two would want the same port.
  if (application && /\bwebServer\b/.test(readFileSync(config, 'utf8'))) await application.stop();
  // Nobody has reviewed it yet: what is learnt is part of what will be.
  const learning = await learnNoise(terminal, out, [name], async () => true);
  const settled = isRed(learning.alone) && !isOnWhatWasLeft(learning) ? undefined : await settleSecondCopy(terminal, out, learning);
  const { alone, together, recordings } = { ...learning, ...settled?.replays };
  const learnt = learning.written ? `; ${learntWords(learning)} learnt` : '';
  if (!isRed(alone) && !(together && isRed(together))) {
    terminal.print(`${greenWords({ recordings, together })}${learnt}${settled ? `; ${settled.done}` : ''}.`);
    terminal.print(`Next: read ${file} once as a reviewer would, commit it, and run: npx playwright test`);
    return exitCodes.good;
  }
  terminal.print(`${name} is ${isRed(alone) ? 'red alone' : 'green alone, and red in two copies'}: ${(isRed(alone) ? alone : together)?.headline}${learnt}`);
  terminal.print(isRed(alone) ? aloneMeans(alone.tests.some(({ level }) => level === 'exact')) : TOGETHER_MEANS);
  terminal.print(`Next: look at the report of the last replay, mend that, and learn again: npx socket-replay learn ${name}`);
  return exitCodes.regression;
}

/** What it means. */
const aloneMeans = (wasReset: boolean): string =>
  wasReset
    ? 'The same steps led to something else than was recorded: the reset leads to another state than the recording began in, or the application answers differently each time.'
    : 'There is no `reset` in `use`: the state that the recording began in is gone. With one, each replay begins where the recording did.';

const TOGETHER_MEANS =
  'Two people who do this at once do not see what one alone sees: the application has a fault there, or the recording holds what others change; see `copies: 1` and `!unique`.';
