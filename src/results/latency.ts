import type { Latency } from './schema.js';

/**
 * The percentile by linear interpolation between the two closest ranks (rank = fraction x (count - 1), the method of NumPy and
 * spreadsheets); null for no values. `sorted` ascends.
 */
export function percentile(sorted: readonly number[], fraction: number): number | null {
  if (sorted.length === 0) return null;
  const rank = Math.min(1, Math.max(0, fraction)) * (sorted.length - 1);
  const low = Math.floor(rank);
  const below = sorted[low] ?? 0;
  const above = sorted[low + 1] ?? below;
  return round(below + (above - below) * (rank - low));
}

/** What a set of latencies says; sorts the list it is given. */
export function summarize(latencies: number[]): Latency {
  latencies.sort((a, b) => a - b);
  const max = latencies.at(-1);
  return { count: latencies.length, p50: percentile(latencies, 0.5), p95: percentile(latencies, 0.95), max: max === undefined ? null : round(max) };
}

/** A hundredth of a millisecond is finer than any clock here. */
export const round = (ms: number): number => Math.round(ms * 100) / 100;
