import { expect, test } from 'vitest';
import { buildRecording } from '../../src/capture/build.js';
import { progressLine, summary } from '../../src/cli/text.js';
import { connect, emit } from '../capture/events.js';

const counts = { sessions: 1, emits: 2, requests: 0, pushes: 0 };

test.each([
  [null, 'changes not measured'],
  [0, '0 changes'],
  [1, '1 change'],
])('while recording, %s changes: %s', (changes, text) => expect(progressLine({ ...counts, changes }, 0)).toMatch(new RegExp(`, ${text}$`)));

test.each([
  ['nobody measures rows', [], 'changes not measured'],
  ['no row was changed', [{ type: 'tables' as const, tables: [] }], '0 changes'],
])('of a recording in which %s', (_, more, text) => {
  const built = buildRecording({ name: 'n', source: 'proxy', aliases: {}, events: [...more, connect('a'), emit('a', 1, 'x')], end: { status: 'finished' } });
  expect(summary({ ...built, names: [], unproven: [], lostNames: [], file: 'n.yaml', bytes: 1 })[1]).toBe(`  1 session, 2 traces, 0 pushes, ${text}, 0 names`);
});
