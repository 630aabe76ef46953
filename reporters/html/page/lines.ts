/** Aligned lines as a table: recorded on the left, seen on the right. */

import type { Json } from '../../../src/recording/json.js';
import type { Difference } from '../../../src/results/schema.js';
import { plural } from '../../../src/results/text.js';
import { compareLines, type Line, type Marks } from './compare.js';
import { type Child, h, long } from './dom.js';
import { classBadge } from './icons.js';

/** Longer lists show the surroundings of what differs, and the rest behind a button. */
const FOLD_FROM = 40;
const AROUND = 3;

export interface SideTitles {
  expected: string;
  actual: string;
}

export function sideBySide(
  expected: Json | undefined,
  actual: Json | undefined,
  path: string,
  marks: Marks,
  unseen: boolean,
  titles: SideTitles = { expected: 'Recorded', actual: 'This run' },
): HTMLElement {
  const lines = linesOf(expected, actual, path, marks, unseen);
  const even = lines.every((line) => line.marks.length === 0);
  const shape: Shape = { single: unseen && even, marked: !even };
  const body = h('tbody', null);
  const fill = (all: boolean): void => body.replaceChildren(...rows(lines, all, shape, () => fill(true)));
  fill(lines.length <= FOLD_FROM);
  return h(
    'table',
    { class: 'sides' },
    h(
      'thead',
      null,
      h(
        'tr',
        null,
        h('th', { scope: 'col' }, titles.expected),
        !shape.single && h('th', { scope: 'col' }, titles.actual),
        shape.marked && h('th', { scope: 'col', class: 'mark' }, 'Difference'),
      ),
    ),
    body,
  );
}

/** Which columns there are: nothing seen leaves one, nothing different leaves two. */
interface Shape {
  single: boolean;
  marked: boolean;
}

/** A list of one argument is shown as that argument. */
function linesOf(expected: Json | undefined, actual: Json | undefined, path: string, marks: Marks, unseen: boolean): Line[] {
  const only = (json: Json | undefined): boolean => json === undefined || (Array.isArray(json) && json.length === 1);
  const one = (json: Json | undefined): Json | undefined => (Array.isArray(json) ? json[0] : undefined);
  if (only(expected) && only(actual) && marks.at(path).length === 0) return compareLines(one(expected), one(actual), `${path}[0]`, marks, { unseen });
  return compareLines(expected, actual, path, marks, { unseen });
}

function rows(lines: readonly Line[], all: boolean, shape: Shape, onAll: () => void): HTMLElement[] {
  const near = (i: number): boolean => lines.slice(Math.max(0, i - AROUND), i + AROUND + 1).some((line) => line.marks.length > 0);
  const marked = lines.some((line) => line.marks.length > 0);
  const made: HTMLElement[] = [];
  let hidden = 0;
  const gap = (): void => {
    if (hidden > 0)
      made.push(
        h(
          'tr',
          { class: 'gap' },
          h('td', { colspan: 3 }, h('button', { type: 'button', class: 'link', onClick: onAll }, `show all: ${plural(hidden, 'more line')}`)),
        ),
      );
    hidden = 0;
  };
  for (const [i, line] of lines.entries()) {
    if (all || (marked ? near(i) : i < FOLD_FROM / 2)) {
      gap();
      made.push(row(line, shape));
    } else hidden += 1;
  }
  gap();
  return made;
}

const row = (line: Line, { single, marked }: Shape): HTMLElement =>
  h(
    'tr',
    { class: line.marks.length > 0 ? 'differs' : null },
    cell(line, line.expected),
    !single && cell(line, line.actual),
    marked && h('td', { class: 'mark' }, line.marks.map(markWords)),
  );

function cell({ depth, key }: Line, text: string | undefined): HTMLElement {
  const made = h(
    'td',
    null,
    text === undefined ? h('span', { class: 'nothing' }, '∅') : ([key !== '' && h('span', { class: 'key' }, `${key}: `), tinted(text)] as Child[]),
  );
  made.style.setProperty('--depth', String(Math.min(depth, 24)));
  return made;
}

/** Tags stand out: they are not values but what stands for them. */
const tinted = (text: string): HTMLElement => long(text, 240, text.startsWith('!') ? 'tag' : '');

export const markWords = (difference: Difference): HTMLElement =>
  h(
    'div',
    { class: 'mark-words' },
    classBadge(difference.class),
    difference.note ? h('span', { class: 'note' }, difference.note) : null,
    difference.follows ? h('span', { class: 'note' }, `follows from ${difference.follows}, which was never bound`) : null,
  );
