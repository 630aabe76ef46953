/** The test of a scenario: Playwright's, with the fixtures `replay` and `record` and the options of a replay. */
import { test as base } from '@playwright/test';
import { loadRecordings } from '../recording/load.js';
import { type ReplayUse, replayOptions } from './options.js';
import { type RecordPages, recorderOf } from './record.js';
import { type ReplayResult, replayTest } from './replay-test.js';
import { currentScale } from './run.js';

/**
 * Replays recordings. In the project `regression` the named one, alone; in `iteration-K` the named ones, or all that are
 * selected, in K copies. Fails the test when anything differs from what was recorded.
 */
export type Replay = (...names: string[]) => Promise<ReplayResult>;

type Options = Omit<ReplayUse, 'baseURL'>;

export const test = base.extend<Options & { replay: Replay; record: RecordPages }>({
  login: [undefined, { option: true }],
  reset: [undefined, { option: true }],
  ackTimeout: [undefined, { option: true }],
  connectTimeout: [undefined, { option: true }],
  speed: [undefined, { option: true }],
  maxGapMs: [undefined, { option: true }],
  spreadMs: [undefined, { option: true }],
  order: [undefined, { option: true }],
  measure: [undefined, { option: true }],
  watch: [undefined, { option: true }],
  secrets: [undefined, { option: true }],
  ignoreTables: [undefined, { option: true }],
  ignoreColumns: [undefined, { option: true }],
  rules: [undefined, { option: true }],
  success: [undefined, { option: true }],
  observe: [undefined, { option: true }],
  socketPath: [undefined, { option: true }],
  allowProtected: [undefined, { option: true }],
  transport: [undefined, { option: true }],
  vary: [undefined, { option: true }],
  parser: [undefined, { option: true }],
  replay: async (
    {
      baseURL,
      login,
      reset,
      ackTimeout,
      connectTimeout,
      speed,
      maxGapMs,
      spreadMs,
      order,
      measure,
      watch,
      secrets,
      ignoreTables,
      ignoreColumns,
      rules,
      success,
      observe,
      socketPath,
      allowProtected,
      transport,
      vary,
      parser,
    },
    use,
    testInfo,
  ) => {
    const set = Object.fromEntries(
      Object.entries({
        baseURL,
        login,
        reset,
        ackTimeout,
        connectTimeout,
        speed,
        maxGapMs,
        spreadMs,
        order,
        measure,
        watch,
        secrets,
        ignoreTables,
        ignoreColumns,
        rules,
        success,
        observe,
        socketPath,
        allowProtected,
        transport,
        vary,
        parser,
      } satisfies Record<keyof ReplayUse, unknown>).filter(([, value]) => value !== undefined),
    );
    const abort = new AbortController();
    const running = new Set<Promise<unknown>>();
    await use((...names) => {
      const done = replayTest(names.length > 0 ? names : undefined, replayOptions(set), testInfo, abort.signal);
      running.add(done);
      done.finally(() => running.delete(done)).catch(() => {});
      return done;
    });
    // The test has ended. A replay that still runs was interrupted (Ctrl-C, timeout, --max-failures): it closes its sockets and its journal.
    abort.abort();
    await Promise.allSettled(running);
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the pattern, and no fixture is needed.
  record: async ({}, use, testInfo) => {
    const { record, end } = recorderOf(testInfo);
    await use(record);
    await end();
  },
});

/** The names of the selected recordings, in the order of their files: a test each in `regression`. */
export function recordings(): string[] {
  const scale = currentScale();
  return loadRecordings(scale.recordings, scale.select).recordings.map(({ recording }) => recording.name);
}
