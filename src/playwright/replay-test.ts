/** One call of the `replay` fixture: from the recordings' names to a verdict that fails the test or not. */
import { join } from 'node:path';
import type { TestInfo } from '@playwright/test';
import { httpLogin } from '../auth/http-login.js';
import { ReplayError } from '../errors.js';
import { type LoadedRecording, loadRecordings } from '../recording/load.js';
import { changeOf } from '../recording/schema.js';
import { Tagged, type Value, walk } from '../recording/values.js';
import { poolOf } from '../replay/plan.js';
import { type Progress, type ReplaySummary, replay } from '../replay/replay.js';
import { openJournal } from '../results/journal.js';
import type { BeginRecord, TraceRecord } from '../results/schema.js';
import type { ProbeConnection } from '../wire/client.js';
import { failTest } from './failure.js';
import { beginRecord, recordedOf } from './journal-header.js';
import { type ReplayOptions, speedFactor } from './options.js';
import { currentRun, currentScale } from './run.js';
import { canFence, checkTarget, probeOf, resetTarget } from './target.js';
import { type Turn, takeTurn } from './turn.js';

/** What a replay adds up to, for scenarios that assert more. */
export interface ReplayResult {
  verdict: ReplaySummary['verdict'];
  outcomes: Record<TraceRecord['outcome'], number>;
  clients: number;
}

let calls = 0;

export async function replayTest(names: string[] | undefined, options: ReplayOptions, testInfo: TestInfo, signal: AbortSignal): Promise<ReplayResult> {
  const iteration = Number(testInfo.project.metadata.iteration ?? 0);
  refuseScaling(testInfo);
  const recordings = select(names, iteration);
  const run = currentRun();
  const beside = iteration > 0 && testInfo.project.metadata.schedule === 'parallel';
  const journal = openJournal(join(run.directory, `${testInfo.project.name}-${process.pid}-${++calls}.ndjson`));
  const lastWords = (): void => journal.flushSync();
  process.once('exit', lastWords);
  let probe: ProbeConnection | undefined;
  let turn: Turn | undefined;
  try {
    const kept: TraceRecord[] = [];
    let summary: ReplaySummary;
    const copies = Math.max(1, iteration);
    const clients = copies * recordings.reduce((sum, { recording }) => sum + recording.sessions.length, 0);
    const settings = (level: BeginRecord['level'], levelReason: string | undefined, notMeasured: string[]): BeginRecord =>
      beginRecord(testInfo, {
        run: run.id,
        iteration,
        target: options.baseURL,
        level,
        ...(levelReason === undefined ? {} : { levelReason }),
        speed: String(options.speed),
        ackTimeout: options.ackTimeout,
        probe: probe !== undefined,
        measures: options.measure,
        notMeasured,
        copies,
        clients: Math.max(1, clients),
        recordings: recordings.map(recordedOf),
      });
    try {
      turn = await takeTurn(run, options.baseURL, iteration, beside, signal);
      await checkTarget(options);
      probe = await probeOf(options.baseURL);
      // Beside others it would pull the state away under them.
      const reset = !beside && (await resetTarget(options));
      await probe?.drain(options.ackTimeout);
      const fence = probe === undefined && (await canFence(options));
      const unmeasured = notMeasured(probe, fence, recordings, options);
      const level = iteration === 0 && reset ? 'exact' : 'shared';
      journal.write(
        settings(
          level,
          iteration === 0 && !reset ? 'no `reset` is configured' : undefined,
          unmeasured.map(({ what }) => what),
        ),
      );
      const all = loadRecordings(currentScale().recordings).recordings;
      summary = await replay({
        recordings,
        copies,
        level,
        target: options.baseURL,
        ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
        ackTimeout: options.ackTimeout,
        connectTimeout: options.connectTimeout,
        speed: speedFactor(options.speed),
        order: options.order,
        measures: {
          acks: options.measure.includes('acks'),
          pushes: options.measure.includes('pushes'),
          changes: options.measure.includes('changes') && probe !== undefined,
        },
        secrets: secretsFor(recordings, options.secrets),
        mutable: mutableColumns(all.length > 0 ? all : recordings),
        login: (user, signal) =>
          options.login
            ? httpLogin(options.baseURL, user, options.login, signal)
            : Promise.reject(new ReplayError('REPLAY_LOGIN_UNKNOWN_USER', `a recording needs the user ${user}, and there is no \`use.login\``)),
        ...(probe && { probe }),
        namespaceFence: fence,
        errors: unmeasured.filter(({ fails }) => fails).map(({ what }) => ({ code: 'REPLAY_NOT_MEASURED' as const, message: what })),
        write(record) {
          journal.write(record);
          if (record.type === 'trace' && record.outcome !== 'passed' && kept.length < 50) kept.push(record);
        },
        signal,
        progress: progressPrinter(testInfo),
      });
    } catch (error) {
      // Before anything was replayed: the run has a reason, and no traces.
      if (!(error instanceof ReplayError)) throw error;
      journal.write(settings('shared', undefined, []));
      journal.write({
        type: 'end',
        verdict: 'failed',
        took: 0,
        foreign: 0,
        unattributed: { pushes: 0, changes: 0 },
        eventLoopDelay: 0,
        errors: [{ code: error.code, message: error.message }],
      });
      throw error;
    } finally {
      process.off('exit', lastWords);
      await journal.close();
    }
    if (summary.verdict !== 'finished' || summary.errors.length > 0) await failTest(summary, kept, recordings, options);
    return { verdict: summary.verdict, outcomes: summary.counts, clients };
  } finally {
    probe?.close();
    turn?.end();
  }
}

