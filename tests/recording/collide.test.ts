/** What a second copy collides with, and what is proposed for it. */
import { expect, test } from 'vitest';
import { collisionsOf, singleCopyEdits, uniqueEdits } from '../../src/recording/collide.js';
import { applyEdits } from '../../src/recording/edit.js';
import type { SeenReplay, SeenTrace } from '../../src/recording/learn.js';
import { type Recording, recordingSchema, type Trace } from '../../src/recording/schema.js';
import { Tagged, type Value } from '../../src/recording/values.js';

const recorded = (...traces: Trace[]): Recording => ({ version: 1, name: 'r', status: 'finished', sessions: [{ id: 'alice', traces }] });
const copies = (...seen: Omit<SeenTrace, 'session'>[][]): SeenReplay[] =>
  seen.map((traces) => ({ exact: false, at: 0, traces: traces.map((one) => ({ session: 'alice', ...one })) }));
const edit = (recording: Recording, edits: Parameters<typeof applyEdits>[1]): Recording =>
  applyEdits(recording as unknown as Value, edits) as unknown as Recording;

const create: Trace = {
  emit: 'tagCreate',
  args: [{ name: 'solitude', colour: '#1f6feb', note: 'about solitude' }],
  ack: [{ success: true, name: 'solitude', message: 'solitude was created' }],
  changes: [{ insert: 'tag', row: { id: 1, name: 'solitude', colour: '#1f6feb' } }],
};
const use: Trace = { emit: 'tagFind', args: ['solitude'], ack: [{ name: 'solitude' }] };

test('a text that one copy has taken: the one that the refusal speaks of first, then by its key', () => {
  const recording = recorded(create, use);
  const refused = { trace: 0, outcome: 'rejected', reason: 'UNIQUE constraint failed: tag.name' };
  expect(collisionsOf(recording, copies([], [refused, { trace: 1, outcome: 'skipped' }]))).toEqual([
    { session: 0, trace: 0, why: "alice's tagCreate: refused: UNIQUE constraint failed: tag.name", texts: ['solitude', '#1f6feb'] },
  ]);
  const told = collisionsOf(recording, copies([], [{ ...refused, reason: '#1f6feb is taken' }]));
  expect(told[0]?.texts).toEqual(['#1f6feb', 'solitude']);
});

test('the text becomes unique where it stands from then on, and in what the server says of it, but not in a sentence of a person', () => {
  const recording = recorded({ ...use, args: ['x'], ack: [] }, create, use);
  const found = collisionsOf(recording, copies([], [{ trace: 1, outcome: 'rejected' }]));
  const [, made, later] = edit(recording, uniqueEdits(recording, found, new Set(['solitude']))).sessions[0]?.traces ?? [];
  const unique = new Tagged({ tag: 'unique', text: 'solitude' });
  expect(made?.args).toEqual([{ name: unique, colour: '#1f6feb', note: 'about solitude' }]);
  expect(made?.ack).toEqual([{ success: true, name: unique, message: new Tagged({ tag: 'text', template: '${solitude} was created' }) }]);
  expect(made?.changes).toEqual([{ insert: 'tag', row: { id: 1, name: unique, colour: '#1f6feb' } }]);
  expect(later?.args).toEqual([unique]);
});

test('a text that was there before is not new', () => {
  const recording = recorded({ emit: 'list', ack: [['solitude']] }, create);
  expect(collisionsOf(recording, copies([], [{ trace: 1, outcome: 'rejected' }]))[0]?.texts).toEqual(['#1f6feb']);
});

test('what comes first in time comes first, whoever did it', () => {
  const sessions: Recording['sessions'] = [
    { id: 'alice', times: [[20, 1]], traces: [use] },
    { id: 'bob', times: [[10, 1]], traces: [create] },
  ];
  const late = ['alice', 'bob'].map((session) => ({ session, trace: 0, outcome: 'rejected' }));
  const found = collisionsOf({ ...recorded(), sessions }, [
    { exact: false, at: 0, traces: [] },
    { exact: false, at: 0, traces: late },
  ]);
  expect(found.map(({ session, why }) => [session, why])).toEqual([
    [1, "bob's tagCreate: refused"],
    [0, "alice's tagFind: refused"],
  ]);
});

