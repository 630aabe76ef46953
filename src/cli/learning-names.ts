/** The names that replays prove, before anything is taken for noise: written, replayed with, and taken back where that shows them to be wrong. */
import { readFileSync } from 'node:fs';
import { replaceFiles } from '../recording/disk.js';
import { type EditedFiles, editFiles } from '../recording/edit-files.js';
import { editRecording } from '../recording/edit-recording.js';
import type { LoadedRecording } from '../recording/load.js';
import { disproved } from '../recording/names/disproved.js';
import { type ReplayedName, replayedNames } from '../recording/names/replayed.js';
import { labelOf } from '../recording/schema.js';
import type { Results } from '../results/schema.js';
import { visible } from '../results/text.js';
import type { Console } from './console.js';
import { filesOf, isRed, load, replayAll, seenIn } from './learn-runs.js';
import { plural } from './words.js';

/** A step that fails with an old id tells nothing of what it would have made: so many times one may follow from another. */
const ROUNDS = 8;

interface Replayed {
  recordings: LoadedRecording[];
  runs: Results[];
}

export interface NamedByReplays extends Replayed {
  names: number;
  written: boolean;
  /** there would have been names, and nobody wanted them */
  refused: boolean;
}

/** By the names of recordings. */
type Found = Map<string, ReplayedName[]>;

export async function learnNames(terminal: Console, out: string, begun: Replayed, agree: () => Promise<boolean>): Promise<NamedByReplays> {
  const result: NamedByReplays = { ...begun, names: 0, written: false, refused: false };
  const known: Found = new Map();
  const wrong = new Set<string>();
  for (let round = 0; round < ROUNDS && result.runs.some(isRed); round++) {
    const { edited, found } = propose(out, result, known, wrong);
    if (edited.changed.length === 0) break;
    for (const line of edited.diff) terminal.print(line);
    for (const loaded of result.recordings) for (const line of nameLines(loaded, found.get(loaded.recording.name) ?? [])) terminal.print(line);
    const count = [...found.values()].flat().length;
    if (!(await agree())) return { ...result, names: result.names + count, refused: true };
    const before = filesOf(result.recordings).map((path) => ({ path, content: readFileSync(path) }));
    edited.write();
    terminal.print(`Written. Whether ${count === 1 ? 'it is' : 'they are'} right, replays with ${plural(count, 'name')} show.`);
    const after = await replayAll(
      terminal,
      load(
        out,
        result.recordings.map(({ recording }) => recording.name),
      ),
    );
    const refuted = refutedBy(after, result, found);
    if (refuted.size > 0) {
      replaceFiles(before);
      for (const [key, why] of refuted) {
        wrong.add(key);
        terminal.print(visible(`taken back: ${why}`));
      }
      continue;
    }
    for (const [name, more] of found) known.set(name, [...(known.get(name) ?? []), ...more]);
    Object.assign(result, after, { names: new Set([...known].flatMap(([name, all]) => all.map((one) => `${name} ${one.name}`))).size, written: true });
  }
  return result;
}

function propose(out: string, { recordings, runs }: Replayed, known: Found, wrong: ReadonlySet<string>): { edited: EditedFiles; found: Found } {
  const found: Found = new Map();
  const edited = editFiles(out, filesOf(recordings), (text, reading) =>
    editRecording(text, reading, ({ recording }) => {
      const { edits, names } = replayedNames(recording, seenIn(recording, runs), known.get(recording.name), wrong);
      found.set(recording.name, names);
      return edits;
    }),
  );
  return { edited, found };
}

/** Why, by what is wrong: what is refused of one recording is refused of all, because it is of one application. */
function refutedBy(after: Replayed, before: Replayed, found: Found): Map<string, string> {
  const refuted = new Map<string, string>();
  for (const { recording } of after.recordings)
    for (const [key, why] of disproved(recording, found.get(recording.name) ?? [], seenIn(recording, before.runs), seenIn(recording, after.runs)))
      refuted.set(key, `${recording.name}: ${why}`);
  return refuted;
}

const nameLines = ({ recording, file, lineOf }: LoadedRecording, names: readonly ReplayedName[]): string[] =>
  names.map(({ name, why, places, sent, session, trace, path }) => {
    const { id, traces } = recording.sessions[session] as (typeof recording.sessions)[number];
    const where = [`${file}:${lineOf(session, trace)}`, `${id}/${trace}`, labelOf(traces[trace] as (typeof traces)[number]), path].filter(
      (part) => part !== '',
    );
    return visible(`learnt ${where.join(' ')}: !id ${name} in ${plural(places, 'place')}${sent > 0 ? `, sent in ${sent}` : ''}: ${why}`);
  });
