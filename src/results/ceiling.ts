/** The ceiling: which levels hold, and what they come to. Pure, also runs in a browser. */
import { harnessWords } from './harness.js';
import type { CeilingSettings, Climb, Reason, Sample } from './schema.js';
import { milliseconds, plural } from './text.js';

type Level = Pick<Sample, 'copies' | 'clients' | 'outcomes' | 'failed' | 'latency' | 'harness' | 'errors'>;

/** Why a level does not hold; empty: it does. */
export function reasonsOf({ outcomes, failed, latency, harness, errors }: Level, settings: CeilingSettings): Reason[] {
  const { maxFailures, failThreshold, latencyThreshold } = settings;
  const traces = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const percent = traces === 0 ? 0 : (failed / traces) * 100;
  const reasons: Reason[] = [];
  const add = (by: Reason['by'], message: string): void => void reasons.push({ by, message });
  // First, because failures and latencies of a slow harness may be its own.
  if (harness.saturated) add('harness', `the harness, not the application, is at its end: ${harnessWords(harness)}`);
  for (const { code, message } of errors) add('error', `${code}: ${message}`);
  if (failed > maxFailures) add('failures', `${failed} of ${plural(traces, 'trace')} did not pass, ${maxFailures} may`);
  if (percent > failThreshold) add('percentage', `${Number(percent.toFixed(1))} % of the traces did not pass, ${failThreshold} % may`);
  if (latency.p95 !== null && latency.p95 > latencyThreshold)
    add('latency', `p95 ${milliseconds(latency.p95)} is above the threshold of ${milliseconds(latencyThreshold)}`);
  if (traces === 0) add('error', 'nothing was replayed');
  return reasons;
}

export function climbOf(samples: readonly Sample[]): Climb {
  const good = samples.findLast(({ broke }) => broke === undefined);
  const bad = samples.find(({ broke }) => broke !== undefined);
  return {
    lastGood: good ? { copies: good.copies, clients: good.clients, p95: good.latency.p95 } : null,
    broke: bad?.broke ? { copies: bad.copies, clients: bad.clients, reasons: bad.broke } : null,
  };
}

/** Undefined: the ceiling is good. A level that breaks is what was looked for; that none holds, or fewer than must, is not. */
export function ceilingProblem({ lastGood, broke }: Climb, { min }: Pick<CeilingSettings, 'min'>): string | undefined {
  const stopped = broke ? `: ${atLevel(broke)} did not hold, ${reasonWords(broke.reasons)}` : '';
  if (!lastGood) return `no level holds${stopped}`;
  if (min !== undefined && lastGood.copies < min) return `the last good level is ${copies(lastGood.copies)}, at least ${min} must hold${stopped}`;
  return undefined;
}

/** The result in one or two sentences. */
export function climbWords({ lastGood, broke }: Climb, ended: boolean): string {
  const held = lastGood
    ? `The last good level is ${atLevel(lastGood)}${lastGood.p95 === null ? '' : `, p95 ${milliseconds(lastGood.p95)}`}.`
    : ended
      ? 'No level holds.'
      : 'No level was finished.';
  if (broke) return `${held} ${capital(atLevel(broke))} did not hold: ${reasonWords(broke.reasons)}.`;
  if (!ended) return `${held} The climb was interrupted.`;
  return lastGood ? `${held} No level broke: the ceiling lies higher.` : held;
}

export const atLevel = ({ copies: count, clients }: { copies: number; clients: number }): string => `${copies(count)} (${plural(clients, 'client')})`;

const copies = (count: number): string => plural(count, 'copy', 'copies');
const reasonWords = (reasons: readonly Reason[]): string => reasons.map(({ message }) => message).join('; ');
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
