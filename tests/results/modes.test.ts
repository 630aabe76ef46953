/** What levels and rounds come to: pure, so without a clock. */
import { describe, expect, it } from 'vitest';
import { ceilingProblem, climbOf, climbWords, reasonsOf } from '../../src/results/ceiling.js';
import { judgeHarness, saturatedWords } from '../../src/results/harness.js';
import { outcomes } from '../../src/results/outcome.js';
import type { CeilingSettings, Sample, TestResult } from '../../src/results/schema.js';
import { driftOf, driftWords, type Round } from '../../src/results/soak.js';
import fc from '../fast-check.js';

const settings: CeilingSettings = { from: 5, step: 5, max: 100, latencyThreshold: 1000, maxFailures: 0, failThreshold: 5 };
const idle = judgeHarness({ p99: 4, max: 9, busy: 0.3 });
const busy = judgeHarness({ p99: 210, max: 400, busy: 0.97 });
const MIB = 2 ** 20;

function sample(copies: number, more: Partial<Sample> & { passed?: number } = {}): Sample {
  const { passed = 100, failed = 0, ...rest } = more;
  const none = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Sample['outcomes'];
  return {
    number: copies / 5,
    copies,
    clients: copies * 2,
    start: 0,
    took: 100,
    outcomes: { ...none, passed, mismatch: failed },
    failed,
    compared: { value: 0, type: 0, ignored: 0 },
    latency: { count: 100, p50: 10, p95: 20, max: 30 },
    harness: idle,
    errors: [],
    examples: [],
    ...rest,
  };
}
const p95 = (ms: number): Partial<Sample> => ({ latency: { count: 100, p50: 10, p95: ms, max: ms } });
const by = (level: Sample, more: Partial<CeilingSettings> = {}): string[] => reasonsOf(level, { ...settings, ...more }).map((reason) => reason.by);

describe('a level of a ceiling', () => {
  it('holds up to its thresholds, and no further', () => {
    expect(by(sample(5))).toEqual([]);
    expect(by(sample(5, p95(1000)))).toEqual([]);
    expect(by(sample(5, p95(1000.01)))).toEqual(['latency']);
    expect(by(sample(5, { failed: 1, passed: 99 }))).toEqual(['failures']);
    expect(by(sample(5, { failed: 5, passed: 95 }), { maxFailures: 10 })).toEqual([]);
    expect(by(sample(5, { failed: 6, passed: 94 }), { maxFailures: 10 })).toEqual(['percentage']);
    expect(by(sample(5, { errors: [{ code: 'REPLAY_TOTALS', message: 'm' }] }))).toEqual(['error']);
    expect(by(sample(5, { passed: 0 }))).toEqual(['error']);
  });

  it('does not hold where the harness is at its end, which is said first', () => {
    const [first, second] = reasonsOf(sample(5, { harness: busy, ...p95(1200) }), settings);
    expect(first).toEqual({ by: 'harness', message: expect.stringContaining('the harness, not the application, is at its end') });
    expect(second?.by).toBe('latency');
  });
});

describe('a ceiling', () => {
  const broken = { ...sample(15), broke: [{ by: 'latency' as const, message: 'p95 1.2 s is above the threshold of 1 s' }] };

  it('is the last level that held, and says what broke', () => {
    const climb = climbOf([sample(5), sample(10), broken]);
    expect(climb.lastGood).toEqual({ copies: 10, clients: 20, p95: 20 });
    expect(climbWords(climb, true)).toBe(
      'The last good level is 10 copies (20 clients), p95 20 ms. 15 copies (30 clients) did not hold: p95 1.2 s is above the threshold of 1 s.',
    );
    expect(ceilingProblem(climb, {})).toBeUndefined();
    expect(ceilingProblem(climb, { min: 10 })).toBeUndefined();
    expect(ceilingProblem(climb, { min: 11 })).toMatch(/^the last good level is 10 copies, at least 11 must hold: 15 copies/);
  });

  it('lies higher where nothing broke, is none where nothing holds, and is not known after an interruption', () => {
    expect(climbWords(climbOf([sample(5)]), true)).toContain('the ceiling lies higher');
    expect(ceilingProblem(climbOf([sample(5)]), { min: 10 })).toBe('the last good level is 5 copies, at least 10 must hold');
    expect(ceilingProblem(climbOf([broken]), {})).toMatch(/^no level holds: 15 copies \(30 clients\) did not hold, p95/);
    expect(climbWords(climbOf([sample(5)]), false)).toContain('The climb was interrupted');
  });
});

