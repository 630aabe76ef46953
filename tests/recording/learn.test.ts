/** What becomes a matcher, and what is refused. */
import { describe, expect, test } from 'vitest';
import { applyEdits } from '../../src/recording/edit.js';
import { learn, type SeenReplay, type SeenTrace } from '../../src/recording/learn.js';
import type { Recording, Trace } from '../../src/recording/schema.js';
import { any, id, Tagged, type Value } from '../../src/recording/values.js';

const at = Date.parse('2026-01-01T00:00:00Z');
type Difference = NonNullable<SeenTrace['differences']>[number];
const value = (path: string, expected: Difference['expected'], actual: Difference['actual']): Difference => ({ path, class: 'value', expected, actual });

/** A recording of one trace, and what each replay of it told. */
function lesson(trace: Partial<Trace>, ...told: (Difference[] | SeenTrace)[]) {
  const recording: Recording = { version: 1, name: 'r', status: 'finished', sessions: [{ id: 'alice', traces: [{ emit: 'go', ...trace } as Trace] }] };
  const replays = told.map((one): SeenReplay => {
    if (!Array.isArray(one)) return { exact: true, at, traces: [one] };
    return { exact: true, at, traces: one.length === 0 ? [] : [{ session: 'alice', trace: 0, outcome: 'mismatch', differences: one }] };
  });
  const { edits, learnt, refused } = learn(recording, replays);
  const after = (applyEdits(recording as unknown as Value, edits) as unknown as Recording).sessions[0]?.traces[0] as Trace;
  return { after, learnt: learnt.map(({ path, matcher }) => `${path} ${matcher}`), refused: refused.map(({ path, why }) => `${path}: ${why}`) };
}

describe('a value that differs each time', () => {
  test.each([
    ['!any string', '#a1b2c3', '#d4e5f6', '#070809'],
    ['!any integer', 3, 8, 5],
    ['!any number', 3, 8.5, 5],
    ['!any boolean', true, false, true],
    ['!uuid', '6f1f2b1c-58a3-4c5e-9f3a-0d2b8f5b7a11', '0b8a2c3d-58a3-4c5e-9f3a-0d2b8f5b7a11', '1c8a2c3d-58a3-4c5e-9f3a-0d2b8f5b7a11'],
    ['!any timestamp', '2025-12-01T10:00:00Z', '2026-01-01T00:00:00Z', '2026-01-01T00:00:09Z'],
    ['!any timestamp', at - 1e6, at + 5, at + 900],
    // As large as a time, and far from the moment at which it was seen.
    ['!any integer', 1_234_567_890, 1_334_567_890, 1_434_567_890],
  ])('becomes %s', (matcher, recorded, first, second) => {
    const { learnt, refused, after } = lesson(
      { ack: [{ a: recorded, b: 1 }] },
      [value('ack[0].a', recorded, first)],
      second === recorded ? [] : [value('ack[0].a', recorded, second)],
      [value('ack[0].a', recorded, first)],
    );
    expect(learnt).toEqual([`ack[0].a ${matcher}`]);
    expect(refused).toEqual([]);
    expect((after.ack as Value[])[0]).toEqual({ a: expect.any(Tagged), b: 1 });
  });

  test('in a push to several, in a row, in an answer', () => {
    const trace: Partial<Trace> = {
      pushes: [
        { to: 'bob', event: 'x y', args: [1] },
        { to: ['alice', 'bob'], event: 'x y', args: [['a']] },
      ],
      changes: [
        { insert: 'note', row: { id: id('note1'), 'the colour': 'red' } },
        { insert: 'note', row: { id: id('note2'), 'the colour': 'blue' } },
      ],
    };
    const differences = (text: string) => [
      value('pushes.bob["x y"]#2[0][0]', 'a', text),
      value('pushes.alice["x y"][0][0]', 'a', text),
      value('changes.note.insert#2["the colour"]', 'blue', text),
    ];
    const { after, learnt, refused } = lesson(trace, differences('c'), differences('d'));
    expect(refused).toEqual([]);
    expect(learnt).toHaveLength(2);
    expect(after.pushes).toEqual([trace.pushes?.[0], { to: ['alice', 'bob'], event: 'x y', args: [[any('string')]] }]);
    expect(after.changes?.[1]).toEqual({ insert: 'note', row: { id: id('note2'), 'the colour': any('string') } });
    expect(after.changes?.[0]).toEqual(trace.changes?.[0]);
    const http = { method: 'GET', url: '/', status: 200, answer: { t: 'a' } };
    expect(lesson({ emit: undefined, http }, [value('http.answer.t', 'a', 'b')], [value('http.answer.t', 'a', 'c')]).learnt).toEqual([
      'http.answer.t !any string',
    ]);
  });

  test('seen among others only', () => {
    expect(lesson({ ack: ['a'] }, [], [], [value('ack[0]', 'a', 'b')], [value('ack[0]', 'a', 'c')]).learnt).toEqual(['ack[0] !any string']);
  });

  test('a counter changes by the same', () => {
    const trace: Partial<Trace> = { changes: [{ update: 'doc', key: { id: 1 }, set: { rev: 4 } }] };
    const told = (before: number, after: number): SeenTrace => ({
      session: 'alice',
      trace: 0,
      outcome: 'mismatch',
      differences: [value('changes.doc.update.rev', 4, after)],
      observed: { changes: [{ update: 'doc', key: { id: 1 }, set: { rev: after }, was: { rev: before } }] },
    });
    expect(lesson(trace, told(4, 5), told(6, 7)).learnt).toEqual(['changes.doc.update.rev !delta 1']);
    expect(lesson(trace, told(4, 5), told(6, 9)).learnt).toEqual(['changes.doc.update.rev !any integer']);
  });
});

