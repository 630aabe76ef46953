import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findNames } from '../../../src/recording/names/index.js';
import type { Session } from '../../../src/recording/schema.js';
import { any, id, Tagged, type Value, type ValueObject } from '../../../src/recording/values.js';
import { annotator, at, emit, evidenceOf, insert, named, push, recordingOf, START, table, update } from './build.js';

const text = (template: string) => new Tagged({ tag: 'text', template });
const unique = (value: string) => new Tagged({ tag: 'unique', text: value });
const delta = (n: number) => new Tagged({ tag: 'delta', n });
const a = (value: string | number, more: { [key: string]: Value } = {}) =>
  insert('annotation', { id: value, documentId: 1, userId: 1, text: 'a first remark', ...more });
const create = (value: string | number) =>
  emit('annotationUpdate', [{ documentId: 1, text: 'a first remark' }], { ack: [{ success: true }], changes: [a(value)] });
const uuid = '7d444840-9dc0-41d1-b245-5ffdce74fad2';
const uuid2 = '11111111-9dc0-41d1-b245-5ffdce74fad2';

describe('keys of rows', () => {
  test('an id that only a push tells', () => {
    const [first, second] = named([
      emit('annotationUpdate', [{ documentId: 1, text: 'a first remark' }], {
        ack: [{ success: true }],
        pushes: [push('annotationRefresh', [{ id: 3, documentId: 1, text: 'a first remark' }])],
        changes: [a(3)],
      }),
      emit('commentUpdate', [{ annotationId: 3, text: 'yes' }]),
    ]);
    expect(first?.pushes?.[0]?.args).toEqual([[{ id: id('annotation1'), documentId: 1, text: 'a first remark' }]]);
    expect(first?.changes?.[0]?.row).toMatchObject({ id: id('annotation1'), documentId: 1, userId: 1 });
    expect(second?.args).toEqual([{ annotationId: id('annotation1'), text: 'yes' }]);
  });

  test('small ids that collide: annotation 1, comment 1, document 1, user 1', () => {
    const [, comment, open] = named([
      create(1),
      emit('commentUpdate', [{ annotationId: 1, text: 'yes' }], {
        pushes: [push('commentRefresh', [{ id: 1, annotationId: 1, userId: 1, text: 'yes' }])],
        changes: [insert('comment', { id: 1, annotationId: 1, text: 'yes' }), update('document', { id: 1 }, { updatedBy: 1 })],
      }),
      emit('documentOpen', [{ documentId: 1 }], {
        ack: [
          {
            document: { id: 1, title: 'x', updatedBy: 1 },
            annotations: [{ id: 1, text: 'a first remark' }],
            comments: [{ id: 1, annotationId: 1 }],
            user: { id: 1 },
            count: 1,
          },
        ],
      }),
    ]);
    expect(comment).toMatchObject({
      args: [{ annotationId: id('annotation1'), text: 'yes' }],
      pushes: [{ args: [[{ id: id('comment1'), annotationId: id('annotation1'), userId: 1 }]] }],
      changes: [{ row: { id: id('comment1'), annotationId: id('annotation1') } }, { key: { id: 1 }, set: { updatedBy: 1 } }],
    });
    expect(open).toMatchObject({
      args: [{ documentId: 1 }],
      ack: [
        {
          document: { id: 1, updatedBy: 1 },
          annotations: [{ id: id('annotation1') }],
          comments: [{ id: id('comment1'), annotationId: id('annotation1') }],
          user: { id: 1 },
          count: 1,
        },
      ],
    });
  });

  test.each<[string, string, Value[], Value[]]>([
    ['a foreign key under its own name', 'x', [{ tagId: 1, annotationId: 3 }], [{ tagId: 1, annotationId: id('annotation1') }]],
    [
      'a generic event, the table in the payload',
      'appDataUpdate',
      [{ table: 'annotation', data: { id: 3 } }],
      [{ table: 'annotation', data: { id: id('annotation1') } }],
    ],
    [
      'the same, of another table',
      'appDataUpdate',
      [{ table: 'document', data: { id: 3, title: 'annotation' } }],
      [{ table: 'document', data: { id: 3, title: 'annotation' } }],
    ],
    ['the table as a bare argument', 'get', ['annotations', { id: 3 }], ['annotations', { id: id('annotation1') }]],
    ['the table right before a bare number', 'patch', ['annotations', 3, { id: 3 }], ['annotations', id('annotation1'), { id: id('annotation1') }]],
    ['another table before it, or not right before it', 'patch', ['comments', 3, 'annotation', { n: 3 }, 3], ['comments', 3, 'annotation', { n: 3 }, 3]],
    ['nothing says which', 'get', [{ id: 3 }], [{ id: 3 }]],
    ['an id as text', 'x', [{ annotationId: '3' }], [{ annotationId: text('${annotation1}') }]],
    ['a url', 'get', ['/api/annotations/3/comments?x=3'], [text('/api/annotations/${annotation1}/comments?x=3')]],
    ['a room', 'join', ['annotation:3', 'annotation_3', 'document:3'], [text('annotation:${annotation1}'), text('annotation_${annotation1}'), 'document:3']],
    ['a sentence of a person', 'x', [{ text: 'see annotation:3 and annotation#3' }], [{ text: 'see annotation:3 and annotation#3' }]],
    [
      'a list of ids',
      'x',
      [{ annotationIds: [3, 4], annotations: [3], scores: [3] }],
      [{ annotationIds: [id('annotation1'), 4], annotations: [id('annotation1')], scores: [3] }],
    ],
    ['a bare id, the table in the event', 'deleteAnnotation', [3], [id('annotation1')]],
    ['two tables in the event', 'documentAnnotation', [{ id: 3 }], [{ id: 3 }]],
    ['an unknown holder', 'annotationMove', [{ parent: { id: 3 }, annotation: { id: 3 } }], [{ parent: { id: 3 }, annotation: { id: id('annotation1') } }]],
    ['another number', 'annotationMove', [{ id: 3, position: 3, annotation: 3 }], [{ id: id('annotation1'), position: 3, annotation: 3 }]],
    ['a nested list', 'x', [['author', ['annotation', { annotationId: 3 }]]], [['author', ['annotation', { annotationId: id('annotation1') }]]]],
    [
      'an object under its own key',
      'x',
      [{ annotations: { '3': { id: 3 } } }],
      [{ annotations: new Tagged({ tag: 'keys', entries: { '${annotation1}': { id: id('annotation1') } } }) }],
    ],
    ['a negative number and a float', 'annotationMove', [{ id: -3 }, { id: 3.5 }], [{ id: -3 }, { id: 3.5 }]],
    ['a text that is a template already', 'get', ['/annotations/3/${x}'], ['/annotations/3/${x}']],
    ['what contradicts the row', 'annotationMove', [{ id: 3, text: 'another' }], [{ id: 3, text: 'another' }]],
    ['a boolean and null', 'x', [{ annotationId: true, a: null, b: false }], [{ annotationId: true, a: null, b: false }]],
  ])('%s', (_, event, args, expected) => expect(named([create(3), emit(event, args)])[1]?.args).toEqual(expected));

  test('an event that is named after a table of links says not which end of a link a bare number is', () => {
    const tables = [...annotator, table('annotation_tag', ['annotationId', 'tagId'], { refers: { annotationId: 'annotation', tagId: 'tag' } })];
    const link = emit('x', [{}], { changes: [insert('annotation_tag', { id: 3, annotationId: 3, tagId: 1 })] });
    const traces = named([create(3), link, emit('getAnnotationTag', [3]), emit('getAnnotationTag', [{ id: 3 }])], tables);
    expect(traces.slice(2).map((trace) => trace?.args)).toEqual([[3], [{ id: id('annotation_tag1') }]]);
    // Nothing else has this number.
    const alone = named(
      [emit('x', [{}], { changes: [insert('annotation_tag', { id: 3, annotationId: 7, tagId: 1 })] }), emit('getAnnotationTag', [3])],
      tables,
    );
    expect(alone[1]?.args).toEqual([id('annotation_tag1')]);
  });

  test('a bare number in such an event is the end that the new link has, and so in others of that link', () => {
    const tables = [...annotator, table('annotation_tag', ['annotationId', 'tagId', 'rank'], { refers: { annotationId: 'annotation', tagId: 'tag' } })];
    const tag = (n: number) => emit('x', [{}], { changes: [insert('tag', { id: n, name: 'a new tag' })] });
    const add = (args: Value[], row: ValueObject) => emit('addAnnotationTag', args, { changes: [insert('annotation_tag', { id: 9, ...row })] });
    const sent = (...steps: ReturnType<typeof emit>[]) => named([create(3), tag(4), ...steps], tables).map((trace) => trace?.args);
    const linked = { annotationId: 3, tagId: 4, rank: 1 };
    const ends = [id('annotation1'), id('tag1')];
    expect(sent(add([3, 4, 1], linked), emit('dropAnnotationTag', [3, 4]), emit('dropAnnotationTag', [4, 3])).slice(2)).toEqual([[...ends, 1], ends, [4, 3]]);
    // The number stands in another column too, or twice in what was sent.
    expect(sent(add([3, 4], { ...linked, rank: 3 }))[2]).toEqual([3, id('tag1')]);
    expect(sent(add([3, 4, 4], linked))[2]).toEqual([id('annotation1'), 4, 4]);
    // Other events do not say that they link.
    expect(sent(emit('x', [3, 4], { changes: [insert('annotation_tag', { id: 9, ...linked })] }))[2]).toEqual([3, 4]);
  });

  test('what refers to the row that an event is named after is not that row', () => {
    const comment = emit('x', [{}], { changes: [insert('comment', { id: 3, annotationId: 3, text: 'a long answer' })] });
    const list = emit('getAnnotationFeed', [3], {
      ack: [
        [
          { id: 3, annotationId: 3, text: 'a long answer' },
          { id: 3, annotationId: 3 },
        ],
      ],
    });
    expect(named([create(3), comment, list])[2]?.ack).toEqual([
      [
        { id: id('comment1'), annotationId: id('annotation1'), text: 'a long answer' },
        { id: 3, annotationId: id('annotation1') },
      ],
    ]);
  });

  test('the key of an object is the id of what stands under it', () => {
    const [made] = named([
      emit('annotationUpdate', [{ documentId: 1, text: 'a first remark' }], {
        ack: [{ success: true }],
        pushes: [push('annotationList', { '1': { id: 1, text: 'older' }, '3': { id: 3, text: 'a first remark' }, '4': { id: 3, text: 'a first remark' } })],
        changes: [a(3)],
      }),
    ]);
    const entries = { '1': { id: 1, text: 'older' }, '${annotation1}': { id: id('annotation1'), text: 'a first remark' } };
    expect(made?.pushes?.[0]?.args).toEqual([new Tagged({ tag: 'keys', entries: { ...entries, '4': { id: id('annotation1'), text: 'a first remark' } } })]);
  });

  test('an object that looks like the row, by more than small numbers', () => {
    const [, list] = named([create(3), emit('list', [{}], { ack: [[{ id: 3, text: 'a first remark' }], [{ id: 3, documentId: 1, userId: 1 }]] })]);
    expect(list?.ack).toEqual([[{ id: id('annotation1'), text: 'a first remark' }], [{ id: 3, documentId: 1, userId: 1 }]]);
  });

  test('the acknowledgement of the trace that inserted it, unless two rows could be meant', () => {
    const ack = (changes: Parameters<typeof emit>[2]) => named([emit('save', [{ text: 'x' }], { ack: [{ ok: true, id: 3 }], ...changes })])[0]?.ack;
    expect(ack({ changes: [a(3)] })).toEqual([{ ok: true, id: id('annotation1') }]);
    expect(ack({ changes: [a(3), insert('comment', { id: 3, annotationId: 1, text: 'z' })] })).toEqual([{ ok: true, id: 3 }]);
  });

  test('before the row was made, its key is nobody’s', () => {
    const [before, , after] = named([emit('x', [{ annotationId: 3 }], { ack: [{ annotationId: 3 }] }), create(3), emit('x', [{ annotationId: 3 }])]);
    expect([before?.args, before?.ack, after?.args]).toEqual([[{ annotationId: 3 }], [{ annotationId: 3 }], [{ annotationId: id('annotation1') }]]);
  });

  test('effects of a trace that was still under way know it', () => {
    const [slow] = named([emit('list', [{}], { ack: [{ annotationId: 3 }], lasts: 5000, by: 'bob' }), create(3)]);
    expect(slow).toMatchObject({ ack: [{ annotationId: id('annotation1') }] });
  });

  test('deleted and made again with the same id', () => {
    const traces = named([
      create(3),
      emit('annotationDelete', [{ annotationId: 3 }], { changes: [{ delete: 'annotation', key: { id: 3 } }] }),
      create(3),
      emit('x', [{ annotationId: 3 }]),
    ]);
    expect(traces.map((trace) => trace?.changes?.[0]?.row?.id ?? trace?.changes?.[0]?.key?.id ?? trace?.args)).toEqual([
      id('annotation1'),
      id('annotation1'),
      id('annotation2'),
      [{ annotationId: id('annotation2') }],
    ]);
  });

  test('three rows in one trace', () => {
    const rows = [4, 5, 6].map((n) => ({ id: n, documentId: 1, text: `part ${n - 3}` }));
    const [bulk] = named([
      emit('annotationImport', [{ texts: ['part 1', 'part 2', 'part 3'] }], {
        pushes: [push('annotationRefresh', rows)],
        changes: rows.map((row) => insert('annotation', row)),
      }),
    ]);
    const ids = ['annotation1', 'annotation2', 'annotation3'].map(id);
    expect(bulk?.changes?.map((change) => change.row?.id)).toEqual(ids);
    expect(bulk?.pushes?.[0]?.args).toMatchObject([ids.map((name) => ({ id: name }))]);
  });

  test('64-bit ids are long enough everywhere, also in texts', () => {
    const big = '1912745442265793549';
    const [, use] = named([create(big), emit('get', [`/api/lists/${big}/cards`, { whatever: big }, `x${big}`])]);
    expect(use?.args).toEqual([text('/api/lists/${annotation1}/cards'), { whatever: id('annotation1') }, `x${big}`]);
  });

  test('a key that is a time is named only where it is a key', () => {
    const ms = START + 4;
    const [made] = named([emit('annotationUpdate', [{ text: 'x' }], { changes: [a(ms, { createdAt: ms })] })]);
    expect(made?.changes?.[0]?.row).toMatchObject({ id: id('annotation1'), createdAt: any('timestamp') });
  });

  test('keys that the client chose, and texts that are the same in every run, are no ids', () => {
    const tables = [table('setting', ['value'], { key: ['name'] }), table('counter', ['n'], { key: ['name'] }), ...annotator];
    const [chosen, constant, number] = named(
      [
        emit('set', [{ name: 'theme', value: 'dark' }], { changes: [insert('setting', { name: 'theme', value: 'dark' })] }),
        emit('count', [], { changes: [insert('counter', { name: 'visitors-2026', n: 1 })] }),
        emit('put', [{ id: 77, text: 'mine' }], { changes: [insert('annotation', { id: 77, documentId: 1, text: 'mine' })] }),
      ],
      tables,
    );
    expect(chosen).toMatchObject({ args: [{ name: unique('theme'), value: 'dark' }], changes: [{ row: { name: unique('theme'), value: 'dark' } }] });
    expect(constant?.changes?.[0]?.row).toEqual({ name: 'visitors-2026', n: 1 });
    expect(number?.changes?.[0]?.row).toMatchObject({ id: 77 });
  });

  test('composite keys are no names, their parts are references', () => {
    const tables = [...annotator, table('annotation_tag', [], { key: ['annotation_id', 'tag_id'], refers: { annotation_id: 'annotation', tag_id: 'tag' } })];
    const [, link] = named([create(3), emit('x', [{}], { changes: [insert('annotation_tag', { annotation_id: 3, tag_id: 3 })] })], tables);
    expect(link?.changes?.[0]?.row).toEqual({ annotation_id: id('annotation1'), tag_id: 3 });
  });

  test('plural tables, snake_case, a key that is another table’s', () => {
    const tables = [table('note_categories', ['title']), table('note_category_details', ['size'], { refers: { id: 'note_categories' } })];
    const [made, use] = named(
      [
        emit('save', [{ title: 'new one' }], {
          changes: [insert('note_categories', { id: 3, title: 'new one' }), insert('note_category_details', { id: 3, size: 1 })],
        }),
        emit('x', [{ note_category_id: 3, noteCategoryId: 3, category: 3, id: 3 }, '/note_categories/3', { noteCategory: { id: 3 } }]),
      ],
      tables,
    );
    const name = id('note_category1');
    expect(made?.changes?.map((change) => change.row?.id)).toEqual([name, name]);
    expect(use?.args).toEqual([
      { note_category_id: name, noteCategoryId: name, category: 3, id: 3 },
      text('/note_categories/${note_category1}'),
      { noteCategory: { id: name } },
    ]);
  });
});

