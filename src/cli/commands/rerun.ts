/** `socket-replay rerun ID`: one trace once more, or what lies between two checkpoints, with what it needs before it. */
import { join } from 'node:path';
import { Command } from 'commander';
import { ReplayError, ReplayErrors } from '../../errors.js';
import { loadRecordings } from '../../recording/load.js';
import { sliceOf, type Wanted } from '../../recording/slice.js';
import { failureWords } from '../../results/headline.js';
import type { Results } from '../../results/schema.js';
import { parseTraceId, type TraceId } from '../../results/trace-id.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { outOption } from '../options.js';
import { aloneArgs, playwrightConfig, runPlaywright } from '../playwright.js';
import { run } from '../run.js';
import { plural } from '../words.js';

interface Options {
  between?: string[];
  only?: boolean;
  out: string;
}

export const rerunCommand = (): Command =>
  new Command('rerun')
    .description('Replay one trace once more, or what lies between two checkpoints, with what it needs before it.')
    .argument('<id>', 'the trace, as a report names it: RECORDING/SESSION/N, or RECORDING/SESSION/N@ITERATION.COPY; with --between the recording')
    .option('--between <checkpoint...>', 'what lies between two checkpoints of the recording, in either order')
    .option('--only', 'before it only the connects, and what makes the names that are sent')
    .addOption(outOption())
    .addHelpText(
      'after',
      `
Before a trace comes all that was recorded before it of the sessions that take part: who is connected when it is sent, and who made a name or
wrote a row that one of these traces speaks of. The rest of the recording is left out, and nothing is expected of it.

A trace of an iteration is replayed in so many copies of this part; without @ITERATION.COPY alone.

Examples:
  npx socket-replay rerun checkout/alice/2
  npx socket-replay rerun checkout/alice/2@3.1
  npx socket-replay rerun checkout --between cart paid`,
    )
    .action((id: string, options: Options) => run((terminal) => rerun(terminal, id, options)));

async function rerun(terminal: Console, text: string, { between, only, out }: Options): Promise<number> {
  if (!playwrightConfig())
    throw new ReplayError('REPLAY_USAGE', 'there is no playwright.config here', undefined, 'Set up the project once: npx socket-replay init');
  const id = between ? undefined : idOf(text);
  const name = id?.recording ?? text;
  const { recordings, errors } = loadRecordings(out, [name]);
  const [loaded] = recordings;
  if (!loaded) throw new ReplayErrors(errors);
  const wanted: Wanted = {
    recording: name,
    ...(id && { trace: { session: id.session, trace: id.trace } }),
    ...(between && { between: pairOf(between) }),
    ...(only && { minimal: true }),
  };
  const iteration = id?.iteration ?? 0;
  if (iteration > 0 && loaded.recording.copies === 1)
    throw new ReplayError('REPLAY_USAGE', `${name} is replayed alone only (copies: 1)`, undefined, `Leave out @${iteration}.${id?.copy}.`);
  const { words } = sliceOf(loaded.recording, wanted);
  terminal.print(`Replaying ${words}${iteration > 0 ? `, in ${plural(iteration, 'copy', 'copies')}` : ''}.`);
  // The report that the id was taken from stays.
  const report = process.env.REPLAY_REPORT_DIR ?? join('.socket-replay', 'rerun');
  const { code, results } = await runPlaywright(
    iteration > 0 ? [`--project=iteration-${iteration}`, '--no-deps'] : aloneArgs([name]),
    {
      REPLAY_ONLY: JSON.stringify(wanted),
      REPLAY_RECORDINGS: name,
      REPLAY_ITERATIONS: String(Math.max(1, iteration)),
      REPLAY_REPORT_DIR: report,
    },
    true,
  );
  if (code === exitCodes.aborted) return exitCodes.aborted;
  if (!results?.tests.length) {
    terminal.warn(`Nothing of ${name} was replayed. ${advice(iteration)}`);
    return exitCodes.environment;
  }
  if (id) terminal.print(`${text}: ${outcomeOf(results, id)}`);
  return results.verdict === 'passed' && code === 0 ? exitCodes.good : exitCodes.regression;
}

const advice = (iteration: number): string =>
  iteration > 0 ? 'A test with the tag @pool replays recordings together.' : 'The test of a recording in the project regression has its name in its title.';

function idOf(text: string): TraceId {
  const id = parseTraceId(text);
  if (id) return id;
  throw new ReplayError(
    'REPLAY_USAGE',
    `${JSON.stringify(text)} is no id of a trace`,
    undefined,
    'Ids are RECORDING/SESSION/N, for example checkout/alice/2, or checkout/alice/2@3.1 for copy 1 of iteration 3. A report shows them.',
  );
}

function pairOf(names: readonly string[]): [string, string] {
  const [a, b, ...more] = names;
  if (a === undefined || b === undefined || more.length > 0)
    throw new ReplayError('REPLAY_USAGE', '--between takes two checkpoints', undefined, 'For example: rerun checkout --between cart paid');
  return [a, b];
}

/** In all copies; of an iteration that its failure came back in another copy says as much. */
function outcomeOf(results: Results, { session, trace }: TraceId): string {
  const others = results.traces.filter((one) => one.session !== session || one.trace !== trace);
  const more = others.length === 0 ? '' : `; ${plural(others.length, 'other trace')} did not pass`;
  const failed = results.traces.filter((one) => one.session === session && one.trace === trace);
  const [first] = failed;
  if (!first) return `passed${more}`;
  const words = failureWords({ outcome: first.outcome, difference: first.differences?.[0], reason: first.reason }, results.tests[0]?.ackTimeout);
  const copies = results.tests[0]?.copies ?? 1;
  return `${first.outcome}${copies > 1 ? ` in ${failed.length} of ${copies} copies` : ''}, ${words}${more}`;
}
