/** Where a new recording is green alone and red in two copies: texts made unique, or the recording kept to one copy. */
import { readFileSync } from 'node:fs';
import { type Collision, collisionsOf, singleCopyEdits, uniqueEdits } from '../recording/collide.js';
import { replaceFiles } from '../recording/disk.js';
import type { Edit } from '../recording/edit.js';
import { type EditedFiles, editFiles } from '../recording/edit-files.js';
import { editRecording } from '../recording/edit-recording.js';
import type { Recording } from '../recording/schema.js';
import { visible } from '../results/text.js';
import type { Console } from './console.js';
import { copiesOf } from './learn-runs.js';
import { isRed, type Learning, replayBoth, writeEdits } from './learning.js';

type Replays = Pick<Learning, 'recordings' | 'alone' | 'together'>;

/** Guesses of which text must be new; each costs two replays. */
const TRIED = 2;

export function collisionsIn({ recordings, alone, together }: Replays): (Collision & { name: string })[] {
  if (!together || isRed(alone)) return [];
  return recordings.flatMap(({ recording }) => collisionsOf(recording, copiesOf(together, recording.name)).map((one) => ({ ...one, name: recording.name })));
}

/** What was done in words, and the replays after it; undefined: no collision explains it, nothing is changed. */
export async function settleSecondCopy(terminal: Console, out: string, replays: Replays): Promise<{ done: string; replays: Replays } | undefined> {
  const [loaded] = replays.recordings;
  const collisions = collisionsIn(replays);
  if (!loaded || collisions.length === 0) return undefined;
  const { file, recording } = loaded;
  for (const { why } of collisions) terminal.print(visible(`A second copy collides: ${why}.`));
  const before = readFileSync(file);
  for (let tried = 0; tried < TRIED; tried++) {
    const texts = new Set(collisions.flatMap(({ texts }) => texts[tried] ?? []));
    if (texts.size === 0) break;
    const named = visible([...texts].map((text) => `"${text}"`).join(', '));
    terminal.print(`Trying with ${named} made anew in each copy …`);
    const edited = edit(out, file, (read) => uniqueEdits(read, collisions, texts));
    edited.write();
    const again = await replayBoth(terminal, out, [recording.name]);
    if (!isRed(again.alone) && again.together && !isRed(again.together)) {
      for (const line of edited.diff) terminal.print(line);
      return { done: `${named} must be new in each copy, and is \`!unique\` now`, replays: again };
    }
    replaceFiles([{ path: file, content: before }]);
  }
  writeEdits(
    terminal,
    edit(out, file, () => singleCopyEdits(collisions)),
  );
  return { done: 'it is kept to one copy (`copies: 1`), and left out of the iterations', replays: { ...replays, together: undefined } };
}

const edit = (out: string, file: string, make: (recording: Recording) => Edit[]): EditedFiles =>
  editFiles(out, [file], (text, reading) => editRecording(text, reading, (read) => make(read.recording)));
