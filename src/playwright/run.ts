/** What all processes of one `npx playwright test` share: its id, its directory, its recordings. It travels in the environment. */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
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

/** Begins a run in the main process: workers inherit it. */
export function beginRun(): Run {
  const startedAt = Date.now();
  const id = `${new Date(startedAt).toISOString().replace(/[:.]/g, '-').slice(0, 19)}-${process.pid.toString(36)}`;
  const runs = resolve('.socket-replay', 'runs');
  const directory = join(runs, id);
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