describe('random values', () => {
  const token = 'V1StGXR8Z5jdHi6BmyT2';
  test('made by the server, sent back by the client', () => {
    const [first, second] = named([
      emit('subscribe', [{}], { ack: [{ subscriptionId: uuid, key: token }] }),
      emit('unsubscribe', [{ subscriptionId: uuid, with: token }]),
    ]);
    expect(first?.ack).toEqual([{ subscriptionId: id('subscriptionId1'), key: id('key1') }]);
    expect(second?.args).toEqual([{ subscriptionId: id('subscriptionId1'), with: id('key1') }]);
  });
  test('seen once', () =>
    expect(named([emit('x', [{}], { ack: [{ a: uuid, b: token }] })])[0]?.ack).toEqual([{ a: new Tagged({ tag: 'uuid' }), b: any('string') }]));

  test('a uuid that the client made: a row was inserted under it', () => {
    const [made] = named([emit('annotationUpdate', [{ shareKey: uuid }], { ack: [{ shareKey: uuid }], changes: [a(3, { shareKey: uuid })] })]);
    const tag = new Tagged({ tag: 'uuid', name: 'shareKey1' });
    expect(made).toMatchObject({ args: [{ shareKey: tag }], ack: [{ shareKey: tag }], changes: [{ row: { shareKey: tag } }] });
  });
  test('or it came back under a key that no table knows', () => {
    const tag = new Tagged({ tag: 'uuid', name: 'requestId1' });
    expect(named([emit('x', [{ requestId: uuid }], { ack: [{ requestId: uuid }] })])[0]).toMatchObject({
      args: [{ requestId: tag }],
      ack: [{ requestId: tag }],
    });
  });
  test('one that it knew from elsewhere stays', () => {
    const steps = [
      emit('documentOpen', [{ documentHash: uuid }], {
        ack: [{ title: 'x', documentHash: uuid }],
        changes: [insert('comment', { id: 1, documentHash: uuid })],
      }),
    ];
    expect(named(steps)[0]).toMatchObject({ args: [{ documentHash: uuid }], ack: [{ documentHash: uuid }] });
    expect(named([emit('x', [{ requestId: uuid }])])[0]?.args).toEqual([{ requestId: uuid }]);
  });
  test('so does what a row had that was there before', () => {
    const [, change] = named([
      emit('list', [{}], { ack: [[{ shareKey: uuid }]] }),
      emit('x', [{}], { changes: [update('annotation', { id: 8 }, { shareKey: uuid2 }, { shareKey: uuid })] }),
    ]);
    expect(change?.changes?.[0]?.set).toEqual({ shareKey: new Tagged({ tag: 'uuid' }) });
    expect(
      named([emit('list', [{}], { ack: [uuid] }), emit('x', [{}], { changes: [update('annotation', { id: 8 }, {}, { shareKey: uuid })] })])[0]?.ack,
    ).toEqual([uuid]);
  });

  test('a digest of what was sent stays, under whatever key', () => {
    const digest = createHash('sha256').update('content').digest('hex');
    const [made] = named([
      emit('documentUpload', [{ body: 'content' }], { ack: [{ key: digest }], changes: [insert('upload', { id: 1, documentId: 1, sha256: digest })] }),
    ]);
    expect(made).toMatchObject({ ack: [{ key: digest }], changes: [{ row: { sha256: digest } }] });
    expect(named([emit('x', [{}], { ack: [{ sha256: 'a'.repeat(31) + digest.slice(0, 33), hash: digest }, { hash: digest }] })])[0]?.ack).toEqual([
      { sha256: 'a'.repeat(31) + digest.slice(0, 33), hash: digest },
      { hash: digest },
    ]);
  });

  test('also in a column that does not say so', () => {
    const digest = createHash('md5').update('content').digest('hex');
    expect(
      named([
        emit('save', [{ body: 'content' }], { changes: [insert('annotation', { id: 1, code: digest }), insert('upload', { id: 2, code: digest })] }),
      ])[0]?.changes?.map((change) => change.row?.code),
    ).toEqual([digest, digest]);
  });

  test.each(['AB12CD34EF', 'iPhone12Pro4', '9780306406157', '004915112345678', 'question', 'A sentence with 12 words', 'v1.2.3-beta4', 'H2SO4andH2O'])(
    '%s in an answer is nobody’s to replace',
    (value) => {
      const tags = named([emit('list', [{}], { ack: [[{ code: value }]] }), emit('list', [{}], { ack: [[{ code: value }]] })]).map((trace) => trace?.ack);
      expect(tags).toEqual([[[{ code: value }]], [[{ code: value }]]]);
    },
  );
  test('nor is what a client wrote, or a part of it', () => {
    const [made] = named([
      emit('annotationUpdate', [{ text: 'Order A1B2C3D4E5F6 now', code: 'Q1W2E3R4T5' }], {
        changes: [a(3, { text: 'Order A1B2C3D4E5F6 now', shareKey: 'A1B2C3D4E5F6', code: 'Q1W2E3R4T5' })],
      }),
    ]);
    expect(made?.changes?.[0]?.row).toMatchObject({ shareKey: 'A1B2C3D4E5F6', code: 'Q1W2E3R4T5' });
  });

  const secret = new Tagged({ tag: 'secret', name: 'token1' });
  test('a secret that the server made and the client sent back is a name, others are configuration', () => {
    const [first, second] = named([emit('login', [{}], { ack: [{ token: secret }] }), emit('x', [{ token: secret }])]);
    expect([first?.ack, second?.args]).toEqual([[{ token: id('token1') }], [{ token: id('token1') }]]);
    expect(named([emit('login', [{ token: secret }], { ack: [{ token: secret }] })])[0]).toMatchObject({ args: [{ token: secret }], ack: [{ token: secret }] });
    expect(named([emit('login', [{}], { ack: [{ token: secret }, { token: secret }] })])[0]?.ack).toEqual([{ token: secret }, { token: secret }]);
  });

  test('also inside texts', () => {
    const text = (template: string) => new Tagged({ tag: 'text', template });
    const [first, second] = named([
      emit('login', [{}], { ack: [{ cookie: text('sid=${!secret cookie1}; Path=/'), other: text('x ${!secret token2}') }] }),
      emit('x', [{ cookie: text('sid=${!secret cookie1}'), header: text('Bearer ${!secret token3}') }]),
    ]);
    expect(first?.ack).toEqual([{ cookie: text('sid=${cookie1}; Path=/'), other: text('x ${!secret token2}') }]);
    expect(second?.args).toEqual([{ cookie: text('sid=${cookie1}'), header: text('Bearer ${!secret token3}') }]);
  });

  test('socket ids', () => {
    const [made] = named([emit('x', ['SIDalice0000000000AB'], { ack: ['SIDbob000000000000AB', 'SIDcarl00000000000AB'] }), emit('y', [], { by: 'bob' })]);
    expect(made).toMatchObject({ args: [new Tagged({ tag: 'socket' })], ack: [new Tagged({ tag: 'socket', session: 'bob' }), 'SIDcarl00000000000AB'] });
  });

  test('socket ids in pushes: a bare one is the receiver, as at replay, not who sent', () => {
    const [alice, bob] = ['SIDalice0000000000AB', 'SIDbob000000000000AB'];
    const own = new Tagged({ tag: 'socket' });
    const of = (session: string) => new Tagged({ tag: 'socket', session });
    const pushes = [
      { to: 'bob', event: 'moved', args: [{ by: alice, for: bob }], answer: [bob, alice] },
      { to: ['alice', 'bob'], event: 'moved', args: [{ by: alice, for: bob }] },
      { to: [], event: 'moved', args: [{ by: alice }] },
    ];
    const [made] = named([emit('x', [], { pushes }), emit('y', [], { by: 'bob' })]);
    expect(made?.pushes).toMatchObject([
      { args: [{ by: of('alice'), for: own }], answer: [own, of('alice')] },
      { args: [{ by: of('alice'), for: of('bob') }] },
      { args: [{ by: of('alice') }] },
    ]);
  });
});

