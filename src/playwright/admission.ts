/** Whether a run may start. Settled in the main process, before anything is started or sent: how large it is, and whether its target is protected. */
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Project } from '@playwright/test';
import { leaseAccounts } from '../auth/users.js';
import { ReplayError } from '../errors.js';
import type { LoadedRecording } from '../recording/load.js';
import { bigness, type ModeLoad, type Plan, planLines, planOf } from '../replay/load-plan.js';
import { countLogins } from '../replay/login.js';
import { writeNotStarted } from '../results/not-started.js';
import { type ReplayOptions, type ScaleOptions, speedFactor } from './options.js';
import { checkProtected } from './protected.js';

/** As a command that is used wrongly: nothing was replayed. */
const REFUSED = 2;

/** What the projects would do, each as if one test of it replayed all that is selected. */
export function planFor(
  recordings: readonly LoadedRecording[],
  projects: readonly Pick<Project, 'name' | 'metadata'>[],
  options: ReplayOptions,
  schedule: ScaleOptions['schedule'],
): Plan {
  const { login } = options;
  return planOf({
    target: options.baseURL,
    recordings,
    projects: projects.flatMap(({ name = '', metadata }) =>
      typeof metadata?.iteration === 'number'
        ? [{ project: name, iteration: metadata.iteration, ...(metadata.load && { mode: metadata.load as ModeLoad }) }]
        : [],
    ),
    schedule,
    order: options.order,
    speed: speedFactor(options.speed),
    ...(options.maxGapMs === undefined ? {} : { maxGapMs: options.maxGapMs }),
    spreadMs: options.spreadMs,
    logins: (some, copies) => countLogins(some, copies, leaseAccounts(login && { ...login, reuse: true }, some, copies)),
  });
}

/** For `socket-replay plan`, which asks by REPLAY_PLAN: the plan, or why there is none. Nothing else of the run happens. */
export function tellPlan(file: string, answer: Plan | ReplayError[]): never {
  writeFileSync(file, JSON.stringify(Array.isArray(answer) ? { errors: answer.map(({ code, message }) => ({ code, message })) } : { plan: answer }));
  process.exit(0);
}

/** Ends the process where the run may not start. */
export function admit(plan: Plan, scale: ScaleOptions, options: ReplayOptions): void {
  if (plan.projects.length === 0) return;
  try {
    // A file of scenarios may still allow it; without the environment's word that is in vain.
    checkProtected({ target: options.baseURL, patterns: scale.protectedTargets, allowed: true });
    const reasons = bigness(plan);
    if (reasons.length === 0 || scale.allowLoad) return;
    say([...planLines(plan), '']);
    if (ask(`This run has ${reasons.join('; ')}. Start it? [y/N] `)) process.env.REPLAY_YES = '1';
    else throw tooLarge(reasons);
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    writeNotStarted([error]);
    say([error.message]);
    process.exit(REFUSED);
  }
}

/** The same for a single replay, which may be of more than what was selected. */
export function checkLoad(plan: Plan, { allowLoad }: ScaleOptions): void {
  const reasons = bigness(plan);
  if (reasons.length > 0 && !allowLoad) throw tooLarge(reasons);
}

const tooLarge = (reasons: readonly string[]): ReplayError =>
  new ReplayError('REPLAY_LOAD_REFUSED', `nobody has said that a load like this is wanted: ${reasons.join('; ')}`);

/** A configuration is read at once, so it can only ask at once. Without a terminal the answer is no. */
function ask(question: string): boolean {
  if (!isatty(0) || !isatty(2)) return false;
  writeSync(2, question);
  try {
    const terminal = openSync('/dev/tty', 'r');
    const answer = Buffer.alloc(64);
    const length = readSync(terminal, answer);
    closeSync(terminal);
    return /^y(es)?\s*$/i.test(answer.toString('utf8', 0, length));
  } catch {
    return false;
  }
}

const say = (lines: readonly string[]): void => void writeSync(2, `${lines.join('\n')}\n`);
