/** One call of the `replay` fixture: from the recordings' names to a verdict that fails the test or not. */
import { join } from 'node:path';
import type { TestInfo } from '@playwright/test';
import type { LoadedRecording } from '../recording/load.js';
import { applyRules } from '../recording/rules.js';
import { type ReplaySummary, replay } from '../replay/replay.js';
import { type Journal, openJournal } from '../results/journal.js';
import type { TraceRecord } from '../results/schema.js';
import { failTest } from './failure.js';
import { type Job, sessionsOf } from './job.js';
import { inputOf } from './job-input.js';
import { withWritten } from './keep-written.js';
import type { ReplayOptions } from './options.js';
import { prepare } from './ready.js';
import { currentRun, currentScale } from './run.js';
import { runCeiling, runSoak } from './run-modes.js';
import { modeOf, refuseScaling, selectRecordings } from './selection.js';
import { isUpdating, writeUpdate } from './update.js';

/** What a replay adds up to, for scenarios that assert more. */
export interface ReplayResult {
  verdict: ReplaySummary['verdict'];
  outcomes: Record<TraceRecord['outcome'], number>;
  clients: number;
  /** the file in which all that was seen is written down: what the assertions of `expect` read */
  journal: string;
}

let calls = 0;

export async function replayTest(names: string[] | undefined, options: ReplayOptions, testInfo: TestInfo, signal: AbortSignal): Promise<ReplayResult> {
  const iteration = Number(testInfo.project.metadata.iteration ?? 0);
  refuseScaling(testInfo);
  const mode = modeOf(testInfo);
  const { recordings: selected, only, skip } = selectRecordings(names, iteration);
  if (skip !== undefined) testInfo.skip(true, skip);
  const recordings = selected.map((loaded) => ruled(loaded, options.rules));
  const copies = Math.max(1, iteration);
  const clients = copies * sessionsOf(recordings);
  const beside = iteration > 0 && mode === undefined && testInfo.project.metadata.schedule === 'parallel';
  const speed = (mode === 'behavioural' && currentScale().behavioural?.speed) || options.speed;
  const job: Job = { recordings, iteration, ...(mode && { mode }), copies, clients, beside, options: { ...options, speed }, testInfo, signal };
  const kept: TraceRecord[] = [];
  let notUpdated: string | undefined;
  let updated = false;
  const file = join(currentRun().directory, `${testInfo.project.name}-${process.pid}-${++calls}.ndjson`);
  const summary = await withJournal(file, async (journal) => {
    const ready = await prepare(job, journal);
    if (only !== undefined) journal.write({ type: 'note', level: 'info', code: 'PART', message: `only a part is replayed, of ${only}` });
    try {
      const { ceiling, soak: soaking } = currentScale();
      if (mode === 'ceiling' && ceiling) return await runCeiling(job, ready, journal, ceiling);
      if (mode === 'soak' && soaking) return await runSoak(job, ready, journal, kept, soaking.duration);
      const done = await withWritten(job, ready, journal, (wrote) => replay({ ...inputOf(job, ready, journal, kept), ...(wrote && { wrote }) }));
      const [recording] = recordings;
      if (done.verdict === 'failed' && recording && isUpdating(job)) {
        notUpdated = writeUpdate(recording, done, { journal, testInfo, rules: options.rules });
        updated = notUpdated === undefined;
      }
      return done;
    } finally {
      ready.probe?.close();
      await ready.watch?.close();
      ready.turn.end();
    }
  });
  if (updated) return { verdict: 'updated', outcomes: summary.counts, clients, journal: file };
  const more = notUpdated === undefined ? [] : [`not updated: ${notUpdated}`];
  if (summary.verdict !== 'finished' || summary.errors.length > 0) await failTest(summary, kept, recordings, options, more);
  return { verdict: summary.verdict, outcomes: summary.counts, clients, journal: file };
}

/** The same recording where no rule has a matcher. */
function ruled(loaded: LoadedRecording, rules: ReplayOptions['rules']): LoadedRecording {
  const recording = applyRules(loaded.recording, rules);
  return recording === loaded.recording ? loaded : { ...loaded, recording };
}

/** The journal is closed whatever happens, and written also when the process is told to exit. */
async function withJournal<T>(file: string, work: (journal: Journal) => Promise<T>): Promise<T> {
  const journal = openJournal(file);
  const lastWords = (): void => journal.flushSync();
  process.once('exit', lastWords);
  try {
    return await work(journal);
  } finally {
    process.off('exit', lastWords);
    await journal.close();
  }
}
