/** A run's directory of journals as its results. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { climbOf } from './ceiling.js';
import { comparedOf, type Detail, outcomeOf, type TestDetail } from './detail.js';
import { failedTraces, groupFailures } from './group.js';
import { judgeHarness } from './harness.js';
import { headlineOf } from './headline.js';
import { summarize } from './latency.js';
import { type LoadedTest, loadJournal, type Problem, recordedKey } from './load.js';
import { type Mode, modes, outcomes, RESULTS_VERSION, type Recorded, type Results, type Sample, type TestResult, type Verdict, verdicts } from './schema.js';

export interface PlannedProject {
  project: string;
  iteration: number;
  mode?: Mode;
}

export interface CollectOptions {
  /** where the journals of the run lie; need not exist */
  directory: string;
  run: string;
  startedAt: Date;
  /** of this run, after Playwright's filters */
  plannedProjects: readonly PlannedProject[];
  /** what the journals cannot know: errors of the whole run */
  errors?: readonly Problem[];
  /** nothing could start: the errors say why */
  notStarted?: boolean;
  /** was told to stop */
  interrupted?: boolean;
  finishedAt?: Date;
}

type SampledResult = Pick<TestResult, 'samples' | 'outcomes' | 'copies' | 'clients' | 'connected' | 'connectFailed' | 'compared' | 'harness' | 'climb'>;

export async function collectRun(options: CollectOptions): Promise<{ results: Results; detail: Detail }> {
  const { run, startedAt, plannedProjects } = options;
  const { tests, problems } = await loadRun(options);
  const recordings = recordingsOf(tests);
  const failures = groupFailures(tests, recordings);
  const testResults = tests.map(testResult);
  const errors = [...(options.errors ?? []), ...problems];
  const ran = new Set(tests.map(({ begin }) => begin.test.project));
  const notRun = plannedProjects
    .filter(({ project }) => !ran.has(project))
    .map(({ project, iteration, mode }) => ({ project, iteration, ...(mode && { mode }) }))
    .sort((a, b) => rankOf(a.mode) - rankOf(b.mode) || a.iteration - b.iteration);
  const replayed = testResults.some((test) => Object.values(test.outcomes).some((count) => count > 0));
  if (!replayed && errors.length === 0) errors.push({ code: 'REPLAY_EMPTY', message: 'Nothing was replayed: no test of a replay project left a result' });
  const finishedAt = options.finishedAt ?? new Date();
  const quarantined = failures.filter((failure) => failure.quarantined).length;
  const results: Omit<Results, 'headline'> = {
    version: RESULTS_VERSION,
    run,
    verdict: overall(testResults, errors, notRun.length > 0 || options.interrupted === true, options.notStarted === true && tests.length === 0),
    startedAt: startedAt.toISOString(),
    took: Math.max(0, finishedAt.getTime() - startedAt.getTime()),
    target: tests[0]?.begin.target ?? null,
    tests: testResults,
    notRun,
    failures,
    ...(quarantined > 0 && { quarantined }),
    recordings,
    traces: tests.flatMap(tracesOf),
    errors,
  };
  return { results: { ...results, headline: headlineOf(results) }, detail: { tests: tests.map(({ detail }) => detail) } };
}

/** The tests by iteration, and in the order in which they began. */
async function loadRun({ directory, run }: CollectOptions): Promise<{ tests: LoadedTest[]; problems: Problem[] }> {
  const files = (await readdir(directory).catch(() => [] as string[])).filter((file) => file.endsWith('.ndjson')).sort();
  const tests: LoadedTest[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const loaded = await loadJournal(join(directory, file), run);
    if (Array.isArray(loaded)) problems.push(...loaded);
    else if (loaded) tests.push(loaded);
  }
  tests.sort(({ begin: a }, { begin: b }) => rankOf(a.kind) - rankOf(b.kind) || a.iteration - b.iteration || a.at - b.at);
  return { tests: lastAttempts(tests), problems };
}

