/** Where a new recording is green alone and red in two copies: texts made unique, or the recording kept to one copy. */
import { readFileSync } from 'node:fs';
import { type Collision, collisionsOf, singleCopyEdits, uniqueEdits } from '../recording/collide.js';
import { replaceFiles } from '../recording/disk.js';
import type { Edit } from '../recording/edit.js';
import { type EditedFiles, editFiles } from '../recording/edit-files.js';
import { editRecording } from '../recording/edit-recording.js';
import { uniquePlaces } from '../recording/learn-uniques.js';
import { labelOf, type Recording } from '../recording/schema.js';
import { visible } from '../results/text.js';
import type { Console } from './console.js';
import { copiesOf, isRed } from './learn-runs.js';
import { type Learning, noiseIn, replayBoth, writeEdits } from './learning.js';

type Replays = Pick<Learning, 'recordings' | 'alone' | 'together'>;

/** Guesses of which text must be new, each of two replays; where one collision is gone and another one shows, it begins anew. */
const TRIED = 2;
const ROUNDS = 3;
/** What a first replay tells of places may let a trace through that tells of more. */
const FURTHER = 2;

export function collisionsIn(replays: Replays): (Collision & { name: string })[] {
  const { recordings, alone, together } = replays;
  if (!together || (isRed(alone) && !isOnWhatWasLeft(replays))) return [];
  return recordings.flatMap(({ recording }) => {
    const copies = [alone, together].filter((results) => results === together || isRed(results)).flatMap((results) => copiesOf(results, recording.name));
    // Without a reset what was recorded is still there: the recording itself is the first copy.
    const first = isRed(alone) ? [{ exact: false, at: 0, traces: [] }] : [];
    return collisionsOf(recording, [...first, ...copies]).map((one) => ({ ...one, name: recording.name }));
  });
}

/** Red alone, and nothing brought back the state that it began in. */
export const isOnWhatWasLeft = ({ alone }: Pick<Replays, 'alone'>): boolean => isRed(alone) && alone.tests.every(({ level }) => level !== 'exact');

/** What was done in words, and the replays after it; undefined: no collision explains it, nothing is changed. */
export async function settleSecondCopy(terminal: Console, out: string, replays: Replays): Promise<{ done: string; replays: Replays } | undefined> {
  const [loaded] = replays.recordings;
  const all = collisionsIn(replays);
  if (!loaded || all.length === 0) return undefined;
  const { file } = loaded;
  const began = readFileSync(file);
  const done: Done = { unique: new Set(), diff: [] };
  let now: Replays | undefined = replays;
  for (let round = 0; now && round < ROUNDS; round++) {
    const collisions = collisionsIn(now);
    for (const { why } of collisions) terminal.print(visible(`A second copy collides: ${why}.`));
    now = await tryTexts(terminal, out, now, collisions, done);
    if (now && isGreen(now)) {
      for (const line of done.diff) terminal.print(line);
      const are = done.unique.size === 1 ? 'is' : 'are';
      return { done: `${quoted(done.unique)} must be new in each copy, and ${are} \`!unique\` now`, replays: now };
    }
  }
  replaceFiles([{ path: file, content: began }]);
  // What does not hold alone is not held by being alone, and what nobody can explain is not to be hidden.
  if (isRed(replays.alone) || all.every(({ unsure }) => unsure)) return undefined;
  writeEdits(
    terminal,
    edit(out, file, () => singleCopyEdits(all)),
  );
  return { done: 'it is kept to one copy (`copies: 1`), and left out of the iterations', replays: { ...replays, together: undefined } };
}

/** What helped so far. */
interface Done {
  unique: Set<string>;
  diff: string[];
}

/** The replays after texts of the first collision were made unique: green, or with collisions of other traces only. Undefined: none helps, nothing has changed. */
async function tryTexts(terminal: Console, out: string, replays: Replays, collisions: readonly Collision[], done: Done): Promise<Replays | undefined> {
  const [loaded] = replays.recordings;
  const [first] = collisions;
  if (!loaded || !first) return undefined;
  const { file, recording } = loaded;
  const before = readFileSync(file);
  // What follows it may be only its consequence.
  const event = labelAt(recording, first);
  const alike = collisions.filter((one) => labelAt(recording, one) === event);
  for (let tried = 0; tried < TRIED; tried++) {
    const texts = new Set(alike.flatMap((one) => one.texts[tried] ?? []));
    if (texts.size === 0) break;
    terminal.print(`Trying with ${quoted(texts)} made anew in each copy …`);
    const edited = edit(out, file, (read) => uniqueEdits(read, alike, texts));
    edited.write();
    const { further, again } = await replayUnique(terminal, out, recording.name, file);
    const left = collisionsIn(again);
    const goesOn = alike.some((one) => left.some(({ session, trace }) => session === one.session && trace === one.trace));
    if (isGreen(again) || (left.length > 0 && !goesOn)) {
      for (const text of texts) done.unique.add(text);
      done.diff.push(...edited.diff, ...further);
      return again;
    }
    replaceFiles([{ path: file, content: before }]);
  }
  return undefined;
}

/** Replayed; again where that tells of further places at which the texts stand, and of noise that the refusal had hidden. */
async function replayUnique(terminal: Console, out: string, name: string, file: string): Promise<{ further: string[]; again: Replays }> {
  const further: string[] = [];
  const write = (edited: EditedFiles): Promise<Replays> => {
    further.push(...edited.diff);
    edited.write();
    return replayBoth(terminal, out, [name]);
  };
  let again = await replayBoth(terminal, out, [name]);
  for (let more = 0; more < FURTHER && isRed(again.alone); more++) {
    const { alone } = again;
    const places = edit(out, file, (read) => uniquePlaces(read, copiesOf(alone, name)).edits);
    if (places.changed.length === 0) break;
    terminal.print('The server says them elsewhere too. Replaying once more …');
    again = await write(places);
  }
  if (!isRed(again.alone) && again.together && isRed(again.together) && collisionsIn(again).length === 0) {
    const noise = await noiseIn(terminal, out, again.recordings, [again.alone, again.together]);
    if (noise && noise.edited.changed.length > 0) {
      terminal.print('What is left is noise. Replaying once more …');
      again = await write(noise.edited);
    }
  }
  return { further, again };
}

const isGreen = ({ alone, together }: Replays): boolean => !isRed(alone) && together !== undefined && !isRed(together);

const labelAt = (recording: Recording, { session, trace }: Collision): string => {
  const found = recording.sessions[session]?.traces[trace];
  return found ? labelOf(found) : '';
};

const quoted = (texts: Iterable<string>): string => visible([...texts].map((text) => `"${text}"`).join(', '));

const edit = (out: string, file: string, make: (recording: Recording) => Edit[]): EditedFiles =>
  editFiles(out, [file], (text, reading) => editRecording(text, reading, (read) => make(read.recording)));
