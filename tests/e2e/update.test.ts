/** `npx playwright test --update-snapshots`: what a changed application does becomes what the recording says, and the run says so. */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { slow } from '../slow.js';
import { type PlaywrightRun, playwrightTest, root, temporary } from './support.js';

/** The committed recordings, in a place of their own. */
function copied(): { folder: string; texts(): Record<string, string> } {
  const folder = join(temporary('update'), 'recordings');
  cpSync(join(root, 'recordings'), folder, { recursive: true });
  const texts = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(folder)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    );
  return { folder, texts };
}

const replay = (folder: string, bug: string | undefined, ...args: string[]): Promise<PlaywrightRun> =>
  playwrightTest(['--project=regression', '-g', 'annotate-together', ...args], { ANNOTATOR_RECORDINGS: folder, ...(bug && { ANNOTATOR_BUG: bug }) });

/** As `diff` counts them. */
function changedLines(before: string, after: string): string[] {
  const counts = new Map<string, number>();
  for (const line of after.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of before.split('\n')) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts].flatMap(([line, count]) => Array.from({ length: Math.abs(count) }, () => line));
}

describe('--update-snapshots', () => {
  const bug = 'private-comment-leak';

  it('writes what changed, reads "updated 1", and passes', { timeout: 90_000 }, async () => {
    const { folder, texts } = copied();
    const before = texts();
    const { code, output, results } = await replay(folder, bug, '--update-snapshots');
    expect(code, output).toBe(0);
    expect(output).toContain('socket-replay: updated 1\n');
    expect(results).toMatchObject({ verdict: 'updated', tests: [{ verdict: 'updated', updated: [{ recording: 'annotate-together', traces: 1 }] }] });
    expect(results.headline).toMatch(/^Updated 1 recording: \S*annotate-together.yaml \(1 trace\)\./);
    expect(results.failures).toMatchObject([{ updated: true, label: 'commentUpdate' }]);
    const after = texts();
    // A reviewer sees one line: bob sees now what only alice had seen.
    const [old, now] = [before, after].map((all) => all['annotate-together.yaml']?.split('\n') ?? []);
    const changed = old?.flatMap((line, index) => (line === now?.[index] ? [] : [[line.trim(), now?.[index]?.trim()]]));
    expect(changed).toEqual([['- to: alice', '- to: [alice, bob]']]);
    expect({ ...after, 'annotate-together.yaml': '' }).toEqual({ ...before, 'annotate-together.yaml': '' });
  });

  slow('is green then, also in two copies, and gives the first text again without the change', { timeout: 300_000 }, async () => {
    const { folder, texts } = copied();
    const before = texts();
    await replay(folder, bug, '--update-snapshots');
    const again = await playwrightTest([], { ANNOTATOR_RECORDINGS: folder, ANNOTATOR_BUG: bug, REPLAY_ITERATIONS: '2' });
    expect(again.results.verdict, again.output).toBe('passed');
    const back = await replay(folder, undefined, '--update-snapshots');
    expect(back.results.verdict).toBe('updated');
    expect(texts()).toEqual(before);
  });

  slow('writes rows and pushes that came or went, is green then, and gives the first texts again', { timeout: 600_000 }, async () => {
    const { folder, texts } = copied();
    const before = texts();
    const all = (bug: string | undefined, ...args: string[]): Promise<PlaywrightRun> =>
      playwrightTest(['--project=regression', ...args], { ANNOTATOR_RECORDINGS: folder, ...(bug && { ANNOTATOR_BUG: bug }) });
    const lines: Record<string, number> = {};
    for (const one of ['activity-written-twice', 'comment-push-missing']) {
      const there = await all(one, '--update-snapshots');
      expect(there.results.verdict, there.output).toBe('updated');
      lines[one] = Object.keys(before).flatMap((name) => changedLines(before[name] ?? '', texts()[name] ?? '')).length;
      const again = await all(one);
      expect(again.results.verdict, again.output).toBe('passed');
      const back = await all(undefined, '--update-snapshots');
      expect(back.results.verdict, back.output).toBe('updated');
      expect(texts(), one).toEqual(before);
    }
    // So much a reviewer reads, in all recordings.
    expect(lines).toEqual({ 'activity-written-twice': 22, 'comment-push-missing': 31 });
  });

  slow('writes nothing where a trace was not answered', { timeout: 90_000 }, async () => {
    const { folder, texts } = copied();
    const before = texts();
    const { code, output, results } = await replay(folder, 'comment-never-acks', '--update-snapshots');
    expect(code).toBe(1);
    expect(results.verdict).toBe('failed');
    expect(output).toContain("not updated: alice's commentUpdate ended as timeout");
    expect(texts()).toEqual(before);
  });
});