describe('a list in another order', () => {
  const list: Value[] = [
    { id: id('a'), name: 'A' },
    { id: id('b'), name: 'B', extra: 1 },
  ];
  const swapped = (a: string, b: string): Difference[] => [
    value('ack[0].list[0].id', 7, 8),
    value('ack[0].list[1].id', 8, 7),
    value('ack[0].list[0].name', a, 'B'),
    value('ack[0].list[1].name', b, 'A'),
    { path: 'ack[0].list[0].extra', class: 'added', actual: 1 },
    { path: 'ack[0].list[1].extra', class: 'removed', expected: 1 },
  ];

  test('becomes !unordered, its names stay', () => {
    const { after, learnt, refused } = lesson({ ack: [{ list }] }, swapped('A', 'B'), [], swapped('A', 'B'));
    expect(learnt).toEqual(['ack[0].list !unordered']);
    expect(refused).toEqual([]);
    expect((after.ack as Value[])[0]).toEqual({ list: new Tagged({ tag: 'unordered', items: list }) });
  });

  test('its elements may hold lists that name what stands in other elements', () => {
    const users: Value[] = [
      { user: id('a'), said: [{ from: id('c') }] },
      { user: id('b'), said: [] },
      { user: id('c'), said: [] },
    ];
    const changed: Difference[] = [
      value('ack[0][0].user', 7, 8),
      { path: 'ack[0][0].said[0]', class: 'removed', expected: { from: { '!id': { name: 'c' } } } },
      value('ack[0][1].user', 8, 7),
      { path: 'ack[0][1].said[0]', class: 'added', actual: { from: 9 } },
    ];
    const observed = {
      emit: 'go',
      ack: [
        [
          { user: 8, said: [] },
          { user: 7, said: [{ from: 9 }] },
          { user: 9, said: [] },
        ],
      ],
    };
    const seen: SeenTrace = { session: 'alice', trace: 0, outcome: 'mismatch', differences: changed, observed };
    expect(lesson({ ack: [users] }, seen, [], seen)).toMatchObject({ learnt: ['ack[0] !unordered'], refused: [] });
  });

  test('of two elements is not decided by two replays', () => {
    const recording: Recording = { version: 1, name: 'r', status: 'finished', sessions: [{ id: 'alice', traces: [{ emit: 'go', ack: [{ list }] }] }] };
    const replay = (differences: Difference[]): SeenReplay => ({
      exact: true,
      at,
      traces: differences.length === 0 ? [] : [{ session: 'alice', trace: 0, outcome: 'mismatch', differences }],
    });
    const [other, same] = [replay(swapped('A', 'B')), replay([])];
    for (const replays of [
      [other, same],
      [other, other],
    ])
      expect(learn(recording, replays).refused).toMatchObject([{ path: 'ack[0].list', undecided: true }]);
    expect(learn(recording, [other, other, same]).refused).toEqual([]);
  });

  test('with noise in its elements', () => {
    const items = [
      { name: 'A', colour: 'x' },
      { name: 'B', colour: 'y' },
    ];
    const moved = (p: string, q: string): Difference[] => [
      value('ack[0][0].name', 'A', 'B'),
      value('ack[0][1].name', 'B', 'A'),
      value('ack[0][0].colour', 'x', p),
      value('ack[0][1].colour', 'y', q),
    ];
    const kept = [value('ack[0][0].colour', 'x', 'r'), value('ack[0][1].colour', 'y', 's')];
    const { after, learnt } = lesson({ ack: [items] }, moved('1', '2'), kept, moved('3', '4'));
    expect(learnt).toEqual(['ack[0] !unordered']);
    expect(after.ack).toEqual([
      new Tagged({
        tag: 'unordered',
        items: [
          { name: 'A', colour: any('string') },
          { name: 'B', colour: any('string') },
        ],
      }),
    ]);
    // Wrong once only: that is no noise, whatever the order.
    expect(lesson({ ack: [items] }, moved('1', '2'), [], moved('y', 'x')).learnt).not.toContain('ack[0] !unordered');
  });

  test('is not learnt when elements are others, or one is missing', () => {
    const other = [...swapped('A', 'B').slice(0, 3), value('ack[0].list[1].name', 'B', 'C')];
    expect(lesson({ ack: [{ list }] }, other, swapped('A', 'B')).learnt).toEqual([]);
    const missing: Difference[] = [value('ack[0].list[0]', 'x', 'y'), { path: 'ack[0].list[1]', class: 'removed', expected: 'y' }];
    const { learnt, refused } = lesson({ ack: [{ list: ['x', 'y'] }] }, missing, [value('ack[0].list[0]', 'x', 'z'), ...missing.slice(1)]);
    expect(learnt).toEqual([]);
    expect(refused).toEqual([
      'ack[0].list[0]: beside it something came, went or moved: which one this is cannot be told',
      'ack[0].list[1]: missing, recorded "y"',
    ]);
  });

  test('is not learnt when something is missing in a matcher within it', () => {
    const tags = new Tagged({ tag: 'unordered', items: ['p', 'q'] });
    const items: Value[] = [
      { name: 'A', tags },
      { name: 'B', tags },
    ];
    const names = [value('ack[0][0].name', 'A', 'B'), value('ack[0][1].name', 'B', 'A')];
    const gone: Difference = { path: 'ack[0][0].tags[1]', class: 'removed', expected: 'q' };
    expect(lesson({ ack: [items] }, names, [], [...names, gone]).learnt).toEqual([]);
  });

  test('the same other order in every replay is no noise', () => {
    const other = [value('ack[0][0]', 'x', 'y'), value('ack[0][1]', 'y', 'x')];
    expect(lesson({ ack: [['x', 'y']] }, other, other).refused).toEqual(['ack[0]: the same other order in every replay']);
  });
});

