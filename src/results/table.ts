/** The traces of one test while its journal is read: the last record of a trace counts. */
import { noDetail, outcomeOf, type ReplayedSession, type TestDetail, type TraceExtra } from './detail.js';
import { round } from './latency.js';
import { type Outcome, outcomes, type SessionRecord, type TraceRecord } from './schema.js';

/** Of an iteration, what was seen is kept of so many copies of a trace: the differences of all copies are kept anyway. */
const OBSERVED_COPIES = 25;
/** More than the traces that a session may have (20,000), so that session and trace make one number. */
const TRACES = 2 ** 20;

export class TraceTable {
  readonly detail: TestDetail = noDetail();
  private readonly sessionIndex = new Map<string, number>();
  private readonly rows = new Map<number, number>();
  private readonly extras = new Map<number, TraceExtra>();
  private readonly observedOf = new Map<string, Set<number>>();

  constructor(private readonly keepAllObserved: boolean) {}

  addSession({ type: _, ...session }: SessionRecord): void {
    Object.assign(this.session(session.recording, session.session, session.copy), session);
  }

  addTrace(record: TraceRecord): void {
    const session = this.sessionNumber(record.recording, record.session, record.copy);
    const key = session * TRACES + record.trace;
    const { columns } = this.detail;
    const row = this.rows.get(key) ?? columns.session.length;
    this.rows.set(key, row);
    columns.session[row] = session;
    columns.trace[row] = record.trace;
    columns.outcome[row] = outcomes.indexOf(record.outcome);
    columns.start[row] = record.start === null ? null : round(record.start);
    columns.latency[row] = record.latency === null ? null : round(record.latency);
    columns.waited[row] = round(record.waited ?? 0);
    columns.value[row] = record.compared.value;
    columns.type[row] = record.compared.type;
    columns.ignored[row] = record.compared.ignored;
    const extra = this.extraOf(record, row);
    if (Object.keys(extra).length > 0) this.extras.set(row, extra);
    else this.extras.delete(row);
  }

  get isEmpty(): boolean {
    return this.rows.size === 0;
  }

  has(recording: string, session: string, copy: number, trace: number): boolean {
    const number = this.sessionIndex.get(sessionKey(recording, session, copy));
    return number !== undefined && this.rows.has(number * TRACES + trace);
  }

  outcomeOf(recording: string, session: string, copy: number, trace: number): Outcome | undefined {
    const number = this.sessionIndex.get(sessionKey(recording, session, copy));
    const row = number === undefined ? undefined : this.rows.get(number * TRACES + trace);
    return row === undefined ? undefined : outcomeOf(this.detail.columns, row);
  }

  /** The recording was written anew: the trace differed, and is right since then. */
  update(recording: string, session: string, trace: number): void {
    const number = this.sessionIndex.get(sessionKey(recording, session, 0));
    const row = number === undefined ? undefined : this.rows.get(number * TRACES + trace);
    if (row !== undefined) this.extras.set(row, { ...this.extras.get(row), updated: true });
  }

  /** To be called when the journal has been read. */
  finish(): TestDetail {
    this.detail.extras = [...this.extras].sort(([a], [b]) => a - b);
    return this.detail;
  }

  session(recording: string, session: string, copy: number): ReplayedSession {
    return this.detail.sessions[this.sessionNumber(recording, session, copy)] as ReplayedSession;
  }

  private sessionNumber(recording: string, session: string, copy: number): number {
    const key = sessionKey(recording, session, copy);
    const known = this.sessionIndex.get(key);
    if (known !== undefined) return known;
    this.sessionIndex.set(key, this.detail.sessions.length);
    return this.detail.sessions.push({ recording, session, copy, user: null, outcome: 'aborted', login: null, connect: null }) - 1;
  }

  private extraOf(record: TraceRecord, row: number): TraceExtra {
    const extra: TraceExtra = {};
    if (record.differences && record.differences.length > 0) extra.differences = record.differences;
    if (record.reason !== undefined) extra.reason = record.reason;
    if (record.needs) extra.needs = record.needs;
    if (record.noAck) extra.noAck = true;
    if (record.quarantined) extra.quarantined = true;
    if (record.observed !== undefined && this.keeps(record, row)) extra.observed = record.observed;
    return extra;
  }

  private keeps(record: TraceRecord, row: number): boolean {
    if (this.keepAllObserved) return true;
    // Passed and failed copies are counted apart, so that the passed ones never push out what there is to read.
    const key = `${record.outcome === 'passed'}/${sessionKey(record.recording, record.session, record.trace)}`;
    const kept = this.observedOf.get(key) ?? new Set();
    this.observedOf.set(key, kept);
    if (kept.size >= OBSERVED_COPIES && !kept.has(row)) return false;
    kept.add(row);
    return true;
  }
}

const sessionKey = (recording: string, session: string, number: number): string => JSON.stringify([recording, session, number]);
