/** Everything before the first client. */
import { dirname } from 'node:path';
import { leaseAccounts } from '../auth/users.js';
import { ReplayError, ReplayErrors } from '../errors.js';
import type { Journal } from '../results/journal.js';
import type { BeginRecord } from '../results/schema.js';
import { openWatch } from '../watch/open.js';
import type { Watch } from '../watch/watch.js';
import type { ProbeConnection } from '../wire/client.js';
import { loadParser, type Parser } from '../wire/parser.js';
import { checkLoad, planFor } from './admission.js';
import { probeAfterReset } from './after-reset.js';
import { look, mayReplay, tellFirst } from './first-look.js';
import type { Job, Ready } from './job.js';
import { beginRecord, recordedOf } from './journal-header.js';
import { notMeasured } from './known.js';
import { mayWait } from './preflight.js';
import { probeOf } from './probe-of.js';
import { currentRun, currentScale } from './run.js';
import { checkTarget, resetTarget } from './target.js';
import { type Turn, takeTurn, turnOf } from './turn.js';

/** Whose turn it is, whether the target is there, its probe, its known state. Begins the journal. */
export async function prepare(job: Job, journal: Journal): Promise<Ready> {
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
    const parser = await parserOf(job);
    probe = await probeOf(options.baseURL);
    // Beside others it would pull the state away under them.
    const reset = !beside && (await resetTarget(options));
    if (reset) probe = await probeAfterReset(probe, job);
    const found = await look(job, accountOf, { probe, parser }, reset);
    probe = await probeAfterReset(probe, job);
    watch = await watchOf(job, probe);
    const fence = probe === undefined && found.fence;
    const alone = iteration === 0;
    const ready: Ready = {
      turn,
      ...(probe && { probe }),
      ...(watch && { watch }),
      ...(parser && { parser }),
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

/** From the folder of the configuration. */
const parserOf = ({ options: { parser }, testInfo: { config } }: Job): Promise<Parser | undefined> =>
  parser === undefined ? Promise.resolve(undefined) : loadParser(parser, config.configFile === undefined ? config.rootDir : dirname(config.configFile));

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
    ...(copies > 1 && options.spreadMs > 0 && { spreadMs: options.spreadMs }),
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
