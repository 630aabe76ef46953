/**
 * What a finished replay has seen, read from its journal when somebody asks: trace by trace, nothing of it is kept. The journal of
 * 100,000 traces costs nothing until then, and some seconds a question.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { ReplayError } from '../errors.js';
import type { Json } from '../recording/json.js';
import type { BeginRecord, EndRecord, JournalRecord, TraceRecord } from './schema.js';
import { isJsonObject } from './text.js';
import { formatTraceId } from './trace-id.js';

export interface SeenTrace {
  id: string;
  outcome: TraceRecord['outcome'];
  latency: number | null;
  /** its kind and, where `complete`, what was sent and what came back, in the shape of a trace of a recording */
  what: { [key: string]: Json };
  complete: boolean;
  changes: Json[];
}

interface SeenPush {
  to: string;
  event: string;
  args: Json;
  /** the trace that caused it, where that is known, or the copy that received it */
  where: string;
}

export interface Observations {
  begin: BeginRecord;
  end: EndRecord | undefined;
  traces(): Generator<SeenTrace>;
  pushes(): Generator<SeenPush>;
  /** so many pushes came that `pushes` does not tell */
  untold: number;
  /** changes without a proven cause: their operation, table and key, as far as they are noted */
  uncaused: Json[];
}

/** As many pushes and rows as are kept of a trace (replay/records.ts). */
const MOST = 1000;

export function observationsOf(file: string): Observations {
  let begin: BeginRecord | undefined;
  let end: EndRecord | undefined;
  const last = new Map<string, number>();
  const superseded = new Set<number>();
  const loose: SeenPush[] = [];
  const uncaused: Json[] = [];
  let cut = 0;
  for (const { record, line } of recordsOf(file)) {
    if (record.type === 'begin') begin = record;
    else if (record.type === 'end') end = record;
    else if (record.type === 'note' && record.code === 'UNATTRIBUTED' && isJsonObject(record.detail as Json)) {
      const detail = record.detail as { [key: string]: Json };
      if (typeof detail.to === 'string') loose.push({ to: detail.to, event: String(detail.event), args: detail.args ?? [], where: 'without a proven cause' });
      else uncaused.push(detail);
    } else if (record.type === 'trace') {
      const key = JSON.stringify([record.recording, record.session, record.trace, record.copy]);
      const before = last.get(key);
      if (before !== undefined) superseded.add(before);
      last.set(key, line);
      if (listIn(record.observed as Json, 'pushes').length >= MOST) cut++;
    }
  }
  if (!begin) throw new ReplayError('REPLAY_JOURNAL_INVALID', 'The journal does not start with `begin`.', { file, line: 1 });
  const { iteration, observe } = begin;
  const kinds = kindsOf(begin);

  function* records(): Generator<TraceRecord> {
    for (const { record, line } of recordsOf(file)) if (record.type === 'trace' && !superseded.has(line)) yield record;
  }
  const idOf = (record: TraceRecord): string => formatTraceId({ ...record, iteration });

  return {
    begin,
    end,
    untold: observe ? 0 : cut + (end?.unattributed.pushes ?? 0) - loose.length,
    uncaused,
    *traces() {
      for (const record of records()) {
        const { recording, session, trace, copy, outcome, latency } = record;
        const observed = isJsonObject(record.observed as Json) ? (record.observed as { [key: string]: Json }) : undefined;
        const what = { recording, session, trace, copy, outcome, ...(observed ?? kinds.get(JSON.stringify([recording, session, trace]))) };
        yield { id: idOf(record), outcome, latency, what, complete: observed !== undefined, changes: listIn(observed, 'changes') };
      }
    },
    *pushes() {
      if (observe) {
        for (const { record } of recordsOf(file))
          if (record.type === 'received')
            yield { to: record.session, event: record.event, args: record.args as Json, where: `${record.recording}, copy ${record.copy}` };
        return;
      }
      for (const record of records())
        for (const push of listIn(record.observed as Json, 'pushes'))
          if (isJsonObject(push)) yield { to: String(push.to), event: String(push.event), args: push.args ?? [], where: idOf(record) };
      yield* loose;
    },
  };
}

/** What kind of trace it is, as it was recorded: known also where nothing of it is kept. */
function kindsOf({ recordings }: BeginRecord): Map<string, { [key: string]: Json }> {
  const kinds = new Map<string, { [key: string]: Json }>();
  for (const { name, sessions } of recordings)
    for (const { id, traces } of sessions)
      for (const [number, { expected }] of traces.entries()) {
        const { connect, emit, disconnect } = expected as { [key: string]: Json };
        const kind = { ...(connect !== undefined && { connect }), ...(emit !== undefined && { emit }), ...(disconnect !== undefined && { disconnect }) };
        kinds.set(JSON.stringify([name, id, number]), kind);
      }
  return kinds;
}

const listIn = (json: Json | undefined, key: string): Json[] => {
  const list = isJsonObject(json) ? json[key] : undefined;
  return Array.isArray(list) ? list : [];
};

/** Not validated once more: this very process has written them. Synchronous, because an assertion that nobody awaits must fail all the same. */
function* recordsOf(file: string): Generator<{ record: JournalRecord; line: number }> {
  const descriptor = openSync(file, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const chunk = Buffer.allocUnsafe(256 * 1024);
    let rest = '';
    let line = 0;
    for (let read = readSync(descriptor, chunk); read > 0; read = readSync(descriptor, chunk)) {
      const parts = (rest + decoder.write(chunk.subarray(0, read))).split('\n');
      rest = parts.pop() ?? '';
      for (const text of parts) yield { record: JSON.parse(text) as JournalRecord, line: line++ };
    }
  } finally {
    closeSync(descriptor);
  }
}
