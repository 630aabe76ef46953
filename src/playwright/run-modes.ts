/** A ceiling and a soak: one test of many replays. */
import { ReplayError } from '../errors.js';
import { climb, soak } from '../replay/modes.js';
import type { ReplaySummary } from '../replay/replay.js';
import { type Sampled, takeSample } from '../replay/sample.js';
import type { Journal } from '../results/journal.js';
import type { TraceRecord } from '../results/schema.js';
import { probeAfterReset } from './after-reset.js';
import { type Job, type Ready, sessionsOf } from './job.js';
import { inputOf, KEPT } from './job-input.js';
import { withWritten } from './keep-written.js';
import { ceilingSummary, modeEnd, sampleWords, soakSummary } from './mode-results.js';
import type { ScaleOptions } from './options.js';
import { resetTarget } from './target.js';

/** One test, because nobody knows how many levels there will be. Each begins from the known state. */
export async function runCeiling(job: Job, ready: Ready, journal: Journal, settings: NonNullable<ScaleOptions['ceiling']>): Promise<ReplaySummary> {
  const began = performance.now();
  // What is not measured fails every level: there would be nothing to look for.
  const errors = inputOf(job, ready, journal, []).errors;
  const levels: Sampled[] = [];
  const climbing = climb(
    settings,
    async (copies, number) => {
      if (number > 1) await resetTarget(job.options);
      const probe = await probeAfterReset(ready.probe, job);
      // Whoever ends the test closes it.
      if (probe) ready.probe = probe;
      else delete ready.probe;
      const level = { ...job, copies, clients: copies * sessionsOf(job.recordings) };
      return withWritten(level, ready, journal, (wrote) =>
        takeSample({ ...inputOf(level, ready, journal, []), ...(wrote && { wrote }) }, number, performance.now() - began),
      );
    },
    (level) => {
      levels.push(level);
      journal.write({ type: 'sample', ...level.sample });
      console.log(`  ${sampleWords('ceiling', level.sample)}`);
    },
    errors.length > 0 ? AbortSignal.abort() : job.signal,
  );
  // A reset that fails ends the climb, and what has been seen until then stays.
  const failed = await climbing.then(
    () => [],
    (error: unknown) => {
      if (error instanceof ReplayError) return [{ code: error.code, message: error.what }];
      throw error;
    },
  );
  const summary = ceilingSummary(levels, settings, [...errors, ...failed], job.signal.aborted);
  // Those of the last good level: what is above it is what the application cannot do.
  const { latencies = [] } = levels.findLast(({ sample }) => !sample.broke) ?? levels.at(-1) ?? {};
  journal.write(modeEnd(summary, levels, latencies, performance.now() - began));
  return summary;
}

/** The state goes on from round to round: a soak looks for what piles up. */
export async function runSoak(job: Job, ready: Ready, journal: Journal, kept: TraceRecord[], duration: number): Promise<ReplaySummary> {
  const began = performance.now();
  const now = (): number => performance.now() - began;
  const { rounds, drift } = await withWritten(job, ready, journal, (wrote) =>
    soak(
      duration,
      now,
      async (number) => {
        const sampled = await takeSample({ ...inputOf(job, ready, journal, []), ...(wrote && { wrote }) }, number, now());
        for (const trace of sampled.failed) {
          journal.write(trace);
          if (kept.length < KEPT) kept.push(trace);
        }
        return sampled;
      },
      (sample) => {
        journal.write({ type: 'sample', ...sample });
        console.log(`  ${sampleWords('soak', sample)}`);
      },
      job.signal,
    ),
  );
  const summary = soakSummary(rounds, drift, job.signal.aborted);
  const latencies = rounds.flatMap((round) => round.latencies);
  journal.write({ ...modeEnd(summary, rounds, latencies, now()), drift });
  return summary;
}
