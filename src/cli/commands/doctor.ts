/** `socket-replay doctor --database URL`: what a killed process has left in a database. */
import { Command } from 'commander';
import { leftovers } from '../../database/leftovers.js';
import type { Console } from '../console.js';
import { run } from '../run.js';
import { plural, table } from '../words.js';

interface Options {
  database: string;
  remove?: boolean;
}

export const doctorCommand = (): Command =>
  new Command('doctor')
    .description('Show what socket-replay has left in a PostgreSQL database, and remove it.')
    .requiredOption('--database <url>', 'postgres://USER:PASSWORD@HOST:PORT/NAME')
    .option('--remove', 'remove it')
    .addHelpText('after', '\nExample:\n  npx socket-replay doctor --database postgres://localhost/app --remove')
    .action((options: Options) => run((terminal) => doctor(terminal, options)));

async function doctor(terminal: Console, { database, remove = false }: Options): Promise<number> {
  const { found, inUse, removed } = await leftovers(database, remove);
  if (found.length === 0) {
    terminal.print('Nothing of socket-replay is in this database.');
    return 0;
  }
  for (const line of table(found.map(({ what, name }) => [what, name]))) terminal.print(line);
  if (removed) terminal.print(`Removed: ${plural(found.length, 'object')}.`);
  else if (inUse) terminal.print('In use: a process measures the rows of this database right now. It removes all of this when its last reader leaves.');
  else
    terminal.print(
      `Left behind: ${plural(found.length, 'object')}. The next recording or replay removes them, or: socket-replay doctor --database URL --remove`,
    );
  return remove && !removed ? 3 : 0;
}
