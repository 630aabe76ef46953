/** `socket-replay rename event|field|table|user`: the same change of a name in all recordings, or in none. */
import { Command, Option } from 'commander';
import { ReplayError } from '../../errors.js';
import type { Edit } from '../../recording/edit.js';
import { editFiles } from '../../recording/edit-files.js';
import { editRecording } from '../../recording/edit-recording.js';
import { suggestion } from '../../recording/nearest.js';
import type { ReadRecording } from '../../recording/read.js';
import {
  eventsOf,
  type FieldPlace,
  fieldPlaces,
  parseField,
  renameEvent,
  renameField,
  renameTable,
  renameUser,
  tablesOf,
  usersOf,
} from '../../recording/rename.js';
import type { Recording } from '../../recording/schema.js';
import type { Console } from '../console.js';
import { finish } from '../edited.js';
import { dryRunOption, outOption } from '../options.js';
import { run } from '../run.js';
import { plural } from '../words.js';

interface Options {
  out: string;
  dryRun?: boolean;
  in?: FieldPlace;
}

interface Renaming {
  files: string[];
  edits(read: ReadRecording, file: string): Edit[];
  /** what is renamed, and what might have been meant instead */
  what: string;
  known(recording: Recording): string[];
  word: string;
}

export const renameCommand = (): Command =>
  new Command('rename')
    .description('Rename an event, a field, a table or a user in all recordings, or in those named.')
    .addCommand(simple('event', 'as clients send it, and as the server does', renameEvent, eventsOf))
    .addCommand(fieldCommand())
    .addCommand(simple('table', 'in changes', renameTable, tablesOf))
    .addCommand(simple('user', 'the alias; its credentials are in the configuration', renameUser, usersOf))
    .addHelpText(
      'after',
      '\nExamples:\n  npx socket-replay rename event noteAdd noteCreate --dry-run\n  npx socket-replay rename field "annotation*" args[0].documentId docId',
    );

const withOptions = (command: Command): Command =>
  command.argument('[files...]', 'files, or names of recordings; all of the folder without them').addOption(outOption()).addOption(dryRunOption());

function simple(
  what: string,
  where: string,
  rename: (recording: Recording, from: string, to: string) => Edit[],
  known: (recording: Recording) => string[],
): Command {
  const command = new Command(what).description(`Rename ${what === 'event' ? 'an' : 'a'} ${what}: ${where}.`);
  return withOptions(command.argument('<old>').argument('<new>')).action((from: string, to: string, files: string[], options: Options) =>
    run((terminal) =>
      renameAll(terminal, { files, what: `${what} ${from}`, word: from, known, edits: ({ recording }) => rename(recording, from, to) }, options),
    ),
  );
}

const fieldCommand = (): Command =>
  withOptions(
    new Command('field')
      .description('Rename a key in what an event carries.')
      .argument('<event>', 'name of the event, or a glob')
      .argument('<path>', 'the field: args[0].documentId, ack[0].data.id, args[0][*].id')
      .argument('<new>', 'its new key'),
  )
    .addOption(new Option('--in <place>', 'args or ack of what clients send, or what the server pushes').choices(fieldPlaces))
    .action((event: string, path: string, key: string, files: string[], options: Options) =>
      run((terminal) => {
        const field = parseField(path, options.in);
        const edits = ({ recording, lineOf }: ReadRecording, file: string): Edit[] =>
          renameField(recording, event, field, key, ([, session, , trace]) => {
            const where = { file, line: lineOf(Number(session), Number(trace)) };
            throw new ReplayError('REPLAY_EDIT_REFUSED', `the key \`${key}\` stands there already, beside the one that is to be renamed`, where);
          });
        return renameAll(terminal, { files, what: `field ${path} of an event ${event}`, word: event, known: eventsOf, edits }, options);
      }),
    );

function renameAll(terminal: Console, { files, edits, what, known, word }: Renaming, { out, dryRun }: Options): number {
  const said: string[] = [];
  const words = new Set<string>();
  const edited = editFiles(out, files, (text, options) =>
    editRecording(text, options, (read) => {
      const made = edits(read, options.file);
      for (const name of known(read.recording)) words.add(name);
      if (made.length > 0) said.push(`${options.file}: ${plural(made.length, 'place')}`);
      return made;
    }),
  );
  if (said.length === 0) {
    const meant = words.has(word) ? '' : suggestion(word, words);
    throw new ReplayError('REPLAY_USAGE', `no ${what} in ${plural(edited.read, 'recording')}${meant}`, undefined, 'See `npx socket-replay rename --help`.');
  }
  return finish(terminal, edited, dryRun, said);
}