describe('refused', () => {
  const twice = (path: string, expected: Difference['expected'], trace: Partial<Trace>, actual: [Difference['actual'], Difference['actual']] = ['b', 'c']) =>
    lesson(trace, [value(path, expected, actual[0])], [value(path, expected, actual[1])]);

  test.each<[string, ReturnType<typeof lesson>]>([
    ['ack[0].a: missing, recorded "a"', lesson({ ack: [{ a: 'a' }] }, [{ path: 'ack[0].a', class: 'removed', expected: 'a' }], [])],
    ['ack[0].b: not recorded: 1', lesson({ ack: [{}] }, [{ path: 'ack[0].b', class: 'added', actual: 1 }], [])],
    [
      'ack[0]: of another type: 1, recorded "a"',
      lesson({ ack: ['a'] }, [value('ack[0]', 'a', 'b')], [{ path: 'ack[0]', class: 'type', expected: 'a', actual: 1 }]),
    ],
    [
      'pushes.bob.ev: missing, recorded [1]',
      lesson({ pushes: [{ to: 'bob', event: 'ev', args: [1] }] }, [{ path: 'pushes.bob.ev', class: 'removed', expected: [1] }]),
    ],
    ['ack[0]: "b" in every replay, recorded "a": another state, or a regression', twice('ack[0]', 'a', { ack: ['a'] }, ['b', 'b'])],
    ['ack[0]: "b" in one of 2 replays only, recorded "a"', lesson({ ack: ['a'] }, [value('ack[0]', 'a', 'b')], [])],
    ['ack[0].ok: false, recorded true: another outcome', twice('ack[0].ok', true, { ack: [{ ok: true }] }, [false, true])],
    [
      'http.status: 500, recorded 200: a status or the key of a row',
      twice('http.status', 200, { emit: undefined, http: { method: 'GET', url: '/', status: 200 } }, [500, 501]),
    ],
    [
      'changes.doc.update.id: 2, recorded 1: a status or the key of a row',
      twice('changes.doc.update.id', 1, { changes: [{ update: 'doc', key: { id: 1 }, set: {} }] }, [2, 3]),
    ],
    ['ack[0]: "b"; it stands under !id a', twice('ack[0]', 'a', { ack: [id('a')] })],
    ['ack[0]: "b"; it stands under !secret pin', twice('ack[0]', 'a', { ack: [new Tagged({ tag: 'secret', name: 'pin' })] })],
    [
      'ack[0].room: clients send "lobby" too: an echo, or an id that has no name (!id NAME)',
      twice('ack[0].room', 'lobby', { args: [{ room: 'lobby' }], ack: [{ room: 'lobby' }] }),
    ],
    ['ack[0]: it cannot be told which value of the recording this is', twice('ack[0]', 'other', { ack: ['a'] })],
    ['ack[9]: it cannot be told which value of the recording this is', twice('ack[9]', 'a', { ack: ['a'] })],
    [
      ': rejected: no such note',
      lesson({ ack: ['a'] }, { session: 'alice', trace: 0, outcome: 'rejected', reason: 'no such note', differences: [value('ack[0]', 'a', 'b')] }, [
        value('ack[0]', 'a', 'c'),
      ]),
    ],
  ])('%s', (why, { learnt, refused }) => {
    expect(refused).toContain(why);
    expect(learnt).toEqual([]);
  });

  test('what is known, and what is disabled', () => {
    const known: SeenTrace = { session: 'alice', trace: 0, outcome: 'mismatch', quarantined: true, differences: [value('ack[0]', 'a', 'b')] };
    expect(lesson({ ack: ['a'] }, known, known)).toMatchObject({ learnt: [], refused: [] });
    expect(lesson({ disabled: true }, { session: 'alice', trace: 0, outcome: 'skipped' })).toMatchObject({ learnt: [], refused: [] });
  });

  test('the state of a table, unless its rows have noise', () => {
    const state = value('checkpoints.paid.note', 'h1', 'h2');
    const row: Partial<Trace> = { changes: [{ insert: 'note', row: { colour: 'a' } }] };
    expect(lesson(row, [state], [{ ...state, actual: 'h3' }]).refused).toEqual(['checkpoints.paid.note: the table has "h2" rows, recorded "h1"']);
    expect(lesson(row, [state, value('changes.note.insert.colour', 'a', 'b')], [state, value('changes.note.insert.colour', 'a', 'c')]).refused).toEqual([]);
  });
});

