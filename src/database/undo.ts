/** Takes back what replays wrote: only rows that are still as the replay left them; everything else is left and listed. */
import type { Database } from './database.js';
import { type NetChange, netChanges } from './net.js';
import { openDatabase } from './open.js';
import { markUndone, readWritten, writtenFiles } from './written.js';

export interface Undone {
  /** rows that were brought back, or would be */
  restored: NetChange[];
  /** rows that are left as they are, and why */
  left: { change: NetChange; why: string }[];
}

/** All rows that the replays of a run wrote and nobody took back yet. `apply` false: only looks what could be done. */
export async function undoRun(directory: string, database: string, apply: boolean): Promise<Undone> {
  const files = writtenFiles(directory);
  // The oldest first: one row may have been written by several replays.
  const changes = netChanges(files.toReversed().flatMap(readWritten));
  if (changes.length === 0) {
    if (apply) for (const file of files) markUndone(file);
    return { restored: [], left: [] };
  }
  const db = await openDatabase(database);
  try {
    const undone = await db.transaction(apply, async () => {
      const restored: NetChange[] = [];
      let left: Undone['left'] = [];
      // A row that another one refers to may have to come first, or go last: what is refused is tried again while something moves.
      for (let waiting = changes; waiting.length > 0; waiting = left.map(({ change }) => change)) {
        left = [];
        let moved = false;
        for (const change of waiting) {
          const why = await takeBack(db, change);
          if (why === 'is back') continue;
          if (why === undefined) restored.push(change);
          else left.push({ change, why });
          moved ||= why === undefined;
        }
        if (!moved) break;
      }
      return { restored, left };
    });
    // What is left may be brought back later.
    if (apply && undone.left.length === 0) for (const file of files) markUndone(file);
    return undone;
  } finally {
    await db.close();
  }
}

/** Why it is left as it is; undefined: it was brought back. `is back`: by an earlier attempt, or by the application itself. */
async function takeBack(db: Database, change: NetChange): Promise<string | undefined> {
  const state = await db.state(change);
  if (state === 'gone') return 'there is no such table, or it has no key';
  if ((await db.state({ ...change, after: change.before })) === 'same') return 'is back';
  if (change.foreign) return 'somebody else wrote it between two changes of the replay';
  if (state === 'other') return change.after ? 'it was changed or deleted since' : 'there is such a row again';
  return db.restore(change);
}
