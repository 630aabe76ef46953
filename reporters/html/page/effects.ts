/** What a trace brought about: pushes by receiver, and rows column by column. */
import type { Json } from '../../../src/recording/json.js';
import type { Difference } from '../../../src/results/schema.js';
import { formatKey, formatValue, isJsonObject, plural } from '../../../src/results/text.js';
import { childPath, likenessOf, type Marks, type Pair, pair, placeOf, same } from './compare.js';
import { type Child, h, long, payload } from './dom.js';
import { badge, type State } from './icons.js';
import { markWords, sideBySide } from './lines.js';
import { type ChangeView, changesIn, type PushView, pushesIn } from './model.js';

export interface Sides {
  expected: Json;
  observed: Json | undefined;
  marks: Marks;
  passed: boolean;
}

export function pushes({ expected, observed, marks, passed }: Sides): Child[] {
  const unseen = observed === undefined;
  const recorded = pushesIn(expected);
  const seen = pushesIn(observed);
  const keys = [...new Set([...recorded, ...seen].map(({ to, event }) => JSON.stringify([to, event])))];
  const cards = keys.flatMap((key) => {
    const of = (list: PushView[]): PushView[] => list.filter(({ to, event }) => JSON.stringify([to, event]) === key);
    return pair(of(recorded), of(seen), likeArgs).map((both) => pushCard(both, marks, unseen, passed));
  });
  return cards.length > 0 ? cards : [h('p', { class: 'quiet' }, 'None recorded, none received.')];
}

const likeArgs = (a: PushView, b: PushView): number => 1 + likenessOf(a.args, b.args) + (same(a.args, b.args) ? 1000 : 0);

function pushCard({ expected, actual, index }: Pair<PushView>, marks: Marks, unseen: boolean, passed: boolean): HTMLElement {
  const { to, event } = (expected ?? actual) as PushView;
  const place = childPath(`pushes.${to}`, event);
  // What was not recorded has no number of its own.
  const path = expected ? placeOf(place, index, marks) : place;
  const whole = wholeMarks(marks, path, expected?.args, actual?.args);
  const state = stateOf(
    expected !== undefined,
    actual !== undefined,
    whole.map((mark) => mark.class),
    expected !== undefined && marks.within(path),
    unseen,
    passed,
  );
  const args = expected?.args.length || actual?.args.length;
  return h(
    'div',
    { class: 'card' },
    h(
      'div',
      { class: 'card-head' },
      badge(state),
      h('span', null, payload(event, 'strong'), ' to ', payload(to, 'strong')),
      whole.map((mark) => mark.note && h('span', { class: 'note' }, mark.note)),
    ),
    args ? sideBySide(expected?.args, actual?.args, path, marks.only(path, whole), unseen) : h('p', { class: 'quiet' }, 'no arguments'),
  );
}

/** That this push or row as a whole is missing, or is new: only where it stands on one side. */
function wholeMarks(marks: Marks, path: string, expected: Json | undefined, actual: Json | undefined): Difference[] {
  const kind = expected === undefined ? 'added' : 'removed';
  const found = marks.at(path).filter((mark) => mark.class === kind);
  if (expected !== undefined) return actual === undefined ? found : [];
  // Of several, the one that the difference shows: others may be allowed.
  return found.filter((mark) => same(mark.actual, actual));
}

function stateOf(recorded: boolean, seen: boolean, classes: readonly string[], inside: boolean, unseen: boolean, passed: boolean): State {
  if (classes.includes('removed')) return 'missing';
  if (classes.includes('added')) return 'unexpected';
  if (inside || classes.length > 0) return 'differs';
  if (unseen) return passed ? 'matched' : 'not-judged';
  return recorded && seen ? 'matched' : 'not-judged';
}

export function changes({ expected, observed, marks, passed }: Sides): Child[] {
  const unseen = observed === undefined;
  const recorded = changesIn(expected);
  const seen = changesIn(observed);
  const keys = [...new Set([...recorded, ...seen].map(({ table, op }) => JSON.stringify([table, op])))];
  const tables = keys.flatMap((key) => {
    const of = (list: ChangeView[]): ChangeView[] => list.filter(({ table, op }) => JSON.stringify([table, op]) === key);
    return pair(of(recorded), of(seen), likeness).map((both) => changeCard(both, marks, unseen, passed));
  });
  return tables.length > 0 ? tables : [h('p', { class: 'quiet' }, 'No rows recorded, none changed.')];
}

