/** Ceiling, soak and behavioural: what each came to in a sentence, and its levels or rounds as a picture and as a table. */
import { atLevel, climbWords } from '../../../src/results/ceiling.js';
import { SATURATED } from '../../../src/results/harness.js';
import type { CeilingSettings, JudgedHarness, Sample, TestResult } from '../../../src/results/schema.js';
import { driftWords } from '../../../src/results/soak.js';
import { milliseconds, plural } from '../../../src/results/text.js';
import { chart, type Level } from './chart.js';
import { type Child, h, payload } from './dom.js';
import { badge, type State } from './icons.js';
import type { Model } from './model.js';

/** More rounds than this are put together, so that they can be looked at. `results.json` has each of them. */
const SHOWN = 30;

export function modesView({ results }: Model): HTMLElement | null {
  const tests = results.tests.filter(({ kind }) => kind !== 'regression' && kind !== 'iteration');
  const notRun = results.notRun.filter(({ mode }) => mode !== undefined);
  if (tests.length + notRun.length === 0) return null;
  return h(
    'section',
    { id: 'modes', 'aria-labelledby': 'modes-title' },
    h('h2', { id: 'modes-title' }, 'Modes'),
    tests.map(testView),
    notRun.map(({ project }) => h('p', { class: 'lead' }, badge('not-run'), ' ', h('strong', null, project))),
  );
}

function testView(test: TestResult): HTMLElement {
  const ended = test.verdict !== 'interrupted';
  const rows = rowsOf(test);
  const [words, under] = test.climb
    ? [climbWords(test.climb, ended), test.ceiling && ceilingTerms(test.ceiling)]
    : test.kind === 'soak'
      ? [test.drift ? driftWords(test.drift) : 'The soak was interrupted.', soakTerms(test)]
      : [behaviouralWords(test), undefined];
  return h(
    'article',
    { class: `mode ${test.kind}` },
    h('h3', null, badge(test.verdict as State), ' ', payload(test.test.project)),
    h('p', { class: 'lead' }, words),
    under !== undefined && h('p', { class: 'quiet' }, under),
    test.drift && test.drift.notMeasured.length > 0 && h('p', { class: 'quiet' }, `Not measured: ${test.drift.notMeasured.join('; ')}.`),
    rows.length > 0 &&
      h(
        'div',
        { class: 'scale stacked' },
        rows.length > 1 && h('figure', null, chart(rows.map(levelOf), `Latency of ${test.test.project}`)),
        table(test, rows),
      ),
    examplesView(test.samples ?? []),
  );
}

const ceilingTerms = ({ from, step, max, latencyThreshold, maxFailures, failThreshold, min }: CeilingSettings): string =>
  `From ${from} by ${step} up to ${plural(max, 'copy', 'copies')}. A level holds with a p95 up to ${milliseconds(latencyThreshold)}, and up to ${plural(maxFailures, 'trace')} and ${failThreshold} % that did not pass. ${min === undefined ? 'Nothing depends on the result.' : `At least ${min} must hold.`}`;

const soakTerms = ({ soak, copies, clients }: TestResult): string =>
  `${atLevel({ copies, clients })} for ${milliseconds(soak?.duration ?? 0)}, one round after the other, without a reset between them.`;

const behaviouralWords = ({ copies, clients, speed }: TestResult): string =>
  `${atLevel({ copies, clients })} at the recorded times: ${speed === 'realtime' ? 'in real time' : `${speed} times as fast`}.`;

/** One line of picture and table: a level, or one or more rounds. */
interface Row {
  name: string;
  number: number;
  state: State;
  word?: string | undefined;
  clients: number;
  traces: number;
  failed: number;
  p50: number | null;
  p95: number | null;
  max: number | null;
  harness?: JudgedHarness | undefined;
  slowest?: Sample['slowest'];
  rss?: number | undefined;
}

function rowsOf(test: TestResult): Row[] {
  const { samples, kind } = test;
  if (!samples) {
    const { p50, p95, max } = test.latency;
    const traces = Object.values(test.outcomes).reduce((sum, count) => sum + count, 0);
    const state = test.verdict as State;
    const slowest = test.events.toSorted((a, b) => (b.latency.p95 ?? 0) - (a.latency.p95 ?? 0))[0];
    return [
      {
        name: test.test.project,
        number: 1,
        state,
        clients: test.clients,
        traces,
        failed: traces - test.outcomes.passed,
        p50,
        p95,
        max,
        harness: test.harness,
        ...(slowest?.latency.p95 != null && { slowest: { event: slowest.event, p95: slowest.latency.p95 } }),
      },
    ];
  }
  const size = kind === 'soak' ? Math.ceil(samples.length / SHOWN) : 1;
  const rows: Row[] = [];
  for (let from = 0; from < samples.length; from += size) rows.push(together(samples.slice(from, from + size), kind === 'soak'));
  return rows;
}

