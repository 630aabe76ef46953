/** The verdict on one trace: acknowledgement, pushes per receiver, row changes, each against what was recorded. Pure. */
import { type CompareContext, type Comparison, compareValue, merge, type ValueDifference } from '../recording/compare.js';
import type { LoadedRecording } from '../recording/load.js';
import { changeOf, type HttpRequest, kindOf } from '../recording/schema.js';
import type { Success } from '../recording/success.js';
import { isObject, sameValue, type Value, type ValueObject } from '../recording/values.js';
import type { Compared, Difference, Outcome } from '../results/schema.js';
import { compareChanges } from './compare-changes.js';
import { comparePushes } from './compare-pushes.js';
import type { Ignore } from './ignore.js';
import type { Measures } from './input.js';
import { clipped } from './limits.js';
import { needsOf } from './names.js';
import { type CopyState, effectsKnown, endedAsRecorded, isByServer, type TraceRun } from './state.js';
import { rowsWereSeen } from './unseen.js';
import type { Writes } from './writes.js';

/** What all traces of a replay are judged with. */
export interface Judging {
  measures: Measures;
  ignore: Ignore;
  writes: Writes;
  copies: readonly CopyState[];
  /** whether an acknowledgement says no */
  successOf(loaded: LoadedRecording): Success;
}

export interface TraceVerdict {
  outcome: Outcome;
  differences: Difference[];
  compared: Compared;
  reason?: string;
  noAck?: true;
}

/** Binary values in differences keep only their length above this many bytes; others are cut above this many characters. */
const SHOWN_BYTES = 256;
const SHOWN = 20_000;
/** More differences of one trace than this nobody reads. */
const MOST = 200;

export function judge(run: TraceRun, { measures, ignore, writes, copies, successOf }: Judging, now: number): TraceVerdict {
  const success = successOf(run.session.copy.loaded);
  const { expected, ack, forced } = run;
  const { copy } = run.session;
  const context: CompareContext = {
    scope: copy.scope,
    now,
    own: false,
    session: run.session.session.id,
    ...(copy.scope.level === 'shared' && {
      overwritten: (names, own, actual) =>
        writes.overwritten(
          run,
          own,
          actual,
          names.some((name) => needsOf(expected.args ?? []).names.includes(name)),
        ),
      elsewhere: (actual) => !has(copy, actual) && copies.some((other) => has(other, actual)),
    }),
  };
  const found: { part: Difference['part']; difference: ValueDifference }[] = [];
  const compared: Compared = { ...(run.compared ?? { value: 0, type: 0, ignored: 0 }) };
  const add = (part: Difference['part'], comparison: Comparison): void => {
    for (const difference of comparison.differences) found.push({ part, difference });
    merge({ differences: [], compared }, { differences: [], compared: comparison.compared });
  };
  if (measures.acks && ack) {
    if (Array.isArray(expected.ack)) add('ack', compareAck(expected.ack, ack, context, success));
    else if (expected.ack === 'never')
      found.push({ part: 'ack', difference: { path: 'ack', class: 'added', actual: ack, note: 'acknowledged, recorded as never acknowledged' } });
  }
  if (measures.acks && expected.http && run.answer) add('ack', compareAnswer(expected.http, run.answer, context));
  const sent = forced === undefined || forced.outcome === 'disconnected';
  if (sent && effectsKnown(expected)) {
    if (measures.pushes && (expected.pushes || run.pushes.length > 0)) add('push', comparePushes(expected, run.pushes, context, ignore));
    if (measures.changes && rowsWereSeen(run.session.copy.loaded) && (expected.changes || run.changes.length > 0))
      add('change', compareChanges((expected.changes ?? []).map(changeOf), run.changes, { ...context, ignore, writes, run }));
  }
  const verdict = {
    differences: [...run.extras.filter(({ part }) => part !== 'push' || measures.pushes), ...shown(found)],
    compared,
    ...(kindOf(expected) === 'emit' && expected.ack === undefined && ({ noAck: true } as const)),
  };
  if (forced) return { ...verdict, outcome: forced.outcome, reason: forced.reason };
  if (measures.acks && expected.ack !== undefined && !ack)
    return {
      ...verdict,
      outcome: 'timeout',
      reason: expected.ack === 'never' ? 'never acknowledged, as recorded: quarantine it, or let the server answer' : 'not acknowledged',
    };
  if (expected.http && !run.answer) return { ...verdict, outcome: 'timeout', reason: 'not answered' };
  if (expected.disconnect !== undefined && isByServer(expected.disconnect) && !endedAsRecorded(run.session, expected.disconnect))
    return { ...verdict, outcome: 'timeout', reason: `the server did not end the connection (${expected.disconnect})` };
  if (measures.acks && Array.isArray(expected.ack) && ack && success(ack) !== undefined && success(expected.ack) === undefined)
    return { ...verdict, outcome: 'rejected', reason: success(ack)?.message };
  return { ...verdict, outcome: verdict.differences.length > 0 ? 'mismatch' : 'passed' };
}

/** Whether it stands for a name in this copy, or is one of its socket ids. */
const has = ({ scope: { names, sockets } }: CopyState, value: Value): boolean =>
  [...names.values(), ...sockets.values()].some((known) => sameValue(known, value));

/** Where one says yes and the other no, that is the difference; that their data differ too only follows. */
function compareAck(expected: Value[], actual: Value[], context: CompareContext, success: Success): Comparison {
  const [was, is] = [success(expected), success(actual)];
  const refusal = was ?? is;
  if (!refusal || (was && is)) return compareValue(expected, actual, 'ack', context);
  const note = is === undefined ? `accepted, recorded as refused: ${refusal.message}` : `refused: ${refusal.message}`;
  const { path } = refusal;
  return {
    differences: [{ path, class: 'value', expected: valueAt(expected, path), actual: valueAt(actual, path), note }],
    compared: { value: 1, type: 0, ignored: 0 },
  };
}

/** `ack`, `ack[0]` or `ack[0].key`. */
function valueAt(ack: Value[], path: string): Value {
  if (path === 'ack') return ack;
  const first = ack[0] ?? null;
  const key = path.slice('ack[0].'.length);
  return key === '' ? first : isObject(first) ? (first[key] ?? null) : null;
}

/** Status and answer, as far as they were recorded. */
function compareAnswer({ status, answer }: HttpRequest, actual: NonNullable<TraceRun['answer']>, context: CompareContext): Comparison {
  const expected: ValueObject = { ...(status !== undefined && { status }), ...(answer !== undefined && { answer }) };
  const seen = Object.fromEntries(Object.entries(actual).filter(([part]) => Object.hasOwn(expected, part)));
  return compareValue(expected, seen, 'http', context);
}

function shown(found: { part: Difference['part']; difference: ValueDifference }[]): Difference[] {
  const differences = found.slice(0, MOST).map(
    ({ part, difference: { expected, actual, ...rest } }): Difference => ({
      ...rest,
      part,
      ...(expected === undefined ? {} : { expected: clipped(expected, SHOWN_BYTES, SHOWN) }),
      ...(actual === undefined ? {} : { actual: clipped(actual, SHOWN_BYTES, SHOWN) }),
    }),
  );
  const [next] = found.slice(MOST);
  if (next)
    differences.push({
      path: next.difference.path,
      class: next.difference.class,
      part: next.part,
      note: `and ${found.length - MOST - 1} more differences after this one`,
    });
  return differences;
}
