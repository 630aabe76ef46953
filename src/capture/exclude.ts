/** Events that the person who records does not want: heartbeats, cursors, log tables. */

import { globPattern } from '../recording/glob.js';
import { traceOf } from './belongs.js';
import type { SourceEvent } from './source.js';

/**
 * Globs (`*`, `?`) match names of events, sent and pushed, and requests (`GET /api/*`); `table:GLOB` matches tables. What an excluded event made happen is
 * excluded with it, so that it does not turn up as something without a cause. A request is told after that: its effects are found by asking once more.
 */
export function excluder(globs: readonly string[]): (event: SourceEvent) => boolean {
  const tables = globs.filter((glob) => glob.startsWith('table:')).map((glob) => globPattern(glob.slice('table:'.length)));
  const names = globs.filter((glob) => !glob.startsWith('table:')).map(globPattern);
  const excluded = new Set<string>();
  const pushes = new Set<number>();
  const matches = (patterns: readonly RegExp[], name: string) => patterns.some((pattern) => pattern.test(name));
  return (event) => {
    switch (event.type) {
      case 'emit':
        if (!matches(names, event.event)) return false;
        excluded.add(`${event.sid}:${event.n}`);
        return true;
      case 'http':
        if (!matches(names, `${event.method} ${event.url}`)) return false;
        excluded.add(event.id);
        return true;
      case 'ack':
        return excluded.has(`${event.sid}:${event.n}`);
      case 'push':
        if (!matches(names, event.event) && !(event.cause !== null && excluded.has(traceOf(event.cause)))) return false;
        pushes.add(event.push);
        return true;
      case 'answer':
        return pushes.has(event.push);
      case 'change':
        return matches(tables, event.table) || (event.cause !== null && excluded.has(traceOf(event.cause)));
      default:
        return false;
    }
  };
}
