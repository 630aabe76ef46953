/** Replays a new recording once, alone: whether it is reproducible is best known at once. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Application } from '../capture/application.js';
import { reportFolder } from '../results/not-started.js';
import { resultsSchema } from '../results/schema.js';
import type { Console } from './console.js';
import { exitCodes } from './exit.js';

const configs = ['ts', 'js', 'mts', 'mjs', 'cts', 'cjs'].map((ending) => `playwright.config.${ending}`);

/** `wanted` true: without asking; false: never; undefined: ask where somebody can answer. */
export async function offerReplay(
  terminal: Console,
  name: string,
  wanted: boolean | undefined,
  application: Application | undefined,
  status: string,
): Promise<number> {
  const config = configs.find((file) => existsSync(file));
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
  const file = join(reportFolder(), 'results.json');
  rmSync(file, { force: true });
  const { code, output } = await run(['playwright', 'test', '--project=regression', '-g', grepFor(name)]);
  const verdict = readVerdict(file);
  if (verdict === undefined) {
    terminal.warn(output.trimEnd().split('\n').slice(-20).join('\n'));
    terminal.warn(`The replay left no results (exit code ${code}).`);
    return exitCodes.environment;
  }
  if (verdict.passed && code === 0) {
    terminal.print(`${name} is reproducible.`);
    return exitCodes.good;
  }
  terminal.print(`${name} is not reproducible: ${verdict.headline}`);
  return code === 130 ? exitCodes.aborted : exitCodes.regression;
}

/** Playwright matches against project, file, title and tags in one line. */
export const grepFor = (name: string): string => `\\s${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(\\s@|$)`;

function readVerdict(file: string): { passed: boolean; headline: string } | undefined {
  if (!existsSync(file)) return undefined;
  const results = resultsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  return results.success ? { passed: results.data.verdict === 'passed', headline: results.data.headline } : undefined;
}

function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('npx', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
