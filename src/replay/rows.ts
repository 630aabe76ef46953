/**
 * What is made of row changes that were seen from outside. Where one copy of one recording runs alone, every change is its own, and
 * belongs to a trace by time; else only how many of each table there were can be judged.
 */
import { changeOf } from '../recording/schema.js';
import type { ReplayFailure, ReplayInput } from './input.js';
import { withNetChanges } from './net.js';
import { isQuarantined } from './records.js';
import { countTables, type TableCounts } from './table-counts.js';
import { rowsWereSeen } from './unseen.js';

export interface Rows {
  input: ReplayInput;
  /** one copy of one recording: whatever happens was made by it */
  alone: boolean;
  tables?: TableCounts;
}

export function rowsOf(input: ReplayInput): Rows {
  const { watch, recordings, copies, measures } = input;
  const alone = copies === 1 && recordings.length === 1;
  if (!watch) return { input, alone };
  if (alone) return { input: watch.net ? { ...input, recordings: recordings.map((one) => withNetChanges(one, watch.tables())) } : input, alone };
  const all = Array.from({ length: copies }, () => recordings).flat();
  return { input: { ...input, measures: { ...measures, changes: false } }, alone, ...(measures.changes && { tables: countTables(all, watch.net) }) };
}

/** Law 8: what was not watched is not right. */
export async function judgeRows({ input, tables }: Rows, errors: ReplayFailure[]): Promise<void> {
  const { watch, ackTimeout, write, recordings, measures } = input;
  if (!watch) return;
  const recorded = new Set(
    recordings.flatMap(({ recording }) =>
      recording.sessions.flatMap(({ traces }) => traces.flatMap(({ changes = [] }) => changes.map((entry) => changeOf(entry).table))),
    ),
  );
  for (const { table, why } of watch.notWatched()) {
    if (recorded.has(table) && (measures.changes || tables))
      errors.push({ code: 'REPLAY_NOT_MEASURED', message: `row changes of ${table} are not measured: ${why}` });
    else write({ type: 'note', level: 'warning', code: 'NOT_WATCHED', message: `row changes of ${table} are not measured: ${why}` });
  }
  if (!tables || errors.some(({ code }) => code === 'REPLAY_WATCH_FAILED')) return;
  await tables.complete(ackTimeout);
  write({ type: 'note', level: 'info', code: 'ROWS', message: 'row changes of all clients together, by table', detail: tables.counts() });
  const open = recordings.some((loaded) => !rowsWereSeen(loaded))
    ? 'not every recording saw rows'
    : recordings.some((loaded) => isQuarantined(loaded) || loaded.recording.sessions.some(({ traces }) => traces.some((trace) => isQuarantined(loaded, trace))))
      ? 'a trace is in quarantine'
      : undefined;
  for (const difference of tables.differences())
    if (open) write({ type: 'note', level: 'warning', code: 'ROWS', message: `not judged, because ${open}: ${difference}` });
    else errors.push({ code: 'REPLAY_ROWS_DIFFER', message: difference });
}
