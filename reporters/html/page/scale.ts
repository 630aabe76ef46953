/** (b) How far did it scale: a picture, and the same as a table. */
import { milliseconds } from '../../../src/results/text.js';
import { chart, type Level } from './chart.js';
import { h } from './dom.js';
import { badge, type State } from './icons.js';
import type { Model, TestModel } from './model.js';
import { formatHash, initial } from './state.js';

export function scaleView(model: Model): HTMLElement {
  const levels = levelsOf(model);
  return h(
    'section',
    { id: 'scale', 'aria-labelledby': 'scale-title' },
    h('h2', { id: 'scale-title' }, 'How far did it scale'),
    levels.length === 0
      ? h('p', { class: 'quiet' }, 'No iterations were planned in this run.')
      : [h('p', { class: 'lead' }, words(levels)), h('div', { class: 'scale' }, h('figure', null, chart(levels)), table(levels))],
  );
}

function words(levels: readonly Level[]): string {
  const good = levels.filter((level) => level.state === 'finished');
  const last = good.at(-1);
  const bad = levels.find((level) => level.state !== 'finished' && level.state !== 'not-run');
  const held = last ? `Every client passed up to ${last.project}, with ${last.clients} clients.` : 'No iteration passed.';
  return bad ? `${held} ${bad.project}, with ${bad.clients} clients, did not.` : held;
}

/** Iterations, those that did not run too. */
function levelsOf({ tests, results }: Model): Level[] {
  const ran = tests.filter(({ result }) => result.kind === 'iteration').map(levelOf);
  const notRun = results.notRun
    .filter(({ iteration, mode }) => iteration > 0 && mode === undefined)
    .map(({ project, iteration }): Level => ({ project, iteration, state: 'not-run', clients: null, traces: 0, failed: 0, p50: null, p95: null, max: null }));
  return [...ran, ...notRun].sort((a, b) => a.iteration - b.iteration);
}

function levelOf({ result, clients }: TestModel): Level {
  const traces = clients.reduce((sum, client) => sum + client.rows.length, 0);
  const failed = clients.reduce((sum, client) => sum + client.failed, 0);
  const { p50, p95, max } = result.latency;
  return { project: result.test.project, iteration: result.iteration, state: result.verdict as State, clients: result.clients, traces, failed, p50, p95, max };
}

function table(levels: readonly Level[]): HTMLElement {
  const time = (value: number | null): string => (value === null ? '–' : milliseconds(value));
  const titles = ['Iteration', 'Result', 'Clients', 'Traces', 'Not passed', 'p50', 'p95', 'max'];
  return h(
    'table',
    { class: 'plain' },
    h('caption', { class: 'offscreen' }, 'Iterations: clients, traces and latency'),
    h(
      'thead',
      null,
      h(
        'tr',
        null,
        titles.map((title, i) => h('th', { scope: 'col', class: i > 1 ? 'number' : null }, title)),
      ),
    ),
    h(
      'tbody',
      null,
      levels.map((level) => {
        const ran = level.state !== 'not-run';
        const cells = ran
          ? [String(level.clients), level.traces.toLocaleString('en'), level.failed.toLocaleString('en'), time(level.p50), time(level.p95), time(level.max)]
          : ['–', '–', '–', '–', '–', '–'];
        return h(
          'tr',
          null,
          h('th', { scope: 'row' }, ran ? h('a', { href: formatHash({ ...initial, view: 'clients', project: level.project }) }, level.project) : level.project),
          h('td', null, badge(level.state)),
          cells.map((cell) => h('td', { class: 'number' }, cell)),
        );
      }),
    ),
  );
}
