/** What somebody said of a recording stays when it is recorded again. */
import { expect, test } from 'vitest';
import { keepGiven } from '../../src/recording/keep-given.js';
import { keepNames } from '../../src/recording/names/keep.js';
import type { Recording } from '../../src/recording/schema.js';
import { id, Tagged, type Value } from '../../src/recording/values.js';
import { emit, insert, recordingOf } from './names/build.js';

const text = (template: string) => new Tagged({ tag: 'text', template });
const flow = (document: Value, room: Value, more: Parameters<typeof recordingOf>[0] = []): Recording =>
  recordingOf([
    emit('open', [{ documentId: document, page: 7 }], { ack: [{ id: document, title: 'x' }] }),
    emit('join', [room]),
    emit('tagOpen', [{ id: 7 }], { ack: [{ id: 7, documentId: document }] }),
    ...more,
  ]);
const known: Recording = { ...flow(id('document1'), text('/documents/${document1}')), given: { document1: 7 } };

test('a given name stands again where its value does, and nowhere else', () => {
  const { recording, lost } = keepGiven(flow(7, '/documents/7', [emit('close', [{ documentId: 7, n: 7 }])]), known);
  expect(lost).toEqual([]);
  expect(recording).toEqual({
    ...flow(id('document1'), text('/documents/${document1}'), [emit('close', [{ documentId: id('document1'), n: 7 }])]),
    given: { document1: 7 },
  });
});

test('one whose value is gone is told', () => {
  const now = flow(8, '/documents/8');
  expect(keepGiven(now, known)).toEqual({ recording: now, lost: [{ name: 'document1', value: 7 }] });
});

test('where a row makes the value now, its name is another one', () => {
  const made = (name: string) => [emit('add', [{ title: 'y' }], { ack: [id(name)], changes: [insert('document', { id: id(name), title: 'y' })] })];
  const { recording } = keepNames({ recording: flow(7, '/documents/7', made('document1')), names: [], unproven: [] }, known);
  expect(recording).toEqual(flow(7, '/documents/7', made('document2')));
  expect(keepGiven(recording, known).recording).toEqual({
    ...flow(id('document1'), text('/documents/${document1}'), made('document2')),
    given: { document1: 7 },
  });
});

test('without given names nothing changes', () => {
  const now = flow(7, '/documents/7');
  expect(keepGiven(now, flow(7, '/documents/7')).recording).toBe(now);
});