/** Of several rounds the slowest: what is shown is not better than what was. */
function together(samples: readonly Sample[], isSoak: boolean): Row {
  const [first, last] = [samples[0] as Sample, samples.at(-1) as Sample];
  const sum = (of: (sample: Sample) => number): number => samples.reduce((total, sample) => total + of(sample), 0);
  const highest = (of: (sample: Sample) => number | null): number | null =>
    samples.map(of).reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null);
  const slow = samples.toSorted((a, b) => (b.slowest?.p95 ?? 0) - (a.slowest?.p95 ?? 0))[0];
  const busiest = samples.toSorted((a, b) => Number(b.harness.saturated) - Number(a.harness.saturated) || b.harness.busy - a.harness.busy)[0];
  const failed = sum((sample) => sample.failed);
  return {
    name: isSoak ? (samples.length > 1 ? `${first.number}–${last.number}` : String(first.number)) : plural(first.copies, 'copy', 'copies'),
    number: isSoak ? first.number : first.copies,
    state: isSoak ? (failed > 0 ? 'failed' : 'finished') : first.broke ? 'broke' : 'held',
    word: first.broke?.map(({ by }) => by).join(', '),
    clients: last.clients,
    traces: sum(({ outcomes }) => Object.values(outcomes).reduce((a, b) => a + b, 0)),
    failed,
    p50: highest(({ latency }) => latency.p50),
    p95: highest(({ latency }) => latency.p95),
    max: highest(({ latency }) => latency.max),
    harness: busiest?.harness,
    slowest: slow?.slowest,
    rss: last.rss,
  };
}

const levelOf = ({ name, number, state, clients, traces, failed, p50, p95, max }: Row): Level => ({
  project: name,
  iteration: number,
  state,
  clients,
  traces,
  failed,
  p50,
  p95,
  max,
});

function table({ kind, samples = [], test }: TestResult, rows: readonly Row[]): HTMLElement {
  const time = (value: number | null): string => (value === null ? '–' : milliseconds(value));
  const hasMemory = rows.some(({ rss }) => rss !== undefined);
  const isGrouped = rows.length < samples.length;
  const titles = [
    kind === 'soak' ? (isGrouped ? 'Rounds' : 'Round') : kind === 'ceiling' ? 'Level' : 'Project',
    'Result',
    'Clients',
    'Traces',
    'Not passed',
    'p50',
    'p95',
    'max',
    'Harness busy',
    ...(hasMemory ? ['Memory'] : []),
    'Slowest event',
  ];
  const isNumber = (i: number): boolean => i > 1 && i < titles.length - 1;
  return h(
    'div',
    { class: 'wide' },
    isGrouped && h('p', { class: 'quiet' }, `Several rounds in each row: the slowest of them. results.json has all ${samples.length}.`),
    h(
      'table',
      { class: 'plain' },
      h('caption', { class: 'offscreen' }, `${test.project}: clients, traces and latency`),
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          titles.map((title, i) => h('th', { scope: 'col', class: isNumber(i) ? 'number' : null }, title)),
        ),
      ),
      h(
        'tbody',
        null,
        rows.map((row) =>
          h(
            'tr',
            null,
            h('th', { scope: 'row' }, row.name),
            h('td', null, badge(row.state), row.word !== undefined && ` ${row.word}`),
            [String(row.clients), row.traces.toLocaleString('en'), row.failed.toLocaleString('en'), time(row.p50), time(row.p95), time(row.max)].map((cell) =>
              h('td', { class: 'number' }, cell),
            ),
            h('td', { class: 'number' }, harnessCell(row.harness)),
            hasMemory && h('td', { class: 'number' }, row.rss === undefined ? 'not measured' : `${Math.round(row.rss / 2 ** 20)} MiB`),
            h('td', null, row.slowest ? [payload(row.slowest.event), ` ${milliseconds(row.slowest.p95)}`] : '–'),
          ),
        ),
      ),
    ),
  );
}

const harnessCell = (harness: JudgedHarness | undefined): Child =>
  harness ? [harness.saturated && [h('span', { title: SATURATED }, badge('warning', 'saturated')), ' '], `${Math.round(harness.busy * 100)} %`] : '–';

/** What did not pass, of the first sample in which something did not. */
function examplesView(samples: readonly Sample[]): Child {
  const sample = samples.find(({ examples }) => examples.length > 0);
  if (!sample) return null;
  return [
    h('h4', null, `What did not pass at ${atLevel(sample)}`),
    h(
      'ul',
      { class: 'notes' },
      sample.examples.map(({ message, count }) => h('li', null, payload(message), h('span', { class: 'quiet' }, ` ${count}×`))),
    ),
  ];
}