/** A scaling project is a measurement: repeated or split it would be another one. */
function refuseScaling({ project, config, repeatEachIndex }: TestInfo): void {
  const refused = [
    project.retries > 0 && '--retries',
    (repeatEachIndex > 0 || project.repeatEach > 1) && '--repeat-each',
    config.shard !== null && '--shard',
  ].filter((flag) => flag !== false);
  if (refused.length > 0) throw new ReplayError('REPLAY_SCALING_REFUSED', `${refused.join(' and ')} cannot be used with the project ${project.name}`);
}

function select(names: string[] | undefined, iteration: number): LoadedRecording[] {
  const scale = currentScale();
  const { recordings, errors } = loadRecordings(scale.recordings, names ?? scale.select);
  const [first] = errors;
  if (first) throw first;
  const chosen = iteration === 0 ? recordings : [...new Set(poolOf(recordings).map((entry) => entry.recording))];
  if (iteration === 0 && chosen.length !== 1)
    throw new ReplayError(
      'REPLAY_OPTION_INVALID',
      `in the project regression a test replays one recording, alone; this one asked for ${chosen.length}`,
      undefined,
      'Give `replay` one name, or tag the test @pool.',
    );
  const traces = chosen.reduce(
    (sum, { recording }) => sum + recording.sessions.reduce((count, session) => count + session.traces.filter((trace) => !trace.disabled).length, 0),
    0,
  );
  if (traces === 0)
    throw new ReplayError(
      'REPLAY_NOTHING_REPLAYED',
      iteration === 0 ? 'the recording has no enabled trace' : 'the pool is empty: every recording is disabled or `copies: 1`',
    );
  return chosen;
}

/** Law 8: what could not be observed is never ok. */
function notMeasured(
  probe: ProbeConnection | undefined,
  fence: boolean,
  recordings: LoadedRecording[],
  options: ReplayOptions,
): { what: string; fails: boolean }[] {
  const changes = options.measure.includes('changes');
  if (!probe)
    return [
      { what: `row changes are not measured: there is no probe in the process that listens at ${options.baseURL}`, fails: changes },
      { what: 'who caused a push is not known without the probe: pushes are compared per receiver', fails: false },
      ...(fence ? [] : [{ what: 'that a session receives nothing more is not measured: the target accepts namespaces that do not exist', fails: false }]),
    ];
  const recorded = recordings.some(({ recording }) => recording.sessions.some((session) => session.traces.some((trace) => (trace.changes ?? []).length > 0)));
  if (probe.hello.changes === 'none')
    return [{ what: 'row changes are not measured: the probe knows no database of this application', fails: changes && recorded }];
  return [];
}

/** The configured value of every secret that the recordings use; the environment does not tell upper from lower case. */
function secretsFor(recordings: LoadedRecording[], configured: Record<string, string>): Map<string, string> {
  const secrets = new Map<string, string>();
  for (const { recording } of recordings)
    walk(recording as unknown as Value, (node) => {
      if (!(node instanceof Tagged) || node.body.tag !== 'secret') return;
      const { name } = node.body;
      const value = configured[name] ?? configured[name.toLowerCase()];
      if (value !== undefined) secrets.set(name, value);
    });
  return secrets;
}

/** Columns that some recording updates in rows that it did not make itself: in a shared state anybody may have changed them. */
function mutableColumns(recordings: LoadedRecording[]): Set<string> {
  const columns = new Set<string>();
  for (const { recording } of recordings)
    for (const session of recording.sessions)
      for (const trace of session.traces)
        for (const change of (trace.changes ?? []).map(changeOf))
          if (change.op === 'update') for (const column of Object.keys(change.values)) columns.add(column);
  return columns;
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
