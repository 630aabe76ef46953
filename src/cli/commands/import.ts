/** `socket-replay import care|har FILE…`: recordings from files that other tools wrote. */
import { Command } from 'commander';
import { parseAliases } from '../../capture/choose.js';
import { importAll, readAll } from '../../capture/import.js';
import { careAliases, readCare } from '../../capture/sources/care.js';
import { readHar } from '../../capture/sources/har.js';
import type { ImportFile } from '../../capture/sources/import-file.js';
import { ReplayError } from '../../errors.js';
import { recordingName } from '../../recording/schema.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { outOption } from '../options.js';
import { run } from '../run.js';
import { summary } from '../text.js';

export const importCommand = (): Command =>
  new Command('import')
    .description('Make recordings of files that other tools wrote.')
    .addCommand(
      form(
        'care',
        'Import exports of the recorder of CARE (JSON, schemaVersion 1).',
        '230-add-comment.json',
        (file, { exclude }) => readCare(file, exclude),
        careAliases,
      ),
    )
    .addCommand(
      form('har', "Import HAR files of Chrome's DevTools or of Playwright (.har, .zip).", 'checkout.har', (file, _, aliases) => readHar(file, aliases)),
    );

type Aliases = Record<string, string>;

interface Options {
  name?: string;
  user?: string[];
  exclude?: string[];
  redact?: string[];
  out: string;
  force?: boolean;
}

/** `read`: what understands the files, given the users that were named. */
function form(
  name: string,
  description: string,
  example: string,
  read: (file: string, options: Options, aliases: Aliases) => ImportFile,
  aliasesOf = same,
): Command {
  return new Command(name)
    .description(description)
    .argument('<file...>', 'the files; one recording is made of each')
    .option('--name <name>', 'name of the recording, where one file is imported (default: what the file says)')
    .option('--user <id=alias...>', 'the user of a connection (socket id, or the user or page as the file knows it), as your configuration names it')
    .option('--exclude <glob...>', 'leave out events of these names')
    .option('--redact <key...>', 'more keys whose values are secret')
    .addOption(outOption())
    .option('--force', 'replace recordings of the same name')
    .addHelpText('after', `\nExamples:\n  npx socket-replay import ${name} ${example}`)
    .action((files: string[], options: Options) =>
      run((terminal) => {
        const aliases = aliasesOf(parseAliases(options.user ?? []));
        return importFiles(terminal, () => readAll(files, (file) => read(file, options, aliases)), options, aliases);
      }),
    );
}

const same = (aliases: Aliases): Aliases => aliases;

async function importFiles(terminal: Console, read: () => ImportFile[], options: Options, aliases: Aliases): Promise<number> {
  const { name, exclude, redact, out, force = false } = options;
  if (name !== undefined && !recordingName.safeParse(name).success)
    throw new ReplayError(
      'REPLAY_USAGE',
      `--name ${name} is no name of a recording`,
      undefined,
      'Use up to 100 letters, digits, dots, dashes and underscores.',
    );
  const files = read();
  if (name !== undefined && files.length > 1)
    throw new ReplayError('REPLAY_USAGE', '--name is for one file', undefined, 'Import the files one after the other, or leave --name out.');
  const named = files.map((file) => ({ ...file, name: name ?? file.name }));
  for (const { saved, result, notes } of await importAll(named, { out, force, aliases, exclude, redact })) {
    for (const line of summary(saved, result)) terminal.print(line);
    for (const note of notes) terminal.print(`  ${note}`);
  }
  return exitCodes.good;
}
