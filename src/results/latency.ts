import type { Latency } from './schema.js';

/**
 * The percentile, one definition everywhere: `sorted[min(n - 1, floor(fraction x n))]`, so that it is a latency that some client
 * really had; null for no values. `sorted` ascends.
 */
export function percentile(sorted: readonly number[], fraction: number): number | null {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))];
  return value === undefined ? null : round(value);
}

/** What a set of latencies says; sorts the list it is given. */
export function summarize(latencies: number[]): Latency {
  latencies.sort((a, b) => a - b);
  const max = latencies.at(-1);
  return { count: latencies.length, p50: percentile(latencies, 0.5), p95: percentile(latencies, 0.95), max: max === undefined ? null : round(max) };
}

/** A hundredth of a millisecond is finer than any clock here. */
export const round = (ms: number): number => Math.round(ms * 100) / 100;
