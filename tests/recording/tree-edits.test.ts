/** Edits between two values: applied to the one they give the other, also in a text. */
import { expect, it } from 'vitest';
import { applyEdits } from '../../src/recording/edit.js';
import { editRecording } from '../../src/recording/edit-recording.js';
import type { Recording } from '../../src/recording/schema.js';
import { editsBetween } from '../../src/recording/tree-edits.js';
import { sameValue, type Value } from '../../src/recording/values.js';
import { writeRecording } from '../../src/recording/write.js';
import fc from '../fast-check.js';
import { value as arbitraryValue } from './arbitrary.js';

it('gives the other value', () => {
  fc.assert(
    fc.property(arbitraryValue, arbitraryValue, (from, to) => {
      const made = applyEdits({ at: from }, editsBetween({ at: from }, { at: to }));
      expect(sameValue(made, { at: to })).toBe(true);
    }),
    { numRuns: 300 },
  );
});

const recording = (args: Value[]): Recording => ({ version: 1, name: 'r', status: 'finished', sessions: [{ id: 'alice', traces: [{ emit: 'go', args }] }] });
const text = (args: Value[]): string => writeRecording(recording(args)).text;

/** The text of one recording, edited into another one. */
function edited(before: string, from: Value[], to: Value[]): string {
  const edits = editsBetween(recording(from) as unknown as Value, recording(to) as unknown as Value);
  const result = editRecording(before, { file: 'r.yaml', readBinary: () => undefined }, () => edits);
  if ('errors' in result) throw result.errors[0];
  return result.text;
}

const rows = (...ids: number[]): Value[] => [{ list: ids.map((id) => ({ id, title: `a title that makes the line long enough ${id}`, done: false })) }];

it('in a text of our own comes out as if written anew: keys and items in their places, and back', () => {
  const full: Value[] = [{ a: 1, b: { c: 2, d: 3 }, e: [1, 2, 3, 4] }];
  const less: Value[] = [{ b: { d: 3 }, e: [1, 3, 4] }];
  expect(edited(text(full), full, less)).toBe(text(less));
  expect(edited(text(less), less, full)).toBe(text(full));
  expect(edited(text(rows(1, 2, 3, 4)), rows(1, 2, 3, 4), rows(1, 3, 5, 4))).toBe(text(rows(1, 3, 5, 4)));
});

it('leaves comments of what stays where they are', () => {
  const before = text(rows(1, 2, 3)).replace(/( *)- \{ id: 3/, '$1# the third\n$&');
  const after = edited(before, rows(1, 2, 3), rows(1, 3));
  expect(after).toMatch(/# the third\n *- \{ id: 3/);
  expect(after).not.toContain('id: 2');
});
