/** The panels that lie over the page. The browser's own dialog keeps the focus inside and gives it back. */
import { type Child, h, payload, replace } from './dom.js';
import { badge } from './icons.js';
import type { Row } from './model.js';

import { traceView } from './trace.js';

export interface TracePanel {
  element: HTMLDialogElement;
  show(row: Row): void;
  close(): void;
}

export function tracePanel(onMove: (by: number) => void, onClose: () => void): TracePanel {
  const title = h('h2', { id: 'trace-title' });
  const under = h('p', { class: 'quiet' });
  const content = h('div', { class: 'panel-content', tabindex: 0, role: 'region', 'aria-labelledby': 'trace-title' });
  const button = (text: string, label: string, action: () => void, shortcut: string): HTMLElement =>
    h('button', { type: 'button', class: 'button small', 'aria-label': label, 'aria-keyshortcuts': shortcut, title: label, onClick: action }, text);
  const bar = h(
    'div',
    { class: 'panel-bar' },
    h('div', { class: 'panel-title' }, title, under),
    h(
      'div',
      { class: 'panel-buttons' },
      button('↑ Previous', 'Previous trace (k)', () => onMove(-1), 'k'),
      button('↓ Next', 'Next trace (j)', () => onMove(1), 'j'),
      button('✕ Close', 'Close (Escape)', onClose, 'Escape'),
    ),
  );
  const element = h('dialog', { class: 'panel', 'aria-labelledby': 'trace-title' }, bar, content);
  element.addEventListener('close', onClose);
  // A click beside the panel closes it.
  element.addEventListener('click', (event) => {
    if (event.target === element) onClose();
  });
  return {
    element,
    show(row) {
      const { step, client, test } = row;
      replace(title, badge(row.outcome), ' ', payload(`${step.session.id}'s ${step.label}`));
      replace(
        under,
        `${step.recording.name}, trace ${step.trace + 1} of ${step.session.traces.length} · ${test.result.test.project} · copy ${client.session.copy}`,
      );
      replace(content, traceView(row));
      content.scrollTop = 0;
      if (!element.open) element.showModal();
      content.focus({ preventScroll: true });
    },
    close() {
      if (element.open) element.close();
    },
  };
}

const shortcuts: [keys: string[], what: string][] = [
  [['j', '↓'], 'the next row, or the next trace when one is open'],
  [['k', '↑'], 'the previous one'],
  [['Enter'], 'open the row'],
  [['/'], 'search'],
  [['1', '2', '3'], 'tests, clients, traces'],
  [['f'], 'only what did not pass'],
  [['?'], 'this help'],
  [['Escape'], 'close what is open'],
];

const words: [word: string, what: string][] = [
  ['trace', 'one step of a session: connect, an event with its acknowledgement, a request, disconnect'],
  ['push', 'an event that the server sent to a session'],
  ['change', 'one row that was inserted, updated or deleted'],
  ['copy', 'one replay of a whole recording; its sessions belong together'],
  ['removed', 'it was recorded and did not come'],
  ['type', 'it came with another type'],
  ['value', 'it came with another value'],
  ['added', 'it came and was not recorded'],
  ['!id name', 'a value that the system made: any at its first place, the same one at every later place'],
];

export function helpDialog(): HTMLDialogElement {
  const list = (entries: Child[]): HTMLElement => h('dl', { class: 'help' }, entries);
  const close = h('button', { type: 'button', class: 'button small' }, '✕ Close');
  const element = h(
    'dialog',
    { class: 'help-dialog', 'aria-labelledby': 'help-title' },
    h('div', { class: 'panel-bar' }, h('h2', { id: 'help-title' }, 'Keys and words'), close),
    h(
      'div',
      { class: 'help-columns' },
      list(
        shortcuts.map(([keys, what]) =>
          h(
            'div',
            null,
            h(
              'dt',
              null,
              keys.map((key) => [h('kbd', null, key), ' ']),
            ),
            h('dd', null, what),
          ),
        ),
      ),
      list(words.map(([word, what]) => h('div', null, h('dt', null, word), h('dd', null, what)))),
    ),
  );
  close.addEventListener('click', () => element.close());
  return element;
}
