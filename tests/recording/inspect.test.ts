import { describe, expect, test } from 'vitest';
import { inspectRecording } from '../../src/recording/inspect.js';
import { readRecording } from '../../src/recording/read.js';

const text = `version: 1
name: story
status: finished
copies: 1
reason: deletes the seed
sessions:
  - id: alice
    user: alice
    times: [[0, 5], [10, 5], [20, 5], [30, 5], [40, 5]]
    traces:
      - connect: { namespace: /, auth: { token: !secret token1 } }
      - emit: login
        args: [{ header: !text "Bearer \${!secret token2}" }]
        ack: [{ session: !id session1, at: !any timestamp }]
      - emit: listCreate
        args: [{ name: !unique groceries, session: !id session1, key: !uuid request1 }]
        ack: []
        pushes:
          - { to: [alice, bob], event: listed, args: [{ id: !id list1, key: !uuid request1 }] }
          - { to: bob, event: told, args: [!secret token3] }
        changes:
          - { insert: list, row: { id: !id list1, name: !unique groceries } }
          - { update: user, key: { id: 1 }, set: { lists: !delta 1 } }
      - emit: cardCreate
        args: [!text "/lists/\${list1}/cards"]
        disabled: true
      - emit: cursor
        quarantine: { owner: ana, reason: flaky, expires: 2026-06-30 }
  - id: bob
    traces:
      - connect: { namespace: / }
    received:
      - { after: 0, event: time, args: [!any timestamp] }
`;
const read = readRecording(text, { file: 'story.yaml', readBinary: () => undefined });
if (read.errors) throw new Error(read.errors.join('\n'));
const inspect = (day = '2026-06-01') => inspectRecording(read.recording, Date.parse(day));

describe('inspectRecording', () => {
  test('counts sessions, events and tables', () => {
    const { sessions, events, tables } = inspect();
    expect(sessions).toMatchObject([
      { session: { id: 'alice' }, emits: 4, received: 1, from: 0, to: 45 },
      { session: { id: 'bob' }, emits: 0, received: 3, from: 0, to: 0 },
    ]);
    expect(events).toEqual([
      { event: 'connect', count: 2, acks: 0, pushes: 0, changes: 0 },
      { event: 'login', count: 1, acks: 1, pushes: 0, changes: 0 },
      { event: 'listCreate', count: 1, acks: 1, pushes: 3, changes: 2 },
      { event: 'cardCreate', count: 1, acks: 0, pushes: 0, changes: 0 },
      { event: 'cursor', count: 1, acks: 0, pushes: 0, changes: 0 },
    ]);
    expect(tables).toEqual([
      { table: 'list', insert: 1, update: 0, delete: 0 },
      { table: 'user', insert: 0, update: 1, delete: 0 },
    ]);
  });

  test('says who makes each name, why it is one, and who sends it', () => {
    const names = inspect().names.map(({ name, kind, why, made, sent }) => [name, kind, why, made.map(({ part }) => part), sent.map(({ of }) => of)]);
    expect(names).toEqual([
      ['session1', 'id', 'the server made it, and the client sends it back', ['ack'], ['listCreate']],
      ['groceries', 'unique', 'the client chose it, and a second one in list.name would collide', ['args', 'row'], []],
      ['request1', 'uuid', 'the client makes a new one each time', ['args', 'push'], []],
      ['list1', 'id', 'the server makes a new one each time, for list.id', ['row', 'push'], ['cardCreate']],
    ]);
  });

  test('tells which secrets are needed', () => {
    expect(inspect().secrets.map(({ name, sent, seen }) => [name, sent.length, seen.length])).toEqual([
      ['token1', 1, 0],
      ['token2', 1, 0],
      ['token3', 0, 1],
    ]);
  });

  test('counts matchers, and says what stops a replay', () => {
    expect(inspect().matchers).toEqual([
      { tag: '!any timestamp', count: 2 },
      { tag: '!delta', count: 1 },
    ]);
    expect(inspect().stops).toEqual([
      'it is replayed alone only: deletes the seed',
      '1 of 6 traces are disabled',
      '1 of 6 traces are quarantined: their failures do not count',
    ]);
    expect(inspect('2026-07-01').stops).toHaveLength(2);
  });
});

test('a name that a push without a cause makes is made there, after what its trace made', () => {
  const story = readRecording(
    `version: 1
name: received
status: finished
sessions:
  - id: alice
    traces:
      - connect: { namespace: / }
      - emit: publish
        args: [!id draft1]
        ack: [!id draft1]
    received:
      - { after: 0, event: drafted, args: [!id draft1] }
`,
    { file: 'received.yaml', readBinary: () => undefined },
  );
  if (story.errors) throw new Error(story.errors.join('\n'));
  expect(inspectRecording(story.recording, 0).names).toMatchObject([
    {
      name: 'draft1',
      why: 'the server made it, and the client sends it back',
      made: [{ part: 'push', of: 'drafted', after: { session: 'alice', number: 0 } }, { part: 'ack' }],
    },
  ]);
});

test('what the server had said before the client sends it, and is no name, is told with the reason; so are days', () => {
  const story = readRecording(
    `version: 1
name: literals
status: finished
sessions:
  - id: alice
    traces:
      - connect: { namespace: / }
      - emit: list
        ack: [{ documents: [{ id: 7, title: Introduction }], theme: dark }]
      - emit: open
        args: [{ documentId: 7, mode: dark, title: mine, dueAt: 2026-11-28 }]
        changes:
          - { update: document, key: { id: 7 }, set: { owner: 12 } }
      - emit: give
        args: [{ documentId: 7, ownerId: 12, title: mine }]
`,
    { file: 'literals.yaml', readBinary: () => undefined },
  );
  if (story.errors) throw new Error(story.errors.join('\n'));
  const { literals, days } = inspectRecording(story.recording, 0);
  expect(literals.map(({ value, seen, sent, why }) => [value, seen.of, sent.map(({ of, key }) => `${of} ${key}`), why])).toEqual([
    [7, 'list', ['open documentId', 'give documentId'], 'a number may be there by chance, and no trace inserted a row with it; `learn` finds out'],
    [12, 'document', ['give ownerId'], 'the row was there before: no trace inserted it'],
  ]);
  expect(days.map(({ value, of }) => [value, of])).toEqual([['2026-11-28', 'open']]);
});
