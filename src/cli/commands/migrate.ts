/** `socket-replay migrate [FILE|NAME...]`: rewrites recordings of older versions to the current one. */
import { Command } from 'commander';
import { editFiles } from '../../recording/edit-files.js';
import { migrateText } from '../../recording/edit-recording.js';
import { VERSION } from '../../recording/schema.js';
import type { Console } from '../console.js';
import { finish } from '../edited.js';
import { dryRunOption, outOption } from '../options.js';
import { run } from '../run.js';
import { plural } from '../words.js';

interface Options {
  out: string;
  dryRun?: boolean;
}

export const migrateCommand = (): Command =>
  new Command('migrate')
    .description(`Rewrite recordings of older versions to version ${VERSION}. They load without it; this brings the files up to date.`)
    .argument('[files...]', 'files, or names of recordings; all of the folder without them')
    .addOption(outOption())
    .addOption(dryRunOption())
    .addHelpText('after', '\nExamples:\n  npx socket-replay migrate\n  npx socket-replay migrate --dry-run')
    .action((files: string[], options: Options) => run((terminal) => migrate(terminal, files, options)));

function migrate(terminal: Console, files: string[], { out, dryRun }: Options): number {
  const edited = editFiles(out, files, (text, options) => migrateText(text, options));
  const { read, changed } = edited;
  const rest = read - changed.length;
  return finish(terminal, edited, dryRun, [
    ...changed.map((file) => `${file}: now version ${VERSION}`),
    ...(changed.length === 0 ? [read === 1 ? `the recording is of version ${VERSION}` : `all ${read} recordings are of version ${VERSION}`] : []),
    ...(changed.length > 0 && rest > 0 ? [`${plural(rest, 'recording')} of version ${VERSION} left as they are`] : []),
  ]);
}