test('a row that only the first copy finds: one copy, with the reason', () => {
  const recording = recorded({ emit: 'drop', args: [3], changes: [{ delete: 'document', key: { id: 3 } }] });
  const gone = { trace: 0, outcome: 'mismatch', differences: [{ path: 'changes.document.delete', class: 'removed' as const }] };
  const found = collisionsOf(recording, copies([gone], []));
  expect(found).toMatchObject([{ texts: [] }]);
  const after = edit(recording, singleCopyEdits(found));
  expect(after).toMatchObject({ copies: 1, reason: "a second copy collides: alice's drop: no row of document was deleted" });
  expect(recordingSchema.safeParse(after).success).toBe(true);
});

test('a push that only the first copy gets, where no acknowledgement can say no: unsure', () => {
  const join: Trace = { emit: 'join-room', args: ['7cff1c643a683dea065c'], pushes: [{ to: 'alice', event: 'first-in-room' }] };
  const gone = { trace: 0, outcome: 'mismatch', differences: [{ path: 'pushes.alice.first-in-room', class: 'removed' as const }] };
  expect(collisionsOf(recorded(join), copies([], [gone]))).toEqual([
    { session: 0, trace: 0, why: "alice's join-room: pushes.alice.first-in-room did not come", texts: ['7cff1c643a683dea065c'], unsure: true },
  ]);
  expect(collisionsOf(recorded({ ...join, ack: [] }), copies([], [gone]))).toEqual([]);
  // What several events send is likelier where it takes place, also if an earlier one has sent it.
  const [sync, move]: Trace[] = [
    { emit: 'sync', args: ['kitchen'], pushes: [{ to: 'alice', event: 'state', args: ['kitchen'] }] },
    { emit: 'update', args: [{ type: 'MOVE', name: 'click' }, 'kitchen'], pushes: [{ to: 'alice', event: 'moved', args: ['kitchen'] }] },
  ];
  const played = recorded(sync!, move!);
  const late = { trace: 1, outcome: 'mismatch', differences: [{ path: 'pushes.alice.moved', class: 'removed' as const }] };
  const found = collisionsOf(played, copies([], [late]));
  expect(found[0]?.texts).toEqual(['kitchen', 'click']);
  const [first, second] = edit(played, uniqueEdits(played, found, new Set(['kitchen']))).sessions[0]?.traces ?? [];
  const kitchen = new Tagged({ tag: 'unique', text: 'kitchen' });
  expect([first?.args, first?.pushes?.[0]?.args, second?.args, second?.pushes?.[0]?.args]).toEqual([
    [kitchen],
    [kitchen],
    [{ type: 'MOVE', name: 'click' }, kitchen],
    [kitchen],
  ]);
  const others = { ...gone, differences: [{ path: 'pushes.bob.first-in-room', class: 'removed' as const }] };
  expect(collisionsOf(recorded(join), copies([], [others]))).toEqual([]);
});

test.each([
  ['fails in every copy', [[{ trace: 0, outcome: 'rejected' }], [{ trace: 0, outcome: 'rejected' }]]],
  ['only differs', [[], [{ trace: 0, outcome: 'mismatch', differences: [{ path: 'ack[0].n', class: 'value' as const }] }]]],
  ['only follows', [[], [{ trace: 0, outcome: 'mismatch', differences: [{ path: 'ack[0].n', class: 'removed' as const, follows: 'tag1' }] }]]],
  ['was not sent', [[], [{ trace: 0, outcome: 'skipped' }]]],
  ['is known to fail', [[], [{ trace: 0, outcome: 'rejected', quarantined: true }]]],
])('no collision: what %s', (_, seen) => {
  expect(collisionsOf(recorded(create), copies(...seen))).toEqual([]);
});