describe('times', () => {
  test.each<[Value, Value]>([
    [at(5), any('timestamp')],
    [START + 5, any('timestamp')],
    [Math.floor(START / 1000), any('timestamp')],
    [at(5).replace('T', ' ').slice(0, 19), any('timestamp')],
    ['2026-01-01T08:00:00.000Z', '2026-01-01T08:00:00.000Z'],
    [at(-60_000), at(-60_000)],
    [at(3600_000), at(3600_000)],
    ['2026-11-21', '2026-11-21'],
    [12, 12],
    ['08:00:00', '08:00:00'],
  ])('%j in an answer', (value, expected) => expect(named([emit('x', [{}], { ack: [{ when: value }] })])[0]?.ack).toEqual([{ when: expected }]));

  test.each<[Value, Value]>([
    [START + 5, new Tagged({ tag: 'now', form: 'ms' })],
    [START / 1000, new Tagged({ tag: 'now', form: 's' })],
    [at(5), new Tagged({ tag: 'now', form: 'iso' })],
    [at(60_000), at(60_000)],
    ['2026-11-21', '2026-11-21'],
  ])('%j in arguments', (value, expected) => expect(named([emit('x', [{ when: value }])])[0]?.args).toEqual([{ when: expected }]));

  test('that an application takes for ids, and a client sends back', () => {
    const use = (...args: Value[]) =>
      named([emit('add', [{ title: 'x' }], { ack: [{ id: START + 7 }] }), emit('done', args)]).map((trace) => trace.args?.[0] ?? null);
    expect(use({ todoId: START + 7 })[1]).toEqual({ todoId: id('todoId1') });
    expect(use(START + 7)[1]).toEqual(id('time1'));
    expect(use({ seenAt: START + 7 })[1]).toEqual({ seenAt: new Tagged({ tag: 'now', form: 'ms' }) });
  });
});

