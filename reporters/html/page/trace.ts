/** One trace in full, in a panel over the page. */

import type { Json } from '../../../src/recording/json.js';
import { playwrightCommand, rerunCommand } from '../../../src/results/command.js';
import { comparedOf } from '../../../src/results/detail.js';
import { placeWords, writerWords } from '../../../src/results/headline.js';
import type { Difference } from '../../../src/results/schema.js';
import { formatValue, isJsonObject, milliseconds, plural } from '../../../src/results/text.js';
import { formatTraceId, type TraceId } from '../../../src/results/trace-id.js';
import { Marks } from './compare.js';
import { type Child, command, copyButton, h, long, payload } from './dom.js';
import { changes, pushes } from './effects.js';
import { badge, classBadge } from './icons.js';
import { sideBySide } from './lines.js';
import { extraOf, type Row, traceId } from './model.js';
import { formatHash, initial } from './state.js';

export function traceView(row: Row): HTMLElement {
  const { step, outcome, test } = row;
  const extra = extraOf(row);
  const differences = extra.differences ?? [];
  const marks = new Marks(differences);
  const expected = isJsonObject(step.expected) ? step.expected : {};
  const observed = isJsonObject(extra.observed) ? extra.observed : undefined;
  const sides = { expected, observed, marks, passed: outcome === 'passed' };
  const measures = new Set(test.result.measures);
  const parts: Child[] = [
    section(step.kind === 'emit' ? 'Arguments' : 'What was sent', sentView(step.kind, expected, observed)),
    step.kind === 'emit' && section('Acknowledgement', measures.has('acks') ? ackView(sides, extra.noAck === true) : notMeasured('acknowledgements')),
    step.kind === 'http' && section('Answer', answerView(sides)),
    section('Pushes, by receiver', measures.has('pushes') ? pushes(sides) : notMeasured('pushes')),
    section('Rows in the database', measures.has('changes') ? changes(sides) : notMeasured('row changes')),
  ];
  return h(
    'div',
    { class: 'trace' },
    facts(row),
    reasonView(row),
    !observed && unseenNote(row),
    differences.length > 0 && differenceTable(differences, row),
    parts,
    section('Run it again', command(playwrightCommand(test.result, step.recording.name)), command(rerunCommand(idOf(row)))),
  );
}

const section = (title: string, ...children: Child[]): HTMLElement => h('section', { class: 'part' }, h('h3', null, title), children);

const idOf = ({ test, step, client: { session } }: Row): TraceId => ({
  recording: step.recording.name,
  session: step.session.id,
  trace: step.trace,
  iteration: test.result.iteration,
  copy: session.copy,
});

const notMeasured = (what: string): HTMLElement => h('p', { class: 'quiet' }, badge('not-judged', 'not measured'), ` This test does not measure ${what}.`);

