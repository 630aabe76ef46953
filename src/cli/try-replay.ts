/** Replays a new recording once, alone: whether it is reproducible is best known at once. */
import { readFileSync } from 'node:fs';
import type { Application } from '../capture/application.js';
import type { Console } from './console.js';
import { exitCodes } from './exit.js';
import { aloneArgs, playwrightConfig, runPlaywright } from './playwright.js';

/** `wanted` true: without asking; false: never; undefined: ask where somebody can answer. */
export async function offerReplay(
  terminal: Console,
  name: string,
  wanted: boolean | undefined,
  application: Application | undefined,
  status: string,
): Promise<number> {
  const config = playwrightConfig();
  if (wanted === false || (wanted === undefined && !terminal.interactive)) return exitCodes.good;
  if (!config) {
    terminal.print('To replay it, set up the project once: npx socket-replay init');
    return wanted ? exitCodes.usage : exitCodes.good;
  }
  if (wanted === undefined) {
    const answer = await terminal.ask(`Replay it once now, to see whether it is reproducible? [Y/n] `);
    if (/^n/i.test(answer.trim())) return exitCodes.good;
  }
  if (status !== 'finished') terminal.print(`The recording is ${status}; its end may not be reproducible.`);
  // A configuration with a webServer starts the application itself; two would want the same port.
  if (application && /\bwebServer\b/.test(readFileSync(config, 'utf8'))) await application.stop();
  const { code, output, results } = await runPlaywright(aloneArgs([name]), { REPLAY_RECORDINGS: name });
  if (results === undefined) {
    terminal.warn(output);
    terminal.warn(`The replay left no results (exit code ${code}).`);
    return exitCodes.environment;
  }
  if (results.verdict === 'passed' && code === 0) {
    terminal.print(`${name} is reproducible.`);
    return exitCodes.good;
  }
  if (results.verdict === 'not-started') {
    for (const { message } of results.errors) terminal.warn(message);
    return exitCodes.usage;
  }
  terminal.print(`${name} is not reproducible: ${results.headline}`);
  if (code === exitCodes.aborted) return exitCodes.aborted;
  terminal.print(`To find out what of it is noise: npx socket-replay learn ${name}`);
  return exitCodes.regression;
}
