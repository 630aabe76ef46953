/** A push at a session for which it was not recorded, as a difference of the trace that made it. */

import { pushPath } from '../recording/difference-path.js';
import type { Value } from '../recording/values.js';
import type { Difference } from '../results/schema.js';
import { clipped } from './limits.js';
import type { SessionState, TraceRun } from './state.js';

/** Its arguments are cut above so many characters. */
const SHOWN = 10_000;

/** Every other copy may receive the same: one difference says it for all. */
export function addLeak(run: TraceRun, receiver: SessionState, event: string, args: Value[], note?: string): void {
  const { id } = receiver.session;
  const path = pushPath(id, event);
  if (run.extras.some((extra) => extra.path === path)) return;
  const leak: Difference = {
    path,
    class: 'added',
    part: 'push',
    actual: clipped(args, 256, SHOWN),
    note: note ?? `${id} of another copy (${receiver.copy.copy}) received ${event}, which was not recorded for ${id}`,
  };
  run.extras.push(leak);
}
