/** `socket-replay undo [RUN]`: takes back the rows that a run without a reset left in the database. */
import { Command } from 'commander';
import { type Undone, undoRun } from '../../database/undo.js';
import { findRun } from '../../database/written.js';
import { checkProtectedRun } from '../../playwright/protected.js';
import { runFolder } from '../../results/run-id.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { run } from '../run.js';
import { plural, table } from '../words.js';

interface Options {
  database: string;
  apply?: boolean;
}

export const undoCommand = (): Command =>
  new Command('undo')
    .description('Show, and with --apply take back, the rows that a run without a reset left in the database.')
    .argument('[run]', 'the id of a run, or its folder in .socket-replay/runs (default: the newest run that left rows)')
    .requiredOption('--database <where>', 'a SQLite file, or the address of a PostgreSQL database: postgres://user@host/name')
    .option('--apply', 'take them back; without it nothing is written')
    .addHelpText('after', '\nExamples:\n  npx socket-replay undo --database app.db\n  npx socket-replay undo --database app.db --apply')
    .action((name: string | undefined, options: Options) => run((terminal) => undo(terminal, name, options)));

/** More rows than this nobody reads. */
const SHOWN = 50;

async function undo(terminal: Console, name: string | undefined, { database, apply = false }: Options): Promise<number> {
  const found = findRun('.socket-replay/runs', name, name && runFolder(name));
  if (apply) checkProtectedRun(found.directory);
  const undone = await undoRun(found.directory, database, apply);
  for (const line of undoLines(found.run, undone, apply)) terminal.print(line);
  return undone.left.length > 0 ? exitCodes.regression : exitCodes.good;
}

function undoLines(name: string, { restored, left }: Undone, apply: boolean): string[] {
  const words = { delete: 'deleted', update: 'brought back', insert: 'inserted again' };
  const rows = restored.map(({ table: of, key, before, after }) => [
    of,
    JSON.stringify(key),
    words[before === null ? 'delete' : after === null ? 'insert' : 'update'],
  ]);
  return [
    `${name}: ${plural(restored.length, 'row')} ${apply ? 'taken back' : 'can be taken back; nothing was written, --apply does it'}`,
    ...table(rows.slice(0, SHOWN)).map((line) => `  ${line}`),
    ...(rows.length > SHOWN ? [`  and ${rows.length - SHOWN} more`] : []),
    ...(left.length > 0 ? [`${plural(left.length, 'row')} left as ${left.length === 1 ? 'it is' : 'they are'}:`] : []),
    ...table(left.slice(0, SHOWN).map(({ change, why }) => [change.table, JSON.stringify(change.key), why])).map((line) => `  ${line}`),
    ...(left.length > SHOWN ? [`  and ${left.length - SHOWN} more`] : []),
  ];
}
