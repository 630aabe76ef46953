/** `socket-replay learn [RECORDING...]`: replays recordings, and writes matchers for what is noise. */
import { Command } from 'commander';
import { ReplayError, ReplayErrors } from '../../errors.js';
import { editFiles } from '../../recording/edit-files.js';
import { editRecording } from '../../recording/edit-recording.js';
import { type Lesson, learn } from '../../recording/learn.js';
import { type LoadedRecording, loadRecordings } from '../../recording/load.js';
import { labelOf } from '../../recording/schema.js';
import type { Results } from '../../results/schema.js';
import { visible } from '../../results/text.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { copiesOf, pooled, replayOnce } from '../learn-runs.js';
import { dryRunOption, outOption } from '../options.js';
import { playwrightConfig } from '../playwright.js';
import { run } from '../run.js';
import { plural } from '../words.js';

interface Options {
  out: string;
  yes?: boolean;
  dryRun?: boolean;
}

export const learnCommand = (): Command =>
  new Command('learn')
    .description('Replay recordings twice alone and once in two copies, and write matchers for the values that differ each time.')
    .argument('[recordings...]', 'names of recordings (default: all that are not disabled)')
    .option('--yes', 'write without asking')
    .addOption(dryRunOption())
    .addOption(outOption())
    .addHelpText(
      'after',
      `
Only texts, numbers and truth values that differ between replays, and lists in another order, become matchers. What is missing, new or
of another type, and what is the same in every replay, is listed and left as it is.

Exits with 0 when the recordings are green, alone and in two copies; with 1 when they are still red, or nothing was written.

Examples:
  npx socket-replay learn checkout --dry-run
  npx socket-replay learn checkout --yes`,
    )
    .action((names: string[], options: Options) => run((terminal) => learnNoise(terminal, names, options)));

async function learnNoise(terminal: Console, names: string[], { out, yes, dryRun }: Options): Promise<number> {
  if (!playwrightConfig())
    throw new ReplayError('REPLAY_USAGE', 'there is no playwright.config here', undefined, 'Set up the project once: npx socket-replay init');
  const { recordings, errors } = loadRecordings(out, names);
  if (errors.length > 0) throw new ReplayErrors(errors);
  const pool = pooled(recordings);
  const runs: Results[] = [];
  for (const step of ['once', 'again']) {
    terminal.print(`Replaying ${plural(recordings.length, 'recording')} alone, ${step} …`);
    runs.push(await replayOnce(recordings, 'alone'));
  }
  if (pool.length > 0) {
    terminal.print('Replaying two copies together …');
    runs.push(await replayOnce(pool, 'together'));
  }
  if (runs.every(({ verdict }) => verdict === 'passed')) {
    terminal.print(`There is nothing to learn: ${green(recordings, pool)}`);
    return exitCodes.good;
  }

  const said: string[] = [];
  const edited = editFiles(
    out,
    recordings.map(({ file }) => file),
    (text, reading) =>
      editRecording(text, reading, ({ recording, lineOf }) => {
        const lesson = learn(
          recording,
          runs.flatMap((results) => copiesOf(results, recording.name)),
        );
        said.push(...lessonLines(lesson, { recording, file: reading.file, lineOf }));
        return lesson.edits;
      }),
  );
  for (const line of [...edited.diff, ...said]) terminal.print(line);
  if (edited.changed.length === 0) {
    terminal.print(`Nothing was learnt. Still red: ${runs.find(({ verdict }) => verdict !== 'passed')?.headline}`);
    return exitCodes.regression;
  }
  if (dryRun || !(yes || (await agreed(terminal)))) {
    terminal.print(`Nothing was written${dryRun ? ' (--dry-run)' : terminal.interactive ? '' : '; --yes writes it'}.`);
    return exitCodes.regression;
  }
  edited.write();
  return proof(terminal, recordings, pool);
}

async function agreed(terminal: Console): Promise<boolean> {
  return terminal.interactive && /^y/i.test((await terminal.ask('Write this? [y/N] ')).trim());
}

/** What was written is replayed, alone and in two copies. */
async function proof(terminal: Console, recordings: LoadedRecording[], pool: LoadedRecording[]): Promise<number> {
  terminal.print('Written. Replaying once more …');
  const runs = [await replayOnce(recordings, 'alone'), ...(pool.length > 0 ? [await replayOnce(pool, 'together')] : [])];
  const red = runs.find(({ verdict }) => verdict !== 'passed');
  terminal.print(red ? `Still red: ${red.headline}` : green(recordings, pool));
  return red ? exitCodes.regression : exitCodes.good;
}

const green = (recordings: readonly LoadedRecording[], pool: readonly LoadedRecording[]): string =>
  `${recordings.map(({ recording }) => recording.name).join(', ')} ${recordings.length === 1 ? 'is' : 'are'} green, alone${pool.length > 0 ? ' and in two copies' : ''}.`;

function lessonLines({ learnt, refused }: Lesson, { recording, file, lineOf }: LoadedRecording): string[] {
  const place = ({ session, trace, path }: Lesson['refused'][number] | Lesson['learnt'][number]): string => {
    const { id, traces } = recording.sessions[session] as (typeof recording.sessions)[number];
    const label = labelOf(traces[trace] as (typeof traces)[number]);
    return visible([`${file}:${lineOf(session, trace)}`, `${id}/${trace}`, label, path].filter((part) => part !== '').join(' '));
  };
  return [
    ...learnt.map((one) => `learnt ${place(one)}: ${one.matcher}`),
    ...refused.map((one) => `not learnt: look at it: ${place(one)}: ${visible(one.why)}`),
  ];
}
