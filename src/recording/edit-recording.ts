/** A recording's text, edited and read again: what comes out is a recording and says what the edits say, or nothing comes out. */
import { ReplayError } from '../errors.js';
import { parseYaml } from './document.js';
import { applyEdits, type Edit, type Splice } from './edit.js';
import { type Migrations, migrationSteps } from './migrate.js';
import { type ReadOptions, type ReadRecording, readRecording } from './read.js';
import { VERSION } from './schema.js';
import { type EditedText, editText } from './splice.js';
import { isObject, sameValue, type Value } from './values.js';

/** One after another: each begins with the text that the one before left. */
export interface EditSteps {
  steps: { before: string; splices: Splice[] }[];
  text: string;
  files: Map<string, Uint8Array>;
}

type Result = EditSteps | { errors: ReplayError[] };

/** `make` says what to edit. */
export function editRecording(text: string, options: ReadOptions, make: (read: ReadRecording) => Edit[]): Result {
  const read = readRecording(text, options);
  if (read.recording === undefined) return { errors: read.errors };
  if (read.version !== VERSION)
    return {
      errors: [new ReplayError('REPLAY_VERSION', `this is version ${read.version}`, { file: options.file }, 'Rewrite it first: npx socket-replay migrate')],
    };
  const edits = make(read);
  if (edits.length === 0) return { steps: [], text, files: new Map() };
  const value = read.recording as unknown as Value;
  const edited = editText(text, value, edits);
  const wrong = check(text, edited, applyEdits(value, edits), options);
  return wrong.length > 0 ? { errors: wrong } : { steps: [{ before: text, splices: edited.splices }], text: edited.text, files: edited.files };
}

/** The text in the current version; no steps: it is already. */
export function migrateText(text: string, options: ReadOptions, table?: Migrations, current?: number): Result {
  const document = parseYaml(text, options);
  if (!isObject(document.value) || document.errors.length > 0) return { errors: document.errors };
  const found = migrationSteps(document.value, table, current);
  if ('problem' in found) return { errors: [document.errorAt('REPLAY_VERSION', found.problem, ['version'])] };
  const out: EditSteps = { steps: [], text, files: new Map() };
  let value: Value = document.value;
  for (const edits of found.steps) {
    const edited = editText(out.text, value, edits);
    out.steps.push({ before: out.text, splices: edited.splices });
    out.text = edited.text;
    for (const [sha256, bytes] of edited.files) out.files.set(sha256, bytes);
    value = applyEdits(value, edits);
    const again = parseYaml(out.text, withFiles(options, out.files));
    if (again.errors.length > 0 || !sameValue(again.value, value)) return { errors: [refused(out.steps.at(-1) as EditSteps['steps'][number], options.file)] };
  }
  return out;
}

/** What is wrong with the edited text, which must be a recording and the expected one. */
function check(text: string, edited: EditedText, expected: Value, options: ReadOptions): ReplayError[] {
  const again = readRecording(edited.text, withFiles(options, edited.files));
  if (again.recording && sameValue(again.recording as unknown as Value, expected)) return [];
  // Sound YAML that is no recording is what was asked for; anything else is what splicing could not do.
  const parsed = again.recording ? undefined : parseYaml(edited.text, withFiles(options, edited.files));
  if (again.errors && parsed?.errors.length === 0 && sameValue(parsed.value, expected)) return again.errors;
  return [refused({ before: text, splices: edited.splices }, options.file)];
}

const withFiles = (options: ReadOptions, files: ReadonlyMap<string, Uint8Array>): ReadOptions => ({
  ...options,
  readBinary: (sha256) => files.get(sha256) ?? options.readBinary(sha256),
});

function refused({ before, splices }: EditSteps['steps'][number], file: string): ReplayError {
  const anchored = splices
    .map((splice) => ({ splice, anchor: /&([^\s,[\]{}]+)/.exec(before.slice(splice.start, splice.end))?.[1] }))
    .find(({ anchor }) => anchor !== undefined && before.includes(`*${anchor}`));
  const what = anchored ? `other places use the anchor \`&${anchored.anchor}\` that stands here` : 'this place cannot be edited without harming others';
  const lines = before.slice(0, (anchored?.splice ?? splices[0])?.start ?? 0).split('\n');
  return new ReplayError('REPLAY_EDIT_REFUSED', what, { file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 });
}