const round = (latency: number, more: Partial<Round> = {}): Round => ({ latencies: [latency, latency, latency], failed: 0, saturated: false, ...more });
const times = (count: number, ...of: Round[]): Round[] => of.flatMap((one) => Array.from({ length: count }, () => one));

describe('a soak', () => {
  it('drifts when p95 of the last third is a quarter above that of the first, and that is more than noise', () => {
    expect(driftOf(times(3, round(100), round(500), round(125)), 60_000).found).toEqual([]);
    expect(driftOf(times(3, round(100), round(100), round(126)), 60_000).found).toEqual(['p95 grew from 100 ms in the first third to 126 ms in the last']);
    expect(driftOf(times(3, round(5), round(5), round(10)), 60_000).found).toEqual([]);
    expect(driftOf(times(3, round(100), round(100), round(20)), 60_000)).toMatchObject({
      early: { rounds: 3, p95: 100 },
      late: { rounds: 3, p95: 20 },
      found: [],
    });
  });

  it('drifts when more fails late than early', () => {
    const failing = (failed: number): Round => round(10, { failed });
    expect(driftOf(times(1, failing(1), failing(9), failing(1)), 60_000).found).toEqual([]);
    expect(driftOf(times(1, failing(1), failing(0), failing(2)), 60_000).found).toEqual(['2 traces did not pass in the last third, 1 in the first']);
  });

  it('looks at the memory from the middle to the end, in a long soak only, and says where it does not', () => {
    const growing = [100, 150, 200, 231].map((mib) => round(10, { rss: mib * MIB }));
    expect(driftOf(growing, 120_000).found).toEqual(['the memory of the application grew from 200 MiB in the middle to 231 MiB at the end']);
    expect(driftOf([...growing.slice(0, 3), round(10, { rss: 229 * MIB })], 120_000).found).toEqual([]);
    expect(driftOf(growing, 119_999)).toMatchObject({ found: [], notMeasured: expect.arrayContaining([expect.stringContaining('only a soak of 2 min')]) });
    expect(driftOf(times(3, round(10)), 120_000).notMeasured).toContain('the memory of the application is not measured: there is no probe');
  });

  it('asks to run longer with fewer than two rounds, and trusts no latency of a saturated harness', () => {
    const short = driftOf([round(10)], 1000);
    expect(short).toMatchObject({ early: null, late: null });
    expect(driftWords(short)).toBe('Drift is not measured: 1 round in this time, run longer.');
    const saturated = driftOf(times(2, round(100), round(100), round(900, { saturated: true })), 60_000);
    expect(saturated).toMatchObject({ found: [], notMeasured: expect.arrayContaining([expect.stringContaining('the harness was saturated')]) });
  });

  it('never finds a drift of latency in rounds that are all alike', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.integer({ min: 1, max: 5000 }), (count, ms) => {
        expect(driftOf(times(count, round(ms)), 60_000).found).toEqual([]);
      }),
    );
  });
});

describe('a saturated harness', () => {
  const test = (project: string, harness = busy) => ({ test: { project } as TestResult['test'], harness });

  it('is told for each test, or for many in one line with the worst', () => {
    expect(saturatedWords([test('a', idle), test('b'), test('c')])).toEqual([
      'b: harness saturated: latencies cannot be trusted; its own event loop kept events waiting for 210 ms (p99) and was busy 97 % of the time',
      'c: harness saturated: latencies cannot be trusted; its own event loop kept events waiting for 210 ms (p99) and was busy 97 % of the time',
    ]);
    const worst = judgeHarness({ p99: 300, max: 400, busy: 0.99 });
    expect(saturatedWords([test('i-1', idle), test('i-2'), test('i-3', worst), test('i-4'), test('i-5')])).toEqual([
      '4 tests, i-2 to i-5: harness saturated: latencies cannot be trusted; in i-3, the worst, its own event loop kept events waiting for 300 ms (p99) and was busy 99 % of the time',
    ]);
  });
});
