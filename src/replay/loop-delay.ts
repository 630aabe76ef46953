/** How long the harness's own event loop kept latencies waiting, while latencies were measured. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Harness } from '../results/schema.js';
import { round } from './records.js';

/** How often it looks, ms. The histogram counts the time from one look to the next, so that this is part of every value. */
const RESOLUTION = 10;

export interface LoopDelay {
  /** From now on: what was before (logins, compiling) is not ours. */
  restart(): void;
  /** What was until now; nothing is measured any more. */
  read(): Harness;
}

export function watchLoop(): LoopDelay {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  delay.enable();
  let since = performance.eventLoopUtilization();
  let taken: Harness | undefined;
  const beyond = (nanoseconds: number): number => (delay.count === 0 ? 0 : round(Math.max(0, nanoseconds / 1e6 - RESOLUTION)));
  return {
    restart() {
      delay.reset();
      since = performance.eventLoopUtilization();
    },
    read() {
      taken ??= { p99: beyond(delay.percentile(99)), max: beyond(delay.max), busy: round(performance.eventLoopUtilization(since).utilization) };
      delay.disable();
      return taken;
    },
  };
}