describe('times that are so many hours away', () => {
  const DAY = 86_400_000;
  const relative = (form: 'iso' | 'ms' | 's', offset: number, name?: string) => new Tagged({ tag: 'now', form, offset, ...(name !== undefined && { name }) });

  test.each<[Value, Value]>([
    [at(7 * DAY + 5), relative('iso', 7 * DAY)],
    [START - DAY + 1999, relative('ms', -DAY)],
    [(START + 3600_000 + 1000) / 1000, relative('s', 3600_000)],
    [at(15 * 60_000 + 20), relative('iso', 15 * 60_000)],
    [at(36 * 3600_000 + 5), relative('iso', 36 * 3600_000)],
    // Summer time began or ended between.
    [at(180 * DAY + 3600_000 + 5), relative('iso', 180 * DAY + 3600_000)],
    [at(-1825 * DAY - 3600_000 + 5), relative('iso', -1825 * DAY - 3600_000)],
    // A person chooses whole minutes, and nobody any other distance.
    [at(7 * DAY), at(7 * DAY)],
    [at(7 * DAY + 20_000), at(7 * DAY + 20_000)],
    [at(17 * 60_000 + 20), at(17 * 60_000 + 20)],
    [at(2 * DAY + 5 * 3600_000 + 5), at(2 * DAY + 5 * 3600_000 + 5)],
    [at(-26 * 365 * DAY + 5), at(-26 * 365 * DAY + 5)],
  ])('%j in arguments', (value, expected) => expect(named([emit('x', [{ dueAt: value }])])[0]?.args).toEqual([{ dueAt: expected }]));

  test('are a name where they come back, and any time where they come back in another form', () => {
    const due = at(7 * DAY + 5);
    const [made] = named([emit('x', [{ dueAt: due }], { ack: [{ dueAt: due, stored: due.replace('T', ' ').slice(0, 19) }] })]);
    expect(made).toMatchObject({
      args: [{ dueAt: relative('iso', 7 * DAY, 'dueAt1') }],
      ack: [{ dueAt: relative('iso', 7 * DAY, 'dueAt1'), stored: any('timestamp') }],
    });
  });

  test('are any time where the server made them', () =>
    expect(named([emit('x', [{}], { ack: [{ expires: at(DAY + 7), fixed: at(DAY + 20_000), far: at(5.5 * DAY + 7) }] })])[0]?.ack).toEqual([
      { expires: any('timestamp'), fixed: at(DAY + 20_000), far: at(5.5 * DAY + 7) },
    ]));

  test('are a name of the server where it gave them and the client sends them back, under the same property', () => {
    const version = at(5);
    const [read, save, other] = named([
      emit('open', [{}], { ack: [{ updatedAt: version, createdAt: version }] }),
      emit('save', [{ updatedAt: version }]),
      emit('note', [{ seenAt: at(2001) }]),
    ]);
    expect(read?.ack).toEqual([{ updatedAt: id('updatedAt1'), createdAt: any('timestamp') }]);
    expect(save?.args).toEqual([{ updatedAt: id('updatedAt1') }]);
    expect(other?.args).toEqual([{ seenAt: new Tagged({ tag: 'now', form: 'iso' }) }]);
  });
});

