/** (a) Did it pass, and if not, what is the first thing to look at. */

import { playwrightCommand } from '../../../src/results/command.js';
import { saturatedWords } from '../../../src/results/harness.js';
import { gates } from '../../../src/results/headline.js';
import type { Failure } from '../../../src/results/schema.js';
import { milliseconds, plural } from '../../../src/results/text.js';
import { type Child, command, h } from './dom.js';
import { badge, bigIcon, type State, wordOf } from './icons.js';
import { firstTraceOf, type Model, traceId } from './model.js';
import { formatHash, initial } from './state.js';

export function verdictView(model: Model): HTMLElement {
  const { results } = model;
  const state = results.verdict as State;
  const saturated = saturatedWords(results.tests);
  const first = results.failures.find(gates);
  const test = first && results.tests.find((candidate) => candidate.test.project === first.first.project && candidate.recordings.includes(first.recording));
  return h(
    'section',
    { id: 'verdict', class: `verdict ${results.verdict}`, 'aria-labelledby': 'verdict-title' },
    h(
      'div',
      { class: 'verdict-row' },
      bigIcon(state),
      h('div', null, h('h1', { id: 'verdict-title' }, capital(wordOf(state))), h('p', { class: 'headline' }, results.headline.replace(/^Passed: /, ''))),
    ),
    first && results.verdict !== 'passed' && h('div', { class: 'actions' }, firstLink(model, first), test && command(playwrightCommand(test, first.recording))),
    h('ul', { class: 'tiles', 'aria-label': 'The run in numbers' }, tiles(model)),
    saturated.length > 0 &&
      h(
        'div',
        { class: 'callout' },
        saturated.map((words) => h('p', null, badge('warning'), ' ', words)),
      ),
    results.errors.length > 0 &&
      h(
        'div',
        { class: 'callout bad' },
        results.errors.map(({ code, message }) => h('p', null, h('strong', null, code), ' ', message.replace(`${code}: `, ''))),
      ),
  );
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function firstLink(model: Model, failure: Failure): Child {
  const row = firstTraceOf(model, failure);
  return row && h('a', { class: 'button primary', href: formatHash({ ...initial, view: 'traces', trace: traceId(row) }) }, 'Look at this first');
}

function tiles({ results, rows }: Model): HTMLElement[] {
  const traces = results.tests.reduce((sum, test) => sum + Object.values(test.outcomes).reduce((a, b) => a + b, 0), 0);
  const sessions = results.tests.reduce((sum, test) => sum + (test.samples ? test.connected + test.connectFailed : test.clients), 0);
  const failed = rows.filter((row) => !row.good).length;
  const groups = results.failures.filter((failure) => !failure.follows && gates(failure)).length;
  const most = results.tests.reduce((peak, test) => Math.max(peak, test.clients), 0);
  const tile = (value: string, name: string): HTMLElement => h('li', null, h('strong', null, value), h('span', null, name));
  return [
    tile(
      results.tests.length.toLocaleString('en'),
      `${results.tests.length === 1 ? 'test' : 'tests'} ran${results.notRun.length > 0 ? `, ${results.notRun.length} not run` : ''}`,
    ),
    tile(most.toLocaleString('en'), 'clients at most'),
    tile(traces.toLocaleString('en'), `traces of ${plural(sessions, 'session')}`),
    tile(failed.toLocaleString('en'), `traces not passed, ${plural(groups, 'cause')}`),
    ...(results.quarantined ? [tile(results.quarantined.toLocaleString('en'), 'quarantined, not counted')] : []),
    tile(milliseconds(results.took), `since ${new Date(results.startedAt).toLocaleString()}`),
  ];
}
