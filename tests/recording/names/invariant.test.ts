/** The same flow recorded twice, with other ids, other times and other socket ids, is the same recording; and the one replays the other. */
import { expect, test } from 'vitest';
import { compareValue, type ValueDifference } from '../../../src/recording/compare.js';
import { findNames } from '../../../src/recording/names/index.js';
import { timeline } from '../../../src/recording/names/sites.js';
import { changeOf, type Recording, type Trace } from '../../../src/recording/schema.js';
import { bind, resolve, type Scope } from '../../../src/recording/scope.js';
import type { Value, ValueObject } from '../../../src/recording/values.js';
import fc from '../../fast-check.js';
import { contextOf, scopeOf } from '../scopes.js';
import { annotator, emit, evidenceOf, insert, push, recordingOf, update } from './build.js';

interface World {
  /** how many rows each table has had */
  ids: number;
  start: number;
  seed: string;
}

type Action =
  | 'choose'
  | 'typed'
  | 'due'
  | 'message'
  | 'given'
  | 'annotate'
  | 'comment'
  | 'tag'
  | 'open'
  | 'assign'
  | 'delete'
  | 'subscribe'
  | 'unsubscribe'
  | 'rename'
  | 'taken'
  | 'load'
  | 'room';
const actions: Action[] = [
  'choose',
  'typed',
  'due',
  'message',
  'given',
  'annotate',
  'comment',
  'tag',
  'open',
  'assign',
  'delete',
  'subscribe',
  'unsubscribe',
  'rename',
  'taken',
  'load',
  'room',
];

/** A small application that does the actions in one world. */
function play(steps: readonly { action: Action; by: string; pick: number }[], world: World): Recording {
  const last = { annotation: world.ids, comment: world.ids + 1, tag: world.ids + 2 };
  const annotations: ValueObject[] = [];
  const tags: ValueObject[] = [];
  const subscriptions: string[] = [];
  let rev = 1;
  let uuids = 0;
  const hex = (n: number): string =>
    [...`${world.seed}${n}`]
      .reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 0xfffffff, 7)
      .toString(16)
      .padStart(8, '0');
  const uuid = (): string => `${hex(++uuids)}-9dc0-41d1-b245-5ffdce${hex(uuids).slice(0, 6)}`;
  const made = steps.map(({ action, by, pick }, i) => {
    const when = new Date(world.start + i * 1000 + 3).toISOString();
    const annotation = annotations.length > 0 ? annotations[pick % annotations.length] : undefined;
    const tag = tags.length > 0 ? tags[pick % tags.length] : undefined;
    const revised = () => update('document', { id: 1 }, { rev: ++rev, updatedAt: when }, { rev: rev - 1 });
    const step = (): ReturnType<typeof emit> | undefined => {
      if (action === 'annotate') {
        const row = { id: ++last.annotation, documentId: 1, userId: 1, text: `remark ${i} of ${by}`, tagId: null, shareKey: uuid(), createdAt: when };
        annotations.push(row);
        return emit('annotationUpdate', [{ documentId: 1, text: row.text }], {
          by,
          ack: [{ success: true }],
          pushes: [push('annotationRefresh', [{ ...row, userName: by }])],
          changes: [insert('annotation', row), revised()],
        });
      }
      if (action === 'tag') {
        const row = { id: ++last.tag, name: `tag number ${i}`, createdBy: 1 };
        tags.push(row);
        return emit('tagCreate', [{ name: row.name }], { by, ack: [{ success: true, data: row }], changes: [insert('tag', row)] });
      }
      if (action === 'taken' && tag)
        return emit('tagCreate', [{ name: tag.name as Value }], { by, ack: [{ success: false, message: `A tag named ${String(tag.name)} exists` }] });
      if (action === 'open')
        return emit('documentOpen', [{ documentId: 1 }], {
          by,
          ack: [{ document: { id: 1, title: 'seeded' }, annotations: [...annotations], tags: [{ id: 1, name: 'question' }, ...tags] }],
        });
      if (action === 'subscribe') {
        subscriptions.push(uuid());
        return emit('subscribe', [{ table: 'tag', at: world.start + i * 1000 + 1 }], {
          by,
          ack: [{ success: true, subscriptionId: subscriptions.at(-1) as string }],
        });
      }
      if (action === 'unsubscribe' && subscriptions.length > 0)
        return emit('unsubscribe', [{ subscriptionId: subscriptions[pick % subscriptions.length] as string }], { by, ack: [{ success: true }] });
      if (action === 'rename')
        return emit('appDataUpdate', [{ table: 'document', data: { id: 1, title: `title ${i}` } }], {
          by,
          pushes: [push('documentRefresh', [{ id: 1, title: `title ${i}` }])],
          changes: [revised()],
        });
      if (action === 'due') {
        const dueAt = new Date(world.start + i * 1000 + 7 * 86_400_000 + 1).toISOString();
        return emit('remind', [{ dueAt }], { by, ack: [{ success: true, dueAt }] });
      }
      if (!annotation) return undefined;
      if (action === 'choose')
        return emit('choose', [{ annotations: { [String(annotation.id)]: true } }], { by, ack: [{ annotations: { [String(annotation.id)]: { on: true } } }] });
      if (action === 'typed')
        return emit('enter', [{ annotationId: annotation.id as number, list: [[{ annotationId: annotation.id as number }]] }], {
          by,
          pushes: [push('entered', { annotationId: String(annotation.id) })],
        });
      if (action === 'given') return emit('touch', [{ annotationId: annotation.id as number, createdAt: annotation.createdAt as string }], { by, ack: [] });
      if (action === 'message') {
        annotations.splice(annotations.indexOf(annotation), 1);
        return emit('message', [{ verb: 'remove', id: annotation.id as number }], {
          by,
          ack: [],
          changes: [{ delete: 'annotation', key: { id: annotation.id as number } }],
        });
      }
      if (action === 'comment') {
        const row = { id: ++last.comment, annotationId: annotation.id as number, text: `comment ${i}` };
        return emit('commentUpdate', [{ annotationId: row.annotationId, text: row.text }], {
          by,
          pushes: [push('commentRefresh', [row])],
          changes: [insert('comment', row)],
        });
      }
      if (action === 'assign' && tag) {
        annotation.tagId = tag.id as number;
        return emit('appDataUpdate', [{ table: 'annotation', data: { id: annotation.id as number, tagId: tag.id as number } }], {
          by,
          pushes: [push('annotationRefresh', [{ ...annotation }])],
          changes: [update('annotation', { id: annotation.id as number }, { tagId: tag.id as number })],
        });
      }
      if (action === 'delete') {
        annotations.splice(annotations.indexOf(annotation), 1);
        return emit('annotationDelete', [{ annotationId: annotation.id as number }], {
          by,
          pushes: [push('annotationRefresh', [{ id: annotation.id as number, deleted: true }])],
          changes: [{ delete: 'annotation', key: { id: annotation.id as number } }],
        });
      }
      if (action === 'load')
        return emit('get', [`/annotations/${String(annotation.id)}/comments`], {
          by,
          ack: [{ url: `/annotations/${String(annotation.id)}`, annotation: { ...annotation } }],
        });
      if (action === 'room') return emit('join', [`annotation:${String(annotation.id)}`], { by, ack: [{ sid: `SID${by}0000000000AB` }] });
      return undefined;
    };
    // Rows change later: what was said of them before must not.
    return structuredClone(step() ?? emit('idle', [], { by, ack: [] }));
  });
  return recordingOf(made);
}

