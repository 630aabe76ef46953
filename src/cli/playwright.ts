/** `npx playwright test` as a command runs it, and the results that it leaves. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reportFolder } from '../results/not-started.js';
import { type Results, resultsSchema } from '../results/schema.js';

export interface PlaywrightRun {
  code: number | null;
  /** its last lines */
  output: string;
  /** undefined: it left none that can be read */
  results: Results | undefined;
}

const configs = ['ts', 'js', 'mts', 'mjs', 'cts', 'cjs'].map((ending) => `playwright.config.${ending}`);

/** The configuration of the project in this folder. */
export const playwrightConfig = (): string | undefined => configs.find((file) => existsSync(file));

/** The recordings of these names, each alone. */
export const aloneArgs = (names: readonly string[]): string[] => ['--project=regression', '-g', names.map(grepFor).join('|')];

/** Playwright matches against project, file, title and tags in one line. */
export const grepFor = (name: string): string => `\\s${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(\\s@|$)`;

/** Results of an earlier run are taken away first: nobody shall take them for this one's. `show`: what it says is printed as it comes. */
export async function runPlaywright(args: readonly string[], env: NodeJS.ProcessEnv = {}, show = false): Promise<PlaywrightRun> {
  const file = join(env.REPLAY_REPORT_DIR ?? reportFolder(), 'results.json');
  rmSync(file, { force: true });
  const { code, output } = await runNpx(['playwright', 'test', ...args], env, show);
  const results = existsSync(file) ? resultsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
  return { code, output: output.trimEnd().split('\n').slice(-20).join('\n'), results: results?.success ? results.data : undefined };
}

export function runNpx(args: readonly string[], env: NodeJS.ProcessEnv, show = false): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('npx', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000);
      if (show) process.stdout.write(chunk);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