describe('events with general names', () => {
  const card = (value: number) => insert('comment', { id: value, annotationId: 1, text: 'milk' });
  const added = (value: number) => emit('message', [{ kind: 'add', text: 'milk' }], { changes: [card(value)] });

  test('an id is that of the row that the trace changed, or answered with', () => {
    const gone = emit('message', [{ kind: 'remove', id: 7 }], { changes: [{ delete: 'comment', key: { id: 7 } }], ack: [{ id: 7 }] });
    expect(named([added(7), gone])[1]).toMatchObject({ args: [{ kind: 'remove', id: id('comment1') }], ack: [{ id: id('comment1') }] });
    const read = emit('message', [{ kind: 'get', id: 7 }], { ack: [{ data: { id: 7, text: 'milk' } }] });
    expect(named([added(7), read])[1]?.args).toEqual([{ kind: 'get', id: id('comment1') }]);
  });

  test('not where another row with this key was changed, where it only stands in a list, or under another property', () => {
    const both = emit('message', [{ id: 7 }], { changes: [{ delete: 'comment', key: { id: 7 } }, update('document', { id: 7 }, { title: 'x' })] });
    expect(named([added(7), both])[1]?.args).toEqual([{ id: 7 }]);
    expect(named([added(7), emit('message', [{ id: 7 }], { ack: [[{ id: 7, text: 'milk' }]] })])[1]?.args).toEqual([{ id: 7 }]);
    expect(named([added(7), emit('message', [{ n: 7 }], { changes: [{ delete: 'comment', key: { id: 7 } }] })])[1]?.args).toEqual([{ n: 7 }]);
  });

  test('what is left as it stands although it could be meant is told', () => {
    const { unproven } = findNames(recordingOf([added(7), emit('message', [{ n: 7, of: 8 }])]), evidenceOf());
    expect(unproven).toEqual([{ value: 7, event: 'message', key: 'n', like: ['comment1'] }]);
  });
});