/** Of a test that Playwright retried the last attempt counts, as it does for Playwright; a note tells of the others. */
function lastAttempts(tests: readonly LoadedTest[]): LoadedTest[] {
  const byTest = new Map<string, LoadedTest>();
  for (const test of tests) {
    const { project, file, line, title } = test.begin.test;
    const key = JSON.stringify([project, file, line, title]);
    const earlier = byTest.get(key);
    if (earlier)
      test.notes.unshift(...earlier.notes.filter(({ code }) => code === 'retried'), {
        level: 'warning',
        code: 'retried',
        message: `An earlier attempt ended ${earlier.end?.verdict ?? 'interrupted'}; the last one counts`,
      });
    byTest.set(key, test);
  }
  const last = new Set(byTest.values());
  return tests.filter((test) => last.has(test));
}

/** Modes come after the iterations. */
const rankOf = (kind: string | undefined): number => (modes as readonly (string | undefined)[]).indexOf(kind) + 1;

function recordingsOf(tests: readonly LoadedTest[]): Recorded[] {
  const recordings = new Map<string, Recorded>();
  for (const { begin } of tests) for (const recording of begin.recordings) if (!recordings.has(recording.name)) recordings.set(recording.name, recording);
  return [...recordings.values()];
}

function testResult(test: LoadedTest): TestResult {
  const { begin, end, detail, notes, problems } = test;
  const { type: _type, version: _version, run: _run, recordings, ...about } = begin;
  const { columns, sessions } = detail;
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as TestResult['outcomes'];
  const compared = { value: 0, type: 0, ignored: 0 };
  for (let row = 0; row < columns.session.length; row += 1) {
    const outcome = outcomeOf(columns, row);
    counts[outcome] += 1;
    const { value, type, ignored } = comparedOf(columns, row);
    compared.value += value;
    compared.type += type;
    compared.ignored += ignored;
  }
  const sampled = sampledOf(test);
  for (const outcome of sampled ? outcomes : []) counts[outcome] = sampled?.outcomes[outcome] ?? 0;
  const errors = [...(end?.errors ?? []), ...problems];
  const empty = sampled ? sampled.samples?.length === 0 && errors.length === 0 : columns.session.length === 0;
  if (empty) errors.push({ code: 'REPLAY_EMPTY', message: `${begin.test.title} replayed no trace` });
  const latency = end?.latency ?? summarize(columns.latency.filter((latency) => latency !== null));
  const connectFailed = sessions.filter(({ outcome }) => outcome === 'connect-failed').length;
  return {
    ...about,
    recordings: recordings.map(({ name }) => name),
    verdict: verdictOf(test, errors.length > 0),
    took: end?.took ?? null,
    outcomes: counts,
    connected: sessions.filter(({ outcome }) => outcome === 'connected' || outcome === 'disconnected').length,
    connectFailed,
    latency,
    compared,
    foreign: end?.foreign ?? 0,
    unattributed: end?.unattributed ?? { pushes: 0, changes: 0 },
    eventLoopDelay: end?.eventLoopDelay ?? null,
    errors,
    notes,
    events: eventsOf(test, detail),
    ...(test.left && { left: test.left }),
    ...(test.updated.length > 0 && { updated: test.updated.map(({ recording, file, traces }) => ({ recording, file, traces: traces.length })) }),
    ...(end?.totals && { totals: end.totals }),
    ...(end?.checkpoints && { checkpoints: end.checkpoints }),
    ...(end?.ignoredPushes !== undefined && { ignoredPushes: end.ignoredPushes }),
    ...(end?.ignoredChanges !== undefined && { ignoredChanges: end.ignoredChanges }),
    ...(end?.recordedUnattributed && { recordedUnattributed: end.recordedUnattributed }),
    ...(end?.harness && { harness: judgeHarness(end.harness) }),
    ...(end?.drift && { drift: end.drift }),
    ...sampled,
  };
}

