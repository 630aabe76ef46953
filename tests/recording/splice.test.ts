/** Edits of texts: what is not edited stays to the byte, and what comes out says what the edits say. */
import { describe, expect, it } from 'vitest';
import { parseYaml } from '../../src/recording/document.js';
import { applyEdits, type Edit } from '../../src/recording/edit.js';
import type { Recording } from '../../src/recording/schema.js';
import { editText } from '../../src/recording/splice.js';
import { isObject, sameValue, Tagged, type Value } from '../../src/recording/values.js';
import { writeRecording } from '../../src/recording/write.js';
import fc from '../fast-check.js';
import { recording as arbitraryRecording, value as arbitraryValue } from './arbitrary.js';

const options = (files = new Map<string, Uint8Array>()) => ({ file: 'r.yaml', readBinary: (sha256: string) => files.get(sha256) });
const edited = (text: string, ...edits: Edit[]): string => {
  const value = parsed(text);
  const result = editText(text, value, edits).text;
  expect(sameValue(parsed(result), applyEdits(value, edits)), result).toBe(true);
  return result;
};
const parsed = (text: string, files?: Map<string, Uint8Array>): Value => {
  const { value, errors } = parseYaml(text, options(files));
  expect(errors).toEqual([]);
  return value as Value;
};

/** Every place of a value tree but the root, with what stands there. */
function placesOf(value: Value, at: PropertyKey[] = []): { at: PropertyKey[]; inList: boolean; length: number }[] {
  const items = value instanceof Tagged && (value.body.tag === 'some' || value.body.tag === 'unordered') ? value.body.items : value;
  if (Array.isArray(items)) return items.flatMap((item, i) => [{ at: [...at, i], inList: true, length: items.length }, ...placesOf(item, [...at, i])]);
  if (!isObject(items)) return [];
  return Object.entries(items).flatMap(([key, item]) => [{ at: [...at, key], inList: false, length: 0 }, ...placesOf(item, [...at, key])]);
}

const pick = fc.tuple(
  fc.nat(),
  fc.constantFrom('set', 'remove', 'insert', 'append', 'rename', 'add'),
  arbitraryValue,
  fc.constantFrom('k', 'a b', 'x:y', '1', 'true'),
);
type Pick = [number, string, Value, string];

/** Edits at these places, of any kind; none of a key that would stand twice. */
function editsOf(places: ReturnType<typeof placesOf>, picks: Pick[], has: (at: PropertyKey[]) => boolean): Edit[] {
  const made = new Map<string, Edit>();
  for (const [n, kind, value, word] of picks) {
    const place = places[n % Math.max(1, places.length)];
    if (!place) continue;
    const { at, inList, length } = place;
    const sibling = [...at.slice(0, -1), `${word}${n}`];
    const free = !inList && !has(sibling) && !made.has(JSON.stringify(sibling));
    if (kind === 'set') made.set(JSON.stringify(at), { at, set: value });
    else if (kind === 'remove') made.set(JSON.stringify(at), { at, remove: true });
    else if (kind === 'insert' && inList) made.set(`+${JSON.stringify(at)}`, { at, insert: value });
    else if (kind === 'append' && inList) made.set(`+${n}`, { at: [...at.slice(0, -1), length], insert: value });
    else if (kind === 'rename' && free) made.set(JSON.stringify(at), { at, rename: `${word}${n}` });
    else if (kind === 'add' && free) made.set(JSON.stringify(sibling), { at: sibling, set: value });
  }
  return [...made.values()];
}

const hasPath = (value: Value) => {
  const known = new Set(placesOf(value).map(({ at }) => JSON.stringify(at)));
  return (at: PropertyKey[]) => known.has(JSON.stringify(at));
};