describe('unique texts', () => {
  test('one that a person chose is unique wherever it stands, also in a text around it, before and after', () => {
    const steps = [
      emit('open', [{ padId: 'notes', title: 'notes of notes' }], { pushes: [push('opened', { title: 'Pad: notes', at: '/p/notes', other: 'footnotes' })] }),
      emit('list', [], { ack: [['notes', 'footnotes']] }),
    ];
    const { recording, names } = findNames(recordingOf(steps), { ...evidenceOf(), uniques: ['notes'] });
    const [open, list] = recording.sessions[0]?.traces ?? [];
    expect(open).toMatchObject({
      args: [{ padId: unique('notes'), title: 'notes of notes' }],
      pushes: [{ args: [{ title: text('Pad: ${notes}'), at: text('/p/${notes}'), other: 'footnotes' }] }],
    });
    expect(list?.ack).toEqual([[unique('notes'), 'footnotes']]);
    expect(names).toMatchObject([{ tag: '!unique notes', why: 'each copy has its own: you said so' }]);
  });

  const make = (name: string, value: number) =>
    emit('tagCreate', [{ name }], { ack: [{ success: true, name }], changes: [insert('tag', { id: value, name, createdBy: 1 })] });
  test('everywhere, also in what the server says of them', () => {
    const [made, again, other] = named([
      make('urgent', 4),
      emit('tagCreate', [{ name: 'urgent' }], { ack: [{ success: false, message: 'A tag named urgent exists' }] }),
      emit('say', [{ text: 'that is urgent, urgently' }], { ack: [{ tags: ['urgent'], url: '/tags/urgent', text: 'that is urgent, urgently' }] }),
    ]);
    expect(made).toMatchObject({ args: [{ name: unique('urgent') }], ack: [{ name: unique('urgent') }], changes: [{ row: { name: unique('urgent') } }] });
    expect(again).toMatchObject({ args: [{ name: unique('urgent') }], ack: [{ message: text('A tag named ${urgent} exists') }] });
    expect(other).toMatchObject({ args: [{ text: 'that is urgent, urgently' }], ack: [{ tags: [unique('urgent')], text: 'that is urgent, urgently' }] });
  });
  test('a text that only exists already is no new one', () => {
    expect(named([emit('tagCreate', [{ name: 'question' }], { ack: [{ message: 'A tag named question exists' }] })])[0]).toMatchObject({
      args: [{ name: 'question' }],
      ack: [{ message: 'A tag named question exists' }],
    });
    const [seen, made] = named([emit('list', [{}], { ack: [[{ name: 'question' }]] }), make('question', 4)]);
    expect([seen?.ack, made?.args]).toEqual([[[{ name: 'question' }]], [{ name: 'question' }]]);
  });
  test('a word that the application uses too is one only under its own keys', () => {
    const [made, use] = named([make('annotation', 4), emit('subscribe', [{ table: 'annotation', tag: 'annotation', tagName: 'annotation' }])]);
    expect(made?.args).toEqual([{ name: unique('annotation') }]);
    expect(use?.args).toEqual([{ table: 'annotation', tag: unique('annotation'), tagName: unique('annotation') }]);
    expect(named([emit('set', [{ mode: 'dark' }]), make('dark', 4), emit('set', [{ mode: 'dark' }])])[2]?.args).toEqual([{ mode: 'dark' }]);
  });
  test('a text of the seed that contains the word stays', () =>
    expect(named([make('lonely', 4), emit('documentOpen', [{ documentId: 1 }], { ack: [{ body: 'a lonely habit' }] })])[1]?.ack).toEqual([
      { body: 'a lonely habit' },
    ]));
  test('a reference to a row of the seed is not unique, though it is a key here', () => {
    const tables = [...annotator, table('presence', ['at'], { key: ['userName'], refers: { userName: 'user.name' } })];
    expect(named([emit('join', [{ userName: 'alice' }], { changes: [insert('presence', { userName: 'alice' })] })], tables)[0]?.args).toEqual([
      { userName: 'alice' },
    ]);
  });
});

describe('counters', () => {
  const changed = (args: Value[], set: { [key: string]: Value }, was: { [key: string]: Value }, row = 1) =>
    named([create(3), emit('x', args, { changes: [update(row === 1 ? 'document' : 'annotation', { id: row }, set, was)] })])[1]?.changes?.[0]?.set;
  test.each<[string, Value[], { [key: string]: Value }, { [key: string]: Value }, { [key: string]: Value }]>([
    ['one up, one down', [{}], { rev: 5, views: 7 }, { rev: 4, views: 8 }, { rev: delta(1), views: delta(-1) }],
    ['by what was sent', [{ by: 2.5 }], { views: 7 }, { views: 4.5 }, { views: delta(2.5) }],
    ['by something else', [{}], { views: 7 }, { views: 4 }, { views: 7 }],
    ['to what was sent under this key', [{ views: 7 }], { views: 7 }, { views: 6 }, { views: 7 }],
    ['to what was sent under another key', [{ value: 7 }], { views: 7 }, { views: 6 }, { views: 7 }],
    ['to the number of an id that was sent', [{ documentId: 2 }], { rev: 2 }, { rev: 1 }, { rev: delta(1) }],
    ['a foreign key', [{}], { updatedBy: 3 }, { updatedBy: 2 }, { updatedBy: 3 }],
    ['yes and no', [{}], { locked: 1 }, { locked: 0 }, { locked: 1 }],
    ['from nothing', [{}], { views: 1 }, { views: null }, { views: 1 }],
    ['a state', [{}], { status: 2 }, { status: 1 }, { status: 2 }],
    ['a text', [{}], { title: 'b' }, { title: 'a' }, { title: 'b' }],
  ])('%s', (_, args, set, was, expected) => expect(changed(args, set, was)).toEqual(expected));
  test('not in a row that the recording made', () => expect(changed([{}], { userId: 1, score: 2 }, { score: 1 }, 3)).toEqual({ userId: 1, score: 2 }));
  test('the row before goes, also of changes without a cause', () => {
    const recording = { ...recordingOf([create(3)]), unattributed: [update('document', { id: 1 }, { rev: 2 }, { rev: 1 })] };
    expect(findNames(recording, evidenceOf()).recording.unattributed).toEqual([{ update: 'document', key: { id: 1 }, set: { rev: 2 } }]);
  });
});

