/** What a replay wrote into the database, kept for `undo`. */
import { join } from 'node:path';
import { openWritten } from '../database/written.js';
import type { ReplayInput } from '../replay/replay.js';
import type { Journal } from '../results/journal.js';
import type { Job, Ready } from './job.js';
import { currentRun } from './run.js';
import { undoAll } from './target.js';

let calls = 0;

/**
 * Keeps what is written into a database that nothing else brings back. With `reset: { undo }` it is taken back at once; without a
 * reset the journal tells how much is left.
 */
export async function withWritten<T>(
  { options: { reset }, testInfo, beside }: Job,
  { probe }: Ready,
  journal: Journal,
  work: (wrote: ReplayInput['wrote']) => Promise<T>,
): Promise<T> {
  const undo = typeof reset === 'object' && 'undo' in reset ? reset.undo : undefined;
  if (probe?.hello.changes !== 'measured' || (reset !== undefined && undo === undefined)) return work(undefined);
  const written = openWritten(join(currentRun().directory, `${Date.now()}-${testInfo.project.name}-${process.pid}-${++calls}`));
  try {
    return await work(({ op, table, key, before, after }) => written.add({ op, table, key, before, after }));
  } finally {
    await written.close();
    const left = written.left();
    // Beside others it would take their rows away under them.
    if (undo === undefined || beside) {
      if (left.inserted + left.updated + left.deleted > 0) journal.write({ type: 'left', ...left });
    } else
      await undoAll(undo).catch((error: unknown) =>
        journal.write({ type: 'note', level: 'warning', code: 'NOT_UNDONE', message: error instanceof Error ? error.message : String(error) }),
      );
  }
}
