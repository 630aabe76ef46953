/**
 * Changes that a recording has without a cause: timers of the application, requests, other people. A replay alone should see them
 * again without one, but nobody can say when, or whether so fast a replay gives them the time: what is not seen is told, not judged.
 */
import { type Change, changeOf, type Recording } from '../recording/schema.js';
import type { Ignore } from './ignore.js';

export interface Background {
  /** Whether it was recorded like this: operation, table and columns, each as often as recorded. */
  take(change: Change): boolean;
  counts: { recorded: number; seen: number };
  /** a sentence each: what was recorded and not seen */
  missing(): string[];
}

export function createBackground(recordings: readonly Recording[], ignore: Ignore): Background {
  const open = new Map<string, { change: Change; count: number }>();
  const counts = { recorded: 0, seen: 0 };
  for (const change of recordings.flatMap(({ unattributed = [] }) => unattributed.map(changeOf))) {
    if (ignore.change(change)) continue;
    counts.recorded++;
    const known = open.get(kindOf(change));
    if (known) known.count++;
    else open.set(kindOf(change), { change, count: 1 });
  }
  return {
    counts,
    take(change) {
      const known = open.get(kindOf(change));
      if (!known || known.count === 0) return false;
      known.count--;
      counts.seen++;
      return true;
    },
    missing: () =>
      [...open.values()]
        .filter(({ count }) => count > 0)
        .map(({ change: { op, table, values }, count }) => {
          const columns = op === 'update' ? ` (${Object.keys(values).join(', ')})` : '';
          return `recorded without a cause, and not seen in this replay: ${count} × ${op} ${table}${columns}`;
        }),
  };
}

/** Of inserts and deletes the columns are those of the table. */
const kindOf = ({ op, table, values }: Change): string => `${op} ${table} ${op === 'update' ? Object.keys(values).sort().join(',') : ''}`;
