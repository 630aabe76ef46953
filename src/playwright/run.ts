/** What all processes of one `npx playwright test` share: its id, its directory, its recordings. It travels in the environment. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { runFolder, runId } from '../results/run-id.js';
import { type ScaleOptions, scaleOptions } from './options.js';

/** The journals of this many runs are kept. */
const KEPT_RUNS = 10;

export interface Run {
  id: string;
  directory: string;
  startedAt: number;
}

let scale: ScaleOptions | undefined;

/** Set by the configuration; scenarios that are loaded without one use the defaults. */
export const setScale = (options: ScaleOptions): void => {
  scale = options;
};
export const currentScale = (): ScaleOptions => scale ?? scaleOptions({});

/** Whether this process is the one that the user started, not a worker of it. */
export const isMainProcess = (): boolean => process.env.TEST_WORKER_INDEX === undefined;

/** What a run is called after: the name of the configuration, else its only file of scenarios, else their folder. */
export function scenarioName({ name, testDir = 'scenarios' }: { name?: string | undefined; testDir?: string | undefined }): string {
  if (name) return name;
  const files = existsSync(testDir) ? readdirSync(testDir).filter((file) => /\.(spec|test)\.[cm]?[jt]sx?$/.test(file)) : [];
  return basename(files.length === 1 && files[0] !== undefined ? files[0] : resolve(testDir)).replace(/\.(spec|test)\.\w+$/, '');
}

/** Begins a run in the main process: workers inherit it. */
export function beginRun(scenario = ''): Run {
  const startedAt = Date.now();
  const id = runId({ scenario, startedAt, shortId: randomUUID().slice(0, 8) });
  const runs = resolve('.socket-replay', 'runs');
  const directory = join(runs, runFolder(id));
  process.env.REPLAY_RUN = id;
  process.env.REPLAY_RUN_DIR = directory;
  process.env.REPLAY_RUN_STARTED = String(startedAt);
  mkdirSync(directory, { recursive: true });
  const old = readdirSync(runs)
    .map((name) => ({ path: join(runs, name), time: statSync(join(runs, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time)
    .slice(KEPT_RUNS);
  for (const { path } of old) rmSync(path, { recursive: true, force: true });
  return { id, directory, startedAt };
}

/** The run that this process is part of. */
export function currentRun(): Run {
  const { REPLAY_RUN, REPLAY_RUN_DIR, REPLAY_RUN_STARTED } = process.env;
  if (REPLAY_RUN && REPLAY_RUN_DIR) return { id: REPLAY_RUN, directory: REPLAY_RUN_DIR, startedAt: Number(REPLAY_RUN_STARTED) };
  return beginRun();
}
