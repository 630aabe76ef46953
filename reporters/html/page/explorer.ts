/** (d) Everything: tests, their clients, their traces, through one set of filters. */
import { type Outcome, outcomes } from '../../../src/results/outcome.js';
import { plural } from '../../../src/results/text.js';
import { type Counted, clientColumns, testColumns, traceColumns } from './columns.js';
import { type Child, h, replace } from './dom.js';
import { filterRows, tablesOf } from './filter.js';
import { badge } from './icons.js';
import { type Client, type Model, type Row, type TestModel, traceId } from './model.js';
import { initial, type PageState, type Store, type View, views } from './state.js';
import { type Column, virtualList } from './virtual.js';

export interface Explorer {
  element: HTMLElement;
  search: HTMLInputElement;
  show(state: PageState): void;
  move(by: number): void;
  open(): void;
  /** the trace before or after this one, in the list as it is filtered */
  neighbour(row: Row, by: number): Row | undefined;
}

type Item = Row | Counted<TestModel> | Counted<Client>;

export function explorer(model: Model, store: Store): Explorer {
  const list = virtualList<Item>((item) => open(item, store));
  const search = h('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search: event, session, path, value, message',
    'aria-label': 'Search the traces',
    'aria-keyshortcuts': '/',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  search.addEventListener('input', () => store.update({ q: search.value }));
  const selects = selectsOf(model, store);
  const chips = chipsOf(model, store);
  const tabs = views.map((view) =>
    h(
      'button',
      { type: 'button', role: 'tab', id: `tab-${view}`, 'aria-controls': 'list-panel', onClick: () => store.update({ view }, true) },
      { tests: 'Tests', clients: 'Clients', traces: 'Traces' }[view],
    ),
  );
  const crumbs = h('nav', { class: 'crumbs', 'aria-label': 'Where you are' });
  const count = h('p', { class: 'quiet result-count', role: 'status' });
  const panel = h('div', { id: 'list-panel', role: 'tabpanel' }, list.element);
  let rows: Row[] = model.rows;
  let shown = '';

  const show = (state: PageState): void => {
    // What is open lies over the list and does not change it.
    const key = JSON.stringify({ ...state, trace: '' });
    if (key === shown) return;
    shown = key;
    rows = filterRows(model, state);
    if (search.value !== state.q) search.value = state.q;
    for (const { key: name, element } of selects) element.value = state[name];
    for (const { outcome, element } of chips) element.setAttribute('aria-pressed', String(state.outcome === outcome));
    tabs.forEach((tab, i) => {
      const selected = views[i] === state.view;
      tab.setAttribute('aria-selected', String(selected));
      if (selected) panel.setAttribute('aria-labelledby', tab.id);
    });
    replace(crumbs, crumbsOf(state, store));
    const clients = new Set(rows.map(({ client }) => client)).size;
    count.textContent = `${plural(rows.length, 'trace')} of ${model.rows.length.toLocaleString('en')}, ${plural(clients, 'session')}`;
    fill(state.view);
  };

  const fill = (view: View): void => {
    if (view === 'traces') list.show(rows, traceColumns as Column<Item>[], 'Traces');
    else if (view === 'clients')
      list.show(
        countBy(rows, (row) => row.client),
        clientColumns as Column<Item>[],
        'Clients',
      );
    else
      list.show(
        countBy(rows, (row) => row.test),
        testColumns as Column<Item>[],
        'Tests',
      );
  };

  const element = h(
    'section',
    { id: 'traces', 'aria-labelledby': 'traces-title' },
    h('h2', { id: 'traces-title' }, 'Every trace'),
    h(
      'div',
      { class: 'filters', role: 'search', 'aria-label': 'Filters' },
      h(
        'div',
        { class: 'filter-row' },
        search,
        selects.map(({ label, element: select }) => h('label', null, h('span', { class: 'offscreen' }, label), select)),
        h('button', { type: 'button', class: 'button small', onClick: () => store.update({ ...initial, view: store.state.view }) }, 'Clear'),
      ),
      h(
        'div',
        { class: 'chips', role: 'group', 'aria-label': 'Outcome' },
        chips.map(({ element: chip }) => chip),
      ),
    ),
    h('div', { class: 'list-bar' }, h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Level' }, tabs), crumbs, count),
    panel,
  );
  return {
    element,
    search,
    show,
    move: (by) => list.move(by),
    open: () => list.open(),
    neighbour(row, by) {
      const at = rows.indexOf(row);
      return at < 0 ? undefined : rows[at + by];
    },
  };
}

function open(item: Item, store: Store): void {
  if ('step' in item) return store.update({ trace: traceId(item) }, true);
  if ('session' in item.item) {
    const { test, session } = item.item;
    return store.update(
      { view: 'traces', project: test.result.test.project, session: `${session.recording}/${session.session}`, copy: String(session.copy) },
      true,
    );
  }
  const { result } = item.item;
  const [only] = result.recordings;
  store.update(
    {
      view: 'clients',
      project: result.test.project,
      session: result.kind === 'regression' && result.recordings.length === 1 && only !== undefined ? only : store.state.session,
    },
    true,
  );
}

function countBy<T>(rows: readonly Row[], of: (row: Row) => T): Counted<T>[] {
  const counts = new Map<T, number>();
  for (const row of rows) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
  return [...counts].map(([item, matching]) => ({ item, matching }));
}

function crumbsOf({ view, project, session, copy }: PageState, store: Store): Child[] {
  const crumb = (text: string, patch: Partial<PageState>): Child =>
    h('button', { type: 'button', class: 'link', onClick: () => store.update(patch, true) }, text);
  const parts: Child[] = [crumb('All tests', { view: 'tests', project: '', session: '', copy: '' })];
  if (project) parts.push(' › ', crumb(project, { view: 'clients', session: '', copy: '' }));
  if (session) parts.push(' › ', crumb(session, { view: 'traces', copy: '' }));
  if (copy) parts.push(' › ', h('span', null, `copy ${copy}`));
  return view === 'tests' && !project && !session ? [] : parts;
}

interface Select {
  key: 'project' | 'session' | 'event' | 'table';
  label: string;
  element: HTMLSelectElement;
}

function selectsOf(model: Model, store: Store): Select[] {
  const sessions = model.results.recordings.flatMap(({ name, sessions: all }) => [name, ...all.map(({ id }) => `${name}/${id}`)]);
  const events = [...new Set(model.steps.map(({ label }) => label))].sort();
  const projects = [...new Set(model.tests.map(({ result }) => result.test.project))];
  const make = (key: Select['key'], label: string, all: string, values: readonly string[]): Select => {
    const element = h(
      'select',
      null,
      h('option', { value: '' }, all),
      values.map((value) => {
        const option = h('option', null, value);
        option.value = value;
        return option;
      }),
    );
    // A choice of a session drops the copy that was picked in another one.
    element.addEventListener('change', () => store.update({ [key]: element.value, ...(key === 'session' && { copy: '' }) }));
    return { key, label, element };
  };
  return [
    make('project', 'Project', 'All projects', projects),
    make('session', 'Recording or session', 'All sessions', sessions),
    make('event', 'Event', 'All events', events),
    make('table', 'Table', 'All tables', tablesOf(model)),
  ];
}

function chipsOf(model: Model, store: Store): { outcome: string; element: HTMLButtonElement }[] {
  const counts = new Map<Outcome, number>();
  for (const { outcome } of model.rows) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const failed = model.rows.filter(({ good }) => !good).length;
  const chip = (outcome: string, count: number, content: Child): { outcome: string; element: HTMLButtonElement } => ({
    outcome,
    element: h(
      'button',
      {
        type: 'button',
        class: 'chip',
        'aria-pressed': 'false',
        onClick: () => store.update({ outcome: store.state.outcome === outcome ? '' : outcome, view: outcome === '' ? store.state.view : 'traces' }),
      },
      content,
      h('span', { class: 'chip-count' }, count.toLocaleString('en')),
    ),
  });
  return [
    chip('', model.rows.length, 'all'),
    ...(failed > 0 ? [chip('failed', failed, badge('failed', 'not passed'))] : []),
    ...outcomes.filter((outcome) => counts.has(outcome)).map((outcome) => chip(outcome, counts.get(outcome) ?? 0, badge(outcome))),
  ];
}