describe('a unique text in what came back', () => {
  const unique = new Tagged({ tag: 'unique', text: 'ann@example.org' });
  const sent = { args: [unique, new Tagged({ tag: 'unique', text: 'garden' })] };
  const made = (text: string, suffix: string): string => text.replace('ann@', `ann-${suffix}@`).replace('garden', `garden-${suffix}`);
  const twice = (path: string, recorded: string) => ['k3x9q2a00', 'm8xyz0b01'].map((suffix) => [value(path, recorded, made(recorded, suffix))]);

  test.each([
    ['garden', '!unique garden'],
    ['the garden of ann@example.org', '!text the ${garden} of ${ann@example.org}'],
    // Letters around it are no boundary for what was seen.
    ['room_garden_1', '!text room_${garden}_1'],
    ['/of/garden?by=x', '!text /of/${garden}?by=x'],
  ])('%s: %s, not noise', (recorded, matcher) => {
    const { learnt, refused } = lesson({ ...sent, ack: [recorded] }, ...twice('ack[0]', recorded));
    expect(learnt).toEqual([`ack[0] ${matcher}`]);
    expect(refused).toEqual([]);
  });

  test('made into something else: an expression', () => {
    const { learnt } = lesson({ ...sent, ack: ['the-garden.html'] }, [value('ack[0]', 'the-garden.html', 'the-garden-k3x9q2a00.html')]);
    expect(learnt).toEqual(['ack[0] !text the-${garden}.html']);
    const upper = lesson({ ...sent, ack: ['GARDEN'] }, [value('ack[0]', 'GARDEN', 'GARDEN-k3x9q2a00')]);
    expect(upper.learnt).toEqual(['ack[0] !regex ^GARDEN-[0-9a-z]+$']);
  });

  test('made into something else that a client sends later: a name', () => {
    const traces: Trace[] = [
      { emit: 'open', ...sent, ack: ['GARDEN'] },
      { emit: 'use', args: ['GARDEN'], ack: ['GARDEN', 'garden'] },
    ];
    const recording: Recording = { version: 1, name: 'r', status: 'finished', sessions: [{ id: 'alice', traces }] };
    const seen = { session: 'alice', trace: 0, outcome: 'mismatch', differences: [value('ack[0]', 'GARDEN', 'GARDEN-k3x9q2a00')] };
    const { edits, learnt } = learn(recording, [{ exact: true, at, traces: [seen, { session: 'alice', trace: 1, outcome: 'rejected' }] }]);
    expect(learnt).toMatchObject([{ trace: 0, path: 'ack[0]', matcher: '!id ack1' }]);
    const after = (applyEdits(recording as unknown as Value, edits) as unknown as Recording).sessions[0]?.traces;
    expect(after).toMatchObject([{ ack: [id('ack1')] }, { args: [id('ack1')], ack: [id('ack1'), 'garden'] }]);
  });

  test('as a key, with what stands under it', () => {
    const trace = { ...sent, ack: [{ in: { garden: 1, kitchen: 2 }, by: 'the garden' }] };
    const { after, refused } = lesson(trace, [
      { path: 'ack[0].in.garden', class: 'removed', expected: 1 },
      { path: 'ack[0].in.garden-k3x9q2a00', class: 'added', actual: 1 },
      value('ack[0].by', 'the garden', 'the garden-k3x9q2a00'),
    ]);
    expect(refused).toEqual([]);
    const keys = new Tagged({ tag: 'keys', entries: { '${garden}': 1, kitchen: 2 } });
    expect(after.ack).toEqual([{ in: keys, by: new Tagged({ tag: 'text', template: 'the ${garden}' }) }]);
  });

  test('another text, a key that is gone, and two copies in one text are none', () => {
    const { learnt, refused } = lesson({ ...sent, ack: [{ a: 'the garden', garden: 1, b: 'garden, garden' }] }, [
      value('ack[0].a', 'the garden', 'a garden-k3x9q2a00'),
      { path: 'ack[0].garden', class: 'removed', expected: 1 },
      value('ack[0].b', 'garden, garden', 'garden-k3x9q2a00, garden-m8xyz0b01'),
    ]);
    expect(learnt).toEqual([]);
    expect(refused).toHaveLength(3);
  });
});
