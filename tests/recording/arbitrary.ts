/** Arbitrary values and recordings for the laws of reading and writing. */
import type { Recording } from '../../src/recording/schema.js';
import { anyTypes, nowForms, type TagBody, Tagged, type Value, type ValueObject } from '../../src/recording/values.js';
import { codePoint } from '../code-point.js';
import fc from '../fast-check.js';

// biome-ignore format: a table
const odd = [
  '', ' ', '__proto__', 'constructor', ' a: b', 'a: b', 'a #b', '#a', '!x', '!id x', '&a', '*a', '- a', '? a', 'a:', ':a', 'true', 'No', 'null', '~', '1', '01', '1e3', '0x1f', '0o7', '.5',
  '.inf', '.nan', '2024-01-31', '12:30', '<<', '=', '---', '...', '--- a', '%YAML 1.1', '@a', '`a', "it's", '"q"', '\\d+', "a'b\\c", '{a}', '[a]', 'a, b', 'a]', 'a\tb', '\ta', 'a ', '\u0000', '\u0007',
  '\u007f', '\u0085', '\u2028', '\ufeff', '\ud800', '\udc00a', '😀', 'ä', 'e\u0301', 'a\nb', 'a\nb\n', '\na', 'a\n\n', ' a\nb', 'a\n b', 'a \nb', 'a\r\nb', 'a\n\tb', 'a\n\n\nb', '# a\n# b', '---\n...\n',
  '- a\n- b', '|', '>', '|-\n a', 'x'.repeat(200), 'word '.repeat(60), `${'long line '.repeat(30)}\n${'x'.repeat(160)}`, 'a\n---\nb', '%a\nb', 'k'.repeat(1100), '!!binary', 'http://a/b?c=d', 'a:b', 'a?b',
];

const text = fc.oneof(
  fc.constantFrom(...odd),
  fc.string({ unit: codePoint, maxLength: 30 }),
  fc.string({ maxLength: 20 }),
  fc.array(fc.constantFrom(...odd, '\n', 'word'), { maxLength: 4 }).map((parts) => parts.join('')),
);
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 2 ** 53 - 1, 2 ** 53, -(2 ** 60), 1e20, 1e21, 1e300, 5e-324, 0.1, 1e-7, 1.5),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(4096, 4097, 5000).map((length) => new Uint8Array(length).fill(7)),
);
const name = fc.oneof(
  fc.constantFrom('annotation1', 'true', '1', 'a b', 'ä', 'x:y', 'a, b', "it's", 'ms', '#1', '- a'),
  fc.stringMatching(/^[A-Za-z][\w.-]{0,10}$/),
);

const leafTag: fc.Arbitrary<TagBody> = fc.oneof(
  name.map((known): TagBody => ({ tag: 'id', name: known })),
  name.map((known): TagBody => ({ tag: 'secret', name: known })),
  text.map((known): TagBody => ({ tag: 'unique', text: known })),
  text.map((template): TagBody => ({ tag: 'text', template })),
  fc.constantFrom(...nowForms).map((form): TagBody => ({ tag: 'now', form })),
  fc.tuple(fc.constantFrom(...nowForms), name).map(([form, known]): TagBody => ({ tag: 'now', form, name: known })),
  fc
    .tuple(
      fc.constantFrom(...nowForms),
      fc.oneof(
        fc.integer(),
        fc.integer({ min: -400, max: 400 }).map((days) => days * 86_400_000),
      ),
      fc.option(name, { nil: undefined }),
    )
    .map(([form, offset, known]): TagBody => ({ tag: 'now', form, offset, ...(known !== undefined && { name: known }) })),
  fc.constant<TagBody>({ tag: 'uuid' }),
  name.map((known): TagBody => ({ tag: 'uuid', name: known })),
  fc.constant<TagBody>({ tag: 'socket' }),
  fc.constantFrom('alice', 'bob').map((session): TagBody => ({ tag: 'socket', session })),
  fc.constantFrom(...anyTypes).map((type): TagBody => ({ tag: 'any', type })),
  fc.oneof(fc.nat(), fc.constantFrom(0, 5000, 120_000, 1.5)).map((within): TagBody => ({ tag: 'timestamp', within })),
  fc.constantFrom('^\\d+$', "it's", 'a"b', 'a\nb', '', '[a-z]{2}', ' x ').map((source): TagBody => ({ tag: 'regex', source })),
  number.map((n): TagBody => ({ tag: 'delta', n })),
  fc.constant<TagBody>({ tag: 'ignore' }),
);