function likeness(a: ChangeView, b: ChangeView): number {
  const columns = Object.entries(a.values).filter(([column, value]) => same(value, b.values[column])).length;
  return 1 + columns + (same(a.key ?? null, b.key ?? null) ? 1000 : 0);
}

function changeCard({ expected, actual, index }: Pair<ChangeView>, marks: Marks, unseen: boolean, passed: boolean): HTMLElement {
  const { op, table, key } = (actual ?? expected) as ChangeView;
  const place = `${childPath('changes', table)}.${op}`;
  const path = expected ? placeOf(place, index, marks) : place;
  const whole = wholeMarks(marks, path, expected && rowOf(expected), actual && rowOf(actual));
  const columns = [...new Set([...Object.keys(expected?.values ?? {}), ...Object.keys(actual?.values ?? {}), ...Object.keys(actual?.was ?? {})])];
  const rows = columns.map((column) => columnOf(column, expected, actual, path, marks, unseen));
  const differs = rows.some(({ marked }) => marked);
  const state = stateOf(
    expected !== undefined,
    actual !== undefined,
    whole.map((mark) => mark.class),
    differs,
    unseen,
    passed,
  );
  const unchanged = rows.filter(({ touched }) => !touched).length;
  const body = h(
    'tbody',
    null,
    rows.filter(({ touched }) => touched).map(({ element }) => element),
  );
  const more =
    unchanged > 0 &&
    h(
      'button',
      {
        type: 'button',
        class: 'link',
        onClick: (event: Event) => {
          body.replaceChildren(...rows.map(({ element }) => element));
          (event.currentTarget as HTMLElement).remove();
        },
      },
      `show all: ${plural(unchanged, 'column')} not changed`,
    );
  return h(
    'div',
    { class: 'card' },
    h(
      'div',
      { class: 'card-head' },
      badge(state),
      h('span', null, `${op} `, payload(table, 'strong'), key !== undefined && [' ', payload(formatValue(key))]),
      whole.map((mark) => mark.note && h('span', { class: 'note' }, mark.note)),
    ),
    h(
      'table',
      { class: 'rows' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['Column', 'Before', 'Recorded', 'This run', 'Difference'].map((title) => h('th', { scope: 'col' }, title)),
        ),
      ),
      body,
    ),
    more,
  );
}

/** A row as differences show it: its key first. */
const rowOf = ({ key, values }: ChangeView): Json => ({ ...(isJsonObject(key) ? key : {}), ...values });

interface ColumnView {
  element: HTMLElement;
  /** recorded or changed, not only part of the row before */
  touched: boolean;
  marked: boolean;
}

function columnOf(column: string, expected: ChangeView | undefined, actual: ChangeView | undefined, path: string, marks: Marks, unseen: boolean): ColumnView {
  const own = (object: { [key: string]: Json } | undefined): Json | undefined => (object && Object.hasOwn(object, column) ? object[column] : undefined);
  const left = own(expected?.values);
  const right = own(actual?.values);
  const place = childPath(path, column);
  const found = marks.take(place, left, right);
  // A difference inside a JSON column belongs to the column.
  const inner = found.length === 0 && marks.within(place);
  const seen = unseen ? found.find((mark) => mark.actual !== undefined)?.actual : right;
  const after = seen === undefined ? h('span', { class: 'quiet' }, unseen ? 'not kept' : '∅') : long(formatValue(seen));
  const element = h(
    'tr',
    { class: found.length > 0 || inner ? 'differs' : null },
    h('th', { scope: 'row' }, payload(formatKey(column))),
    h(
      'td',
      null,
      actual?.op === 'insert' || own(actual?.was) === undefined
        ? h('span', { class: 'nothing' }, actual?.op === 'insert' ? 'no row' : '∅')
        : long(formatValue(own(actual?.was))),
    ),
    h('td', null, left === undefined ? h('span', { class: 'nothing' }, '∅') : tinted(formatValue(left))),
    h('td', null, after),
    h('td', { class: 'mark' }, found.map(markWords), inner && badge('differs')),
  );
  return { element, touched: left !== undefined || right !== undefined || actual?.op === 'delete', marked: found.length > 0 || inner };
}

const tinted = (text: string): HTMLElement => long(text, 240, text.startsWith('!') ? 'tag' : '');