describe('laws', { timeout: 120_000 }, () => {
  it('an edited text says what the edits say, whatever its layout', () => {
    fc.assert(
      fc.property(arbitraryRecording, fc.array(pick, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean(), (made, picks, crlf, comments) => {
        const written = writeRecording(made);
        let text = written.text;
        if (comments) text = commented(text);
        if (crlf && !/[|>]-?\n/.test(text)) text = text.replaceAll('\n', '\r\n');
        const value = parsed(text, written.files);
        const edits = editsOf(placesOf(value), picks as Pick[], hasPath(value));
        const result = editText(text, value, edits);
        expect(sameValue(parsed(result.text, new Map([...written.files, ...result.files])), applyEdits(value, edits))).toBe(true);
      }),
      { numRuns: 120 },
    );
  });

  it('a text of our own comes out as if the edited recording were written anew', () => {
    fc.assert(
      fc.property(arbitraryRecording, fc.array(pick, { minLength: 1, maxLength: 3 }), (made, picks) => {
        const { text, files } = writeRecording(made);
        const value = parsed(text, files);
        // Only values may become anything; of the rest parts may be missing, and traces can be disabled.
        const isValue = (at: readonly PropertyKey[]) => /\/(?:args|ack|answer|row|set|key|auth|query|headers|body)\/[^/]/.test(`/${at.join('/')}`);
        const places = placesOf(value).filter(({ at }) => !at.includes('to') && !at.includes('times') && at.at(-1) !== 'traces' && at.at(-1) !== 'sessions');
        const edits = editsOf(places, picks as Pick[], hasPath(value)).filter((edit) => isValue(edit.at) || 'remove' in edit);
        if (!edits.some(({ at }) => at.includes('traces'))) edits.push({ at: ['sessions', 1, 'traces', 0, 'disabled'], set: true });
        const expected = applyEdits(value, edits);
        expect(editText(text, value, edits).text, JSON.stringify(edits)).toBe(writeRecording(expected as unknown as Recording).text);
      }),
      { numRuns: 150 },
    );
  });

  it('lines that no edit is in stay as they are, comments too', () => {
    fc.assert(
      fc.property(arbitraryRecording, fc.array(pick, { minLength: 1, maxLength: 2 }), fc.nat(), (made, picks, n) => {
        const written = writeRecording(made);
        const text = commented(written.text);
        const value = parsed(text, written.files);
        const [edit] = editsOf(placesOf(value), picks as Pick[], hasPath(value));
        if (!edit) return;
        const other = placesOf(value)[n % placesOf(value).length]?.at ?? [];
        if (other.every((part, i) => edit.at[i] === part) || edit.at.every((part, i) => other[i] === part)) return;
        const { text: result, splices } = editText(text, value, [edit]);
        // What is outside of the splices is there by construction; that they are no larger than the trace, is not.
        const lines = (at: number) => text.slice(0, at).split('\n').length;
        const trace = edit.at[2] === 'traces' && edit.at.length > 4;
        if (trace)
          for (const { start, end } of splices) {
            const own = text.slice(start, end);
            expect(own.match(/^ {6}- /gm) ?? [], `${lines(start)}: ${own}`).toEqual([]);
          }
        const inside = splices.map(({ start, end }) => text.slice(start, end)).join('');
        expect((result.match(/# comment/g) ?? []).length).toBeGreaterThanOrEqual(
          (text.match(/# comment/g) ?? []).length - (inside.match(/# comment/g) ?? []).length,
        );
      }),
      { numRuns: 120 },
    );
  });
});

/** A person's file: other quoting, order, layout, comments, anchors; `!` marks what edits do to it. */
const personal = `version: 1   # the format
name:   'flow'
status: finished

# Alice does everything.
sessions:
- user: "alice"
  id: alice
  times: [ [0,1], [5, 2],[9,3] ]   # by hand
  traces:
  -   connect: {namespace: '/'}
  # the first one
  - ack:
    - success: true # it must
      data: {id: !id "list1", tags: [a,   b, # two
        c]}
    emit: 'listCreate'
    args:
    - {name: "groceries", 'quoted':1}
    pushes: [{to: alice, event: 'listRefresh', args: [1]}]

  # the second one
  - emit: listDelete   # with a reason
    args: [ !id list1 ]
    # nobody hears of it
    changes:
      - delete: list
        key: {id: !id list1}`;

describe('a file that a person wrote', () => {
  const change = (...edits: Edit[]): string[] => {
    const before = personal.split('\n');
    const after = edited(personal, ...edits).split('\n');
    let head = 0;
    while (before[head] === after[head] && head < before.length) head++;
    let tail = 0;
    while (before.at(-1 - tail) === after.at(-1 - tail) && tail < Math.min(before.length, after.length) - head) tail++;
    return [...before.slice(head, before.length - tail).map((line) => `-${line}`), ...after.slice(head, after.length - tail).map((line) => `+${line}`)];
  };
  const trace = (n: number, ...rest: PropertyKey[]) => ['sessions', 0, 'traces', n, ...rest];

  it.each<[string, Edit[], string[]]>([
    ['sets a text', [{ at: trace(1, 'emit'), set: 'list new' }], ["-    emit: 'listCreate'", '+    emit: list new']],
    ['sets a value in braces', [{ at: trace(1, 'args', 0, 'name'), set: 'x' }], ['-    - {name: "groceries", \'quoted\':1}', "+    - {name: x, 'quoted':1}"]],
    ['keeps the comment behind', [{ at: trace(1, 'ack', 0, 'success'), set: false }], ['-    - success: true # it must', '+    - success: false # it must']],
    [
      'and before a value of several lines',
      [{ at: trace(1, 'ack', 0, 'success'), set: 'a\nb' }],
      ['-    - success: true # it must', '+    - success: |- # it must', '+        a', '+        b'],
    ],
    [
      'renames a key',
      [{ at: trace(1, 'args', 0, 'quoted'), rename: 'n:' }],
      ['-    - {name: "groceries", \'quoted\':1}', '+    - {name: "groceries", "n:":1}'],
    ],
    [
      'adds a key',
      [{ at: trace(1, 'args', 0, 'more'), set: [1] }],
      ['-    - {name: "groceries", \'quoted\':1}', '+    - {name: "groceries", \'quoted\':1, more: [1]}'],
    ],
    ['adds a key where the schema has it', [{ at: trace(2, 'disabled'), set: true }], ['+    disabled: true']],
    [
      'takes an item out of brackets',
      [{ at: trace(1, 'ack', 0, 'data', 'tags', 1), remove: true }],
      ['-      data: {id: !id "list1", tags: [a,   b, # two', '+      data: {id: !id "list1", tags: [a,    # two'],
    ],
    ['adds one', [{ at: trace(1, 'ack', 0, 'data', 'tags', 3), insert: 'd' }], ['-        c]}', '+        c, d]}']],
    ['empties a list', [{ at: trace(2, 'args', 0), remove: true }], ['-    args: [ !id list1 ]', '+    args: []']],
    [
      'removes the last trace and its time, without a line break at the end',
      [
        { at: trace(2), remove: true },
        { at: ['sessions', 0, 'times', 2], remove: true },
      ],
      [],
    ],
    ['inserts a trace', [{ at: trace(2), insert: { emit: 'x', args: [1] } }], ['+  - emit: x', '+    args: [1]']],
  ])('%s', (name, edits, expected) => {
    if (expected.length > 0) return expect(change(...edits)).toEqual(expected);
    const text = edited(personal, ...edits);
    expect(text.endsWith('  # the second one'), name).toBe(true);
    expect(text).toContain('  times: [ [0,1], [5, 2] ]   # by hand\n');
  });

  it.each(['\n', '\r\n'])('adds items behind one whose last line goes', (eol) => {
    const text = ['a:', '  - b: 1', '    c: 2', '  # of the next', '  - 3', 'd: 4', ''].join(eol);
    const gone: Edit = { at: ['a', 0, 'c'], remove: true };
    expect(edited(text, gone, { at: ['a', 1], insert: 7 }, { at: ['a', 1], insert: 8 })).toBe(
      ['a:', '  - b: 1', '  - 7', '  - 8', '  # of the next', '  - 3', 'd: 4', ''].join(eol),
    );
    expect(edited(text, gone, { at: ['a', 1], remove: true }, { at: ['a', 2], insert: 7 })).toBe(
      ['a:', '  - b: 1', '  - 7', '  # of the next', 'd: 4', ''].join(eol),
    );
  });

  it('goes through aliases without touching what they stand for', () => {
    const text = 'version: 1\na: &x { n: 1, m: 2 }\nb: *x\nc: [ *x, 3 ]\n';
    expect(edited(text, { at: ['b', 'n'], set: 5 }, { at: ['c', 0, 'm'], remove: true })).toBe(
      'version: 1\na: &x { n: 1, m: 2 }\nb: { n: 5, m: 2 }\nc: [ { n: 1 }, 3 ]\n',
    );
  });
});

it('keeps one trace a line in a large recording', () => {
  const traces = Array.from({ length: 2001 }, (_, n) => ({ emit: 'x', args: [n], pushes: [{ to: 'alice', event: 'e' }] }));
  const made: Recording = { version: 1, name: 'r', status: 'finished', sessions: [{ id: 'alice', traces }] };
  const { text } = writeRecording(made);
  const edits: Edit[] = [
    { at: ['sessions', 0, 'traces', 7, 'disabled'], set: true },
    { at: ['sessions', 0, 'traces', 9, 'pushes', 0, 'event'], set: 'other' },
    { at: ['sessions', 0, 'traces', 2001], insert: { emit: 'last' } },
  ];
  const result = edited(text, ...edits);
  expect(result).toBe(writeRecording(applyEdits(parsed(text), edits) as unknown as Recording).text);
  const before = text.split('\n');
  expect(result.split('\n').filter((line, n) => line !== before[n])).toEqual([
    '      - { emit: x, args: [7], pushes: [{ to: alice, event: e }], disabled: true }',
    '      - { emit: x, args: [9], pushes: [{ to: alice, event: other }] }',
    '      - { emit: last }',
    '',
  ]);
});

/** A comment above every third line that is not in a block of text. */
function commented(text: string): string {
  let block = -1;
  return text
    .split('\n')
    .flatMap((line, n) => {
      const indent = line.length - line.trimStart().length;
      if (block >= 0 && (line.trim() === '' || indent > block)) return [line];
      block = /(?:[:-]|!\w+) \|-?$/.test(line) ? line.search(/[^\s-]/) - 1 : -1;
      return n % 3 === 1 && block < 0 && line.trim() !== '' ? [`${' '.repeat(indent)}# comment ${n}`, line] : [line];
    })
    .join('\n');
}
