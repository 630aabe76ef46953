/**
 * Every regression of the annotator turns the run red, for the right reason; without one it is green, also on a database that
 * earlier runs have filled. `npm test` tries a part; REPLAY_FULL=1 (.ci/run) tries all, and green ten times.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUGS } from '../../examples/annotator/bugs.js';
import { slow } from '../slow.js';
import { bugs } from './bugs.js';
import { playwrightTest, temporary } from './support.js';

const part = ['private-comment-leak', 'rev-lost-update'];

describe('the main job', () => {
  it('knows every regression of the annotator', () => {
    expect(Object.keys(bugs).sort()).toEqual(BUGS.map((bug) => bug.name).sort());
  });

  for (const [bug, expected] of Object.entries(bugs))
    (part.includes(bug) ? it : slow)(`is red with ANNOTATOR_BUG=${bug}`, { timeout: 120_000 }, async () => {
      const { code, results, output } = await playwrightTest([], { ANNOTATOR_BUG: bug });
      const [first] = results.failures;
      expect(code, output).toBe(1);
      expect(results.verdict).toBe('failed');
      expect(first, output).toBeDefined();
      expect(first?.projects[0]).toMatch(expected.project);
      expect(first?.recording).toMatch(expected.recording);
      expect(first?.label).toMatch(expected.label);
      expect(first?.outcome).toBe(expected.outcome);
      if (expected.path) expect(first?.difference?.path).toMatch(expected.path);
      if (expected.class) expect(first?.difference?.class).toBe(expected.class);
      expect(results.headline).toMatch(expected.headline);
      expect(results.headline).toMatch(/recordings\/[a-z-]+\.yaml:\d+/);
      expect(output).toContain(`recordings/${first?.recording}.yaml:${first?.line}`);
      const regressionRed = results.tests.some((test) => test.kind === 'regression' && test.verdict !== 'finished');
      expect(regressionRed).toBe(expected.project.test('regression'));
    });

  for (const [times, test] of [
    [1, it],
    [9, slow],
  ] as const)
    test(`is green ${times} of ${times} times, with the report written`, { timeout: times * 60_000 }, async () => {
      for (let time = 0; time < times; time++) {
        const { code, results, output, report } = await playwrightTest();
        expect(code, output).toBe(0);
        expect(results.verdict).toBe('passed');
        expect(results.tests).toHaveLength(6);
        expect(existsSync(join(report, 'index.html'))).toBe(true);
      }
    });

  for (const [times, copies, test] of [[3, 5, slow]] as const)
    test(`is green ${times} times without reset on a database that earlier runs have filled, up to ${copies} copies`, { timeout: 240_000 }, async () => {
      const database = { ANNOTATOR_DB: join(temporary('filled'), 'annotator.db'), ANNOTATOR_NO_RESET: '1', REPLAY_ITERATIONS: String(copies) };
      for (let time = 0; time < times; time++) {
        const { code, output, results } = await playwrightTest([], database);
        expect(code, output).toBe(0);
        expect(results.tests.every((test) => test.level === 'shared')).toBe(true);
      }
    });
});