function facts(row: Row): HTMLElement {
  const { test, row: number, step, client } = row;
  const { columns } = test.detail;
  const compared = comparedOf(columns, number);
  const start = columns.start[number];
  const latency = columns.latency[number];
  const waited = columns.waited[number] ?? 0;
  const fact = (name: string, ...value: Child[]): Child => [h('dt', null, name), h('dd', null, value)];
  return h(
    'dl',
    { class: 'facts' },
    fact('In', `${test.result.test.project}, copy ${client.session.copy}, compared ${test.result.level}`),
    fact('Id', payload(formatTraceId(idOf(row)), 'mono'), ' ', copyButton(formatTraceId(idOf(row)))),
    fact('Recording', payload(`${step.recording.file}:${step.line}`, 'mono'), ' ', copyButton(`${step.recording.file}:${step.line}`)),
    fact('Started', typeof start === 'number' ? `${milliseconds(start)} after the test began` : 'never'),
    fact('Latency', typeof latency === 'number' ? milliseconds(latency) : extraOf(row).noAck ? 'no acknowledgement was asked for' : 'none'),
    waited > 0 && fact('Waited', `${milliseconds(waited)} for recorded effects`),
    fact('Compared', `${compared.value} by value, ${compared.type} by type, ${compared.ignored} ignored`),
    fact('Link', copyButton(location.href.replace(/#.*$/, '') + formatHash({ ...initial, trace: traceId(row) }), 'Copy link', 'to this trace')),
  );
}

function reasonView(row: Row): Child {
  const { reason, needs, quarantined, updated } = extraOf(row);
  const words: Child[] = [];
  if (reason !== undefined) words.push(h('p', null, long(reason, 600)));
  if (needs) {
    const producer = needs.producer ? ` It comes from trace ${needs.producer.trace + 1} of ${needs.producer.session}.` : '';
    words.push(h('p', null, 'It needs ', payload(`!id ${needs.name}`, 'tag mono'), `, which was never bound.${producer}`));
  }
  if (quarantined) words.push(h('p', null, 'Quarantined: a known failure that does not count.'));
  if (updated) words.push(h('p', null, 'Updated: the recording says since this run what was seen here.'));
  return words.length > 0 && h('div', { class: 'callout' }, words);
}

/** What is not kept is said, so that an empty side is never read as "nothing came". */
const unseenNote = ({ outcome, test }: Row): HTMLElement =>
  h(
    'p',
    { class: 'quiet' },
    outcome === 'passed'
      ? `Everything that was measured matched. What came back is not kept for passed traces of ${test.result.kind === 'iteration' ? 'iterations' : 'this test'}, so this shows what was recorded.`
      : 'Nothing was seen of this trace, or it is not kept for this copy; this shows what was recorded and the differences.',
  );

function differenceTable(differences: readonly Difference[], row: Row): HTMLElement {
  return section(
    plural(differences.length, 'difference'),
    h(
      'table',
      { class: 'rows differences' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['Class', 'Where', 'Recorded', 'This run'].map((title) => h('th', { scope: 'col' }, title)),
        ),
      ),
      h(
        'tbody',
        null,
        differences.map((difference) =>
          h(
            'tr',
            { class: 'differs' },
            h('td', null, classBadge(difference.class)),
            h(
              'th',
              { scope: 'row' },
              payload(difference.path, 'mono'),
              placeWords(difference.path) !== difference.path && h('div', { class: 'quiet' }, placeWords(difference.path)),
              difference.note && h('div', { class: 'quiet' }, difference.note),
              difference.follows && h('div', { class: 'quiet' }, `only follows from !id ${difference.follows}, which was never bound`),
              difference.meanwhile && meanwhileView(difference.meanwhile, row),
            ),
            h('td', null, valueView(difference.expected, 'nothing recorded')),
            h('td', null, valueView(difference.actual, 'nothing came')),
          ),
        ),
      ),
    ),
  );
}

/** Who wrote the row in between, each with the way to its trace. */
const meanwhileView = (writes: NonNullable<Difference['meanwhile']>, { test }: Row): HTMLElement =>
  h(
    'ul',
    { class: 'meanwhile' },
    writes.map((write) => {
      const did = `${write.op === 'delete' ? 'deleted' : 'wrote'} this row in between`;
      if (!write.by) return h('li', null, `${writerWords(write)} ${did}`);
      const { recording, session, trace, copy } = write.by;
      const id = `${test.result.test.project}/${recording}/${session}/${trace}@${copy}`;
      return h('li', null, h('a', { href: formatHash({ ...initial, trace: id }) }, writerWords(write)), ` ${did}`);
    }),
  );

const valueView = (json: Json | undefined, missing: string): HTMLElement =>
  json === undefined ? h('span', { class: 'quiet' }, missing) : long(formatValue(json));

type JsonObject = { [key: string]: Json };

function sentView(kind: string, expected: JsonObject, observed: JsonObject | undefined): Child {
  const key = kind === 'emit' ? 'args' : kind;
  const recorded = kind === 'http' ? requestOf(expected.http) : expected[key];
  const sent = kind === 'http' ? requestOf(observed?.http) : observed?.[key];
  if (recorded === undefined && sent === undefined) return h('p', { class: 'quiet' }, kind === 'emit' ? 'none' : 'nothing');
  return sideBySide(recorded, sent, key, new Marks([]), observed === undefined, { expected: 'Recorded', actual: 'Sent' });
}

/** Without what came back. */
function requestOf(http: Json | undefined): Json | undefined {
  if (!isJsonObject(http)) return undefined;
  const { status: _status, answer: _answer, ...request } = http;
  return request;
}

function ackView(
  { expected, observed, marks, passed }: { expected: JsonObject; observed: JsonObject | undefined; marks: Marks; passed: boolean },
  noAck: boolean,
): Child {
  const recorded = expected.ack;
  const seen = observed?.ack;
  if (recorded === undefined && seen === undefined)
    return h(
      'p',
      { class: 'quiet' },
      badge('not-judged', noAck || recorded === undefined ? 'none asked for' : 'none'),
      ' The client asked for no acknowledgement, so only the effects can be judged.',
    );
  if (recorded === 'never' && seen === undefined) return h('p', { class: 'quiet' }, 'Recorded as asked for and never answered.');
  const whole = marks.at('ack');
  const state = whole.some((mark) => mark.class === 'removed')
    ? 'missing'
    : whole.length > 0 || marks.within('ack')
      ? 'differs'
      : observed || passed
        ? 'matched'
        : 'not-judged';
  return h('div', { class: 'card' }, h('div', { class: 'card-head' }, badge(state)), sideBySide(recorded, seen, 'ack', marks, observed === undefined));
}

function answerView({ expected, observed, marks }: { expected: JsonObject; observed: JsonObject | undefined; marks: Marks }): Child {
  const of = (http: Json | undefined): Json | undefined =>
    isJsonObject(http) ? { ...(http.status !== undefined && { status: http.status }), ...(http.answer !== undefined && { answer: http.answer }) } : undefined;
  return sideBySide(of(expected.http), of(observed?.http), 'http', marks, observed === undefined);
}
