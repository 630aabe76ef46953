import { expect, it } from 'vitest';
import { inspectionLines } from '../../src/cli/inspect-text.js';
import { inspectRecording } from '../../src/recording/inspect.js';
import type { Recording } from '../../src/recording/schema.js';

const insert = (table: string) => ({ insert: table, row: { id: 1 } });
const recording = (more: Partial<Recording>): Recording => ({
  version: 1,
  name: 'noisy',
  status: 'finished',
  sessions: [{ id: 'alice', traces: [{ connect: { namespace: '/' } }, { emit: 'add', changes: [insert('note')] }] }],
  ...more,
});
const linesOf = (inspected: Recording): string[] =>
  inspectionLines(inspectRecording(inspected, 0), { file: 'noisy.yaml', bytes: 1, sideFiles: [], lineOf: () => 1, notes: [] });

it('tables that change without a trace only are proposed, with the line to copy', () => {
  const lines = linesOf(recording({ unattributed: [insert('Session'), insert('note'), insert("it's"), insert('Session')] })).join('\n');
  expect(lines).toContain("changed without a trace only: Session, it's.");
  expect(lines).toContain("ignoreTables: ['Session', 'it\\'s'], in `use` of playwright.config.ts");
  expect(lines).toContain("--exclude 'table:Session' 'table:it'\\''s'");
  expect(linesOf(recording({ unattributed: [insert('note')] })).join('\n')).not.toContain('ignoreTables');
});

it('checkpoints show their tables by name', () => {
  const lines = linesOf(recording({ checkpoints: [{ name: 'paid', next: { alice: 1 }, tables: [{ table: 'note', rows: 3 }] }] }));
  expect(lines.join('\n')).toMatch(/paid +note 3/);
});