/** What the samples of a ceiling or a soak add up to. */
function sampledOf({ begin, samples }: LoadedTest): SampledResult | undefined {
  if (begin.kind !== 'ceiling' && begin.kind !== 'soak') return undefined;
  const sum = (of: (sample: Sample) => number): number => samples.reduce((total, sample) => total + of(sample), 0);
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, sum((sample) => sample.outcomes[outcome] ?? 0)])) as TestResult['outcomes'];
  const worst = samples.toSorted((a, b) => Number(b.harness.saturated) - Number(a.harness.saturated) || b.harness.p99 - a.harness.p99)[0];
  return {
    samples,
    outcomes: counts,
    copies: Math.max(begin.copies, ...samples.map(({ copies }) => copies)),
    clients: Math.max(begin.clients, ...samples.map(({ clients }) => clients)),
    connected: sum(({ clients }) => clients) - counts['connect-failed'],
    connectFailed: counts['connect-failed'],
    compared: { value: sum(({ compared }) => compared.value), type: sum(({ compared }) => compared.type), ignored: sum(({ compared }) => compared.ignored) },
    ...(worst && { harness: worst.harness }),
    ...(begin.kind === 'ceiling' && { climb: climbOf(samples) }),
  };
}

/** Worst wins: what the test itself said, and what its traces say. */
function verdictOf(test: LoadedTest, broken: boolean): Verdict {
  let worst: Verdict = broken ? 'failed' : (test.end?.verdict ?? 'interrupted');
  // What differed is what the recording says now.
  if (worst === 'failed' && !broken && test.updated.length > 0) worst = 'updated';
  const worsen = (verdict: Verdict): void => {
    if (verdicts.indexOf(verdict) < verdicts.indexOf(worst)) worst = verdict;
  };
  if (!test.end) worsen('interrupted');
  for (const { outcome, extra } of failedTraces(test))
    if (!extra.quarantined && !extra.updated) worsen(outcome === 'disconnected' ? 'disconnected' : outcome === 'aborted' ? 'interrupted' : 'failed');
  return worst;
}

function overall(tests: readonly TestResult[], errors: readonly Problem[], interrupted: boolean, notStarted: boolean): Results['verdict'] {
  if (notStarted) return 'not-started';
  const found = new Set(tests.map(({ verdict }) => verdict));
  if (found.has('failed') || found.has('disconnected') || found.has('truncated')) return 'failed';
  // What an interrupted run left behind is no failure of the application.
  if (found.has('interrupted')) return 'interrupted';
  if (errors.length > 0) return 'failed';
  if (interrupted) return 'interrupted';
  return found.has('updated') ? 'updated' : 'passed';
}

function eventsOf({ recorded }: LoadedTest, { columns, sessions }: TestDetail): TestResult['events'] {
  const events = new Map<string, { count: number; failed: number; latencies: number[] }>();
  for (let row = 0; row < columns.session.length; row += 1) {
    const session = sessions[columns.session[row] ?? 0];
    const step = session && recorded.get(recordedKey(session.recording, session.session))?.traces[columns.trace[row] ?? 0];
    const label = step?.label ?? 'unknown';
    const event = events.get(label) ?? { count: 0, failed: 0, latencies: [] };
    events.set(label, event);
    event.count += 1;
    const outcome = outcomeOf(columns, row);
    if (outcome !== 'passed' && !(outcome === 'skipped' && step?.disabled)) event.failed += 1;
    const latency = columns.latency[row];
    if (typeof latency === 'number') event.latencies.push(latency);
  }
  return [...events].map(([event, { count, failed, latencies }]) => ({ event, count, failed, latency: summarize(latencies) }));
}

/** Every trace that did not pass. The ones that an interruption left without a record are counted, not listed. */
function tracesOf(test: LoadedTest): Results['traces'] {
  const { begin, detail } = test;
  const extras = new Map(detail.extras);
  const { columns } = detail;
  const traces: Results['traces'] = [];
  for (let row = 0; row < columns.session.length; row += 1) {
    const outcome = outcomeOf(columns, row);
    const session = detail.sessions[columns.session[row] ?? 0];
    const start = columns.start[row] ?? null;
    if (outcome === 'passed' || !session || (outcome === 'aborted' && start === null && !test.end)) continue;
    const waited = columns.waited[row] ?? 0;
    traces.push({
      project: begin.test.project,
      iteration: begin.iteration,
      recording: session.recording,
      session: session.session,
      trace: columns.trace[row] ?? 0,
      copy: session.copy,
      outcome,
      start,
      latency: columns.latency[row] ?? null,
      ...(waited > 0 && { waited }),
      compared: comparedOf(columns, row),
      ...extras.get(row),
    });
  }
  return traces;
}
