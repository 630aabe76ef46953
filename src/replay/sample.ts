/** The pool replayed once as a sample: a level of a ceiling, a round of a soak. Added up, because there may be thousands. */
import { labelOf } from '../recording/schema.js';
import { judgeHarness } from '../results/harness.js';
import { failureWords } from '../results/headline.js';
import { percentile, summarize } from '../results/latency.js';
import type { EndRecord, JournalRecord, Sample, TraceRecord } from '../results/schema.js';
import { round } from './records.js';
import { type ReplayInput, type ReplaySummary, replay } from './replay.js';

/** So many different failures of a sample are told. */
const EXAMPLES = 5;

export interface Sampled {
  sample: Sample;
  summary: ReplaySummary;
  latencies: number[];
  /** what did not pass, quarantined or not */
  failed: TraceRecord[];
  end: EndRecord;
}

/** Notes are written to the journal, traces are not: `failed` has those that somebody should read. */
export async function takeSample(input: ReplayInput, number: number, start: number): Promise<Sampled> {
  const clients = input.copies * input.recordings.reduce((sum, { recording }) => sum + recording.sessions.length, 0);
  // The last record of a trace counts.
  const traces = new Map<string, TraceRecord>();
  let end: EndRecord | undefined;
  const write = (record: JournalRecord): void => {
    if (record.type === 'trace') traces.set(JSON.stringify([record.copy, record.recording, record.session, record.trace]), record);
    else if (record.type === 'end') end = record;
    else if (record.type === 'note') input.write(record);
  };
  const summary = await replay({ ...input, write });
  const last: EndRecord = end ?? {
    type: 'end',
    verdict: summary.verdict,
    took: 0,
    foreign: 0,
    unattributed: { pushes: 0, changes: 0 },
    eventLoopDelay: 0,
    errors: [],
  };
  const { rss } = (await input.probe?.drain(input.ackTimeout).catch(() => undefined)) ?? {};
  const all = [...traces.values()];
  const failed = all.filter((trace) => trace.outcome !== 'passed' && !isDisabled(trace, input));
  const latencies = all.flatMap(({ latency }) => (latency === null ? [] : [latency]));
  const latency = summarize(latencies);
  const slowest = slowestOf(all, input);
  const sample: Sample = {
    number,
    copies: input.copies,
    clients,
    start: round(start),
    took: last.took,
    outcomes: summary.counts,
    failed: failed.filter(({ quarantined }) => !quarantined).length,
    compared: comparedOf(all),
    latency,
    ...(slowest && { slowest }),
    harness: judgeHarness(last.harness ?? { p99: 0, max: 0, busy: 0 }),
    ...(rss !== undefined && { rss }),
    errors: summary.errors,
    examples: examplesOf(failed, input),
  };
  return { sample, summary, latencies, failed, end: last };
}

const recordedOf = ({ recording, session, trace }: TraceRecord, { recordings }: ReplayInput) =>
  recordings.find((loaded) => loaded.recording.name === recording)?.recording.sessions.find(({ id }) => id === session)?.traces[trace];

const isDisabled = (trace: TraceRecord, input: ReplayInput): boolean => trace.outcome === 'skipped' && recordedOf(trace, input)?.disabled === true;

function comparedOf(traces: readonly TraceRecord[]): Sample['compared'] {
  const sum = { value: 0, type: 0, ignored: 0 };
  for (const { compared } of traces) for (const key of ['value', 'type', 'ignored'] as const) sum[key] += compared[key];
  return sum;
}

const eventOf = (trace: TraceRecord, input: ReplayInput): string => {
  const recorded = recordedOf(trace, input);
  return recorded ? labelOf(recorded) : `trace ${trace.trace}`;
};

function slowestOf(traces: readonly TraceRecord[], input: ReplayInput): Sample['slowest'] {
  const byEvent = new Map<string, number[]>();
  for (const trace of traces) {
    if (trace.latency === null) continue;
    const event = eventOf(trace, input);
    const list = byEvent.get(event);
    if (list) list.push(trace.latency);
    else byEvent.set(event, [trace.latency]);
  }
  const events = [...byEvent].map(([event, list]) => ({
    event,
    p95:
      percentile(
        list.sort((a, b) => a - b),
        0.95,
      ) ?? 0,
  }));
  return events.sort((a, b) => b.p95 - a.p95)[0];
}

function examplesOf(failed: readonly TraceRecord[], input: ReplayInput): Sample['examples'] {
  const counts = new Map<string, number>();
  for (const trace of failed) {
    // What was aborted only follows from what failed.
    if (trace.quarantined || (trace.outcome === 'aborted' && failed.some(({ outcome }) => outcome !== 'aborted'))) continue;
    const words = failureWords({ outcome: trace.outcome, difference: trace.differences?.[0], reason: trace.reason }, input.ackTimeout);
    const message = `${trace.recording}: ${trace.session}'s ${eventOf(trace, input)} — ${words}`;
    counts.set(message, (counts.get(message) ?? 0) + 1);
  }
  const examples = [...counts].map(([message, count]) => ({ message, count }));
  return examples.sort((a, b) => b.count - a.count).slice(0, EXAMPLES);
}
