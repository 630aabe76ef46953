/** The loops of the modes: which level comes next, when a soak is over. The clock and the replay are handed in. */
import { reasonsOf } from '../results/ceiling.js';
import type { CeilingSettings, Drift, Sample } from '../results/schema.js';
import { driftOf, type Round } from '../results/soak.js';
import type { Sampled } from './sample.js';

/** Climbs until a level breaks, or all have held. Whoever is told to stop takes the level under way for none. */
export async function climb(
  settings: CeilingSettings,
  level: (copies: number, number: number) => Promise<Sampled>,
  tell: (sampled: Sampled) => void,
  signal: AbortSignal,
): Promise<void> {
  let number = 0;
  for (let copies = settings.from; copies <= settings.max && !signal.aborted; copies += settings.step) {
    const sampled = await level(copies, ++number);
    if (signal.aborted) break;
    const broke = reasonsOf(sampled.sample, settings);
    const sample: Sample = { ...sampled.sample, ...(broke.length > 0 && { broke }) };
    tell({ ...sampled, failed: [], sample });
    if (broke.length > 0) break;
  }
}

export interface Soaked {
  rounds: Sampled[];
  drift: Drift;
}

/** Begins no round after `duration` ms, and none after one that could not be measured to its end. */
export async function soak(
  duration: number,
  now: () => number,
  round: (number: number) => Promise<Sampled>,
  tell: (sample: Sample) => void,
  signal: AbortSignal,
): Promise<Soaked> {
  const began = now();
  const rounds: Sampled[] = [];
  do {
    const sampled = await round(rounds.length + 1);
    if (signal.aborted) break;
    tell(sampled.sample);
    rounds.push({ ...sampled, failed: [] });
    if (sampled.summary.errors.some(({ code }) => code === 'REPLAY_PROBE_LOST' || code === 'REPLAY_WATCH_FAILED')) break;
  } while (now() - began < duration && !signal.aborted);
  return { rounds, drift: driftOf(rounds.map(roundOf), duration) };
}

const roundOf = ({ sample: { failed, harness, rss }, latencies }: Sampled): Round => ({
  latencies,
  failed,
  saturated: harness.saturated,
  ...(rss !== undefined && { rss }),
});
