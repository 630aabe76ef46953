/** `results.json` of a run that did not start (its recordings or options were wrong, nothing was sent to the target), or has not ended. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ReplayError } from '../errors.js';
import { RESULTS_VERSION, type Results } from './schema.js';

/** The folder of the report: `REPLAY_REPORT_DIR`, or `replay-report`. */
export const reportFolder = (): string => resolve(process.env.REPLAY_REPORT_DIR ?? 'replay-report');

/** Replaces the report of an earlier run: nobody shall take that for this one's. */
export const writeNotStarted = (errors: readonly ReplayError[]): void =>
  write(`Not started: ${errors.length === 1 ? 'one error' : `${errors.length} errors`} in recordings or options, nothing was replayed`, errors);

/** What stands until the run has ended: if it never does (the application did not start, the process was killed), this stays. */
export const writeUnfinished = (): void =>
  write('The run did not get to its end: the application did not start, or it was stopped before the report was written', []);

function write(headline: string, errors: readonly ReplayError[], folder = reportFolder()): void {
  const results: Results = {
    version: RESULTS_VERSION,
    run: process.env.REPLAY_RUN ?? '',
    verdict: errors.length > 0 ? 'not-started' : 'interrupted',
    startedAt: new Date().toISOString(),
    took: 0,
    target: null,
    headline,
    tests: [],
    notRun: [],
    failures: [],
    recordings: [],
    traces: [],
    errors: errors.map(({ code, message }) => ({ code, message })),
  };
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, 'index.html'), { force: true });
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
}
