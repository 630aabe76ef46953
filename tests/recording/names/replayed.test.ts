/** What replays prove to be a name, and what speaks against one. */
import { expect, test } from 'vitest';
import { applyEdits } from '../../../src/recording/edit.js';
import type { SeenReplay, SeenTrace } from '../../../src/recording/learn.js';
import { disproved } from '../../../src/recording/names/disproved.js';
import { type ReplayedName, replayedNames } from '../../../src/recording/names/replayed.js';
import type { Recording, Trace } from '../../../src/recording/schema.js';
import { id, type Value } from '../../../src/recording/values.js';
import { emit, insert, push, recordingOf, update } from './build.js';

const value = (path: string, expected: number, actual: number) => ({ path, class: 'value' as const, expected, actual });
const replay = (...traces: Omit<SeenTrace, 'session'>[]): SeenReplay => ({
  exact: true,
  at: 0,
  traces: traces.map((trace) => ({ session: 'alice', ...trace })),
});
const moved = (trace: number, ...differences: ReturnType<typeof value>[]): Omit<SeenTrace, 'session'> => ({ trace, outcome: 'mismatch', differences });

function found(steps: Trace[], replays: SeenReplay[], known: ReplayedName[] = [], refused: string[] = []) {
  const recording = recordingOf(steps);
  const { edits, names } = replayedNames(recording, replays, known, new Set(refused));
  const after = applyEdits(recording as unknown as Value, edits) as unknown as Recording;
  return { names, after, traces: after.sessions[0]?.traces ?? [] };
}

const create = emit('todo:create', [{ title: 'milk' }], { ack: [{ id: 1 }], pushes: [push('todo:created', { id: 1, title: 'milk' })] });
const done = emit('todo:done', [{ id: 1 }], { ack: [{ ok: true }] });
const seat = (to: number) => moved(0, value('ack[0].id', 1, to), value('pushes.alice["todo:created"][0].id', 1, to));

test('the key of a row that looked as if the client had chosen it', () => {
  const steps = [
    emit('like', [{ id: 1 }], { ack: [{ reactionId: 1 }], changes: [insert('reactions', { id: 1, of: 1 })] }),
    emit('unlike', [{ reactionId: 1 }], { changes: [update('reactions', { id: 1 }, { gone: true })] }),
  ];
  const seen = moved(0, value('ack[0].reactionId', 1, 2), value('changes.reactions.insert.id', 1, 2));
  const { traces } = found(steps, [replay(seen, { trace: 1, outcome: 'mismatch' })]);
  const name = id('reaction1');
  expect(traces[0]).toMatchObject({ args: [{ id: 1 }], ack: [{ reactionId: name }], changes: [{ row: { id: name, of: 1 } }] });
  expect(traces[1]).toMatchObject({ args: [{ reactionId: name }], changes: [{ key: { id: name } }] });
});

test('nothing, where one place alone is another value, or they are not the same other one', () => {
  expect(found([emit('todo:create', [{}], { ack: [{ id: 1 }] })], [replay(moved(0, value('ack[0].id', 1, 2)))]).names).toEqual([]);
  expect(found([create, done], [replay(moved(0, value('ack[0].id', 1, 2), value('pushes.alice["todo:created"][0].id', 1, 3)))]).names).toEqual([]);
});

test('nothing, where a client sent the id before: it was there already', () => {
  expect(found([emit('todo:open', [{ id: 1 }], { ack: [{ ok: true }] }), create, done], [replay({ ...seat(2), trace: 1 })]).names).toEqual([]);
});

test('a bare number only where the step fails with the recorded one, and with the name no more', () => {
  const steps = [create, emit('todo:open', [1], { ack: [{ ok: true }] })];
  expect(found(steps, [replay(seat(2))]).traces[1]?.args).toEqual([1]);
  const before = [replay(seat(2), { trace: 1, outcome: 'rejected' })];
  const { names, after, traces } = found(steps, before);
  expect(traces[1]?.args).toEqual([id('todo1')]);
  expect(disproved(after, names, before, [replay()]).size).toBe(0);
  const wrong = disproved(after, names, before, [replay({ trace: 1, outcome: 'rejected' })]);
  expect([...wrong.values()]).toEqual(['!id todo1: alice/1 todo:open does not come to what was recorded with it either']);
  expect(found(steps, before, [], [...wrong.keys()]).traces[1]?.args).toEqual([1]);
});

test('replays speak against a name: something else in its place, nothing that makes it, a step that was right without it', () => {
  const before = [replay(seat(2))];
  const { names, after } = found([create, done], before);
  const against = (...traces: Parameters<typeof replay>) => [...disproved(after, names, before, [replay(...traces)]).values()];
  expect(against()).toEqual([]);
  expect(against(moved(0, value('ack[0].id', 3, 4)))).toEqual(['!id todo1: at ack[0].id alice/0 todo:create had another value']);
  expect(against({ trace: 1, outcome: 'skipped', needs: { name: 'todo1' } })).toEqual(['!id todo1: alice/1 todo:done waited for it, and nothing made it']);
  expect(against({ trace: 1, outcome: 'rejected' })).toEqual(['!id todo1: alice/1 todo:done was right without it']);
  expect(
    found(
      [create, done],
      before,
      [],
      names.map(({ refusal }) => refusal),
    ).names,
  ).toEqual([]);
});

test('not a row that was there before: it counts up as all does that each replay leaves behind', () => {
  const older = [{ id: 3, name: 'older', projectId: 2 }];
  const steps = [
    emit('project:create', [{}], { ack: [{ ok: true }], changes: [insert('project', { id: id('project1') })] }),
    emit('tags:create', [{}], {
      ack: [{ ok: true }],
      pushes: [push('tags:created', { name: 'mine', projectId: 3 }), push('tags:all', older)],
      changes: [insert('tag_set', { id: id('tag_set1'), projectId: 3 })],
    }),
  ];
  const seen = moved(
    1,
    value('changes.tag_set.insert.projectId', 3, 4),
    value('pushes.alice["tags:created"][0].projectId', 3, 4),
    value('pushes.alice["tags:all"][0][0].id', 3, 4),
    value('pushes.alice["tags:all"][0][0].projectId', 2, 3),
  );
  expect(found(steps, [replay(seen)]).names).toEqual([]);
});
