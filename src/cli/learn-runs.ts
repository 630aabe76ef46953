/** The replays that `learn` starts, and their results as what each copy of a recording saw. */
import { ReplayError, ReplayErrors } from '../errors.js';
import type { SeenReplay } from '../recording/learn.js';
import { type LoadedRecording, loadRecordings } from '../recording/load.js';
import type { Recording } from '../recording/schema.js';
import type { Results } from '../results/schema.js';
import type { Console } from './console.js';
import { aloneArgs, runPlaywright } from './playwright.js';
import { plural } from './words.js';

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

/** What all copies of a recording saw. */
export const seenIn = ({ name }: Recording, runs: readonly Results[]): SeenReplay[] => runs.flatMap((results) => copiesOf(results, name));

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

export const isRed = ({ verdict }: Results): boolean => verdict !== 'passed';

/** Alone, alone again, and in two copies, if they may be: what is learnt from. */
export async function replayAll(terminal: Console, recordings: LoadedRecording[]): Promise<{ recordings: LoadedRecording[]; runs: Results[] }> {
  terminal.print(`Replaying ${plural(recordings.length, 'recording')} alone, once …`);
  const first = await replayOnce(recordings, 'alone');
  terminal.print(`Replaying ${plural(recordings.length, 'recording')} alone, again …`);
  const alone = await replayOnce(recordings, 'alone');
  const together = await inCopies(terminal, recordings);
  return { recordings, runs: [first, alone, ...(together ? [together] : [])] };
}

export async function inCopies(terminal: Console, recordings: readonly LoadedRecording[]): Promise<Results | undefined> {
  const pool = pooled(recordings);
  if (pool.length === 0) return undefined;
  terminal.print('Replaying two copies together …');
  return replayOnce(pool, 'together');
}

export function load(out: string, names: readonly string[]): LoadedRecording[] {
  const { recordings, errors } = loadRecordings(out, names);
  if (errors.length > 0) throw new ReplayErrors(errors);
  return recordings;
}

/** The files of recordings, as commands that edit them want them. */
export const filesOf = (recordings: readonly LoadedRecording[]): string[] => recordings.map(({ file }) => file);
