/** Whether the harness itself was too slow, so that its latencies cannot be trusted. Pure, also runs in a browser. */
import type { Harness, JudgedHarness, TestResult } from './schema.js';
import { milliseconds } from './text.js';

/**
 * Measured beside a second, idle client of the same server (34 replays with 1 to 1,000 clients on two busy cores): up to this share
 * of busy time both had the same p95 (0.7 to 1.5 times), from it on the harness's own was 1.3 to 99 times as long. How long events
 * waited for the loop does not tell so well: one long wait at the beginning is in every short replay.
 */
const BUSY = 0.8;
/** Below this, ms, what the loop added cannot be seen. */
const UNNOTICED = 40;

export const judgeHarness = (harness: Harness): JudgedHarness => ({ ...harness, saturated: harness.busy >= BUSY && harness.p99 >= UNNOTICED });

export const SATURATED = 'harness saturated: latencies cannot be trusted';

/** `its own event loop kept events waiting for 210 ms (p99) and was busy 97 % of the time` */
export const harnessWords = ({ p99, busy }: Harness): string =>
  `its own event loop kept events waiting for ${milliseconds(p99)} (p99) and was busy ${Math.round(busy * 100)} % of the time`;

/** More than so many tests are told in one line. */
const EACH = 3;

/** `iteration-9`, or how many. */
export const saturatedTests = (projects: readonly string[]): string =>
  projects.length > EACH ? `${projects.length} tests, ${projects[0]} to ${projects.at(-1)}` : projects.join(', ');

/** A line for each test whose harness was saturated, or one with the worst. */
export function saturatedWords(tests: readonly Pick<TestResult, 'test' | 'harness'>[]): string[] {
  const found = tests.flatMap(({ test, harness }) => (harness?.saturated ? [{ project: test.project, harness }] : []));
  if (found.length <= EACH) return found.map(({ project, harness }) => `${project}: ${SATURATED}; ${harnessWords(harness)}`);
  const worst = found.reduce((a, b) => (b.harness.p99 > a.harness.p99 ? b : a));
  return [`${saturatedTests(found.map(({ project }) => project))}: ${SATURATED}; in ${worst.project}, the worst, ${harnessWords(worst.harness)}`];
}
