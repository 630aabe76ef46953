import { expect, test } from 'vitest';
import { createNamer, keyNames, singular, tablesIn } from '../../../src/recording/names/words.js';

test.each([
  ['annotations', 'annotation'],
  ['categories', 'category'],
  ['boxes', 'box'],
  ['classes', 'class'],
  ['status', 'status'],
  ['analysis', 'analysis'],
  ['notes', 'note'],
  ['houses', 'house'],
  ['comment', 'comment'],
])('one of %s is a %s', (many, one) => expect(singular(many)).toBe(one));

test.each([
  ['annotationId', 'annotation', true],
  ['annotation_ids', 'annotations', true],
  ['monitorID', 'monitor', true],
  ['annotation', 'annotation', false],
  ['annotations', 'annotation', false],
  ['documentid', 'document', true],
  ['tagId', 'annotation', false],
])('%s refers to %s: %s', (key, table, refers) => expect(keyNames(key, table)).toBe(refers));

test.each([
  ['annotationUpdate', ['annotation']],
  ['annotations:list', ['annotation']],
  ['delete_tag', ['tag']],
  ['tagging', []],
  ['stage', []],
  ['commentVoteRefresh', ['comment_votes']],
  ['commentRefresh', ['comment']],
  ['annotationTag', ['annotation', 'tag']],
  ['PDFComment', ['comment']],
  ['userIDs', []],
  [`annotation ${'x'.repeat(70)}`, []],
])('%s speaks of %j', (text, tables) => expect(tablesIn(text, ['annotation', 'tag', 'comment', 'comment_votes', '$'])).toEqual(tables));

test('names do not collide', () => {
  const name = createNamer();
  expect(['a', 'a', 'a1', 'a-1', 'ä', '', 'a1'].map(name)).toEqual(['a1', 'a2', 'a11', 'a12', 'value1', 'value2', 'a13']);
});
