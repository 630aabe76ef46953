/** `socket-replay give`: a value that was there before the recording becomes a name that the configuration can vary. */
import { Command } from 'commander';
import { ReplayError } from '../../errors.js';
import { editFiles } from '../../recording/edit-files.js';
import { editRecording } from '../../recording/edit-recording.js';
import { give } from '../../recording/give.js';
import { parseTag } from '../../recording/tags.js';
import type { Console } from '../console.js';
import { finish } from '../edited.js';
import { dryRunOption, outOption } from '../options.js';
import { run } from '../run.js';
import { plural } from '../words.js';

interface Options {
  key: string[];
  text?: boolean;
  out: string;
  dryRun?: boolean;
}

export const giveCommand = (): Command =>
  new Command('give')
    .description('Make a value that was there before the recording a name, which `use.vary` gives another value in each copy.')
    .argument('<recording>', 'name of a recording, or a file')
    .argument('<name>', 'what to call it')
    .argument('<value>', 'as it was recorded; of digits only: a number')
    .requiredOption('--key <key...>', 'properties that hold it, such as documentId; TABLE.COLUMN for columns')
    .option('--text', 'the value is a text, though it has digits only')
    .addOption(outOption())
    .addOption(dryRunOption())
    .addHelpText('after', '\nExample:\n  npx socket-replay give checkout document1 7 --key documentId --key document.id')
    .action((path: string, name: string, value: string, options: Options) => run((terminal) => giveName(terminal, path, name, value, options)));

function giveName(terminal: Console, path: string, name: string, text: string, { key, text: isText, out, dryRun }: Options): number {
  const tag = parseTag('id', name);
  if (typeof tag === 'string') throw new ReplayError('REPLAY_USAGE', tag, undefined, 'Choose another name.');
  const value = !isText && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  const said: string[] = [];
  const edited = editFiles(out, [path], (content, options) =>
    editRecording(content, options, ({ recording }) => {
      const edits = give(recording, name, value, key);
      if (edits.length > 0) said.push(`${options.file}: ${plural(edits.length - 1, 'place')}`);
      return edits;
    }),
  );
  if (said.length === 0)
    throw new ReplayError('REPLAY_USAGE', `${JSON.stringify(value)} stands nowhere under ${key.join(', ')}`, undefined, 'See `npx socket-replay give --help`.');
  return finish(terminal, edited, dryRun, said);
}
