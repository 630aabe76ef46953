/** How a failed replay shows in Playwright's own reporters: one step a failing trace, and an error that points at the YAML. */
import { resolve } from 'node:path';
import { test as base } from '@playwright/test';
import type { ErrorCode } from '../errors.js';
import type { LoadedRecording } from '../recording/load.js';
import { labelOf } from '../recording/schema.js';
import { quarantineOf } from '../replay/records.js';
import type { ReplaySummary } from '../replay/replay.js';
import { rerunCommand } from '../results/command.js';
import { failureWords, overWords } from '../results/headline.js';
import type { TraceRecord } from '../results/schema.js';
import type { ReplayOptions } from './options.js';

/** More steps than this nobody reads; each costs time. The report has all. */
const STEPS = 20;

export async function failTest(
  summary: ReplaySummary,
  failed: TraceRecord[],
  recordings: LoadedRecording[],
  options: ReplayOptions,
  more: string[] = [],
): Promise<never> {
  const causes = failed.filter((trace) => !trace.quarantined && trace.outcome !== 'aborted');
  const shown = causes.slice(0, STEPS);
  if (shown.length > 0)
    await base.step('traces that did not pass', async () => {
      for (const trace of shown) {
        const { file, line, words } = describe(trace, recordings, options);
        await base.step(words, () => Promise.reject(plainError(words)), { location: { file: resolve(file), line, column: 1 } }).catch(() => {});
      }
    });
  // Where a ceiling or a soak says why, that is the first thing to read.
  const own = causes.length === 0 ? summary.errors.find(({ code }) => code === 'REPLAY_CEILING' || code === 'REPLAY_SOAK') : undefined;
  const lines = [
    ...more,
    ...summary.errors.filter((error) => error !== own).map(({ code, message }) => `${code}: ${message}`),
    ...shown.slice(0, 10).map((trace) => describe(trace, recordings, options).words),
  ];
  const total = Object.entries(summary.counts)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
  const iteration = Number(base.info().project.metadata.iteration ?? 0);
  const again = shown.slice(0, 1).map((trace) => `this one again: ${rerunCommand({ ...trace, iteration })}`);
  const first = shown[0] && describe(shown[0], recordings, options);
  const code = causes.length > 0 && causes.every((trace) => trace.outcome === 'connect-failed') ? 'REPLAY_CONNECT_FAILED' : 'REPLAY_REGRESSION';
  const what = summary.verdict === 'interrupted' ? 'the replay was interrupted' : `${code satisfies ErrorCode}: the replay does not match what was recorded`;
  const head = own ? `${own.code}: ${own.message}` : `${what} (${total})`;
  const message = [head, ...lines, ...(causes.length > 10 ? ['… see the report for all'] : []), ...again].join('\n  ');
  const error = plainError(message);
  // Playwright shows the source at the first frame: the trace in the YAML.
  error.stack = `${error.name}: ${message}${first ? `\n    at ${resolve(first.file)}:${first.line}:1` : ''}`;
  throw error;
}

function describe(trace: TraceRecord, recordings: LoadedRecording[], options: ReplayOptions): { file: string; line: number; words: string } {
  const loaded = recordings.find(({ recording }) => recording.name === trace.recording);
  const s = loaded?.recording.sessions.findIndex((session) => session.id === trace.session) ?? 0;
  const recorded = loaded?.recording.sessions[s]?.traces[trace.trace];
  const line = loaded?.lineOf(s, trace.trace) ?? 1;
  const file = loaded?.file ?? '';
  const over = loaded ? overWords({ quarantine: quarantineOf(loaded, recorded), quarantined: trace.quarantined }) : '';
  const words = failureWords({ outcome: trace.outcome, difference: trace.differences?.[0], reason: trace.reason }, options.ackTimeout) + over;
  return { file, line, words: `${trace.recording}: ${trace.session}'s ${recorded ? labelOf(recorded) : `trace ${trace.trace}`} (${file}:${line}) — ${words}` };
}

function plainError(message: string): Error {
  const error = new Error(message);
  error.stack = `Error: ${message}`;
  return error;
}