const { value, list, object } = fc.letrec<{ value: Value; list: Value[]; object: { [key: string]: Value }; tagged: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Value[]>(null, true, false, 0, ''),
    number,
    text,
    bytes,
    leafTag.map((body) => new Tagged(body)),
    tie('list'),
    tie('object'),
    tie('tagged'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  // fromEntries defines: `__proto__` becomes a key
  object: fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  tagged: fc.oneof(
    fc.tuple(fc.constantFrom('some' as const, 'unordered' as const), tie('list')).map(([tag, items]) => new Tagged({ tag, items })),
    tie('object').map((entries) => new Tagged({ tag: 'keys', entries: entries as ValueObject })),
  ),
}));

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const push = fc.record(
  { to: fc.oneof(fc.constantFrom('alice', 'bob'), fc.constant(['alice', 'bob'])), event: text, args: optional(list), answer: optional(list) },
  { requiredKeys: ['to', 'event'] },
);
const change = fc.oneof(
  fc.record({ insert: text, row: object }),
  fc.record({ update: text, key: object, set: object, was: optional(object) }, { requiredKeys: ['update', 'key', 'set'] }),
  fc.record({ delete: text, key: object }),
);
const effects = { pushes: optional(fc.array(push, { maxLength: 3 })), changes: optional(fc.array(change, { maxLength: 3 })) };
const trace = fc.oneof(
  fc.record({ emit: text, args: optional(list), ack: optional(fc.oneof(list, fc.constant('never' as const))), ...effects }, { requiredKeys: ['emit'] }),
  fc.record(
    {
      http: fc.record({ method: text, url: text, headers: object, body: value, status: fc.nat(), answer: value }, { requiredKeys: ['method', 'url'] }),
      ...effects,
    },
    { requiredKeys: ['http'] },
  ),
  fc.record({ disconnect: text, ...effects }, { requiredKeys: ['disconnect'] }),
);
const connect = fc.record(
  { connect: fc.record({ namespace: text.map((rest) => `/${rest}`), auth: object, query: object }, { requiredKeys: ['namespace'] }), ...effects },
  { requiredKeys: ['connect'] },
);
const session = (id: string) =>
  fc
    .record(
      {
        id: fc.constant(id),
        user: text,
        traces: fc.tuple(connect, fc.array(trace, { maxLength: 3 })).map(([first, rest]) => [first, ...rest]),
        received: fc.array(fc.record({ after: fc.nat(), event: text, args: list }), { maxLength: 2 }),
      },
      { requiredKeys: ['id', 'traces'] },
    )
    .map((made) => ({ ...made, times: made.traces.map((_, i): [number, number] => [i * 10, 3]) }));

/** Valid but for names that nothing makes: `known` binds those of the leaves above. */
export const recording: fc.Arbitrary<Recording> = fc
  .record({
    version: fc.constant(1 as const),
    name: fc.constantFrom('annotate-together', 'true', '1'),
    recorded: optional(fc.record({ source: fc.constant('probe' as const), app: text, took: fc.nat() }, { requiredKeys: ['source'] })),
    status: fc.constant('finished' as const),
    statusReason: optional(text),
    sessions: fc.tuple(session('alice'), session('bob')),
    checkpoints: optional(
      fc.uniqueArray(
        fc.record(
          {
            name: fc.string({ minLength: 1, maxLength: 20 }),
            next: fc.constantFrom({}, { alice: 1 }, { alice: 1, bob: 1 }),
            tables: fc.array(fc.record({ table: text, rows: fc.nat(), hash: text }, { requiredKeys: ['table', 'rows'] }), { maxLength: 3 }),
          },
          { requiredKeys: ['name', 'next'] },
        ),
        { maxLength: 2, selector: ({ name }) => name },
      ),
    ),
    missing: optional(fc.integer({ min: 1 })),
    unattributed: optional(fc.array(change, { maxLength: 2 })),
    uncaptured: optional(fc.array(text, { maxLength: 3 })),
  })
  .map((made) => made as Recording);

export { value };
