/**
 * Law 2: iterations climb one after the other whatever the number of workers, go on after a failure or beside each other when asked.
 * That a failed one ends the climb is seen in matrix.test.ts.
 */
import { describe, expect, it } from 'vitest';
import type { Results } from '../../src/results/schema.js';
import { slow } from '../slow.js';
import { configFor, playwrightTest, startAnnotator } from './support.js';

/** Iterations whose replays were under way at the same time. */
function overlaps({ tests }: Results): string[] {
  const iterations = tests.filter((test) => test.kind === 'iteration').sort((a, b) => a.at - b.at);
  return iterations.flatMap((test, i) => (i > 0 && (iterations[i - 1]?.at ?? 0) + (iterations[i - 1]?.took ?? 0) > test.at ? [test.test.project] : []));
}

const projects = ({ tests }: Results): string[] => tests.filter((test) => test.kind === 'iteration').map((test) => test.test.project);

describe('the schedule', () => {
  slow('continueOnFailure runs them all, never two at once, also with four workers', { timeout: 120_000 }, async () => {
    const target = await startAnnotator({ bug: 'rev-lost-update' });
    const config = configFor(target.port, { use: "reset: { post: '/reset' }" });
    const { results, code } = await playwrightTest([config, '--workers=4'], { REPLAY_CONTINUE_ON_FAILURE: '1' });
    await target.stop();
    expect(code).toBe(1);
    expect(projects(results).sort()).toEqual(['iteration-1', 'iteration-2', 'iteration-3']);
    expect(results.notRun).toEqual([]);
    expect(overlaps(results)).toEqual([]);
  });

  slow('schedule: parallel runs them beside each other', { timeout: 120_000 }, async () => {
    const target = await startAnnotator();
    // Slow enough that they must meet.
    const config = configFor(target.port, { scale: "schedule: 'parallel', workers: 4,", use: 'speed: 0.5' });
    const { results, code, output } = await playwrightTest([config, '--grep=@pool']);
    await target.stop();
    expect(code, output).toBe(0);
    expect(projects(results).sort()).toEqual(['iteration-1', 'iteration-2', 'iteration-3']);
    expect(overlaps(results).length).toBeGreaterThan(0);
  });

  for (const [flag, test] of [
    ['--retries=1', it],
    ['--repeat-each=2', slow],
    ['--shard=1/2', slow],
  ] as const)
    test(`${flag} is refused`, { timeout: 120_000 }, async () => {
      // The first of two repeats does not know yet that it will be repeated.
      const target = await startAnnotator();
      const { code, output } = await playwrightTest([configFor(target.port), flag, '--project=regression', '-g', 'tidy-up']);
      await target.stop();
      expect(code).toBe(1);
      expect(output).toContain('REPLAY_SCALING_REFUSED');
    });
});
