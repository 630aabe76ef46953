/** One call of the `replay` fixture: from the recordings' names to a verdict that fails the test or not. */
import { join } from 'node:path';
import type { TestInfo } from '@playwright/test';
import { leaseAccounts } from '../auth/users.js';
import { openWritten } from '../database/written.js';
import { ReplayError, ReplayErrors } from '../errors.js';
import { type LoadedRecording, loadRecordings } from '../recording/load.js';
import { applyRules, ignoredBy } from '../recording/rules.js';
import { ignoreOf } from '../replay/ignore.js';
import { climb, soak } from '../replay/modes.js';
import { type Progress, type ReplayInput, type ReplaySummary, replay } from '../replay/replay.js';
import { type Sampled, takeSample } from '../replay/sample.js';
import { type Journal, openJournal } from '../results/journal.js';
import type { BeginRecord, Mode, TraceRecord } from '../results/schema.js';
import { openWatch } from '../watch/open.js';
import type { Watch } from '../watch/watch.js';
import type { ProbeConnection } from '../wire/client.js';
import { checkLoad, planFor } from './admission.js';
import { failTest } from './failure.js';
import { look, mayReplay, tellFirst } from './first-look.js';
import { beginRecord, recordedOf } from './journal-header.js';
import { mutableColumns, notMeasured, secretsFor } from './known.js';
import { ceilingSummary, modeEnd, sampleWords, soakSummary } from './mode-results.js';
import { type ReplayOptions, type ScaleOptions, speedFactor } from './options.js';
import { loginWith, mayWait } from './preflight.js';
import { probeOf } from './probe-of.js';
import { currentRun, currentScale } from './run.js';
import { modeOf, refuseScaling, selectRecordings } from './selection.js';
import { checkTarget, resetTarget, undoAll } from './target.js';
import { type Turn, takeTurn, turnOf } from './turn.js';
import { isUpdating, writeUpdate } from './update.js';

/** What a replay adds up to, for scenarios that assert more. */
export interface ReplayResult {
  verdict: ReplaySummary['verdict'];
  outcomes: Record<TraceRecord['outcome'], number>;
  clients: number;
  /** the file in which all that was seen is written down: what the assertions of `expect` read */
  journal: string;
}

/** What one test replays, and under which conditions. */
export interface Job {
  recordings: LoadedRecording[];
  /** 0: `regression` */
  iteration: number;
  mode?: Mode;
  copies: number;
  clients: number;
  /** other iterations run at the same time, on purpose */
  beside: boolean;
  options: ReplayOptions;
  testInfo: TestInfo;
  signal: AbortSignal;
}

/** What was found out about the target. */
export interface Ready {
  turn: Turn;
  probe?: ProbeConnection;
  watch?: Watch;
  fence: boolean;
  level: BeginRecord['level'];
  levelReason?: string;
  unmeasured: ReturnType<typeof notMeasured>;
  accountOf: ReturnType<typeof leaseAccounts>;
}

