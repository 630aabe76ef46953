/** What the samples of a ceiling or a soak add up to: the verdict of its test, and the end of its journal. Pure. */
import type { ReplaySummary } from '../replay/replay.js';
import type { Sampled } from '../replay/sample.js';
import { atLevel, ceilingProblem, climbOf } from '../results/ceiling.js';
import { summarize } from '../results/latency.js';
import { type Mode, outcomes, verdicts } from '../results/outcome.js';
import type { CeilingSettings, Drift, EndRecord, Sample } from '../results/schema.js';
import { milliseconds } from '../results/text.js';

type Errors = ReplaySummary['errors'];

/** Green where the last good level is high enough: that a level breaks is what was looked for. */
export function ceilingSummary(levels: readonly Sampled[], settings: CeilingSettings, errors: Errors, aborted: boolean): ReplaySummary {
  const problem = aborted || errors.length > 0 ? undefined : ceilingProblem(climbOf(levels.map(({ sample }) => sample)), settings);
  const all: Errors = problem === undefined ? errors : [...errors, { code: 'REPLAY_CEILING', message: problem }];
  return { verdict: all.length > 0 ? 'failed' : aborted ? 'interrupted' : 'finished', counts: countsOf(levels), errors: all };
}

/** The worst of its rounds; red also where it drifts, or was too short to tell. */
export function soakSummary(rounds: readonly Sampled[], drift: Drift, aborted: boolean): ReplaySummary {
  const errors: Errors = [];
  for (const { summary } of rounds)
    for (const error of summary.errors) if (!errors.some(({ code, message }) => code === error.code && message === error.message)) errors.push(error);
  // What was interrupted was not to be compared yet.
  if (drift.found.length > 0 && !aborted) errors.push({ code: 'REPLAY_SOAK', message: `it drifts: ${drift.found.join('; ')}` });
  else if (!drift.early && !aborted && errors.length === 0) errors.push({ code: 'REPLAY_SOAK', message: drift.notMeasured[0] ?? 'drift is not measured' });
  const seen = new Set(rounds.map(({ summary }) => summary.verdict));
  if (errors.length > 0) seen.add('failed');
  if (aborted) seen.add('interrupted');
  return { verdict: verdicts.find((verdict) => seen.has(verdict)) ?? 'finished', counts: countsOf(rounds), errors };
}

export function modeEnd({ verdict, errors }: ReplaySummary, samples: readonly Sampled[], latencies: number[], took: number): EndRecord {
  const sum = (of: (end: EndRecord) => number): number => samples.reduce((total, { end }) => total + of(end), 0);
  return {
    type: 'end',
    verdict,
    took: Math.round(took),
    foreign: sum(({ foreign }) => foreign),
    unattributed: { pushes: sum(({ unattributed }) => unattributed.pushes), changes: sum(({ unattributed }) => unattributed.changes) },
    eventLoopDelay: Math.max(0, ...samples.map(({ end }) => end.eventLoopDelay)),
    latency: summarize(latencies),
    errors,
  };
}

/** One line while it runs. */
export const sampleWords = (mode: Mode, { number, copies, clients, latency, failed, broke }: Sample): string =>
  [
    `${mode}: ${mode === 'soak' ? `round ${number}, ` : ''}${atLevel({ copies, clients })}${mode === 'ceiling' && !broke ? ' held' : ''}`,
    latency.p95 === null ? undefined : `p95 ${milliseconds(latency.p95)}`,
    failed > 0 ? `${failed} not passed` : undefined,
    ...(broke ?? []).map(({ message }) => message),
  ]
    .filter((part) => part !== undefined)
    .join(', ');

function countsOf(samples: readonly Sampled[]): ReplaySummary['counts'] {
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as ReplaySummary['counts'];
  for (const { summary } of samples) for (const outcome of outcomes) counts[outcome] += summary.counts[outcome];
  return counts;
}
