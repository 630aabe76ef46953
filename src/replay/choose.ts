/** Names that more than one row could have bound. */
import { changeOf } from '../recording/schema.js';
import { Tagged } from '../recording/values.js';
import { SEARCHED } from './matching.js';
import type { TraceRun } from './state.js';
import { type Judging, judge } from './verdict.js';

/**
 * Where more rows came than were recorded, any of them may be the one that was meant: the name takes the value with which
 * the rest of the trace (pushes, acknowledgement) fits best.
 */
export function chooseNames(run: TraceRun, judging: Judging, now: number): void {
  const { names } = run.session.copy.scope;
  const inserts = (run.expected.changes ?? []).map(changeOf).filter((change) => change.op === 'insert');
  for (const want of inserts) {
    const rows = run.changes.filter((change) => change.op === 'insert' && change.table === want.table);
    if (rows.length <= inserts.filter((change) => change.table === want.table).length || rows.length > SEARCHED) continue;
    for (const [column, value] of Object.entries(want.values)) {
      if (!(value instanceof Tagged) || value.body.tag !== 'id') continue;
      const { name } = value.body;
      const known = names.get(name);
      let best = { value: known, count: judge(run, judging, now).differences.length };
      for (const row of rows) {
        const candidate = row.values[column];
        if (candidate === undefined || candidate === known) continue;
        names.set(name, candidate);
        const count = judge(run, judging, now).differences.length;
        if (count < best.count) best = { value: candidate, count };
      }
      if (best.value === undefined) names.delete(name);
      else names.set(name, best.value);
    }
  }
}
