/** Tables, columns and pushes that the configuration calls the application's own noise: neither required nor unexpected. */
import { globPattern } from '../recording/glob.js';
import type { Change } from '../recording/schema.js';

export interface Ignore {
  /** a push */
  event(name: string): boolean;
  table(name: string): boolean;
  column(table: string, column: string): boolean;
  /** the table, or every column that the update changed */
  change(change: Change): boolean;
}

/** Globs of tables, of columns as TABLE.COLUMN, and of events. */
export function ignoreOf(tables: readonly string[], columns: readonly string[], events: readonly string[] = []): Ignore {
  const table = remembered(matcherOf(tables));
  const place = remembered(matcherOf(columns));
  const column = (of: string, name: string): boolean => columns.length > 0 && place(`${of}.${name}`);
  return {
    event: events.length === 0 ? () => false : remembered(matcherOf(events)),
    table,
    column,
    change: (change) => {
      if (table(change.table)) return true;
      const changed = Object.keys(change.values);
      return change.op === 'update' && changed.length > 0 && changed.every((name) => column(change.table, name));
    },
  };
}

function matcherOf(globs: readonly string[]): (name: string) => boolean {
  const patterns = globs.map(globPattern);
  return (name) => patterns.some((pattern) => pattern.test(name));
}

/** The same few names come for every row. */
function remembered(matches: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const answer = known.get(name) ?? matches(name);
    known.set(name, answer);
    return answer;
  };
}
