/** Tables that probably are the application's own noise: a session store, logs, statistics. */
import { changeOf, type Recording } from './schema.js';

/** Those that changed without a trace, and never with one. */
export function noiseTables({ sessions, unattributed = [] }: Recording): string[] {
  const caused = new Set(sessions.flatMap(({ traces }) => traces.flatMap(({ changes = [] }) => changes.map((change) => changeOf(change).table))));
  return [...new Set(unattributed.map((change) => changeOf(change).table))].filter((table) => !caused.has(table)).sort();
}

/** The lines to copy: for replays, and for the next recording. */
export const noiseLines = (tables: readonly string[]): string[] =>
  tables.length === 0
    ? []
    : [
        `changed without a trace only: ${tables.join(', ')}. If that is noise of the application:`,
        `  ignoreTables: [${tables.map((table) => `'${table.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`).join(', ')}], in \`use\` of playwright.config.ts`,
        `  --exclude ${tables.map((table) => `'table:${table.replaceAll("'", "'\\''")}'`).join(' ')}, when you record again`,
      ];
