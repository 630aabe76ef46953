/** Recordings whose source sees no rows (a proxy, a page, a HAR file): what a replay writes cannot be held against them. */
import type { LoadedRecording } from '../recording/load.js';

const known = new WeakMap<LoadedRecording, boolean>();

/** Rows in the file prove that somebody saw them: a database that was watched beside the proxy, or a person who wrote them. */
export function rowsWereSeen(loaded: LoadedRecording): boolean {
  let seen = known.get(loaded);
  if (seen === undefined) {
    const { recorded, sessions, unattributed } = loaded.recording;
    const blind = recorded !== undefined && recorded.source !== 'probe' && recorded.source !== 'hand';
    seen = !blind || (unattributed ?? []).length > 0 || sessions.some(({ traces }) => traces.some(({ changes }) => changes !== undefined));
    known.set(loaded, seen);
  }
  return seen;
}
