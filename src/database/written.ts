/** The rows that a replay wrote, in a file of its run, so that they can be taken back. One line a change, in the order of the database. */
import { createWriteStream, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ReplayError } from '../errors.js';

const row = z.record(z.string(), z.unknown());
const writtenSchema = z.object({ op: z.enum(['insert', 'update', 'delete']), table: z.string(), key: row, before: row.nullable(), after: row.nullable() });
export type Written = z.infer<typeof writtenSchema>;

/** Rows that are there, other, or gone because of a replay: what was made and removed again leaves nothing. */
interface Left {
  inserted: number;
  updated: number;
  deleted: number;
}

export interface WrittenLog {
  add(change: Written): void;
  left(): Left;
  /** Rejects where something could not be written. */
  close(): Promise<void>;
}

const OPEN = '.rows';
const UNDONE = '.undone';

export function openWritten(file: string): WrittenLog {
  const stream = createWriteStream(`${file}${OPEN}`, { flags: 'wx', mode: 0o600 });
  let failure: Error | undefined;
  stream.on('error', (error) => (failure ??= error));
  const rows = new Map<string, keyof Left>();
  return {
    add({ op, table, key, before, after }) {
      stream.write(`${JSON.stringify({ op, table, key, before, after })}\n`);
      const id = rowId(table, key);
      const known = rows.get(id);
      if (op === 'insert') rows.set(id, known === 'deleted' ? 'updated' : 'inserted');
      else if (op === 'delete' && known === 'inserted') rows.delete(id);
      else if (op === 'delete') rows.set(id, 'deleted');
      else if (known === undefined) rows.set(id, 'updated');
    },
    left() {
      const left = { inserted: 0, updated: 0, deleted: 0 };
      for (const state of rows.values()) left[state]++;
      return left;
    },
    close: () =>
      new Promise((resolve, reject) => {
        const settle = (): void => (failure ? reject(failed(file, failure)) : resolve());
        if (stream.destroyed) settle();
        else stream.end(settle).once('error', settle);
      }),
  };
}

const failed = (file: string, { message }: Error): ReplayError =>
  new ReplayError('REPLAY_JOURNAL_WRITE', `The rows that were written could not be kept: ${message}`, { file: `${file}${OPEN}` });

/** The files of a run whose rows were not taken back, the newest first: their names begin with the time. */
export function writtenFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(OPEN))
    .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
    .map((name) => join(directory, name));
}

/** A run that left rows, by what it is called and its folder, or the newest. Throws REPLAY_NO_RUN. */
export function findRun(runs: string, name?: string, folder: string | undefined = name): { run: string; directory: string } {
  const all = existsSync(runs) ? readdirSync(runs).sort().reverse() : [];
  const run = all.find((one) => (folder === undefined || one === folder) && writtenFiles(join(runs, one)).length > 0);
  if (run !== undefined) return { run, directory: join(runs, run) };
  throw new ReplayError('REPLAY_NO_RUN', name === undefined ? 'there is no run that left rows' : `there is no run ${name} that left rows`);
}

/** A last line that was cut off is left out: its change was never told in full. */
export function readWritten(file: string): Written[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  return lines.map((line, index) => {
    try {
      return writtenSchema.parse(JSON.parse(line));
    } catch {
      throw new ReplayError('REPLAY_JOURNAL_INVALID', 'This line is no row that a replay wrote.', { file, line: index + 1 });
    }
  });
}

export const markUndone = (file: string): void => renameSync(file, file.replace(/\.rows$/, UNDONE));

/** A row of a database by its table and key. */
export const rowId = (table: string, key: Written['key']): string => `${table}\n${JSON.stringify(key)}`;
