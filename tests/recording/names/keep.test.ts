/** Names that stay when a flow is recorded again with something more, or less, in it. */
import { expect, it } from 'vitest';
import { keepNames } from '../../../src/recording/names/keep.js';
import type { Trace } from '../../../src/recording/schema.js';
import { id, Tagged, type Value } from '../../../src/recording/values.js';
import { writeRecording } from '../../../src/recording/write.js';
import fc from '../../fast-check.js';
import { emit, insert, recordingOf } from './build.js';

const text = (template: string) => new Tagged({ tag: 'text', template });
/** Adds a row, and speaks of it. */
const add = (what: string, name: string): Trace[] => [
  emit('add', [what], { ack: [{ id: id(name) }], changes: [insert('note', { id: id(name), what })] }),
  emit('show', [id(name)], { ack: [text(`/notes/\${${name}}`)] }),
];
const lines = (traces: Trace[]) => writeRecording(recordingOf(traces)).text.split('\n').slice(7).join('\n');
const kept = (now: Trace[], before: Trace[]) =>
  keepNames({ recording: recordingOf(now), names: [], unproven: [] }, recordingOf(before)).recording.sessions[0]?.traces ?? [];

it('keeps the names around something that is new, and gives that a new one', () => {
  const before = [...add('a', 'note1'), ...add('c', 'note2')];
  const now = [...add('a', 'note1'), ...add('b', 'note2'), ...add('c', 'note3')];
  expect(kept(now, before)).toEqual([...add('a', 'note1'), ...add('b', 'note3'), ...add('c', 'note2')]);
});

it('keeps them where something is gone, and takes a free number for another flow', () => {
  const before = [...add('a', 'note1'), ...add('b', 'note2'), ...add('c', 'note3')];
  expect(kept([...add('a', 'note1'), ...add('c', 'note2')], before)).toEqual([...add('a', 'note1'), ...add('c', 'note3')]);
  const other = [...add('x', 'note1'), ...add('y', 'note2')].map((trace) => ({ ...trace, emit: `other ${trace.emit}` }));
  expect(kept(other, before)).toEqual(other);
});

it('never takes a unique text, which is a name too', () => {
  const unique = emit('tag', [new Tagged({ tag: 'unique', text: 'note2' })], { ack: [text(`\${note2} made`)] });
  const before = [...add('a', 'note1'), ...add('c', 'note2')];
  expect(kept([...add('a', 'note1'), ...add('b', 'note3'), ...add('c', 'note4'), unique], before)).toEqual([
    ...add('a', 'note1'),
    ...add('b', 'note3'),
    ...add('c', 'note4'),
    unique,
  ]);
});

it('tells the names as they stand in the file', () => {
  const found = [
    { tag: '!id note1', why: 'a row', places: 2 },
    { tag: '!unique note1', why: 'unique', places: 1 },
  ];
  const { names } = keepNames(
    { recording: recordingOf(add('c', 'note1')), names: found, unproven: [] },
    recordingOf([...add('a', 'note1'), ...add('c', 'note2')]),
  );
  expect(names.map(({ tag }) => tag)).toEqual(['!id note2', '!unique note1']);
});

it('changes nothing but the names, and never makes two into one', () => {
  const flow = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('note', 'card')), { maxLength: 8 }).map((steps) => {
    const counts = new Map<string, number>();
    return steps.flatMap(([what, stem]) => {
      counts.set(stem, (counts.get(stem) ?? 0) + 1);
      return add(what, `${stem}${counts.get(stem)}`);
    });
  });
  const nameOf = (trace: Trace): string | undefined => {
    const made = (trace.changes?.[0]?.row?.id ?? trace.args?.[0]) as Value;
    return made instanceof Tagged && made.body.tag === 'id' ? made.body.name : undefined;
  };
  fc.assert(
    fc.property(flow, flow, (now, before) => {
      const result = kept(now, before);
      const names = now.map(nameOf);
      const renamed = result.map(nameOf);
      for (const [i, name] of names.entries()) for (const [j, other] of names.entries()) expect(name === other).toBe(renamed[i] === renamed[j]);
      const blank = (traces: Trace[]) => lines(traces).replace(/(note|card)\d+/g, '$1');
      expect(blank(result)).toBe(blank(now));
      expect(kept(now, now)).toEqual(now);
    }),
  );
});