test('what was found is listed with its reason and its places', () => {
  const { names } = findNames(recordingOf([create(3), emit('x', [{ annotationId: 3 }, '/annotations/3'])]), evidenceOf());
  expect(names).toEqual([{ tag: '!id annotation1', why: 'it is the key of the row', places: 3 }]);
});

test('a push without a cause comes after its trace, and what it asks for is sent', () => {
  const recording = recordingOf([emit('x', [{}]), create(3), emit('y', [{}])]);
  const [session] = recording.sessions;
  if (session)
    session.received = [
      { after: 0, event: 'e', args: [{ annotationId: 3 }] },
      { after: 1, event: 'e', args: [{ annotationId: 3 }], answer: [{ annotationId: 3 }] },
    ];
  expect(findNames(recording, evidenceOf()).recording.sessions[0]?.received?.map(({ args, answer }) => [args, answer])).toEqual([
    [[{ annotationId: 3 }], undefined],
    [[{ annotationId: id('annotation1') }], [{ annotationId: id('annotation1') }]],
  ]);
});

describe('keys of objects, and words in texts', () => {
  const author = 'a.4KuGhO7lsajVdhOR';
  const keys = (entries: { [key: string]: Value }) => new Tagged({ tag: 'keys', entries });
  const hello = (value: Value) => emit('hello', [], { ack: [value] });

  test('a random id stands in keys, in parts of keys, and in texts that are sent', () => {
    const [first, second] = named([
      hello({ id: author, users: { [author]: 1 }, attributes: { [`author,${author}`]: 0 } }),
      emit('get', [`/pads/${author}/text`, { by: author }]),
    ]);
    const made = id('id1');
    expect(first?.ack).toEqual([{ id: made, users: keys({ '${id1}': 1 }), attributes: keys({ 'author,${id1}': 0 }) }]);
    expect(second?.args).toEqual([text('/pads/${id1}/text'), { by: made }]);
  });

  test('the key of a row, under a property that is named after its table', () => {
    const [, second] = named([create(31), emit('vote', [{ annotations: { 31: true, other: false } }])]);
    expect(second?.args).toEqual([{ annotations: keys({ '${annotation1}': true, other: false }) }]);
  });

  test('not a bare number that an event answers which did not make the row: it may be how many there were', () => {
    const answers = (event: string): Value[] => [1, [1]].map((ack) => named([create(1), emit(event, [{ annotationId: 1 }], { ack: [ack] })])[1]?.ack ?? null);
    expect(answers('annotationDelete')).toEqual([[1], [[1]]]);
    expect(named([emit('annotationUpdate', [{ text: 'x' }], { ack: [3], changes: [a(3)] })])[0]?.ack).toEqual([id('annotation1')]);
  });

  test('not the name of a setting in camel case, that the server lists and the client sends', () => {
    const setting = 'tags.recencySortingIsOn';
    const steps = [hello({ settings: { [setting]: 'true' }, all: [{ key: setting }] }), emit('save', [{ key: setting, value: false }])];
    const [first, second] = named(steps);
    expect(first?.ack).toEqual([{ settings: { [setting]: 'true' }, all: [{ key: setting }] }]);
    expect(second?.args).toEqual([{ key: setting, value: false }]);
  });

  test('not the name of a property, however random it looks, and no small number under any property', () => {
    const [first, second] = named([
      hello({ useOAuth2V1Flow3X: 1 }),
      emit('x', [{ useOAuth2V1Flow3X: 1, pages: { 1: 'a' } }]),
      create(1),
      emit('y', [{ pages: { 1: 'a' } }]),
    ]);
    expect(first?.ack).toEqual([{ useOAuth2V1Flow3X: 1 }]);
    expect(second?.args).toEqual([{ useOAuth2V1Flow3X: 1, pages: { 1: 'a' } }]);
  });

  test('no name where the text was sent before the server made the value, or hides it in a longer word', () => {
    for (const sent of [`/x/${author}`, `/x/y${author}z9`]) {
      const steps = [emit('get', [sent]), hello({ id: author }), emit('move', [{ by: author }])];
      expect(named(steps)[2]?.args).toEqual([{ by: author }]);
    }
  });
});

test('what was made before the recording is the same in every run, unless the client sends it back', () => {
  const list = (createdAt: Value, sent: Value[] = [{}]) => {
    const steps = [emit('list', [{}], { ack: [[{ hash: uuid, createdAt }]] }), emit('list', sent, { ack: [[{ hash: uuid, createdAt }]] })];
    return (named(steps)[1]?.ack as { hash: Value }[][] | undefined)?.[0]?.[0]?.hash;
  };
  expect(list(at(-3_600_000))).toBe(uuid);
  expect(list(START - 3_600_000)).toBe(uuid);
  for (const other of [at(5), at(-1000), null]) expect(list(other)).toEqual(id('hash1'));
  expect(list(at(-3_600_000), [{ documentHash: uuid }])).toEqual(id('hash1'));
});

test('an answer that is the key of the row that was written, and not how many there were', () => {
  const answer = (event: string, args: Value[], data: number, ...rows: number[]) =>
    named([emit(event, args, { ack: [{ success: true, data }], changes: rows.map((row) => a(row)) })])[0]?.ack;
  const found = [{ success: true, data: id('annotation1') }];
  expect(answer('annotationUpdate', [{ text: 'x' }], 3, 3)).toEqual(found);
  expect(answer('appDataUpdate', [{ table: 'annotation', data: { text: 'x' } }], 3, 3, 4)).toEqual(found);
  expect(answer('appDataUpdate', [{ table: 'tag', data: { text: 'x' } }], 3, 3)).toEqual([{ success: true, data: 3 }]);
  expect(answer('save', [{ text: 'x' }], 3, 3)).toEqual([{ success: true, data: 3 }]);
  expect(answer('annotationUpdate', [{ text: 'x' }], 1, 1)).toEqual([{ success: true, data: 1 }]);
  expect(answer('annotationUpdate', [{ text: 'x' }], 2, 1, 2)).toEqual([{ success: true, data: 2 }]);
});

