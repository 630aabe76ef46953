/** `defineReplayConfig`: a Playwright configuration with the projects `regression`, `iteration-1` … `iteration-M` (DESIGN.md law 2), and the modes that are configured. */
import { fileURLToPath } from 'node:url';
import { defineConfig, type PlaywrightTestConfig, type Project } from '@playwright/test';
import { type ReplayError, ReplayErrors } from '../errors.js';
import { type LoadedRecording, loadRecordings } from '../recording/load.js';
import type { ModeLoad } from '../replay/load-plan.js';
import { writeNotStarted, writeUnfinished } from '../results/not-started.js';
import { type Mode, modes } from '../results/outcome.js';
import { nodeOptions, preloadFile } from '../wire/preload.js';
import { admit, planFor, tellPlan } from './admission.js';
import { checkVary } from './known.js';
import { copiesOf, type ReplayUse, replayOptions, type ScaleInput, type ScaleOptions, scaleOptions, speedFactor } from './options.js';
import { beginRun, isMainProcess, scenarioName, setScale } from './run.js';
import { selectedProjects } from './selected-projects.js';

/** Scenarios of this tag run in the projects `iteration-K` and in the modes, all others in `regression`. */
const POOL = /@pool/;

type Config = PlaywrightTestConfig<ReplayUse>;

/** Everything that a Playwright configuration may say, and how far the replay scales. `use` takes the options of a replay. */
export interface ReplayConfig extends Omit<Config, 'projects' | 'use'>, ScaleInput {
  use: ReplayUse & Config['use'];
  /** further projects of your own, beside those of the replay */
  projects?: Project<ReplayUse>[];
}

/**
 * Builds the configuration. In the main process it reads all recordings first: any error of theirs, or of the options, ends
 * the run before anything is sent, all of them listed, and `results.json` says that it did not start. So does a load that nobody wants,
 * and a protected target.
 *
 * @throws {ReplayErrors} REPLAY_OPTION_INVALID and every error of the recordings
 */
export function defineReplayConfig(config: ReplayConfig): Config {
  const {
    recordings,
    iterations,
    schedule,
    continueOnFailure,
    allowLoad,
    protectedTargets,
    ceiling,
    soak,
    behavioural,
    projects = [],
    webServer,
    use,
    ...rest
  } = config;
  const scale = checked(() => scaleOptions({ recordings, iterations, schedule, continueOnFailure, allowLoad, protectedTargets, ceiling, soak, behavioural }));
  const options = checked(() => replayOptions(use));
  const all = [...replayProjects(scale), ...modeProjects(scale), ...projects];
  setScale(scale);
  if (isMainProcess()) {
    const { REPLAY_PLAN } = process.env;
    if (!REPLAY_PLAN) beginRun(scenarioName(rest));
    const loaded = checkRecordings(scale);
    if (Object.keys(options.vary).length > 0) checked(() => checkVary(options.vary, loadRecordings(scale.recordings).recordings));
    const plan = planFor(loaded, selectedProjects(all, process.argv), options, scale.schedule);
    if (REPLAY_PLAN) tellPlan(REPLAY_PLAN, plan);
    if (isRun(process.argv)) {
      admit(plan, scale, options);
      writeUnfinished();
    }
  }
  const alone = scale.schedule === 'ramp';
  return defineConfig<ReplayUse>({
    testDir: 'scenarios',
    reporter: [['list'], [fileURLToPath(new URL('../../reporters/html/reporter.js', import.meta.url))]],
    // Replays take as long as their traces; each of these has its own limits.
    timeout: 0,
    // One thing at a time, and in file order: what is replayed alone must be alone.
    ...(alone ? { workers: 1, fullyParallel: false } : {}),
    ...rest,
    use: { ...use, ...(use && withCalls(use)), baseURL: options.baseURL } as Config['use'],
    // What runs elsewhere is not started here.
    ...(webServer && !process.env.REPLAY_BASE_URL && { webServer: (Array.isArray(webServer) ? webServer : [webServer]).map(withProbe) }),
    projects: all,
  });
}

/** Bare functions, and lists of two objects, Playwright would take for fixtures. */
const withCalls = ({ reset, success, rules }: ReplayConfig['use']): object => ({
  ...(typeof reset === 'function' && { reset: { call: reset } }),
  ...(typeof success === 'function' && { success: { call: success } }),
  ...(Array.isArray(rules) && { rules: { list: rules } }),
});

function replayProjects(scale: ScaleOptions): Project<ReplayUse>[] {
  const chained = scale.schedule === 'ramp' && !scale.continueOnFailure;
  const levels = Array.from({ length: scale.iterations }, (_, index): Project<ReplayUse> => {
    const iteration = index + 1;
    const before = iteration === 1 ? 'regression' : `iteration-${index}`;
    return {
      name: `iteration-${iteration}`,
      grep: POOL,
      metadata: { iteration, schedule: scale.schedule },
      retries: 0,
      ...(chained ? { dependencies: [before] } : scale.schedule === 'parallel' && !scale.continueOnFailure ? { dependencies: ['regression'] } : {}),
    };
  });
  return [{ name: 'regression', grepInvert: POOL, metadata: { iteration: 0, schedule: scale.schedule }, retries: 0 }, ...levels];
}

/** What the plan has to know of it. */
function loadOf({ ceiling, soak, behavioural }: ScaleOptions, mode: Mode): ModeLoad {
  if (mode === 'ceiling' && ceiling) {
    const { from, step, max } = ceiling;
    return { levels: Array.from({ length: Math.floor((max - from) / step) + 1 }, (_, level) => from + level * step) };
  }
  return mode === 'soak' && soak ? { duration: soak.duration } : { speed: speedFactor(behavioural?.speed ?? 'realtime') };
}

/** After `regression`, whatever the iterations came to: they look for something else. */
const modeProjects = (scale: ScaleOptions): Project<ReplayUse>[] =>
  modes.flatMap((mode) => {
    if (scale[mode] === undefined) return [];
    const metadata = { iteration: copiesOf(scale, mode), mode, schedule: scale.schedule, load: loadOf(scale, mode) };
    return [{ name: mode, grep: POOL, metadata, retries: 0, ...(scale.continueOnFailure ? {} : { dependencies: ['regression'] }) }];
  });

type WebServer = Exclude<NonNullable<PlaywrightTestConfig['webServer']>, unknown[]>;

/** The server starts with the probe preloaded, and is given the time to shut down cleanly. */
function withProbe(server: WebServer): WebServer {
  const NODE_OPTIONS = nodeOptions(server.env?.NODE_OPTIONS ?? process.env.NODE_OPTIONS, preloadFile());
  return { gracefulShutdown: { signal: 'SIGTERM', timeout: 5000 }, ...server, env: { ...server.env, NODE_OPTIONS } };
}

/** `playwright test`, and not merely a list of the tests: a configuration is also loaded by editors and other commands. */
const isRun = (argv: readonly string[]): boolean => argv.includes('test') && !argv.includes('--list');

function checkRecordings(scale: ScaleOptions): LoadedRecording[] {
  const { recordings, errors } = loadRecordings(scale.recordings, scale.select);
  if (errors.length > 0) refuse(errors);
  return recordings;
}

function checked<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (isMainProcess() && error instanceof Error && 'code' in error) refuse([error as ReplayError]);
    throw error;
  }
}

function refuse(errors: ReplayError[]): never {
  const failure = new ReplayErrors(errors);
  if (process.env.REPLAY_PLAN) tellPlan(process.env.REPLAY_PLAN, errors);
  if (isRun(process.argv)) writeNotStarted(errors);
  throw failure;
}
