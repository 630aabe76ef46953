/** Rules of a whole application: what they change in a recording, and what is wrong with one. */
import { describe, expect, test } from 'vitest';
import { applyRules, ignoredBy, ruleProblem, ruleSchema } from '../../src/recording/rules.js';
import type { Recording, Trace } from '../../src/recording/schema.js';
import { any, id, Tagged } from '../../src/recording/values.js';

const rules = (...all: unknown[]) => all.map((rule) => ruleSchema.parse(rule));
const recorded = (...traces: Trace[]): Recording => ({ version: 1, name: 'r', status: 'finished', sessions: [{ id: 'alice', traces }] });
const ruled = (trace: Trace, ...all: unknown[]): Trace | undefined => applyRules(recorded(trace), rules(...all)).sessions[0]?.traces[0];

const trace: Trace = {
  emit: 'noteAdd',
  args: [{ at: 1 }],
  ack: [{ ok: true, data: { at: 5, id: id('note1') } }],
  pushes: [
    {
      to: 'alice',
      event: 'noteRefresh',
      args: [
        [
          { id: id('note1'), at: 1 },
          { id: 2, at: 2 },
        ],
      ],
    },
    { to: 'alice', event: 'other', args: [[{ at: 1 }]] },
  ],
  changes: [
    { insert: 'note', row: { id: id('note1'), at: 'x', by: 1 } },
    { update: 'note_log', key: { id: 1 }, set: { at: 'y' } },
  ],
};

describe('a matcher', () => {
  test('in the pushes of an event, in every element', () => {
    const { pushes } = ruled(trace, { event: 'note*', path: 'args[0][*].at', matcher: '!any timestamp' }) ?? {};
    expect(pushes?.[0]?.args).toEqual([
      [
        { id: id('note1'), at: any('timestamp') },
        { id: 2, at: any('timestamp') },
      ],
    ]);
    expect(pushes?.[1]).toEqual(trace.pushes?.[1]);
  });

  test('in an acknowledgement, not in what is sent', () => {
    const after = ruled(trace, { event: 'noteAdd', path: 'ack[0].data.at', ignore: true });
    expect(after?.ack).toEqual([{ ok: true, data: { at: new Tagged({ tag: 'ignore' }), id: id('note1') } }]);
    expect(after?.args).toEqual(trace.args);
  });

  test('in columns', () => {
    const after = ruled(trace, { table: 'note*', column: 'at', matcher: '!regex ^[xy]$' });
    const matcher = new Tagged({ tag: 'regex', source: '^[xy]$' });
    expect(after?.changes).toEqual([
      { insert: 'note', row: { id: id('note1'), at: matcher, by: 1 } },
      { update: 'note_log', key: { id: 1 }, set: { at: matcher } },
    ]);
  });

  test('in the answer of a request', () => {
    const request: Trace = { http: { method: 'GET', url: '/api', status: 200, answer: { at: 1 } } };
    expect(ruled(request, { event: 'GET /api', path: 'answer.at', matcher: '!any number' })?.http?.answer).toEqual({ at: any('number') });
  });

  test('takes no name away', () => {
    expect(ruled(trace, { event: 'note*', path: 'args[0][0].id', ignore: true })).toEqual(trace);
  });
});

test('what is ignored as a whole', () => {
  const all = rules(
    { event: 'stats*', ignore: true },
    { table: 'log', ignore: true },
    { table: 'user', column: 'seenAt', ignore: true },
    { event: 'a', path: 'args[0]', ignore: true },
  );
  expect(ignoredBy(all)).toEqual({ tables: ['log'], columns: ['user.seenAt'], events: ['stats*'] });
  expect(applyRules(recorded(trace), rules({ event: 'noteRefresh', ignore: true })).sessions[0]?.traces[0]).toEqual(trace);
});

test.each([
  [{ event: 'a', path: 'args[0]', matcher: 'any timestamp' }, /"any timestamp" is no matcher: expected !any, !uuid/],
  [{ event: 'a', path: 'args[0]', matcher: '!any day' }, /`!any day`: expected one of/],
  [{ event: 'a', path: 'args[0]', matcher: '!id note1' }, /is no matcher/],
  [{ event: 'a', path: 'pushes.x', matcher: '!uuid' }, /expected a path such as args\[0\]\.updatedAt/],
  [{ event: 'a', matcher: '!uuid' }, /expected \{ event, ignore: true \}/],
  [{ table: 'a' }, /expected \{ event, ignore: true \}/],
])('%j is wrong', (rule, problem) => {
  expect(ruleProblem([{ event: 'fine', ignore: true }, rule])).toMatch(problem);
  expect(ruleProblem([{ event: 'fine', ignore: true }, rule])).toMatch(/^rule 2: /);
});