test('JSON inside a text, where it is as sure as in a payload', () => {
  const logged = (data: string) =>
    named([create(3), emit('stats', [{}], { changes: [insert('statistic', { id: 1, data })] })], [...annotator, table('statistic', ['data'])])[1]?.changes?.[0]
      ?.row?.data;
  expect(logged('{"annotationId":3,"at":{"documentId":1,"page":3},"all":[3,"3"]}')).toEqual(
    text('{"annotationId":${annotation1},"at":{"documentId":1,"page":3},"all":[3,"3"]}'),
  );
  expect(logged('[{"annotationId":"3"}]')).toEqual(text('[{"annotationId":"${annotation1}"}]'));
  for (const other of ['{"page":3}', '{ "annotationId": 3 }', '{"annotationId":3', '{"annotationId":31}']) expect(logged(other)).toBe(other);
});

test('a text put together of what stands beside it', () => {
  const tables = [
    ...annotator,
    table('note', ['annotationId', 'documentId', 'kind', 'code'], { refers: { annotationId: 'annotation', documentId: 'document' } }),
  ];
  const code = (row: { [key: string]: Value }) =>
    named([create(3), emit('save', [{}], { changes: [insert('note', { id: 1, ...row })] })], tables)[1]?.changes?.[0]?.row?.code;
  expect(code({ annotationId: 3, kind: 'links', code: '3|0|links' })).toEqual(text('${annotation1}|0|links'));
  // One part alone, or one that is something else as well, is a coincidence.
  for (const row of <{ [key: string]: Value }[]>[
    { annotationId: 3, kind: 'links', code: '3|0|other' },
    { annotationId: 3, documentId: 3, kind: 'links', code: '3|0|links' },
    { annotationId: 3, kind: 'links', code: 'links, 3 of them' },
    { annotationId: 3, kind: 'links', code: '31|links' },
  ])
    expect(code(row)).toBe(row.code);
});

describe('a key as the value of a setting', () => {
  const tables = [...annotator, table('setting', ['name', 'value'], { key: ['name'] })];
  const flow = (key: string, args: Value[], row: { [key: string]: Value } = { annotationId: 3 }) =>
    named(
      [
        create(3),
        emit('settingSet', [{ key, value: 3 }], {
          pushes: [push('settings', { [key]: '3', other: '3' })],
          changes: [update('setting', { name: key }, { value: '3' })],
        }),
        emit('commentUpdate', args, { changes: [insert('comment', { id: 9, text: 'yes', ...row })] }),
      ],
      tables,
    )[1];
  test('where a row is made of it', () =>
    expect(flow('annotations.default', [{ text: 'yes', tagId: 3 }])).toMatchObject({
      args: [{ key: 'annotations.default', value: id('annotation1') }],
      pushes: [{ args: [{ 'annotations.default': text('${annotation1}'), other: '3' }] }],
      changes: [{ set: { value: text('${annotation1}') } }],
    }));
  test.each<[string, string, Value[], { [key: string]: Value }?]>([
    ['not where the text speaks of something else', 'sidebar.width', [{ text: 'yes' }]],
    ['not where the client sent the key', 'annotations.default', [{ text: 'yes', annotationId: 3 }]],
    ['not where no row refers to it', 'annotations.default', [{ text: 'yes' }], { annotationId: 4 }],
  ])('%s', (_, key, args, row) =>
    expect(flow(key, args, row)).toMatchObject({
      args: [{ key, value: 3 }],
      pushes: [{ args: [{ [key]: '3', other: '3' }] }],
      changes: [{ set: { value: '3' } }],
    }),
  );
});

describe('requests', () => {
  test('what an answer made stands in a later URL and in events; what an event made in a body', () => {
    const listed = '1912745442265793549';
    const [create, add, card] = named([
      { http: { method: 'POST', url: '/api/lists', body: { name: 'groceries' }, status: 201, answer: { id: listed } } },
      { http: { method: 'POST', url: `/api/lists/${listed}/cards?notify=1`, body: { list: listed }, status: 201 } },
      emit('listOpen', [{ listId: listed }]),
    ]);
    expect(create?.http?.answer).toEqual({ id: id('id1') });
    expect(add?.http).toMatchObject({ url: text('/api/lists/${id1}/cards?notify=1'), body: { list: id('id1') } });
    expect(card?.args).toEqual([{ listId: id('id1') }]);
  });
});

describe('values that are first seen in a push without a cause', () => {
  const token = 'a1b2c3d4e5f60718293a4b5c';
  /** Alice has traces at 0, 1000, 2000 and receives the token between 0 and 1000; bob sends it at `sent`. */
  const built = (sent: number, by: 'alice' | 'bob', after = 0) => {
    const recording = recordingOf([emit('open', []), emit('next', []), emit('last', [])]);
    const [alice] = recording.sessions as [Session];
    alice.received = [{ after, event: 'made', args: [{ key: token }] }];
    const use = { emit: 'use', args: [{ key: token }] };
    if (by === 'alice') {
      alice.traces.push(use);
      alice.times?.push([sent, 0]);
    } else recording.sessions.push({ id: 'bob', times: [[sent, 0]], traces: [use] });
    return findNames(recording, evidenceOf()).recording.sessions;
  };
  const sentBack = (sessions: Session[]) => sessions.at(-1)?.traces.at(-1)?.args;

  test('its own session sends it later', () => {
    const sessions = built(3000, 'alice', 2);
    expect(sentBack(sessions)).toEqual([{ key: id('key1') }]);
    expect(sessions[0]?.received).toEqual([{ after: 2, event: 'made', args: [{ key: id('key1') }] }]);
  });
  test('another session sends it after the next trace of the one that received it', () => expect(sentBack(built(1001, 'bob'))).toEqual([{ key: id('key1') }]));
  test.each([
    ['while it may have come', 500, 0],
    ['in the same millisecond', 1000, 0],
    ['and there is no next trace', 9000, 2],
    ['before', 0, 1],
  ])('another session sends it %s: it may be its own', (_, sent, after) => {
    const sessions = built(sent, 'bob', after);
    expect(sentBack(sessions)).toEqual([{ key: token }]);
    expect(sessions[0]?.received?.[0]?.args).toEqual([{ key: token }]);
  });
  test('it sent it before: it is its own', () => {
    const recording = recordingOf([emit('use', [{ key: token }]), emit('use', [{ key: token }])]);
    const [alice] = recording.sessions as [Session];
    alice.received = [{ after: 0, event: 'made', args: [{ key: token }] }];
    expect(findNames(recording, evidenceOf()).recording).toEqual(recording);
  });
});
