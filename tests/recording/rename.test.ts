/** Renaming events, fields, tables and users. */
import { expect, it } from 'vitest';
import { editRecording } from '../../src/recording/edit-recording.js';
import { type FieldPlace, parseField, renameEvent, renameField, renameTable, renameUser } from '../../src/recording/rename.js';
import type { Recording } from '../../src/recording/schema.js';

const flow = `version: 1
name: flow
status: finished
sessions:
  - id: alice
    user: alice
    traces:
      - emit: 'noteAdd' # sends
        args: [{ documentId: 1, deep: [{ id: 1 }, { id: 2 }] }, { documentId: 2 }]
        ack: [{ data: { documentId: 1 } }]
        pushes:
          - { to: alice, event: noteAdd, args: [{ documentId: 1 }] }
        changes:
          - { insert: note, row: { documentId: 1 } }
          - { update: document, key: { id: 1 }, set: {} }
      - emit: noteList
        args: [!some [{ documentId: 3 }]]
    received:
      - { after: 0, event: noteAdd, args: [{ documentId: 9 }] }
unattributed:
  - { delete: note, key: { id: 1 } }
`;

function changed(make: (recording: Recording) => ReturnType<typeof renameEvent>): string[] {
  const result = editRecording(flow, { file: 'flow.yaml', readBinary: () => undefined }, ({ recording }) => make(recording));
  if ('errors' in result) throw new Error(result.errors.map(({ message }) => message).join('\n'));
  const before = flow.split('\n');
  return result.text.split('\n').flatMap((line, n) => (line === before[n] ? [] : [line.trim()]));
}
const field = (event: string, path: string, key: string, place?: FieldPlace) =>
  changed((recording) => renameField(recording, event, parseField(path, place), key, () => expect.unreachable()));

it('renames events that are sent, pushed and received', () => {
  expect(changed((recording) => renameEvent(recording, 'noteAdd', 'noteCreate'))).toEqual([
    '- emit: noteCreate # sends',
    '- { to: alice, event: noteCreate, args: [{ documentId: 1 }] }',
    '- { after: 0, event: noteCreate, args: [{ documentId: 9 }] }',
  ]);
});

it('renames tables and users', () => {
  expect(changed((recording) => renameTable(recording, 'note', 'notes'))).toEqual([
    '- { insert: notes, row: { documentId: 1 } }',
    '- { delete: notes, key: { id: 1 } }',
  ]);
  expect(changed((recording) => renameUser(recording, 'alice', 'anna'))).toEqual(['user: anna']);
});

it('renames a field of arguments, acknowledgements and pushes', () => {
  expect(field('noteAdd', 'args[0].documentId', 'docId')).toEqual(['args: [{ docId: 1, deep: [{ id: 1 }, { id: 2 }] }, { documentId: 2 }]']);
  expect(field('note*', '[*].documentId', 'docId')).toEqual(['args: [{ docId: 1, deep: [{ id: 1 }, { id: 2 }] }, { docId: 2 }]']);
  expect(field('noteList', 'args[0][*].documentId', 'docId')).toEqual(['args: [!some [{ docId: 3 }]]']);
  expect(field('noteAdd', 'args[0].deep[*].id', 'key')).toEqual(['args: [{ documentId: 1, deep: [{ key: 1 }, { key: 2 }] }, { documentId: 2 }]']);
  expect(field('noteAdd', 'ack[0].data.documentId', 'docId')).toEqual(['ack: [{ data: { docId: 1 } }]']);
  expect(field('noteAdd', 'args[0]["documentId"]', 'docId', 'push')).toEqual([
    '- { to: alice, event: noteAdd, args: [{ docId: 1 }] }',
    '- { after: 0, event: noteAdd, args: [{ docId: 9 }] }',
  ]);
});

it('does not write a key twice', () => {
  const at: PropertyKey[][] = [];
  editRecording(flow, { file: 'flow.yaml', readBinary: () => undefined }, ({ recording }) =>
    renameField(recording, 'noteAdd', parseField('args[0].documentId', undefined), 'deep', (path) => at.push(path)).slice(1),
  );
  expect(at).toEqual([['sessions', 0, 'traces', 0, 'args', 0, 'deep']]);
});

it.each([
  ['documentId', undefined],
  ['args[0]', undefined],
  ['args[0].a..b', undefined],
  ['args[x].a', undefined],
  ['answer[0].a', undefined],
  ['ack[0].a', 'args'],
  ['args[0].a', 'ack'],
] as [string, FieldPlace | undefined][])('%s in %s is no field', (path, place) => {
  expect(() => parseField(path, place)).toThrow(/REPLAY_USAGE/);
});
