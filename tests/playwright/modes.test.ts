/** The modes in a configuration: their defaults, what is refused, and which projects they add. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineReplayConfig } from '../../src/playwright/config.js';
import { ceilingSummary, soakSummary } from '../../src/playwright/mode-results.js';
import { type ScaleInput, scaleOptions } from '../../src/playwright/options.js';
import type { Sampled } from '../../src/replay/sample.js';
import type { Drift } from '../../src/results/schema.js';

describe('the options of the modes', () => {
  it('have the defaults of the documentation, and are not there unless configured', () => {
    expect(scaleOptions({}, {})).not.toHaveProperty('ceiling');
    expect(scaleOptions({ ceiling: {}, soak: {}, behavioural: {} }, {})).toMatchObject({
      ceiling: { from: 5, step: 5, max: 100, latencyThreshold: 1000, maxFailures: 0, failThreshold: 5 },
      soak: { copies: 10, duration: 60_000 },
      behavioural: { copies: 1, speed: 'realtime' },
    });
    expect(scaleOptions({ ceiling: { step: 2 }, soak: { duration: '1.5m' } }, {})).toMatchObject({ ceiling: { from: 2 }, soak: { duration: 90_000 } });
  });

  it.each<[ScaleInput, RegExp]>([
    [{ ceiling: { from: 10, max: 5 } }, /ceiling\.max: the climb begins above its end/],
    [{ ceiling: { min: 200 } }, /ceiling\.min: the climb ends below/],
    [{ ceiling: { steps: 3 } as never }, /ceiling: Unrecognized key/],
    [{ soak: { duration: '60' } }, /soak\.duration: expected a duration such as 60s/],
    [{ soak: { duration: '0s' } }, /soak\.duration: expected more than nothing/],
    [{ behavioural: { speed: 'fast' as never } }, /behavioural\.speed/],
  ])('%j is refused', (input, message) => {
    expect(() => scaleOptions(input, {})).toThrow(message);
  });
});

describe('the projects of the modes', () => {
  // As in a worker: the recordings of this folder are not ours to read.
  beforeEach(() => {
    vi.stubEnv('TEST_WORKER_INDEX', '0');
    vi.stubEnv('REPLAY_RUN_DIR', mkdtempSync(join(tmpdir(), 'socket-replay-modes-')));
  });
  afterEach(() => vi.unstubAllEnvs());
  const projectsOf = (input: ScaleInput) =>
    defineReplayConfig({ ...input, use: { baseURL: 'http://127.0.0.1:1' } }).projects?.map(({ name, dependencies, metadata }) => ({
      name,
      dependencies,
      metadata,
    }));

  it('stand behind regression, whatever the iterations come to', () => {
    expect(projectsOf({ iterations: 1, ceiling: { from: 4, max: 18 }, soak: {}, behavioural: { copies: 2 } })?.slice(2)).toMatchObject([
      { name: 'ceiling', dependencies: ['regression'], metadata: { iteration: 4, mode: 'ceiling', load: { levels: [4, 9, 14] } } },
      { name: 'soak', dependencies: ['regression'], metadata: { iteration: 10, mode: 'soak', load: { duration: 60_000 } } },
      { name: 'behavioural', dependencies: ['regression'], metadata: { iteration: 2, mode: 'behavioural', load: { speed: 1 } } },
    ]);
    expect(projectsOf({ iterations: 1 })?.map(({ name }) => name)).toEqual(['regression', 'iteration-1']);
    expect(projectsOf({ iterations: 1, soak: {}, continueOnFailure: true })?.at(-1)?.dependencies).toBeUndefined();
  });
});

const sampled = (copies: number, more: { broke?: true; verdict?: 'failed' | 'finished' } = {}): Sampled =>
  ({
    sample: { copies, clients: copies, latency: { p95: 5 }, ...(more.broke && { broke: [{ by: 'latency', message: 'too slow' }] }) },
    summary: { verdict: more.verdict ?? 'finished', counts: { passed: copies, mismatch: 1 }, errors: [] },
    latencies: [],
  }) as unknown as Sampled;
const steady: Drift = { early: { rounds: 1, p95: 5, failed: 0 }, late: { rounds: 1, p95: 5, failed: 0 }, found: [], notMeasured: [] };

describe('the verdict', () => {
  const settings = { from: 5, step: 5, max: 20, latencyThreshold: 1000, maxFailures: 0, failThreshold: 5 };

  it('of a ceiling is green where a level breaks above what must hold, whatever failed there', () => {
    const levels = [sampled(5), sampled(10, { broke: true, verdict: 'failed' })];
    expect(ceilingSummary(levels, settings, [], false)).toMatchObject({ verdict: 'finished', errors: [], counts: { passed: 15, mismatch: 2 } });
    expect(ceilingSummary(levels, { ...settings, min: 5 }, [], false).verdict).toBe('finished');
  });

  it('is red below what must hold, where nothing holds, and where something cannot be measured', () => {
    const levels = [sampled(5), sampled(10, { broke: true })];
    expect(ceilingSummary(levels, { ...settings, min: 10 }, [], false)).toMatchObject({ verdict: 'failed', errors: [{ code: 'REPLAY_CEILING' }] });
    expect(ceilingSummary(levels.slice(1), settings, [], false)).toMatchObject({ verdict: 'failed', errors: [{ code: 'REPLAY_CEILING' }] });
    expect(ceilingSummary([], settings, [{ code: 'REPLAY_NOT_MEASURED', message: 'rows' }], false).errors).toEqual([
      { code: 'REPLAY_NOT_MEASURED', message: 'rows' },
    ]);
    expect(ceilingSummary([], settings, [], true)).toMatchObject({ verdict: 'interrupted', errors: [] });
  });

  it('of a soak is that of its worst round, and red where it drifts or was too short to tell', () => {
    expect(soakSummary([sampled(5), sampled(5)], steady, false).verdict).toBe('finished');
    expect(soakSummary([sampled(5), sampled(5, { verdict: 'failed' })], steady, false)).toMatchObject({ verdict: 'failed', errors: [] });
    expect(soakSummary([sampled(5)], { ...steady, found: ['p95 grew'] }, false)).toMatchObject({ verdict: 'failed', errors: [{ code: 'REPLAY_SOAK' }] });
    const short: Drift = { early: null, late: null, found: [], notMeasured: ['run longer'] };
    expect(soakSummary([sampled(5)], short, false)).toMatchObject({ verdict: 'failed', errors: [{ code: 'REPLAY_SOAK', message: 'run longer' }] });
    expect(soakSummary([sampled(5)], { ...steady, found: ['p95 grew'] }, true)).toMatchObject({ verdict: 'interrupted', errors: [] });
    expect(soakSummary([sampled(5)], short, true)).toMatchObject({ verdict: 'interrupted', errors: [] });
  });
});
