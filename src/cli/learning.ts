/** Replays recordings, twice alone and once in two copies, and writes what of them is a name or noise: `learn`, and the end of `record`. */
import { collisionsOf } from '../recording/collide.js';
import { type EditedFiles, editFiles } from '../recording/edit-files.js';
import { editRecording } from '../recording/edit-recording.js';
import { type Lesson, learn } from '../recording/learn.js';
import type { LoadedRecording } from '../recording/load.js';
import { labelOf, type Recording } from '../recording/schema.js';
import type { Results } from '../results/schema.js';
import { visible } from '../results/text.js';
import type { Console } from './console.js';
import { filesOf, inCopies, isRed, load, pooled, replayAll, replayOnce, seenIn } from './learn-runs.js';
import { learnNames } from './learning-names.js';
import { plural } from './words.js';

/** So many further replays decide what two alone have not. */
const MORE = 3;

export interface Learning {
  recordings: LoadedRecording[];
  /** the last replays; `together` undefined: there is nothing that may be replayed in copies */
  alone: Results;
  together: Results | undefined;
  /** what was learnt: written, or found and not written */
  names: number;
  matchers: number;
  written: boolean;
}

/** `agree` is asked when the difference has been shown. */
export async function learnNoise(terminal: Console, out: string, names: readonly string[], agree: () => Promise<boolean>): Promise<Learning> {
  const begun = await replayAll(terminal, load(out, names));
  const named = await learnNames(terminal, out, begun, agree);
  const { recordings, runs } = named;
  const [first, alone, together] = runs as [Results, Results, Results | undefined];
  // The first of the two alone may be the red one.
  const found: Learning = { recordings, alone: isRed(first) ? first : alone, together, names: named.names, matchers: 0, written: named.written };
  if (named.refused) return found;
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
    if (how === 'together' && recordings.some(({ recording }) => collisionsOf(recording, seenIn(recording, runs)).length > 0)) break;
    terminal.print(`Not decided yet. Replaying ${how === 'alone' ? 'alone' : 'two copies together'} once more …`);
    runs.push(await replayOnce(how === 'alone' ? recordings : pooled(recordings), how));
  }
  if (!runs.some(isRed)) return undefined;
  const lessons: string[] = [];
  let matchers = 0;
  const edited = editFiles(out, filesOf(recordings), (text, reading) =>
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

const lessonOf = (recording: Recording, runs: readonly Results[]): Lesson => learn(recording, seenIn(recording, runs));

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

/** `2 names and 3 matchers` */
export const learntWords = ({ names, matchers }: Learning): string =>
  [...(names > 0 ? [plural(names, 'name')] : []), ...(matchers > 0 || names === 0 ? [plural(matchers, 'matcher')] : [])].join(' and ');

/** `shelf is green, alone and in two copies` */
export const greenWords = ({ recordings, together }: Pick<Learning, 'recordings' | 'together'>): string =>
  `${recordings.map(({ recording }) => recording.name).join(', ')} ${recordings.length === 1 ? 'is' : 'are'} green, alone${together ? ' and in two copies' : ''}`;

function lessonLines({ learnt, refused }: Lesson, { recording, file, lineOf }: LoadedRecording): string[] {
  const place = ({ session, trace, path }: Lesson['refused'][number] | Lesson['learnt'][number], more = ''): string => {
    const { id, traces } = recording.sessions[session] as (typeof recording.sessions)[number];
    const label = labelOf(traces[trace] as (typeof traces)[number]);
    return visible([`${file}:${lineOf(session, trace)}`, `${id}/${trace}`, label, path, more].filter((part) => part !== '').join(' '));
  };
  // Where the application is gone, every trace says the same.
  const whole = (one: Lesson['refused'][number]): Lesson['refused'] =>
    one.path === '' ? refused.filter(({ path, why }) => path === '' && why === one.why) : [one];
  return [
    ...learnt.map((one) => `learnt ${place(one)}: ${one.matcher}`),
    ...refused
      .filter((one) => whole(one)[0] === one)
      .map((one) => {
        const others = whole(one).length - 1;
        return `not learnt: look at it: ${place(one, others > 0 ? `and ${plural(others, 'more trace')}` : '')}: ${visible(one.why)}`;
      }),
  ];
}
