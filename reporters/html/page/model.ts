/** The data as the page walks it: tests, sessions and traces that point at one another. */
import type { Json } from '../../../src/recording/json.js';
import { outcomeOf, type ReplayedSession, type TestDetail, type TraceExtra } from '../../../src/results/detail.js';
import { differenceWords } from '../../../src/results/headline.js';
import type { Failure, Outcome, Recorded, TestResult } from '../../../src/results/schema.js';
import { isJsonObject } from '../../../src/results/text.js';
import type { ReportData } from './load.js';

/** One trace of a recording. */
interface Step {
  recording: Recorded;
  session: Recorded['sessions'][number];
  trace: number;
  label: string;
  kind: string;
  line: number;
  disabled: boolean;
  expected: Json;
  tables: Set<string>;
  /** in lower case */
  search: string;
}

export interface TestModel {
  index: number;
  result: TestResult;
  detail: TestDetail;
  extras: Map<number, TraceExtra>;
  clients: Client[];
}

/** A session in one copy. */
export interface Client {
  test: TestModel;
  session: ReplayedSession;
  rows: Row[];
  failed: number;
}

/** One trace of one copy. */
export interface Row {
  test: TestModel;
  row: number;
  client: Client;
  step: Step;
  outcome: Outcome;
  /** passed, or disabled and skipped as it should be */
  good: boolean;
}

export interface Model {
  results: ReportData['results'];
  tests: TestModel[];
  rows: Row[];
  clients: Client[];
  steps: Step[];
}

export function buildModel({ results, detail }: ReportData): Model {
  const steps = new Map<string, Step>();
  for (const recording of results.recordings)
    for (const session of recording.sessions)
      for (const trace of session.traces.keys()) steps.set(stepKey(recording.name, session.id, trace), makeStep(recording, session, trace));
  const model: Model = { results, tests: [], rows: [], clients: [], steps: [...steps.values()] };
  for (const [index, result] of results.tests.entries()) {
    const data = detail.tests[index];
    if (!data) continue;
    const test: TestModel = { index, result, detail: data, extras: new Map(data.extras), clients: [] };
    model.tests.push(test);
    test.clients = data.sessions.map((session) => ({ test, session, rows: [], failed: 0 }));
    addRows(model, test, steps);
    for (const client of test.clients) client.rows.sort((a, b) => a.step.trace - b.step.trace);
    model.clients.push(...test.clients);
  }
  return model;
}

function addRows(model: Model, test: TestModel, steps: Map<string, Step>): void {
  const { columns } = test.detail;
  for (let row = 0; row < columns.session.length; row += 1) {
    const client = test.clients[columns.session[row] ?? 0];
    const step = client && steps.get(stepKey(client.session.recording, client.session.session, columns.trace[row] ?? 0));
    if (!client || !step) continue;
    const outcome = outcomeOf(columns, row);
    const good = outcome === 'passed' || (outcome === 'skipped' && step.disabled);
    const item: Row = { test, row, client, step, outcome, good };
    client.rows.push(item);
    if (!good) client.failed += 1;
    model.rows.push(item);
  }
}

const stepKey = (recording: string, session: string, trace: number): string => `${recording}\u0000${session}\u0000${trace}`;

function makeStep(recording: Recorded, session: Recorded['sessions'][number], trace: number): Step {
  const { label, kind, line, disabled, expected } = session.traces[trace] as Recorded['sessions'][number]['traces'][number];
  const tables = new Set(changesIn(expected as Json).map(({ table }) => table));
  const search = [label, recording.name, session.id, session.user ?? '', `${recording.file}:${line}`, ...tables, ...pushEvents(expected as Json)]
    .join(' ')
    .toLowerCase();
  return { recording, session, trace, label, kind, line, disabled: disabled === true, expected: expected as Json, tables, search };
}

const listIn = (json: Json, key: string): Json[] => {
  const list = isJsonObject(json) ? json[key] : undefined;
  return Array.isArray(list) ? list : [];
};

const pushEvents = (expected: Json): string[] => listIn(expected, 'pushes').map((push) => (isJsonObject(push) ? String(push.event) : ''));

export interface ChangeView {
  op: 'insert' | 'update' | 'delete';
  table: string;
  key?: Json;
  values: { [key: string]: Json };
  was: { [key: string]: Json };
}

/** The changes of a trace, recorded or observed. */
export function changesIn(trace: Json | undefined): ChangeView[] {
  return listIn(trace ?? null, 'changes').flatMap((change): ChangeView[] => {
    if (!isJsonObject(change)) return [];
    const op = (['insert', 'update', 'delete'] as const).find((name) => typeof change[name] === 'string');
    if (!op) return [];
    const values = op === 'insert' ? change.row : change.set;
    return [{ op, table: String(change[op]), key: change.key, values: isJsonObject(values) ? values : {}, was: isJsonObject(change.was) ? change.was : {} }];
  });
}

export interface PushView {
  to: string;
  event: string;
  args: Json[];
}

/** The pushes of a trace, one for each receiver. */
export const pushesIn = (trace: Json | undefined): PushView[] =>
  listIn(trace ?? null, 'pushes').flatMap((push): PushView[] => {
    if (!isJsonObject(push)) return [];
    const receivers = Array.isArray(push.to) ? push.to : [push.to ?? ''];
    return receivers.map((to) => ({ to: String(to), event: String(push.event), args: Array.isArray(push.args) ? push.args : [] }));
  });

export const extraOf = (row: Row): TraceExtra => row.test.extras.get(row.row) ?? {};

/** The first thing that is wrong with a trace, in a few words. */
export function problemOf(row: Row): string {
  const { differences, reason } = extraOf(row);
  const [first] = differences ?? [];
  if (!first) return reason ?? '';
  return `${differenceWords(first)}${(differences?.length ?? 0) > 1 ? ` and ${(differences?.length ?? 0) - 1} more` : ''}`;
}

/** How a link names a trace: `iteration-3/annotate-together/alice/2@1`. */
export const traceId = ({ test, client: { session }, step }: Row): string =>
  `${test.result.test.project}/${session.recording}/${session.session}/${step.trace}@${session.copy}`;

export const findTrace = (model: Model, id: string): Row | undefined => model.rows.find((row) => traceId(row) === id);

export const firstTraceOf = (model: Model, failure: Failure): Row | undefined =>
  model.rows.find(
    ({ test, client: { session }, step }) =>
      step.trace === failure.trace &&
      session.session === failure.session &&
      session.recording === failure.recording &&
      session.copy === failure.first.copy &&
      test.result.test.project === failure.first.project,
  );
