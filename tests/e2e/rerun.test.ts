/** `socket-replay rerun`: one trace fails again with fewer around it, and a range between checkpoints is green. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, type Finished, playwrightSettings, readResults, root, run, temporary } from './support.js';

/** .ci/run: each of these is a run of Playwright. */
const full = process.env.REPLAY_FULL === '1';

async function rerun(args: string[], env: NodeJS.ProcessEnv): Promise<Finished & { results: ReturnType<typeof readResults> }> {
  const settings = await playwrightSettings(env);
  const finished = await run(process.execPath, [cli, 'rerun', ...args], { env: settings.env }).ended;
  return { ...finished, results: readResults(settings.report) };
}

/** The committed recording, with checkpoints. */
function withCheckpoints(): string {
  const folder = join(temporary('rerun'), 'recordings');
  mkdirSync(folder);
  const file = 'annotate-together.yaml';
  copyFileSync(join(root, 'recordings', file), join(folder, file));
  const checkpoints = ['checkpoints:', '  - { name: opened, next: { alice: 5, bob: 0 } }', '  - { name: annotated, next: { alice: 7, bob: 6 } }', ''];
  writeFileSync(join(folder, file), readFileSync(join(folder, file), 'utf8') + checkpoints.join('\n'));
  return folder;
}

describe('rerun', () => {
  it('a failed trace fails again, for the same reason, with fewer traces around it', { timeout: 60_000 }, async () => {
    const { code, output, results } = await rerun(['annotate-together/alice/8'], { ANNOTATOR_BUG: 'private-comment-leak' });
    expect(code, output).toBe(1);
    expect(output).toContain('Replaying 17 of 23 traces: alice/0-8, bob/0-7.');
    expect(output).toMatch(/\nannotate-together\/alice\/8: mismatch, bob received the push commentRefresh, which was not recorded\n$/);
    expect(output).toContain('npx socket-replay rerun annotate-together/alice/8\n');
    expect(results.failures.map(({ recording, session, trace, difference }) => [recording, session, trace, difference?.path])).toEqual([
      ['annotate-together', 'alice', 8, 'pushes.bob.commentRefresh'],
    ]);
    expect(results.failures[0]?.line).toBe(104);
    expect(results.tests.map(({ outcomes, level }) => [outcomes.passed, outcomes.mismatch, level])).toEqual([[16, 1, 'exact']]);
    expect(results.tests[0]?.notes).toContainEqual(expect.objectContaining({ code: 'PART' }));
  });

  it.runIf(full)('what lies between two checkpoints, in either order', { timeout: 60_000 }, async () => {
    const folder = withCheckpoints();
    const { code, output, results } = await rerun(['annotate-together', '--between', 'annotated', 'opened', '--out', folder], { ANNOTATOR_RECORDINGS: folder });
    expect(code, output).toBe(0);
    expect(output).toContain('Replaying 13 of 23 traces: alice/0-6, bob/0-5.');
    expect(results.tests.map(({ outcomes, clients }) => [outcomes.passed, clients])).toEqual([[13, 2]]);
  });

  it.runIf(full)('a trace of an iteration, in as many copies', { timeout: 60_000 }, async () => {
    const { code, output, results } = await rerun(['annotate-together/alice/4@2.1'], {});
    expect(code, output).toBe(0);
    expect(output).toContain('Replaying 5 of 23 traces: alice/0-4, in 2 copies.');
    expect(output).toMatch(/\nannotate-together\/alice\/4@2\.1: passed\n$/);
    expect(results.tests.map(({ test, outcomes, clients }) => [test.project, outcomes.passed, clients])).toEqual([['iteration-2', 10, 2]]);
  });

  it('refuses what is no id, and a trace that is not there', async () => {
    const refused = async (...args: string[]): Promise<Finished> => run(process.execPath, [cli, 'rerun', ...args]).ended;
    const none = await refused('alice/2');
    expect([none.code, none.output]).toEqual([2, expect.stringContaining('REPLAY_USAGE: "alice/2" is no id of a trace')]);
    const gone = await refused('annotate-together/alice/99');
    expect([gone.code, gone.output]).toEqual([2, expect.stringContaining('annotate-together has no trace alice/99')]);
  });
});
