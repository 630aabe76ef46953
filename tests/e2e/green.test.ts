/** Without a regression the annotator is green, every time, also on a database that earlier runs have filled. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { slow } from '../slow.js';
import { playwrightTest, temporary } from './support.js';

describe('the main job', () => {
  for (const [times, test] of [
    [1, it],
    [4, slow],
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

  slow('is green three times without reset on a database that earlier runs have filled, up to five copies', { timeout: 240_000 }, async () => {
    const database = { ANNOTATOR_DB: join(temporary('filled'), 'annotator.db'), ANNOTATOR_NO_RESET: '1', REPLAY_ITERATIONS: '5' };
    for (let time = 0; time < 3; time++) {
      const { code, output, results } = await playwrightTest([], database);
      expect(code, output).toBe(0);
      expect(results.tests.every((test) => test.level === 'shared')).toBe(true);
    }
  });
});
