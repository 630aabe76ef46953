/** The report: reads the data out of the page and shows it. Needs no network. */
import { helpDialog, tracePanel } from './dialog.js';
import { h, payload, replace } from './dom.js';
import { explorer } from './explorer.js';
import { failuresView } from './failures.js';
import { badge, type State } from './icons.js';
import { loadData } from './load.js';
import { buildModel, findTrace, type Model, type Row, traceId } from './model.js';
import { modesView } from './modes.js';
import { scaleView } from './scale.js';
import { settingsView } from './settings.js';
import { createStore, type PageState, views } from './state.js';
import { verdictView } from './verdict.js';

async function start(): Promise<void> {
  const root = document.getElementById('report') as HTMLElement;
  const model = buildModel(await loadData());
  let open: Row | undefined;
  let lastFocus: HTMLElement | null = null;
  const store = createStore(render);
  const list = explorer(model, store);
  const panel = tracePanel(step, closeTrace);
  const help = helpDialog();

  function render(state: PageState): void {
    list.show(state);
    const row = state.trace === '' ? undefined : findTrace(model, state.trace);
    if (row && row !== open) {
      if (!open) lastFocus = document.activeElement as HTMLElement | null;
      open = row;
      panel.show(row);
    } else if (!row) {
      open = undefined;
      panel.close();
      if (state.trace !== '') replace(notice, h('p', { class: 'callout' }, `This report has no trace ${state.trace}.`));
    }
  }

  function step(by: number): void {
    const next = open && list.neighbour(open, by);
    if (next) store.update({ trace: traceId(next) });
  }

  function closeTrace(): void {
    if (store.state.trace === '') return;
    store.update({ trace: '' });
    // The browser tells late that a dialog has closed; by then somebody may have gone on.
    const now = document.activeElement;
    if (now === null || now === document.body || panel.element.contains(now)) lastFocus?.focus({ preventScroll: true });
  }

  const notice = h('div', { role: 'status' });
  const top = topBar(model, () => help.showModal());
  replace(
    root,
    top,
    h('main', { id: 'main' }, notice, verdictView(model), scaleView(model), modesView(model), failuresView(model), list.element, settingsView(model)),
    panel.element,
    help,
  );
  jumpTo(root);
  render(store.state);
  document.addEventListener('keydown', (event) => keys(event, { panel: panel.element, help, list, step, store }));
  root.setAttribute('data-ready', 'true');
}

/** Links within the page scroll by hand: the hash of the address says what is shown. */
function jumpTo(root: HTMLElement): void {
  for (const link of root.querySelectorAll<HTMLAnchorElement>('a[data-section]'))
    link.addEventListener('click', (event) => {
      event.preventDefault();
      document.getElementById(link.dataset.section ?? '')?.scrollIntoView({ block: 'start' });
    });
}

function topBar({ results, results: { tests } }: Model, onHelp: () => void): HTMLElement {
  const link = (section: string, text: string): HTMLElement => h('a', { href: '#', 'data-section': section }, text);
  const failed = results.failures.filter((failure) => !failure.follows).length;
  return h(
    'header',
    { class: 'top' },
    h('span', { class: 'brand' }, 'socket-replay'),
    h('span', { class: 'run' }, payload(results.run, 'mono')),
    badge(results.verdict as State),
    h(
      'nav',
      { 'aria-label': 'Sections' },
      link('verdict', 'Result'),
      link('scale', 'Scale'),
      tests.some(({ kind }) => kind !== 'regression' && kind !== 'iteration') && link('modes', 'Modes'),
      link('failures', `Failures${failed > 0 ? ` (${failed})` : ''}`),
      link('traces', 'Traces'),
      link('settings', 'Conditions'),
    ),
    h('button', { type: 'button', class: 'button small', 'aria-keyshortcuts': '?', onClick: onHelp }, '? Help'),
  );
}

interface Parts {
  panel: HTMLDialogElement;
  help: HTMLDialogElement;
  list: ReturnType<typeof explorer>;
  step(by: number): void;
  store: ReturnType<typeof createStore>;
}

function keys(event: KeyboardEvent, { panel, help, list, step, store }: Parts): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target as HTMLElement;
  if (target.matches('input, select, textarea')) {
    if (event.key === 'Escape') list.element.querySelector<HTMLElement>('.list')?.focus();
    if (event.key === 'Enter' && target === list.search) list.open();
    return;
  }
  const pick = (act: () => void): void => {
    event.preventDefault();
    act();
  };
  if (event.key === '?' && !help.open) return pick(() => help.showModal());
  if (help.open) return;
  const by = { j: 1, k: -1 }[event.key];
  if (by !== undefined) return pick(() => (panel.open ? step(by) : moveList(list, by)));
  if (panel.open) return;
  if (event.key === '/') return pick(() => list.search.focus());
  if (event.key === 'f') return pick(() => store.update({ outcome: store.state.outcome === 'failed' ? '' : 'failed', view: 'traces' }));
  const view = views[Number(event.key) - 1];
  if (view) return pick(() => store.update({ view }, true));
  // Elsewhere Enter belongs to the link or button that has the focus.
  if (event.key === 'Enter' && (target.matches('.list') || target === document.body)) return pick(() => list.open());
  const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (arrow !== undefined && target.closest('#traces')) pick(() => moveList(list, arrow));
}

function moveList(list: ReturnType<typeof explorer>, by: number): void {
  const element = list.element.querySelector<HTMLElement>('.list');
  // The first key only brings the list into view and shows which row is meant.
  if (document.activeElement !== element) {
    element?.focus();
    element?.scrollIntoView({ block: 'nearest' });
    list.move(0);
  } else list.move(by);
}

start().catch((error: unknown) => {
  const root = document.getElementById('report');
  if (root) replace(root, h('p', { class: 'callout bad' }, `The report could not be shown: ${error instanceof Error ? error.message : String(error)}`));
  throw error;
});
