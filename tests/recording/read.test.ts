import { describe, expect, it } from 'vitest';
import { readRecording } from '../../src/recording/read.js';
import { codePoint } from '../code-point.js';
import fc from '../fast-check.js';

const read = (text: string) => readRecording(text, { file: 'r.yaml', readBinary: () => undefined });
const errors = (text: string) => (read(text).errors ?? []).map(({ code, what, where }) => `${where?.file}:${where?.line}:${where?.column} ${code} ${what}`);
const recording = (text: string) => {
  const result = read(text);
  if (!result.recording) throw new Error(result.errors.map(({ message }) => message).join('\n'));
  return result.recording;
};
/** The arguments of one emit; `!id known` can be used. */
const withArgs = (yaml: string) => `version: 1
name: r
status: finished
sessions:
  - id: alice
    traces:
      - emit: x
        args: ${yaml}
        ack: [!id known]
`;
const args = (yaml: string) => recording(withArgs(yaml)).sessions[0]?.traces[0]?.args;

describe('values', () => {
  it('are those of YAML 1.2', () => {
    expect(args('[yes, No, on, 0o7, 0x1f, 1_000, 010, 1e3, ~, null, "", 2001-01-01, 12:30, .5, -0]')).toEqual([
      'yes',
      'No',
      'on',
      7,
      31,
      '1_000',
      10,
      1000,
      null,
      null,
      '',
      '2001-01-01',
      '12:30',
      0.5,
      0,
    ]);
    expect(args('[9007199254740991, 9.007199254740992e+15, "12345678901234567890"]')).toEqual([2 ** 53 - 1, 2 ** 53, '12345678901234567890']);
  });

  it('keep `__proto__` a key, and pollute nothing', () => {
    const [value] = args('[{ __proto__: { polluted: 1 }, constructor: { prototype: { polluted: 2 } } }]') as [Record<string, unknown>];
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('never lose digits silently', () => {
    expect(errors(withArgs('[9007199254740993]'))).toEqual([
      'r.yaml:8:16 REPLAY_INVALID_VALUE 9007199254740993 has more digits than a number can hold: quote it, if it is a text',
    ]);
    expect(errors(withArgs('[.nan, -.inf]'))).toHaveLength(2);
  });

  it('follow aliases, also into themselves no further than it is safe', () => {
    expect(args('[&a { x: [1] }, *a]')).toEqual([{ x: [1] }, { x: [1] }]);
    expect(errors(withArgs('[&a [*a]]'))[0]).toMatch(/8:20 REPLAY_YAML_SYNTAX there is no anchor `&a`/);
    expect(errors(withArgs(`[&a 1, ${'*a, '.repeat(101)}]`))[0]).toContain('REPLAY_RECORDING_LIMITS more than 100 aliases');
    const laughs = ['&a0 [x]', ...Array.from({ length: 30 }, (_, i) => `&a${i + 1} [*a${i}, *a${i}, *a${i}]`)];
    expect(errors(withArgs(`[${laughs.join(', ')}]`))[0]).toContain('REPLAY_RECORDING_LIMITS aliases stand for more than');
    const tower = ['&a0 [x]', ...Array.from({ length: 70 }, (_, i) => `&a${i + 1} [*a${i}]`)];
    expect(errors(withArgs(`[${tower.join(', ')}]`))[0]).toContain('REPLAY_RECORDING_LIMITS nested deeper than 64');
  });

  it('have windows line ends and a byte order mark as everywhere', () => {
    expect(recording(`\ufeff${withArgs('[1]').replaceAll('\n', '\r\n')}`).sessions[0]?.traces[0]?.args).toEqual([1]);
  });
});

describe('errors', () => {
  it('come all together, in the order of the file', () => {
    const text = `version: 1
name: a b
status: done
sessions:
  - id: alice
    times: [[0, 1]]
    traces:
      - connect: { namespace: / }
        pushes:
          - { to: carol, event: e }
      - emit: x
        argz: [1]
        ack: nevr
        changes:
          - { insert: t, key: { id: 1 } }
      - emti: y
        args: [!idd z]
      - {}
quarantine: { owner: a }
`;
    expect(errors(text)).toEqual([
      'r.yaml:2:7 REPLAY_INVALID_VALUE name: expected up to 100 letters, digits, dots, dashes and underscores',
      'r.yaml:3:9 REPLAY_INVALID_VALUE status: expected `finished`, `truncated`, `interrupted`, `disconnected`, `failed`, found "done"',
      'r.yaml:12:9 REPLAY_UNKNOWN_KEY unknown key `argz`, did you mean `args`?',
      'r.yaml:13:14 REPLAY_INVALID_VALUE sessions[0].traces[1].ack: expected a list or `never`, found "nevr"',
      'r.yaml:15:13 REPLAY_INVALID_VALUE sessions[0].traces[1].changes[0]: insert needs `row`',
      'r.yaml:15:31 REPLAY_INVALID_VALUE sessions[0].traces[1].changes[0].key: insert does not have `key`',
      'r.yaml:16:9 REPLAY_UNKNOWN_KEY unknown key `emti`, did you mean `emit`?',
      'r.yaml:17:16 REPLAY_UNKNOWN_TAG unknown tag `!idd`, did you mean `!id`?',
      'r.yaml:18:9 REPLAY_INVALID_VALUE sessions[0].traces[3]: a trace is exactly one of connect, emit, http, disconnect',
      'r.yaml:19:13 REPLAY_INVALID_VALUE quarantine.reason: is missing',
      'r.yaml:19:13 REPLAY_INVALID_VALUE quarantine.expires: is missing',
    ]);
  });

  it('reach the rules between fields also where a key is unknown', () => {
    const text = withArgs('[1]')
      .replace('    traces:', '    nonsense: 1\n    times: []\n    traces:')
      .replace('ack: [!id known]', 'pushes: [{ to: bob, event: e, x: 1 }]');
    expect(errors(text)).toEqual([
      'r.yaml:6:5 REPLAY_UNKNOWN_KEY unknown key `nonsense`; known here: id, user, status, times, traces, received',
      'r.yaml:7:12 REPLAY_INVALID_VALUE sessions[0].times: 0 times for 1 traces: each trace has one entry; add or remove that of the trace that you added or removed',
      'r.yaml:11:24 REPLAY_INVALID_VALUE sessions[0].traces[0].pushes[0].to: there is no session bob in this recording',
      'r.yaml:11:39 REPLAY_UNKNOWN_KEY unknown key `x`; known here: to, event, args, except, volatile, answer',
    ]);
  });

  it('tell of a version that cannot be read, and only of that', () => {
    expect(errors('version: 2\nfoo: 1\n')).toEqual(['r.yaml:1:10 REPLAY_VERSION version 2 is newer than 1, the newest that this socket-replay reads']);
    expect(errors('name: r\nfoo: 1\n')).toEqual(['r.yaml:1:1 REPLAY_VERSION there is no `version`']);
    for (const wrong of ['"1"', '0', '1.5', '!id x', '[]'])
      expect(errors(`version: ${wrong}\nfoo: 1\n`).filter((error) => error.includes('REPLAY_VERSION `version` is not'))).toHaveLength(1);
  });

  it('tell where the syntax is wrong', () => {
    expect(errors('version: 1\nname: [a\nstatus: x\n')[0]).toMatch(/^r.yaml:3:1 REPLAY_YAML_SYNTAX /);
    expect(errors(withArgs('[{ a: 1, "a": 2 }]'))).toEqual(['r.yaml:8:24 REPLAY_YAML_SYNTAX the key `a` stands twice in one mapping']);
    expect(errors(withArgs('[{ 1: 1, "1": 2 }]'))[0]).toContain('the key `1` stands twice');
    expect(errors(`${withArgs('[1]')}name: again\n`)).toEqual(['r.yaml:10:1 REPLAY_YAML_SYNTAX the key `name` stands twice in one mapping']);
    expect(errors(`${withArgs('[1]')}---\nx: 1\n`)[0]).toContain('a second document begins here');
    expect(errors('')[0]).toMatch(/^r.yaml:1:1 /);
    expect(errors('just text')[0]).toContain('a recording is a mapping');
    expect(errors(withArgs('[{ [a]: 1 }]'))[0]).toContain('a key is a text');
  });

  it('keep tags and binary data to where any value may stand', () => {
    expect(errors(withArgs('[1]').replace('name: r', 'name: !id known'))).toEqual(['r.yaml:2:7 REPLAY_INVALID_VALUE name: the tag `!id` cannot stand here']);
    expect(errors(withArgs('!ignore'))[0]).toContain('8:15 REPLAY_INVALID_VALUE sessions[0].traces[0].args: the tag `!ignore` cannot stand here');
    expect(errors(withArgs('[1]').replace('emit: x', 'connect: !id known'))[0]).toContain('the tag `!id` cannot stand here');
    expect(errors(withArgs('[1]').replace('emit: x', 'emit: !!binary AAEC'))[0]).toContain('binary data cannot stand here');
  });

  it('have no stack', () => {
    for (const error of read('version: 2').errors ?? []) expect(error.stack).toBe(error.message);
  });
});

describe('names', () => {
  it('must be made by something in the recording', () => {
    expect(errors(withArgs('[!id knwon, !text "/a/${known}/${other}"]'))).toEqual([
      'r.yaml:8:16 REPLAY_UNKNOWN_NAME nothing in this recording makes the name `knwon`, did you mean `known`?',
      'r.yaml:8:27 REPLAY_UNKNOWN_NAME nothing in this recording makes the name `other`; known here: known',
    ]);
    expect(args('[!id known, !text "/a/${known}", { deep: [!some [!id known]] }]')).toHaveLength(3);
  });

  it('are those that the client makes, too', () => {
    expect(args('[!unique label, !uuid u1, !now iso t1, !text "${label} ${u1} ${t1}", !id t1]')).toHaveLength(5);
    expect(errors(withArgs('[!secret s1, !text "${s1}"]'))).toHaveLength(1);
  });

  const elsewhere = (from: string, to: string) => errors(withArgs('[!id a]').replace('ack: [!id known]', `${from}`).replace(/$/, to));
  it.each([
    ['pushes', 'pushes: [{ to: alice, event: e, args: [{ x: !id a }] }]', ''],
    ['received pushes', 'ack: []', '    received: [{ after: 0, event: e, args: [!id a] }]\n'],
    ['changes', 'changes: [{ insert: t, row: { id: !id a } }]', ''],
    ['texts in answers', 'ack: [!text "/x/${a}"]', ''],
    ['unattributed changes', 'ack: []', 'unattributed: [{ insert: t, row: { id: !id a } }]\n'],
    ['http answers', 'ack: []', '  - { id: bob, traces: [{ http: { method: GET, url: /, answer: { id: !id a } } }] }\n'],
  ])('can come from %s', (_, from, to) => {
    expect(elsewhere(from, to)).toEqual([]);
  });

  it.each([
    ['connect', '  - { id: bob, traces: [{ connect: { namespace: /, auth: { x: !id b } } }] }\n'],
    ['http bodies', '  - { id: bob, traces: [{ http: { method: GET, url: /, body: !id b } }] }\n'],
    ['answers to pushes', '  - { id: bob, traces: [], received: [{ after: 0, event: e, answer: [!id b] }] }\n'],
  ])('are also used in %s', (_, to) => {
    expect(elsewhere('ack: [!id a]', to).map((error) => error.split(' ')[1])).toEqual(['REPLAY_UNKNOWN_NAME']);
  });

  it('of sockets are sessions', () => {
    expect(args('[!socket alice, !socket]')).toHaveLength(2);
    expect(errors(withArgs('[!socket alise]'))).toEqual(['r.yaml:8:16 REPLAY_UNKNOWN_NAME there is no session `alise`, did you mean `alice`?']);
  });
});

describe('limits', () => {
  it('of depth hold for hostile files, quickly', () => {
    for (const text of [`a: ${'['.repeat(200_000)}`, `${'- '.repeat(50_000)}a`, `${'? '.repeat(50_000)}a`, `a: ${'{a: '.repeat(100_000)}`]) {
      const started = Date.now();
      expect(errors(text)[0]).toContain('REPLAY_RECORDING_LIMITS nested deeper than 64 levels');
      expect(Date.now() - started).toBeLessThan(4000);
    }
    const deep = (levels: number) => withArgs('['.repeat(levels) + ']'.repeat(levels));
    expect(errors(deep(59))).toEqual([]);
    expect(errors(deep(60))[0]).toContain('r.yaml:8:74 REPLAY_RECORDING_LIMITS nested deeper than 64 levels');
  });

  it('of a session and of a recording', () => {
    const traces = (count: number) => Array.from({ length: count }, () => '{ emit: x }').join(', ');
    const sessions = (counts: number[]) =>
      `version: 1\nname: r\nstatus: finished\nsessions:\n${counts.map((count, i) => `  - { id: s${i}, traces: [${traces(count)}] }\n`).join('')}`;
    expect(errors(sessions([1, 20_001]))).toEqual(['r.yaml:6:5 REPLAY_RECORDING_LIMITS 20001 traces in one session, more than 20000']);
    expect(errors(sessions([17_000, 17_000, 17_000]))).toEqual(['r.yaml:5:3 REPLAY_RECORDING_LIMITS 51000 traces, more than 50000']);
  }, 60_000);

  it('of size', () => {
    expect(errors(`a: ${'x'.repeat(50 * 1024 * 1024)}`)[0]).toContain('r.yaml:1:1 REPLAY_RECORDING_LIMITS larger than 50 MB');
  });
});

it('never throws', () => {
  const piece = fc.constantFrom(
    'version: 1\n',
    'sessions:\n',
    '  - ',
    'id: a',
    '\n',
    ' ',
    '[',
    ']',
    '{',
    '}',
    '!id x',
    '!some',
    '&a ',
    '*a',
    '"',
    "'",
    '|\n',
    ': ',
    ', ',
    '? ',
    '---\n',
    '%YAML 1.1\n',
    '<<: ',
    '!!binary ',
    '__proto__',
    '#',
    '\t',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
        fc.string({ unit: codePoint }),
      ),
      (text) => {
        for (const whole of [text, `version: 1\nname: r\nstatus: finished\nsessions:\n${text}`, withArgs(`[${text}]`)]) {
          const result = read(whole);
          if (!result.recording) {
            expect(result.errors.length).toBeGreaterThan(0);
            for (const { what, where } of result.errors) {
              expect(what).not.toMatch(/ at .*\.js:|undefined is not|Cannot read/);
              expect(where?.line).toBeGreaterThan(0);
            }
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

it('knows the lines of sessions and traces', () => {
  const result = read(`${withArgs('[1]')}      - emit: y\n\n      -\n        emit: z\n  # a comment\n  - { id: bob, traces: [] }\n`);
  if (!result.recording) throw new Error('invalid');
  expect([result.lineOf(0), result.lineOf(0, 0), result.lineOf(0, 1), result.lineOf(0, 2), result.lineOf(1), result.lineOf(1, 7), result.lineOf(9)]).toEqual([
    5, 7, 10, 13, 15, 15, 1,
  ]);
});