const flow = fc.array(fc.record({ action: fc.constantFrom(...actions), by: fc.constantFrom('alice', 'bob'), pick: fc.nat(5) }), {
  minLength: 1,
  maxLength: 14,
});
const world = fc.record({
  ids: fc.nat(40),
  // Whole seconds, so that no time a little later is a whole minute, as a person would choose it.
  start: fc.integer({ min: 1_790_000_000, max: 1_799_000_000 }).map((seconds) => seconds * 1000),
  seed: fc.string({ minLength: 1, maxLength: 4 }),
});
const evidence = (start: number) => ({ ...evidenceOf(annotator), startedAt: start, sockets: { alice: 'SIDalice0000000000AB', bob: 'SIDbob0000000000AB' } });

test('other ids, other times: the same recording', () => {
  fc.assert(
    fc.property(flow, world, world, (steps, one, two) => {
      const [first, second] = [one, two].map((where) => {
        // Which numbers are there by chance is another matter in each world.
        const { recording, names } = findNames(play(steps, where), evidence(where.start));
        return { recording, names };
      });
      expect(second).toEqual(first);
    }),
    { numRuns: 300 },
  );
});

/** Binds and compares one trace as a replay does: rows first, they say the type. */
function differences(expected: Trace, actual: Trace, scope: Scope, session: string): ValueDifference[] {
  const found: ValueDifference[] = [];
  const context = contextOf(scope, { session });
  const pairs: [Value, Value, boolean][] = [
    ...(expected.changes ?? []).map((change, i): [Value, Value, boolean] => {
      const seen = changeOf(actual.changes?.[i] ?? change);
      const counted = Object.fromEntries(Object.entries(changeOf(change).values).filter(([column]) => column !== 'rev'));
      return [
        { ...changeOf(change).key, ...counted },
        { ...seen.key, ...Object.fromEntries(Object.entries(seen.values).filter(([column]) => column !== 'rev')) },
        true,
      ];
    }),
    ...(expected.pushes ?? []).map((entry, i): [Value, Value, boolean] => [entry.args ?? [], actual.pushes?.[i]?.args ?? [], false]),
    ...(Array.isArray(expected.ack) ? [[expected.ack, actual.ack ?? [], false] as [Value[], Value, boolean]] : []),
  ];
  for (const [want, got, authority] of pairs) bind(want, got, scope, authority);
  for (const [want, got, own] of pairs) found.push(...compareValue(want, got, '', { ...context, own }).differences);
  return found;
}

test('what was recorded in one world is what happens in another, and sends what belongs there', () => {
  fc.assert(
    fc.property(flow, world, world, fc.constantFrom('exact' as const, 'shared' as const), (steps, one, two, level) => {
      const recorded = timeline(findNames(play(steps, one), evidence(one.start)).recording);
      // What is unique is made new: there is only one copy here, with an empty suffix.
      const scope = scopeOf({
        level,
        suffix: '',
        sockets: new Map([
          ['alice', 'SIDalice0000000000AB'],
          ['bob', 'SIDbob0000000000AB'],
        ]),
      });
      const plain = (value: Value): Value => JSON.parse(JSON.stringify(value).replace(/(tag number \d+)-/g, '$1')) as Value;
      timeline(play(steps, two)).forEach(({ trace, session, start }, i) => {
        const expected = recorded[i]?.trace as Trace;
        const sent = resolve(expected.args ?? [], scope, session, two.start + start + 1, () => 'a uuid');
        expect(plain(sent)).toEqual(trace.args);
        const dashed = JSON.parse(JSON.stringify(trace).replace(/(tag number \d+)/g, '$1-')) as Trace;
        expect(differences(expected, dashed, scope, session)).toEqual([]);
      });
    }),
    { numRuns: 300 },
  );
});
