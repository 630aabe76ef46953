/** The annotator without the probe, as an application in another language would be: its database is watched from outside. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFor, type PlaywrightRun, playwrightTest, startAnnotator, type Target } from './support.js';

const replay = (target: Target, args: string[] = []): Promise<PlaywrightRun> =>
  playwrightTest([configFor(target.port, { use: "reset: { post: '/reset' }", scale: 'iterations: 1,' }), ...args], { REPLAY_WATCH: target.database });

describe('recordings of the probe, replayed without it', () => {
  let target: Target;
  beforeAll(async () => {
    target = await startAnnotator({ probe: false });
  });
  afterAll(() => target?.stop());

  it('are green: alone by time, in iterations by what their rows add up to', async () => {
    const { code, output, results } = await replay(target);
    expect(code, output).toBe(0);
    expect(results.tests.map(({ test, rows }) => [test.project, rows])).toEqual([
      ['regression', 'time'],
      ['regression', 'time'],
      ['regression', 'time'],
      ['iteration-1', 'iteration'],
    ]);
    expect(results.tests[0]?.watch).toContain('snapshots');
    expect(results.tests.every(({ notMeasured }) => notMeasured.every((sentence) => !sentence.includes('row changes')))).toBe(true);
  });
});

describe('a regression in the rows', () => {
  it.each([
    { bug: 'annotation-end-not-written', path: /^changes\.annotation\.insert\.end$/, kind: 'type' },
    { bug: 'tag-assign-no-effect', path: /^changes\.annotation\.update$/, kind: 'removed' },
    { bug: 'activity-written-twice', path: /^changes\.activity\.insert$/, kind: 'added' },
  ])('$bug is red, and named', async ({ bug, path, kind }) => {
    const target = await startAnnotator({ probe: false, bug });
    const { code, results } = await replay(target, ['--project=regression']);
    await target.stop();
    expect(code).toBe(1);
    expect(results.failures.filter(({ difference }) => difference?.class === kind && path.test(difference.path))).not.toEqual([]);
  });
});
