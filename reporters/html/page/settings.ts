/** (e) Under which conditions all this is true. */
import { harnessWords, SATURATED } from '../../../src/results/harness.js';
import type { TestResult } from '../../../src/results/schema.js';
import { formatValue, milliseconds, plural } from '../../../src/results/text.js';
import { type Child, h, long, payload } from './dom.js';
import { badge } from './icons.js';
import type { Model } from './model.js';

export function settingsView({ results }: Model): HTMLElement {
  return h(
    'section',
    { id: 'settings', 'aria-labelledby': 'settings-title' },
    h('h2', { id: 'settings-title' }, 'Conditions'),
    h('p', { class: 'lead' }, 'Target ', results.target === null ? 'unknown' : payload(results.target, 'mono'), ', run ', payload(results.run, 'mono'), '.'),
    results.tests.map((test, i) => testView(test, i === 0 && results.tests.length === 1)),
  );
}

const rowsText: Record<NonNullable<TestResult['rows']>, string> = {
  probe: 'by the probe: each with the trace that caused it',
  time: 'by time, one copy: seen from outside, each put under the trace that expects it',
  iteration: 'by iteration: seen from outside, and only counted by table',
  'not measured': 'not measured',
};

function testView(test: TestResult, open: boolean): HTMLElement {
  const warnings = test.notes.filter(({ level }) => level !== 'info').length + test.errors.length;
  return h(
    'details',
    { class: 'settings', open: open || test.errors.length > 0 },
    h(
      'summary',
      null,
      h('strong', null, test.test.project),
      ' ',
      payload(test.test.title),
      ' ',
      h(
        'span',
        { class: 'quiet' },
        `${test.level}${warnings > 0 ? `, ${plural(warnings, 'warning')}` : ''}${test.notMeasured.length > 0 ? `, ${test.notMeasured.length} not measured` : ''}`,
      ),
    ),
    test.errors.map(({ code, message }) => h('p', { class: 'callout bad' }, h('strong', null, code), ' ', message.replace(`${code}: `, ''))),
    h('dl', { class: 'facts wide' }, factsOf(test)),
    test.notes.length > 0 && [
      h('h3', null, 'Notes'),
      h(
        'ul',
        { class: 'notes' },
        test.notes.map((note) =>
          h(
            'li',
            null,
            badge(note.level),
            ' ',
            h('strong', null, note.code),
            ' ',
            long(note.message, 400),
            note.detail !== undefined && [' ', long(formatValue(note.detail), 120, 'mono')],
          ),
        ),
      ),
    ],
    totalsView(test),
    eventsView(test),
  );
}

