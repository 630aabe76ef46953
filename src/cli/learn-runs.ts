/** The replays that `learn` reads: their results as what each copy of a recording saw. */
import { ReplayError } from '../errors.js';
import type { SeenReplay } from '../recording/learn.js';
import type { LoadedRecording } from '../recording/load.js';
import type { Results } from '../results/schema.js';
import { aloneArgs, runPlaywright } from './playwright.js';

const together = ['--project=iteration-2', '--no-deps'];

/** One run of Playwright over the recordings: each alone, or two copies of all together. */
export async function replayOnce(recordings: readonly LoadedRecording[], how: 'alone' | 'together'): Promise<Results> {
  const names = recordings.map(({ recording }) => recording.name);
  const { code, output, results } = await runPlaywright(how === 'alone' ? aloneArgs(names) : together, {
    REPLAY_RECORDINGS: names.join(','),
    REPLAY_ITERATIONS: '2',
  });
  const ran = results?.tests.length ? results : undefined;
  if (ran && ran.verdict !== 'interrupted' && ran.verdict !== 'not-started') return ran;
  // What did not come to its end says why in its output only.
  const what = results?.errors.map(({ message }) => message).join('\n') || [results?.headline, output].filter((part) => part).join('\n');
  throw new ReplayError('REPLAY_COMMAND_FAILED', `the replay left nothing to learn from (exit code ${code}): ${what}`, undefined, advice(how));
}

const advice = (how: 'alone' | 'together'): string =>
  how === 'alone'
    ? 'See what `npx playwright test --project=regression` says; the test of a recording has its name.'
    : 'See what `npx playwright test` says; a test with the tag @pool replays the recordings together.';

/** Recordings that may be replayed in several copies. */
export const pooled = (recordings: readonly LoadedRecording[]): LoadedRecording[] => recordings.filter(({ recording }) => recording.copies !== 1);

/** The copies of one recording in a run. */
export function copiesOf(results: Results, name: string): SeenReplay[] {
  return results.tests
    .filter(({ recordings }) => recordings.includes(name))
    .flatMap(({ test: { project }, iteration, copies, level, at }) =>
      Array.from({ length: copies }, (_, copy): SeenReplay => {
        const traces = results.traces.filter(
          (trace) => trace.project === project && trace.iteration === iteration && trace.recording === name && trace.copy === copy,
        );
        return { exact: level === 'exact', at, traces };
      }),
    );
}
