/** (c) What failed, grouped over all copies and iterations, the first to look at first. */
import { idOf, playwrightCommand, rerunCommand } from '../../../src/results/command.js';
import { ackTimeoutOf, failureWords, overWords, quarantineWords } from '../../../src/results/headline.js';
import type { Failure } from '../../../src/results/schema.js';
import { plural } from '../../../src/results/text.js';
import { Marks } from './compare.js';
import { type Child, command, copyButton, h, payload } from './dom.js';
import { badge, classBadge } from './icons.js';
import { sideBySide } from './lines.js';
import { firstTraceOf, type Model, traceId } from './model.js';
import { formatHash, initial } from './state.js';

/** So many cards are open at once; a run in which everything fails has hundreds. */
const AT_ONCE = 20;

export function failuresView(model: Model): HTMLElement {
  const { failures } = model.results;
  const roots = failures.filter((failure) => !failure.follows);
  const list = h('ol', { class: 'failures' });
  const show = (count: number): void => {
    const cards = roots.slice(0, count).map((failure) => card(model, failure));
    list.replaceChildren(...cards);
    if (roots.length > count)
      list.append(
        h(
          'li',
          { class: 'more' },
          h(
            'button',
            { type: 'button', class: 'button', onClick: () => show(count + 100) },
            `Show ${Math.min(100, roots.length - count)} more of ${roots.length}`,
          ),
        ),
      );
  };
  show(AT_ONCE);
  const followers = failures.length - roots.length;
  return h(
    'section',
    { id: 'failures', 'aria-labelledby': 'failures-title' },
    h('h2', { id: 'failures-title' }, 'What failed'),
    roots.length === 0
      ? h(
          'p',
          { class: 'quiet' },
          model.results.verdict === 'passed' ? 'Nothing. Every trace that was judged matched its recording.' : 'No trace failed; see the errors above.',
        )
      : [
          h(
            'p',
            { class: 'lead' },
            `${plural(roots.length, 'cause')}${followers > 0 ? `, and ${plural(followers, 'failure')} that only ${followers === 1 ? 'follows' : 'follow'} from them` : ''}. Counted over all copies and iterations.`,
          ),
          list,
        ],
  );
}

function card(model: Model, failure: Failure): HTMLElement {
  const row = firstTraceOf(model, failure);
  const test = model.results.tests.find((candidate) => candidate.test.project === failure.first.project && candidate.recordings.includes(failure.recording));
  const { difference } = failure;
  const followers = model.results.failures.filter(({ follows }) => follows === failure.id);
  const place = `${failure.file}:${failure.line}`;
  return h(
    'li',
    { class: 'failure', id: `failure-${failure.id}` },
    h(
      'div',
      { class: 'failure-head' },
      badge(failure.outcome),
      difference && classBadge(difference.class),
      failure.quarantined && badge('info', 'quarantined, not counted'),
      failure.updated && badge('updated', 'updated, not counted'),
      h('span', { class: 'count' }, `${failure.count.toLocaleString('en')}×`),
      h('span', { class: 'quiet' }, projects(failure.projects)),
    ),
    h(
      'h3',
      null,
      row ? h('a', { href: formatHash({ ...initial, view: 'traces', trace: traceId(row) }) }, title(failure)) : title(failure),
      ' — ',
      failureWords(failure, ackTimeoutOf(model.results, failure)),
    ),
    h(
      'p',
      { class: 'where' },
      payload(place, 'mono'),
      ' ',
      copyButton(place, 'Copy path'),
      difference && [' ', h('span', { class: 'quiet' }, 'at '), payload(difference.path, 'mono')],
    ),
    failure.quarantine && h('p', { class: 'quiet' }, failure.quarantined ? quarantineWords(failure.quarantine) : overWords(failure).replace(/^; /, '')),
    difference &&
      (difference.expected !== undefined || difference.actual !== undefined) &&
      sideBySide(difference.expected, difference.actual, difference.path, new Marks([difference]), false),
    followers.length > 0 && followersView(model, followers),
    test && [command(playwrightCommand(test, failure.recording)), command(rerunCommand(idOf(failure)))],
  );
}

const title = (failure: Failure): Child => `${failure.recording}: ${failure.session}'s ${failure.label}`;

const projects = (names: readonly string[]): string => `in ${names.slice(0, 6).join(', ')}${names.length > 6 ? ` and ${names.length - 6} more` : ''}`;

function followersView(model: Model, followers: readonly Failure[]): HTMLElement {
  return h(
    'details',
    { class: 'followers' },
    h('summary', null, `${plural(followers.length, 'failure')} that only ${followers.length === 1 ? 'follows' : 'follow'} from this`),
    h(
      'ul',
      null,
      followers.slice(0, 200).map((failure) => {
        const row = firstTraceOf(model, failure);
        return h(
          'li',
          null,
          badge(failure.outcome),
          ' ',
          row ? h('a', { href: formatHash({ ...initial, view: 'traces', trace: traceId(row) }) }, title(failure)) : title(failure),
          ' ',
          h('span', { class: 'quiet' }, `${failureWords(failure)}, ${failure.count}×, ${failure.file}:${failure.line}`),
        );
      }),
      followers.length > 200 && h('li', { class: 'quiet' }, `and ${followers.length - 200} more`),
    ),
  );
}
