/** A list of any length of which only the rows in view exist. */
import { h, replace } from './dom.js';

const ROW = 36;
/** Browsers stop at about 17 million pixels; beyond this the scroll position is scaled. */
const TALLEST = 15_000_000;
const BEYOND = 8;

export interface Column<T> {
  title: string;
  /** a CSS grid track */
  width: string;
  numeric?: boolean;
  cell(item: T): Node | string | number;
}

export interface VirtualList<T> {
  readonly element: HTMLElement;
  show(items: readonly T[], columns: readonly Column<T>[], label: string): void;
  move(by: number): void;
  open(): void;
}

let lists = 0;

export function virtualList<T>(onOpen: (item: T) => void): VirtualList<T> {
  lists += 1;
  const name = `list${lists}`;
  const head = h('div', { class: 'list-head', role: 'row', 'aria-rowindex': 1 });
  const body = h('div', { class: 'list-body', role: 'rowgroup' });
  const element = h(
    'div',
    { class: 'list', role: 'grid', tabindex: 0, 'aria-readonly': 'true' },
    h('div', { role: 'rowgroup', class: 'list-top' }, head),
    body,
  );
  const empty = h('p', { class: 'empty' }, 'Nothing matches these filters.');
  let items: readonly T[] = [];
  let columns: readonly Column<T>[] = [];
  let active = 0;
  let drawn = '';

  const height = (): number => Math.min(items.length * ROW, TALLEST);
  const rowsInView = (): number => Math.ceil(Math.max(element.clientHeight, ROW) / ROW);
  const scale = (): number => (items.length * ROW) / Math.max(1, height());

  const draw = (force = false): void => {
    const first = Math.max(0, Math.floor((element.scrollTop * scale()) / ROW) - BEYOND);
    const last = Math.min(items.length, first + rowsInView() + 2 * BEYOND);
    const range = `${first}-${last}-${active}`;
    if (!force && range === drawn) return;
    drawn = range;
    // A scaled list moves its rows with the scroll position; an unscaled one has a place for each.
    const shift = scale() === 1 ? 0 : element.scrollTop - element.scrollTop * scale();
    const rows: HTMLElement[] = [];
    for (let i = first; i < last; i += 1) rows.push(row(items[i] as T, i, i * ROW + shift));
    body.replaceChildren(...rows);
    if (items.length === 0) body.append(empty);
    if (items.length > 0) element.setAttribute('aria-activedescendant', `${name}-${active}`);
    else element.removeAttribute('aria-activedescendant');
  };

  const row = (item: T, i: number, top: number): HTMLElement => {
    const cells = columns.map((column) => h('div', { role: 'gridcell', class: column.numeric ? 'number' : null }, column.cell(item)));
    const made = h(
      'div',
      {
        class: i === active ? 'list-row active' : 'list-row',
        role: 'row',
        id: `${name}-${i}`,
        'aria-rowindex': i + 2,
        'aria-selected': i === active ? 'true' : 'false',
      },
      cells,
    );
    made.style.top = `${top}px`;
    made.addEventListener('click', () => {
      active = i;
      draw();
      onOpen(item);
    });
    return made;
  };

  const reveal = (): void => {
    const top = (active * ROW) / scale();
    const room = element.clientHeight - ROW * 2;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top > element.scrollTop + room) element.scrollTop = top - room;
  };

  element.addEventListener('scroll', () => draw());
  element.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: rowsInView() - 2, PageUp: 2 - rowsInView(), Home: -items.length, End: items.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    list.move(step);
  });
  new ResizeObserver(() => draw(true)).observe(element);

  const list: VirtualList<T> = {
    element,
    show(nextItems, nextColumns, label) {
      items = nextItems;
      columns = nextColumns;
      active = 0;
      element.scrollTop = 0;
      element.setAttribute('aria-label', label);
      element.setAttribute('aria-rowcount', String(items.length + 1));
      element.style.setProperty('--columns', columns.map(({ width }) => width).join(' '));
      element.style.height = `${Math.min(Math.max(items.length, 2) * ROW + ROW + 4, Math.max(360, Math.round(window.innerHeight * 0.7)))}px`;
      replace(
        head,
        columns.map(({ title, numeric }) => h('div', { role: 'columnheader', class: numeric ? 'number' : null }, title)),
      );
      body.style.height = `${Math.max(height(), ROW)}px`;
      draw(true);
    },
    move(by) {
      if (items.length === 0) return;
      active = Math.min(items.length - 1, Math.max(0, active + by));
      reveal();
      draw(true);
    },
    open() {
      const item = items[active];
      if (item !== undefined) onOpen(item);
    },
  };
  return list;
}
