/** What a replay is given, of what its test knows. */
import type { TestInfo } from '@playwright/test';
import { loadRecordings } from '../recording/load.js';
import { ignoredBy } from '../recording/rules.js';
import { ignoreOf } from '../replay/ignore.js';
import type { Progress, ReplayInput } from '../replay/replay.js';
import type { Journal } from '../results/journal.js';
import type { TraceRecord } from '../results/schema.js';
import type { Job, Ready } from './job.js';
import { mutableColumns, secretsFor } from './known.js';
import { speedFactor } from './options.js';
import { loginWith } from './preflight.js';
import { currentScale } from './run.js';
import { isUpdating } from './update.js';

/** So many failing traces are kept for Playwright's own report; ours has all. */
export const KEPT = 50;

export function inputOf(
  { recordings, iteration, copies, mode, options, testInfo, signal }: Job,
  { probe, watch, parser, fence, level, unmeasured, accountOf }: Ready,
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
    ...(parser && { parser }),
    vary: options.vary,
    ackTimeout: options.ackTimeout,
    connectTimeout: options.connectTimeout,
    speed: speedFactor(options.speed),
    ...(options.maxGapMs === undefined ? {} : { maxGapMs: options.maxGapMs }),
    spreadMs: options.spreadMs,
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
    login: loginWith(options, parser),
    ...(probe && { probe }),
    ...(watch && { watch }),
    namespaceFence: fence,
    observe: options.observe,
    errors: unmeasured.filter(({ fails }) => fails).map(({ what }) => ({ code: 'REPLAY_NOT_MEASURED' as const, message: what })),
    update: isUpdating({ iteration, testInfo }),
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
