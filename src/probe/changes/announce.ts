/** Tells the tables of a driver to whoever measures. */
import type { Table } from '../../wire/messages.js';
import { guarded } from '../guard.js';
import { isWanted, reportTables } from '../hub.js';

/** One message for a burst of DDL. */
export function announcer(tables: () => Table[]): () => void {
  let announcing = false;
  return () => {
    if (announcing || !isWanted()) return;
    announcing = true;
    queueMicrotask(() => {
      announcing = false;
      guarded('tables', () => reportTables(tables()));
    });
  };
}
