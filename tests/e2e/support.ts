/** Real processes for the end-to-end tests: the annotator under the probe, the command line, `npx playwright test`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Results, resultsSchema } from '../../src/results/schema.js';
import { freePort } from '../ports.js';

export const root = resolve(import.meta.dirname, '../..');
export const cli = join(root, 'dist/src/cli/main.js');
export const playwrightCli = join(root, 'node_modules/@playwright/test/cli.js');
const preload = pathToFileURL(join(root, 'dist/src/probe/preload.js')).href;

export interface Finished {
  code: number | null;
  output: string;
}

export interface Running {
  child: ChildProcess;
  /** everything that was printed so far */
  output(): string;
  /** resolves when the output contains the text; rejects when the process ends before */
  prints(text: string): Promise<void>;
  ended: Promise<Finished>;
}

export function run(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv; stdin?: 'pipe' | 'ignore' } = {}): Running {
  const { TEST_WORKER_INDEX: _, VITEST: __, ...clean } = process.env;
  const child = spawn(command, args, {
    cwd: options.cwd ?? root,
    env: { ...clean, NO_COLOR: '1', FORCE_COLOR: '0', ...options.env },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    for (const check of waiting) check();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const ended = new Promise<Finished>((done) => child.once('close', (code) => done({ code, output })));
  return {
    child,
    output: () => output,
    ended,
    prints: (text) =>
      new Promise((done, fail) => {
        const check = (): void => {
          if (!output.includes(text)) return;
          waiting.delete(check);
          done();
        };
        waiting.add(check);
        check();
        void ended.then(() => (output.includes(text) ? done() : fail(new Error(`ended without printing ${JSON.stringify(text)}:\n${output}`))));
      }),
  };
}

export interface PlaywrightRun extends Finished {
  results: Results;
  /** the folder of the report */
  report: string;
}

/** A place of its own for everything that a run of the main job writes. */
export async function playwrightSettings(env: NodeJS.ProcessEnv = {}): Promise<{ args: string[]; env: NodeJS.ProcessEnv; report: string }> {
  const folder = temporary('run');
  const report = join(folder, 'report');
  return {
    report,
    args: [playwrightCli, 'test', `--output=${join(folder, 'output')}`],
    env: { ANNOTATOR_PORT: String(await freePort()), ANNOTATOR_DB: join(folder, 'annotator.db'), REPLAY_REPORT_DIR: report, ...env },
  };
}

/** `npx playwright test` in this checkout. */
export async function playwrightTest(args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<PlaywrightRun> {
  const settings = await playwrightSettings(env);
  const finished = await run(process.execPath, [...settings.args, ...args], { env: settings.env }).ended;
  return { ...finished, results: readResults(settings.report), report: settings.report };
}

/** `--config` of a project of its own, with the committed recordings, against a target that Playwright does not start. */
export function configFor(port: number, options: { use?: string; scale?: string } = {}): string {
  const folder = join(root, '.socket-replay', 'e2e', `${port}-${randomUUID().slice(0, 8)}`);
  cpSync(join(root, 'scenarios'), join(folder, 'scenarios'), { recursive: true });
  const user = (name: string): string => `${name}: { username: '${name}', password: '${name}-pw' }`;
  writeFileSync(
    join(folder, 'playwright.config.ts'),
    `import { defineReplayConfig } from 'socket-replay';
export default defineReplayConfig({
  recordings: ${JSON.stringify(join(root, 'recordings'))},
  ${options.scale ?? ''}
  use: {
    baseURL: 'http://127.0.0.1:${port}',
    login: { users: { ${['alice', 'bob', 'admin'].map(user).join(', ')} } },
    ${options.use ?? ''}
  },
});
`,
  );
  return `--config=${join(folder, 'playwright.config.ts')}`;
}

export const readResults = (report: string): Results => resultsSchema.parse(JSON.parse(readFileSync(join(report, 'results.json'), 'utf8')));

export const temporary = (name: string): string => mkdtempSync(join(tmpdir(), `socket-replay-${name}-`));

export interface Target {
  url: string;
  port: number;
  /** its SQLite file */
  database: string;
  stop(): Promise<void>;
}

/** The annotator on a free port and a database of its own; under the probe unless told otherwise. */
export async function startAnnotator(options: { bug?: string; probe?: boolean } = {}): Promise<Target> {
  const port = await freePort();
  const database = join(temporary('annotator'), 'annotator.db');
  const app = run(process.execPath, ['--import', 'tsx', 'examples/annotator/server.ts'], {
    env: {
      PORT: String(port),
      ANNOTATOR_DB: database,
      ...(options.bug && { ANNOTATOR_BUG: options.bug }),
      ...(options.probe !== false && { NODE_OPTIONS: `--import=${preload}` }),
    },
  });
  await app.prints('annotator on');
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    database,
    async stop() {
      app.child.kill('SIGTERM');
      await app.ended;
    },
  };
}

/** Records everything that `use` does, as a person would: start the recorder, use the application, type stop. */
export async function record(target: Target, name: string, out: string, use: () => Promise<void>): Promise<Finished> {
  const recorder = run(process.execPath, [cli, 'record', '--name', name, '--target', target.url, '--all', '--out', out, '--force', '--no-replay'], {
    stdin: 'pipe',
  });
  await recorder.prints('ecording');
  await use();
  recorder.child.stdin?.write('stop\n');
  return recorder.ended;
}
