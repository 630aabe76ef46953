/** One journal as a test with all its traces: also those that it has no record of. */
import { ReplayError } from '../errors.js';
import type { TestDetail } from './detail.js';
import { readJournal } from './read.js';
import type { BeginRecord, EndRecord, NoteRecord, Recorded, Sample, SessionRecord, TestResult, TraceRecord, UpdatedRecord } from './schema.js';
import { TraceTable } from './table.js';
import { plural } from './text.js';

export interface Problem {
  code: string;
  message: string;
}

export interface LoadedTest {
  begin: BeginRecord;
  end?: EndRecord;
  left?: TestResult['left'];
  updated: UpdatedRecord[];
  /** of a ceiling or a soak */
  samples: Sample[];
  notes: Omit<NoteRecord, 'type'>[];
  detail: TestDetail;
  /** what is wrong with the journal itself */
  problems: Problem[];
  /** by recording and session, to find traces quickly */
  recorded: Map<string, Recorded['sessions'][number]>;
}

export const INTERRUPTED = 'the run was interrupted before this trace settled';

/** Undefined: the journal is of another run. A journal that ends before its `begin` gives problems only. */
export async function loadJournal(file: string, run: string): Promise<LoadedTest | Problem[] | undefined> {
  let begin: BeginRecord | undefined;
  let end: EndRecord | undefined;
  let table: TraceTable | undefined;
  let left: LoadedTest['left'];
  const updated: UpdatedRecord[] = [];
  const samples: Sample[] = [];
  const notes: LoadedTest['notes'] = [];
  const problems: Problem[] = [];
  const failedSessions: SessionRecord[] = [];
  try {
    for await (const record of readJournal(file)) {
      if (record.type === 'begin') {
        if (record.run !== run) return undefined;
        begin = record;
        table ??= new TraceTable(record.kind === 'regression');
      } else if (!table) throw new ReplayError('REPLAY_JOURNAL_INVALID', 'The journal does not start with `begin`.', { file, line: 1 });
      else if (record.type === 'trace') table.addTrace(record);
      else if (record.type === 'session') {
        table.addSession(record);
        if (record.outcome !== 'connected') failedSessions.push(record);
      } else if (record.type === 'end') end = record;
      else if (record.type === 'received') continue;
      else if (record.type === 'left') left = addLeft(left, record);
      else if (record.type === 'updated') updated.push(record);
      else if (record.type === 'sample') {
        const { type: _type, ...sample } = record;
        samples.push(sample);
      } else notes.push({ level: record.level, code: record.code, message: record.message, ...(record.detail !== undefined && { detail: record.detail }) });
    }
  } catch (error) {
    problems.push(problemOf(error, 'REPLAY_JOURNAL_INVALID'));
  }
  if (!begin || !table)
    return problems.length > 0 ? problems : [{ code: 'REPLAY_JOURNAL_INVALID', message: `${file} is empty: its test was killed before it began` }];
  const recorded = new Map(begin.recordings.flatMap(({ name, sessions }) => sessions.map((session) => [recordedKey(name, session.id), session] as const)));
  for (const session of failedSessions) if (session.outcome === 'connect-failed') tellConnect(table, session);
  // A ceiling and a soak write what did not pass; how many traces there were stands in their samples.
  const missing = begin.kind === 'ceiling' || begin.kind === 'soak' ? 0 : complete(table, begin, end, failedSessions);
  if (missing > 0) problems.push({ code: 'REPLAY_UNSETTLED', message: `${plural(missing, 'trace')} of ${begin.test.title} ended without a result` });
  for (const { recording, traces } of updated) for (const { session, trace } of traces) table.update(recording, session, trace);
  return { begin, end, ...(left && { left }), updated, samples, notes, problems, recorded, detail: table.finish() };
}

/** Every level of a ceiling leaves its own. */
const addLeft = (before: TestResult['left'], { inserted, updated, deleted }: NonNullable<TestResult['left']>): TestResult['left'] => ({
  inserted: inserted + (before?.inserted ?? 0),
  updated: updated + (before?.updated ?? 0),
  deleted: deleted + (before?.deleted ?? 0),
});

export const recordedKey = (recording: string, session: string): string => JSON.stringify([recording, session]);

const problemOf = (error: unknown, code: string): Problem =>
  error instanceof ReplayError ? { code: error.code, message: error.message } : { code, message: error instanceof Error ? error.message : String(error) };

/** A session that could not connect has failed at its first trace, whatever is written of that trace. */
function tellConnect(table: TraceTable, { recording, session, copy, reason }: SessionRecord): void {
  const known = table.outcomeOf(recording, session, copy, 0);
  if (known !== undefined && known !== 'aborted') return;
  table.addTrace({ ...nothing, recording, session, copy, trace: 0, outcome: 'connect-failed', reason });
}

const nothing = { type: 'trace', start: null, latency: null, compared: { value: 0, type: 0, ignored: 0 } } as const;

/** Adds every planned trace that has no record. The result is how many of them nothing explains. */
function complete(table: TraceTable, begin: BeginRecord, end: EndRecord | undefined, failedSessions: SessionRecord[]): number {
  const reasons = new Map(failedSessions.map((session) => [JSON.stringify([session.recording, session.session, session.copy]), sessionReason(session)]));
  // What was ended before its first trace says itself why.
  const [ended] = table.isEmpty ? (end?.errors ?? []) : [];
  const stopped = ended && `nothing was sent: ${ended.message}`;
  let missing = 0;
  for (const planned of plannedTraces(begin)) {
    const { recording, session, copy, trace, disabled } = planned;
    if (table.has(recording, session, copy, trace)) continue;
    const reason = reasons.get(JSON.stringify([recording, session, copy]));
    // A disabled trace needs no result.
    if (disabled && (end || reason)) continue;
    if (!reason && !stopped && end) missing += 1;
    const why = reason ?? stopped ?? (end ? 'it has no result' : INTERRUPTED);
    const record: TraceRecord = { ...nothing, recording, session, copy, trace, outcome: 'aborted', reason: why };
    table.addTrace(record);
  }
  return missing;
}

function sessionReason({ outcome, reason }: SessionRecord): string {
  const what = {
    'connect-failed': 'its session could not connect',
    disconnected: 'its session lost the connection',
    aborted: 'its session was aborted',
    connected: '',
  }[outcome];
  return reason ? `${what}: ${reason}` : what;
}

interface Planned {
  recording: string;
  session: string;
  copy: number;
  trace: number;
  disabled: boolean;
}

/** Slot i replays pool[i mod N] in copy floor(i / N). */
function* plannedTraces({ recordings, clients }: BeginRecord): Generator<Planned> {
  const pool = recordings.flatMap(({ name, sessions }) => sessions.map((session) => ({ name, session })));
  for (let slot = 0; slot < clients && pool.length > 0; slot += 1) {
    const { name, session } = pool[slot % pool.length] as (typeof pool)[number];
    const copy = Math.floor(slot / pool.length);
    for (const [trace, recorded] of session.traces.entries()) yield { recording: name, session: session.id, copy, trace, disabled: recorded.disabled === true };
  }
}
