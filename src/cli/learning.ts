/** Replays recordings, twice alone and once in two copies, and writes what of them is noise: `learn`, and the end of `record`. */
import { ReplayErrors } from '../errors.js';
import { collisionsOf } from '../recording/collide.js';
import { type EditedFiles, editFiles } from '../recording/edit-files.js';
import { editRecording } from '../recording/edit-recording.js';
import { type Lesson, learn } from '../recording/learn.js';
import { type LoadedRecording, loadRecordings } from '../recording/load.js';
import { labelOf, type Recording } from '../recording/schema.js';
import type { Results } from '../results/schema.js';
import { visible } from '../results/text.js';
import type { Console } from './console.js';
import { copiesOf, pooled, replayOnce } from './learn-runs.js';
import { plural } from './words.js';

/** So many further replays decide what two alone have not. */
const MORE = 3;

export interface Learning {
  recordings: LoadedRecording[];
  /** the last replays; `together` undefined: there is nothing that may be replayed in copies */
  alone: Results;
  together: Results | undefined;
  /** what was learnt: written, or found and not written */
  matchers: number;
  written: boolean;
}

/** `agree` is asked when the difference has been shown. */
export async function learnNoise(terminal: Console, out: string, names: readonly string[], agree: () => Promise<boolean>): Promise<Learning> {
  const recordings = load(out, names);
  terminal.print(`Replaying ${plural(recordings.length, 'recording')} alone, once …`);
  const first = await replayOnce(recordings, 'alone');
  terminal.print(`Replaying ${plural(recordings.length, 'recording')} alone, again …`);
  const alone = await replayOnce(recordings, 'alone');
  const together = await inCopies(terminal, recordings);
  const runs = [first, alone, ...(together ? [together] : [])];
  // The first of the two alone may be the red one.
  const found: Learning = { recordings, alone: isRed(first) ? first : alone, together, matchers: 0, written: false };
  const noise = await noiseIn(terminal, out, recordings, runs);
  if (!noise) return found;
  for (const line of [...noise.edited.diff, ...noise.lessons]) terminal.print(line);
  found.matchers = noise.matchers;
  if (noise.edited.changed.length === 0 || !(await agree())) return found;
  noise.edited.write();
  terminal.print('Written. Replaying once more …');
  return { ...found, ...(await replayBoth(terminal, out, names)), written: true };
}

/** What of the differences of these replays, and of more if they do not decide it, is noise; undefined: there are none. */
export async function noiseIn(
  terminal: Console,
  out: string,
  recordings: readonly LoadedRecording[],
  replays: readonly Results[],
): Promise<{ edited: EditedFiles; lessons: string[]; matchers: number } | undefined> {
  const runs = [...replays];
  for (let more = 0; more < MORE && undecided(recordings, runs); more++) {
    // What only copies together differ in, one alone never tells.
    const how = undecided(recordings, runs.filter(isAlone)) ? 'alone' : 'together';
    // Where copies collide, what else they differ in may only follow.
    if (
      how === 'together' &&
      recordings.some(
        ({ recording }) =>
          collisionsOf(
            recording,
            runs.flatMap((one) => copiesOf(one, recording.name)),
          ).length > 0,
      )
    )
      break;
    terminal.print(`Not decided yet. Replaying ${how === 'alone' ? 'alone' : 'two copies together'} once more …`);
    runs.push(await replayOnce(how === 'alone' ? recordings : pooled(recordings), how));
  }
  if (!runs.some(isRed)) return undefined;
  const lessons: string[] = [];
  let matchers = 0;
  const edited = editFiles(
    out,
    recordings.map(({ file }) => file),
    (text, reading) =>
      editRecording(text, reading, ({ recording, lineOf }) => {
        const lesson = lessonOf(recording, runs);
        matchers += lesson.learnt.length;
        lessons.push(...lessonLines(lesson, { recording, file: reading.file, lineOf }));
        return lesson.edits;
      }),
  );
  return { edited, lessons, matchers };
}

const isAlone = ({ tests }: Results): boolean => tests.every(({ copies }) => copies === 1);

/** What differed in one replay only, or a list that came in one other order: noise and a change look alike. */
const undecided = (recordings: readonly LoadedRecording[], runs: readonly Results[]): boolean =>
  recordings.some(({ recording }) => lessonOf(recording, runs).refused.some((one) => one.undecided));

const lessonOf = (recording: Recording, runs: readonly Results[]): Lesson =>
  learn(
    recording,
    runs.flatMap((results) => copiesOf(results, recording.name)),
  );

export const isRed = ({ verdict }: Results): boolean => verdict !== 'passed';

/** Alone, and in two copies: what a change of the files has brought. */
export async function replayBoth(terminal: Console, out: string, names: readonly string[]): Promise<Pick<Learning, 'recordings' | 'alone' | 'together'>> {
  const recordings = load(out, names);
  const alone = await replayOnce(recordings, 'alone');
  return { recordings, alone, together: await inCopies(terminal, recordings) };
}

/** Shows what is written. */
export function writeEdits(terminal: Console, edited: EditedFiles): void {
  for (const line of edited.diff) terminal.print(line);
  edited.write();
}

async function inCopies(terminal: Console, recordings: readonly LoadedRecording[]): Promise<Results | undefined> {
  const pool = pooled(recordings);
  if (pool.length === 0) return undefined;
  terminal.print('Replaying two copies together …');
  return replayOnce(pool, 'together');
}

function load(out: string, names: readonly string[]): LoadedRecording[] {
  const { recordings, errors } = loadRecordings(out, names);
  if (errors.length > 0) throw new ReplayErrors(errors);
  return recordings;
}

/** `shelf is green, alone and in two copies` */
export const greenWords = ({ recordings, together }: Pick<Learning, 'recordings' | 'together'>): string =>
  `${recordings.map(({ recording }) => recording.name).join(', ')} ${recordings.length === 1 ? 'is' : 'are'} green, alone${together ? ' and in two copies' : ''}`;

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
