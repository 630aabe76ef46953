import { describe, expect, it } from 'vitest';
import { dueTimes, startOf } from '../../src/replay/pace.js';
import fc from '../fast-check.js';

const starts = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 40 });
const speed = fc.constantFrom(0.25, 0.5, 1, 2, 10, 100);
const maxGapMs = fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined });

describe('when traces are due', () => {
  it('never changes their order, keeps the gaps that are short enough, and cuts the others to maxGapMs, each by the speed', () => {
    fc.assert(
      fc.property(starts, speed, maxGapMs, (recorded, factor, most) => {
        const due = dueTimes(recorded, { speed: factor, maxGapMs: most });
        const sorted = [0, ...recorded.toSorted((a, b) => a - b)];
        for (let i = 1; i < sorted.length; i++) {
          const [before, start] = [sorted[i - 1] as number, sorted[i] as number];
          const gap = (due.get(start) ?? Number.NaN) - (i === 1 ? 0 : (due.get(before) ?? Number.NaN));
          expect(gap).toBeCloseTo(Math.min(start - before, most ?? Number.POSITIVE_INFINITY) / factor, 6);
        }
      }),
    );
  });

  it('are absolute: without a limit exactly the recorded time by the speed, however many came before', () => {
    fc.assert(
      fc.property(starts, speed, (recorded, factor) => {
        const due = dueTimes(recorded, { speed: factor });
        for (const start of recorded) expect(due.get(start)).toBe(start / factor);
      }),
    );
  });

  it('are all due at once at speed fast', () => {
    expect([...dueTimes([0, 50, 9000], { speed: 0, maxGapMs: 10 }).values()]).toEqual([0, 0, 0]);
  });

  it('keep what another session does out of a pause', () => {
    // alice waits four seconds, while bob does something every second: nobody pauses longer than a second.
    const due = dueTimes([0, 4000, 1000, 2000, 3000, 60_000], { speed: 2, maxGapMs: 1000 });
    expect([...due.entries()]).toEqual([
      [0, 0],
      [1000, 500],
      [2000, 1000],
      [3000, 1500],
      [4000, 2000],
      [60_000, 2500],
    ]);
  });
});

describe('when copies start', () => {
  it('is together without a spread, and else in their order, evenly, all within it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 100_000 }), (copies, spread) => {
        const starts = Array.from({ length: copies }, (_, copy) => startOf(copy, copies, spread));
        expect(starts[0]).toBe(0);
        for (let i = 1; i < copies; i++) expect((starts[i] ?? 0) - (starts[i - 1] ?? 0)).toBeCloseTo(spread / copies, 6);
        if (spread > 0) expect(starts.at(-1)).toBeLessThan(spread);
        expect(startOf(copies - 1, copies)).toBe(0);
      }),
    );
  });
});
