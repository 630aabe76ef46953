/** Every regression of the annotator turns the run red, for the right reason. `npm test` tries a part, .ci/run all. */
import { describe, expect, it } from 'vitest';
import { BUGS } from '../../examples/annotator/bugs.js';
import { slow } from '../slow.js';
import { bugs } from './bugs.js';
import { playwrightTest } from './support.js';

const part = ['rev-lost-update'];

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
      // Law 2: a failed one ends the climb, the rest reads not run.
      const failed = results.tests.find((test) => test.verdict === 'failed')?.iteration ?? 0;
      expect(failed > 0).toBe(!regressionRed);
      expect(results.notRun.map((level) => level.iteration)).toEqual([1, 2, 3].filter((iteration) => iteration > failed));
    });
});