function factsOf(test: TestResult): Child[] {
  const fact = (name: string, ...value: Child[]): Child => h('div', null, h('dt', null, name), h('dd', null, value));
  const measured = ['acks', 'pushes', 'changes'].map((what) =>
    test.measures.some((measure) => measure === what) ? badge('passed', what) : badge('not-judged', `${what} not measured`),
  );
  return [
    fact(
      'Comparison',
      test.level === 'exact' ? 'exact: alone, everything is compared' : 'shared: among others, what this copy made is compared exactly',
      test.levelReason !== undefined && `. ${test.levelReason}`,
    ),
    fact(
      'Compared',
      `${test.compared.value.toLocaleString('en')} by value, ${test.compared.type.toLocaleString('en')} by type, ${test.compared.ignored.toLocaleString('en')} ignored`,
    ),
    fact('Measured', measured),
    fact(
      'Not measured',
      test.notMeasured.length === 0
        ? 'nothing is missing'
        : h(
            'ul',
            null,
            test.notMeasured.map((sentence) => h('li', null, sentence)),
          ),
    ),
    fact(
      'Clients',
      `${test.clients} in ${test.copies === 1 ? 'one copy' : `${test.copies} copies`}, ${test.connected} connected, ${test.connectFailed} could not`,
    ),
    fact('Speed', test.speed),
    ...(test.spreadMs === undefined ? [] : [fact('Start', `the copies one after the other over ${milliseconds(test.spreadMs)}`)]),
    fact('Ack timeout', milliseconds(test.ackTimeout)),
    fact('Probe', test.probe ? 'yes' : 'no: causes are unknown'),
    ...(test.rows ? [fact('Row changes', `${rowsText[test.rows]}${test.watch === undefined ? '' : ` (${test.watch})`}`)] : []),
    fact('Foreign pushes', test.foreign.toLocaleString('en')),
    fact('Unattributed', `${plural(test.unattributed.pushes, 'push', 'pushes')}, ${plural(test.unattributed.changes, 'change')}`),
    fact(
      'Ignored changes',
      test.ignoredChanges === undefined ? 'none' : `${plural(test.ignoredChanges, 'change')} of tables and columns that the configuration ignores`,
    ),
    test.left &&
      fact(
        'Left in the database',
        `${plural(test.left.inserted, 'row')} inserted, ${test.left.updated} changed, ${test.left.deleted} deleted: there was no reset`,
      ),
    test.checkpoints && fact('Checkpoints', `${test.checkpoints.compared} compared, ${test.checkpoints.notCompared} not`),
    test.recordedUnattributed &&
      fact('Recorded without a cause', `${plural(test.recordedUnattributed.recorded, 'change')}, ${test.recordedUnattributed.seen} seen again without one`),
    fact('Harness delay', harnessText(test)),
    fact('Took', test.took === null ? 'interrupted' : milliseconds(test.took)),
    fact('Scenario', payload(`${test.test.file}:${test.test.line}`, 'mono')),
  ];
}

function harnessText({ eventLoopDelay, harness }: TestResult): string {
  if (eventLoopDelay === null) return 'unknown';
  const most = `${milliseconds(eventLoopDelay)} at most; latencies below that mean nothing`;
  return harness ? `${most}. ${capital(harnessWords(harness))}${harness.saturated ? `: ${SATURATED}` : ''}` : most;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What all copies together wrote, beside what was recorded. */
function totalsView({ totals = [], copies }: TestResult): Child {
  if (totals.length === 0) return null;
  return [
    h('h3', null, 'Totals'),
    h(
      'table',
      { class: 'plain' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['Rows', copies === 1 ? 'Recorded' : `Recorded × ${copies}`, 'This run', 'Without a cause', ''].map((title, i) =>
            h('th', { scope: 'col', class: i > 0 ? 'number' : null }, title),
          ),
        ),
      ),
      h(
        'tbody',
        null,
        totals.map(({ table, column, expected, actual, unattributed }) =>
          h(
            'tr',
            { class: expected === actual ? null : 'differs' },
            h('th', { scope: 'row' }, column === undefined ? ['inserted into ', payload(table)] : ['added to ', payload(`${table}.${column}`)]),
            [expected, actual, unattributed].map((n) => h('td', { class: 'number' }, n.toLocaleString('en'))),
            h('td', null, badge(expected === actual ? 'matched' : 'differs')),
          ),
        ),
      ),
    ),
  ];
}

function eventsView(test: TestResult): Child {
  const time = (value: number | null): string => (value === null ? '–' : milliseconds(value));
  if (test.events.length === 0) return null;
  return [
    h('h3', null, 'Events'),
    h(
      'table',
      { class: 'plain' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['Event', 'Traces', 'Not passed', 'p50', 'p95', 'max'].map((title, i) => h('th', { scope: 'col', class: i > 0 ? 'number' : null }, title)),
        ),
      ),
      h(
        'tbody',
        null,
        test.events.map(({ event, count, failed, latency }) =>
          h(
            'tr',
            null,
            h('th', { scope: 'row' }, payload(event)),
            [count.toLocaleString('en'), failed.toLocaleString('en'), time(latency.p50), time(latency.p95), time(latency.max)].map((cell) =>
              h('td', { class: 'number' }, cell),
            ),
          ),
        ),
      ),
    ),
  ];
}
