/** The pre-flight from the side of a test: run by the first one, read by all others, and told once. */
import { ReplayErrors } from '../errors.js';
import { loadRecordings } from '../recording/load.js';
import type { Journal } from '../results/journal.js';
import type { ProbeConnection } from '../wire/client.js';
import type { Parser } from '../wire/parser.js';
import type { Job, Ready } from './job.js';
import { type Found, foundBefore, preflight, problemsOf } from './preflight.js';
import { declaresProtected } from './probe-of.js';
import { checkProtected, markProtected } from './protected.js';
import { currentRun, currentScale } from './run.js';
import { resetTarget } from './target.js';

/** Law 15. Nothing is sent before it, not even a reset. Asked again when the target is there: before, its process may not have been. */
export async function mayReplay({ baseURL, allowProtected }: Job['options'], isThere = false): Promise<void> {
  const asked = declaresProtected(baseURL);
  const declared = isThere ? await asked : await asked.catch(() => false);
  const isProtected = checkProtected({ target: baseURL, patterns: currentScale().protectedTargets, declared, allowed: allowProtected });
  if (isProtected) markProtected(currentRun().directory, baseURL);
}

interface Eyes {
  probe: ProbeConnection | undefined;
  parser: Parser | undefined;
}

/**
 * What is known of the target. Throws what of it is in the way of this test. What the logins of a first look have written is reset again: the
 * first recording finds what all others find.
 */
export async function look(job: Job, accountOf: Ready['accountOf'], { probe, parser }: Eyes, reset: boolean): Promise<Found & { first: boolean }> {
  const { options, recordings, signal } = job;
  const { directory } = currentRun();
  let found = foundBefore(directory, options);
  const first = found === undefined;
  if (!found) {
    const scale = currentScale();
    const selected = loadRecordings(scale.recordings, scale.select).recordings;
    const all = [...selected, ...recordings.filter(({ recording }) => !selected.some((one) => one.recording.name === recording.name))];
    found = await preflight({ options, recordings: all, directory, probed: probe !== undefined, parser, signal });
    if (reset && found.loggedIn) {
      await probe?.drain(options.ackTimeout);
      await resetTarget(options);
    }
  }
  const problems = problemsOf(
    found,
    recordings.map(({ recording }) => recording.name),
    accountsOf(job, accountOf),
  );
  if (problems.length > 0) throw new ReplayErrors(problems);
  return { ...found, first };
}

function accountsOf({ recordings, copies }: Job, accountOf: Ready['accountOf']): Set<string> {
  const accounts = new Set<string>();
  for (let copy = 0; copy < copies; copy++)
    for (const { recording } of recordings)
      for (const { user } of recording.sessions) if (user !== undefined) accounts.add(accountOf({ user, recording: recording.name, copy }));
  return accounts;
}

/** Before the first client: what the target is, and what of it cannot be measured. */
export function tellFirst({ options }: Job, { probe, watch, unmeasured }: Ready, { said }: Found, journal: Journal): void {
  const eyes = probe ? `the probe of ${probe.hello.app} (process ${probe.hello.pid})` : 'no probe';
  console.log(`  ${options.baseURL}: ${[...said, eyes, ...(watch ? ['its database is watched'] : [])].join('; ')}`);
  for (const { what } of unmeasured) console.log(`  not measured: ${what}`);
  if (!probe?.hello.production) return;
  const message = `${probe.hello.app} (process ${probe.hello.pid}) runs with NODE_ENV=production; \`protectedTargets\` or REPLAY_PROTECTED=1 keep replays away from what is production`;
  console.log(`  warning: ${message}`);
  journal.write({ type: 'note', level: 'warning', code: 'PRODUCTION', message });
}
