/** Whether a soak drifts: its first third beside its last one. Pure. */
import { percentile } from './latency.js';
import type { Drift } from './schema.js';
import { milliseconds, plural } from './text.js';

/** One round: the pool replayed once. */
export interface Round {
  latencies: readonly number[];
  failed: number;
  /** the harness was, see harness.ts */
  saturated: boolean;
  /** resident memory of the application, bytes */
  rss?: number;
}

/** So much slower the last third may be. */
const SLOWER = 1.25;
/** So much may the memory grow from the middle to the end, and only a soak of this length (ms) tells: a process that is warming up grows. */
const GROWN = 1.15;
const LONG = 120_000;
/** Below this, ms, a difference is what machines do anyway. */
const NOISE = 10;

export function driftOf(rounds: readonly Round[], duration: number): Drift {
  const notMeasured = ['the connection pool of the application is not measured'];
  const found: string[] = [];
  const growth = growthOf(rounds, duration);
  if (typeof growth === 'string') notMeasured.push(growth);
  else if (growth.found !== undefined) found.push(growth.found);
  if (rounds.length < 2)
    return {
      early: null,
      late: null,
      found,
      notMeasured: [`drift is not measured: ${plural(rounds.length, 'round')} in this time, run longer`, ...notMeasured],
    };
  const size = Math.max(1, Math.floor(rounds.length / 3));
  const [first, last] = [rounds.slice(0, size), rounds.slice(-size)];
  const [early, late] = [thirdOf(first), thirdOf(last)];
  if (early.p95 === null || late.p95 === null) notMeasured.push('the drift of the latency is not measured: nothing was acknowledged');
  else if ([...first, ...last].some(({ saturated }) => saturated)) notMeasured.push('the drift of the latency is not measured: the harness was saturated');
  else if (late.p95 > early.p95 * SLOWER && late.p95 - early.p95 > NOISE)
    found.push(`p95 grew from ${milliseconds(early.p95)} in the first third to ${milliseconds(late.p95)} in the last`);
  if (late.failed > early.failed) found.push(`${plural(late.failed, 'trace')} did not pass in the last third, ${early.failed} in the first`);
  return { early, late, found, notMeasured };
}

function thirdOf(rounds: readonly Round[]): NonNullable<Drift['early']> {
  const latencies = rounds.flatMap((round) => [...round.latencies]).sort((a, b) => a - b);
  return { rounds: rounds.length, p95: percentile(latencies, 0.95), failed: rounds.reduce((sum, { failed }) => sum + failed, 0) };
}

/** A sentence: why it is not measured. */
function growthOf(rounds: readonly Round[], duration: number): string | { found?: string } {
  const middle = rounds[Math.floor(rounds.length / 2)]?.rss;
  const end = rounds.at(-1)?.rss;
  if (middle === undefined || end === undefined) return 'the memory of the application is not measured: there is no probe';
  if (duration < LONG) return `the growth of the application's memory is not measured: only a soak of ${milliseconds(LONG)} or more tells`;
  return end > middle * GROWN ? { found: `the memory of the application grew from ${mebibytes(middle)} in the middle to ${mebibytes(end)} at the end` } : {};
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** The result in one or two sentences. */
export function driftWords({ early, late, found, notMeasured }: Drift): string {
  if (!early || !late) return capital(`${notMeasured[0]}.`);
  const measured = `${plural(early.rounds, 'round')} at the beginning and ${late.rounds} at the end: p95 ${time(early.p95)} and ${time(late.p95)}, ${early.failed} and ${late.failed} not passed.`;
  return `${found.length > 0 ? `Drift: ${found.join('; ')}.` : 'No drift.'} ${measured}`;
}

const time = (ms: number | null): string => (ms === null ? 'not measured' : milliseconds(ms));
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