/** So many failing traces are kept for Playwright's own report; ours has all. */
const KEPT = 50;

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
      if (done.verdict === 'failed' && recording && updates(job)) {
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

/** Only from `regression`, where nobody else is there, and only from a whole recording. */
const updates = ({ iteration, testInfo }: Pick<Job, 'iteration' | 'testInfo'>): boolean =>
  iteration === 0 && currentScale().only === undefined && isUpdating(testInfo);
const sessionsOf = (recordings: LoadedRecording[]): number => recordings.reduce((sum, { recording }) => sum + recording.sessions.length, 0);

/** One test, because nobody knows how many levels there will be. Each begins from the known state. */
async function runCeiling(job: Job, ready: Ready, journal: Journal, settings: NonNullable<ScaleOptions['ceiling']>): Promise<ReplaySummary> {
  const began = performance.now();
  // What is not measured fails every level: there would be nothing to look for.
  const errors = inputOf(job, ready, journal, []).errors;
  const levels: Sampled[] = [];
  const climbing = climb(
    settings,
    async (copies, number) => {
      if (number > 1) await resetTarget(job.options);
      await ready.probe?.drain(job.options.ackTimeout);
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
async function runSoak(job: Job, ready: Ready, journal: Journal, kept: TraceRecord[], duration: number): Promise<ReplaySummary> {
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

/**
 * Keeps what is written into a database that nothing else brings back. With `reset: { undo }` it is taken back at once; without a
 * reset the journal tells how much is left.
 */
async function withWritten<T>(
  { options: { reset }, testInfo, beside }: Job,
  { probe }: Ready,
  journal: Journal,
  work: (wrote: ReplayInput['wrote']) => Promise<T>,
): Promise<T> {
  const undo = typeof reset === 'object' && 'undo' in reset ? reset.undo : undefined;
  if (probe?.hello.changes !== 'measured' || (reset !== undefined && undo === undefined)) return work(undefined);
  const written = openWritten(join(currentRun().directory, `${Date.now()}-${testInfo.project.name}-${process.pid}-${calls}`));
  try {
    return await work(({ op, table, key, before, after }) => written.add({ op, table, key, before, after }));
  } finally {
    await written.close();
    const left = written.left();
    // Beside others it would take their rows away under them.
    if (undo === undefined || beside) {
      if (left.inserted + left.updated + left.deleted > 0) journal.write({ type: 'left', ...left });
    } else
      await undoAll(undo).catch((error: unknown) =>
        journal.write({ type: 'note', level: 'warning', code: 'NOT_UNDONE', message: error instanceof Error ? error.message : String(error) }),
      );
  }
}

/** Everything before the first client: whose turn it is, whether the target is there, its probe, its known state. Begins the journal. */
async function prepare(job: Job, journal: Journal): Promise<Ready> {
  const { options, recordings, iteration, beside, signal } = job;
  let turn: Turn | undefined;
  let probe: ProbeConnection | undefined;
  let watch: Watch | undefined;
  try {
    const accountOf = leaseAccounts(
      options.login,
      recordings.map(({ recording }) => recording),
      job.mode === 'ceiling' ? (currentScale().ceiling?.max ?? job.copies) : job.copies,
    );
    checkLoad(planFor(recordings, [job.testInfo.project], options, 'ramp'), currentScale());
    await mayReplay(options);
    turn = await takeTurn(currentRun(), options.baseURL, turnOf(iteration, job.mode), beside, signal);
    await checkTarget(options, mayWait(currentRun().directory, options), signal);
    await mayReplay(options, true);
    probe = await probeOf(options.baseURL);
    // Beside others it would pull the state away under them.
    const reset = !beside && (await resetTarget(options));
    const found = await look(job, accountOf, probe, reset);
    await probe?.drain(options.ackTimeout);
    watch = await watchOf(job, probe);
    const fence = probe === undefined && found.fence;
    const alone = iteration === 0;
    const ready: Ready = {
      turn,
      ...(probe && { probe }),
      ...(watch && { watch }),
      fence,
      level: alone && reset ? 'exact' : 'shared',
      ...(alone && !reset && { levelReason: 'no `reset` is configured' }),
      unmeasured: notMeasured(probe, fence, recordings, options, watch !== undefined),
      accountOf,
    };
    journal.write(header(job, ready));
    if (found.first) tellFirst(job, ready, found, journal);
    return ready;
  } catch (error) {
    probe?.close();
    await watch?.close();
    turn?.end();
    // The run has a reason, and no traces.
    const known = error instanceof ReplayErrors ? error.all : error instanceof ReplayError ? [error] : [];
    if (known.length > 0) {
      const errors = known.map(({ code, message }) => ({ code, message }));
      journal.write(header(job, { level: 'shared', unmeasured: [] }));
      journal.write({ type: 'end', verdict: 'failed', took: 0, foreign: 0, unattributed: { pushes: 0, changes: 0 }, eventLoopDelay: 0, errors });
    }
    throw error;
  }
}

/** The probe knows more. Beside other iterations their rows cannot be told from these. */
async function watchOf({ options, beside }: Job, probe: ProbeConnection | undefined): Promise<Watch | undefined> {
  if (options.watch === undefined || beside || probe?.hello.changes === 'measured' || !options.measure.includes('changes')) return undefined;
  return openWatch(options.watch);
}

/** One copy of one recording alone: whatever changes was changed by it. */
function rowsBy({ options, copies, recordings }: Job, { probe, watch }: Pick<Ready, 'probe' | 'watch'>): NonNullable<BeginRecord['rows']> {
  if (!options.measure.includes('changes')) return 'not measured';
  if (watch) return copies === 1 && recordings.length === 1 ? 'time' : 'iteration';
  return probe?.hello.changes === 'measured' ? 'probe' : 'not measured';
}

const header = (
  job: Job,
  { level, levelReason, probe, watch, unmeasured }: Pick<Ready, 'level' | 'levelReason' | 'probe' | 'watch' | 'unmeasured'>,
): BeginRecord => {
  const { testInfo, iteration, options, copies, clients, recordings } = job;
  return beginRecord(testInfo, {
    run: currentRun().id,
    iteration,
    target: options.baseURL,
    level,
    ...(levelReason === undefined ? {} : { levelReason }),
    speed: String(options.speed),
    ackTimeout: options.ackTimeout,
    probe: probe !== undefined,
    rows: rowsBy(job, { ...(probe && { probe }), ...(watch && { watch }) }),
    ...(watch && { watch: `${watch.database}: ${watch.how}` }),
    measures: options.measure,
    notMeasured: unmeasured.map(({ what }) => what),
    copies,
    clients: Math.max(1, clients),
    ...(options.observe && { observe: true as const }),
    ...(job.mode === 'ceiling' && { ceiling: currentScale().ceiling }),
    ...(job.mode === 'soak' && { soak: { duration: currentScale().soak?.duration ?? 0 } }),
    recordings: recordings.map(recordedOf),
  });
};

function inputOf(
  { recordings, iteration, copies, mode, options, testInfo, signal }: Job,
  { probe, watch, fence, level, unmeasured, accountOf }: Ready,
  journal: Journal,
  kept: TraceRecord[],
): ReplayInput {
  const all = loadRecordings(currentScale().recordings).recordings;
  const { measure } = options;
  return {
    recordings,
    copies,
    level,
    target: options.baseURL,
    ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
    transport: options.transport,
    vary: options.vary,
    ackTimeout: options.ackTimeout,
    connectTimeout: options.connectTimeout,
    speed: speedFactor(options.speed),
    ...(options.maxGapMs === undefined ? {} : { maxGapMs: options.maxGapMs }),
    connectInPlace: mode === 'behavioural',
    order: options.order,
    measures: {
      acks: measure.includes('acks'),
      pushes: measure.includes('pushes'),
      changes: measure.includes('changes') && (probe !== undefined || watch !== undefined),
    },
    ignore: ignoreOf(
      [...options.ignoreTables, ...ignoredBy(options.rules).tables],
      [...options.ignoreColumns, ...ignoredBy(options.rules).columns],
      ignoredBy(options.rules).events,
    ),
    ...(options.success !== undefined && { success: typeof options.success === 'object' ? options.success.call : options.success }),
    secrets: secretsFor(recordings, options.secrets),
    mutable: mutableColumns(all.length > 0 ? all : recordings),
    account: accountOf,
    login: loginWith(options),
    ...(probe && { probe }),
    ...(watch && { watch }),
    namespaceFence: fence,
    observe: options.observe,
    errors: unmeasured.filter(({ fails }) => fails).map(({ what }) => ({ code: 'REPLAY_NOT_MEASURED' as const, message: what })),
    update: updates({ iteration, testInfo }),
    write(record) {
      journal.write(record);
      if (record.type === 'trace' && record.outcome !== 'passed' && kept.length < KEPT) kept.push(record);
    },
    signal,
    progress: progressPrinter(testInfo),
  };
}

/** At most one line every two seconds, and none for what is quick. */
function progressPrinter(testInfo: TestInfo): (state: Progress) => void {
  let last = performance.now();
  return (state) => {
    const now = performance.now();
    if (now - last < 2000) return;
    last = now;
    console.log(
      `  ${testInfo.project.name}: ${state.settled} of ${state.traces} traces, ${state.connected} of ${state.clients} clients${state.failed > 0 ? `, ${state.failed} failed` : ''}`,
    );
  };
}
