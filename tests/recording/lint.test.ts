import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lintRecording } from '../../src/recording/lint/index.js';
import { openRecordings, orphanedFiles } from '../../src/recording/load.js';
import { readRecording } from '../../src/recording/read.js';

const now = Date.parse('2026-06-01T12:00:00Z');

/** `traces` are those of one session, indented by six spaces as in a file. */
const file = (traces: string, more = '', head = 'status: finished') => `version: 1
name: story
${head}
sessions:
  - id: alice
    user: alice
${more}    traces:
      - connect: { namespace: / }
${traces}`;
const FIRST = file('').split('\n').length - (file('').endsWith('\n') ? 1 : 0);

function lint(text: string, options: { configured?: string[]; bytes?: number } = {}) {
  const read = readRecording(text, { file: 'story.yaml', readBinary: () => undefined });
  if (read.errors) throw new Error(read.errors.join('\n'));
  return lintRecording({
    recording: read.recording,
    file: 'story.yaml',
    text,
    bytes: options.bytes ?? Buffer.byteLength(text),
    now,
    configured: (secret) => options.configured?.includes(secret) ?? false,
  });
}
/** rule, line of the traces (from 1), column */
const found = (traces: string, more?: string, head?: string) =>
  lint(file(traces, more, head)).map(({ rule, where }) => [rule, (where.line ?? 0) - FIRST - (more ? more.split('\n').length - 1 : 0), where.column]);
const rulesOf = (traces: string) => lint(file(traces)).map(({ rule }) => rule);

const acked = (args: string) => `      - emit: save\n        args: ${args}\n        ack: [{ success: true }]\n`;

test('a good story has no findings', () => expect(lint(file(acked('[{ documentId: 0, text: hello }]')))).toEqual([]));

describe('leaks', () => {
  const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${'aB3_'.repeat(10)}`;

  test.each([
    ['by key', acked('[{ password: hunter2 }]'), [['secret', 2, 28]]],
    ['by form', acked(`[{ x: 1, note: ${jwt} }]`), [['secret', 2, 30]]],
    ['in a text', acked('["/x?access_token=abc"]'), [['secret', 2, 16]]],
    ['under keys that hold names', `${acked('[1]')}      - emit: get\n        ack: [!id note1, !keys { "\${note1}": { token: abc } }]\n`, [['secret', 5, 55]]],
    ['in a unique text', acked(`[!unique ${jwt}]`), [['secret', 2, 16]]],
    ['in a push', `${acked('[1]')}        pushes:\n          - { to: alice, event: p, args: [{ token: abc }] }\n`, [['secret', 5, 52]]],
    ['in a row', `${acked('[1]')}        changes:\n          - insert: user\n            row: { id: 1, apiKey: abc }\n`, [['secret', 6, 35]]],
    ['in a key', acked(`[{ ${jwt}: 1 }]`), [['secret', 2, 18]]],
    ['in the name of an event', `      - emit: room ${jwt}\n        ack: []\n`, [['secret', 1, 15]]],
    [
      'a password that stands elsewhere',
      acked('[{ password: hunter2 }, [about, hunter2]]'),
      [
        ['secret', 2, 28],
        ['secret', 2, 47],
      ],
    ],
    ['binary', acked(`[!!binary ${Buffer.from('-----BEGIN PRIVATE KEY-----').toString('base64')}]`), [['secret', 2, 16]]],
    ['random', acked('[a8Fk3Lq9Zx2Wv7Bn4Mc6Rt1Yp5Hs0JdG]'), [['looks-like-key', 2, 16]]],
  ])('%s', (_, traces, findings) => expect(found(traces)).toEqual(findings));

  test.each(['[{ id: f3b1c9d2e4a5968701b2c3d4e5f60718 }]', '[{ password: !secret password1 }, !text "Bearer ${!secret password1}"]', '[{ password: "" }]'])(
    'not in %s',
    (args) => expect(lint(file(acked(args)), { configured: ['password1'] })).toEqual([]),
  );

  test('a secret that is sent must be configured, once', () => {
    const text = file(acked('[{ password: !secret password1, again: !secret password1 }]'));
    expect(lint(text)).toMatchObject([{ rule: 'secret-config', severity: 'warning', what: expect.stringContaining('REPLAY_SECRET_PASSWORD1') }]);
  });

  test.each([
    ['ann.smith@mail.org', true],
    ['ann@example.com', false],
    ['ann@mail.example', false],
    ['+49 30 1234567', true],
    ['+1 and more', false],
    ['4111 1111 1111 1111', true],
    ['4111 1111 1111 1112', false],
    ['DE89 3704 0044 0532 0130 00', true],
  ])('%s may be of a person: %s', (text, is) => expect(rulesOf(acked(`["${text}"]`))).toEqual(is ? ['person'] : []));
});

describe('dates', () => {
  test.each([
    ['"2026-07-01"', 'expiring-date'],
    ['"2026-07-01T10:00:00.000Z"', 'expiring-date'],
    ['{ dueAt: 1782900000000 }', 'expiring-date'],
    ['{ size: 1782900000000 }', undefined],
    ['"2099-12-31"', undefined],
    ['"2026-05-01"', 'past-date'],
    ['"2026-05-01T10:00:00.000Z"', 'past-date'],
    ['"1990-05-01"', undefined],
    ['!now iso', undefined],
  ])('%s is %s', (value, rule) => expect(rulesOf(acked(`[${value}]`))).toEqual(rule ? [rule] : []));

  test('one that the server has told is one of the seed', () =>
    expect(rulesOf(`      - emit: get\n        ack: ["2026-07-01"]\n${acked('["2026-07-01"]')}`)).toEqual([]));
});

describe('names', () => {
  const makes = '      - emit: make\n        ack: [{ id: !id note1 }]\n';
  const uses = '      - emit: use\n        args: [{ noteId: !id note1 }]\n        ack: []\n';

  test('made before it is sent', () => expect(found(makes + uses)).toEqual([]));
  test('made later', () => expect(found(uses + makes)).toEqual([['unmade-name', 2, 26]]));
  test('made by a disabled trace', () => expect(found(`${makes}        disabled: true\n${uses}`)).toEqual([['unmade-name', 5, 26]]));
  test('made by the acknowledgement of the trace that sends it', () =>
    expect(found('      - emit: use\n        args: [!id note1]\n        ack: [!id note1]\n')).toEqual([['unmade-name', 2, 16]]));
  test('made without a proven cause', () => {
    const text = `${file(uses)}unattributed:\n  - { insert: note, row: { id: !id note1 } }\n`;
    expect(lint(text)).toMatchObject([{ rule: 'unmade-name', what: expect.stringContaining('not proven') }]);
  });
  test('made by a push without a cause, which is waited for', () => {
    const received = (after: number) => `    received:\n      - { after: ${after}, event: made, args: [!id note1] }\n`;
    const enter = '      - emit: enter\n        ack: []\n';
    expect(lint(file(enter + uses + received(1))).map(({ rule }) => rule)).toEqual([]);
    expect(lint(file(enter + uses + received(2)))).toMatchObject([{ rule: 'unmade-name', what: expect.stringContaining('made only later') }]);
  });
  test('a small id that nothing shows', () => {
    expect(found(acked('[{ noteId: 7, count: 3 }]'))).toEqual([['ambiguous-id', 2, 26]]);
    expect(found(`      - emit: list\n        ack: [[{ id: 7 }]]\n${acked('[{ noteId: 7 }]')}`)).toEqual([]);
  });
});

describe('the story', () => {
  test('something happens where the answer is a push without a cause, after something was sent; but a replay compares nothing of it', () => {
    const received = (after: number) => `    received:\n      - { after: ${after}, event: moved }\n`;
    const flow = '      - emit: move\n';
    expect(lint(file(flow + received(1)))).toMatchObject([{ rule: 'compares-nothing', severity: 'warning' }]);
    expect(lint(file(acked('[1]') + flow + received(2)))).toEqual([]);
    expect(lint(file(flow + received(0)))).toMatchObject([{ rule: 'changes-nothing' }]);
  });
  const emit = (more = '') => `      - emit: move\n        args: [1]\n${more}`;
  const close = '      - disconnect: transport close\n';
  const times = (...pairs: string[]) => `    times: [${pairs.join(', ')}]\n`;

  test('cut short by leaving the page', () => {
    expect(found(acked('[1]') + emit() + close, times('[0, 1]', '[10, 1]', '[20, 0]', '[60, 0]'))).toEqual([['mid-flow', 4, 9]]);
    expect(found(acked('[1]') + emit() + close, times('[0, 1]', '[10, 1]', '[20, 0]', '[460, 0]'))).toEqual([]);
  });
  test('never answered', () => {
    expect(found(emit('        ack: never\n') + acked('[1]'))).toEqual([['never-acked', 3, 9]]);
    expect(found(acked('[1]') + emit('        ack: never\n') + close)).toEqual([['mid-flow', 4, 9]]);
    expect(found(acked('[1]') + emit('        ack: never\n        quarantine: { owner: a, reason: b, expires: 2027-01-01 }\n') + close)).toEqual([]);
  });
  test('not finished', () => expect(found(acked('[1]'), '', 'status: truncated')).toEqual([['mid-flow', -5, 9]]));
  test('without its head', () =>
    expect(lint(file(acked('[1]')).replace('{ namespace: / }', '{ namespace: /, before: true }')).map(({ rule }) => rule)).toEqual(['missing-head']));
  test('of a flight recorder', () =>
    expect(lint(file(acked('[1]'), '', 'status: finished\nmissing: 3'))).toMatchObject([{ rule: 'missing-head', where: { line: 4 } }]));
  test.each([
    ['nothing', ''],
    ['only what is disabled', `${acked('[1]')}        disabled: true\n`],
    ['only telemetry', emit() + emit()],
  ])('that sends %s', (_, traces) => expect(rulesOf(traces)).toEqual(['changes-nothing']));
  test('an answer is enough', () => expect(rulesOf(emit() + acked('[1]'))).toEqual([]));
});

describe('sizes', () => {
  test('a long text', () => expect(found(acked(`["${'word '.repeat(14_000)}"]`))).toEqual([['large-value', 2, 16]]));
  test.each([
    [6, 'large-file', 'warning'],
    [21, 'too-large', 'error'],
  ])('%i MB', (size, rule, severity) =>
    expect(lint(file(acked('[1]')), { bytes: size * 1024 * 1024 })).toMatchObject([{ rule, severity, where: { line: 1 } }]),
  );
});

describe('a comment', () => {
  test('lets one rule pass on its line and the next', () => {
    const leak = '        args: [{ password: hunter2 }]';
    const trace = (line: string) => `      - emit: save\n${line}\n        ack: []\n`;
    expect(rulesOf(trace(`${leak} # lint: ok secret because it is the seed's`))).toEqual([]);
    expect(rulesOf(trace(`        # lint: ok secret because it is the seed's\n${leak}`))).toEqual([]);
    expect(rulesOf(trace(`${leak} # lint: ok person`))).toEqual(['secret']);
  });
});

describe('files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lint-'));
    mkdirSync(join(folder, 'files'));
    writeFileSync(join(folder, 'story.yaml'), file(acked('[1]')));
    writeFileSync(join(folder, 'off.yaml'), file(acked('[1]'), '', 'status: finished\ndisabled: true').replace('story', 'off'));
    writeFileSync(join(folder, 'files', 'a'.repeat(64)), 'x');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('of a folder, by path and by name, each once, disabled ones too', () => {
    const names = (...paths: string[]) => openRecordings(folder, paths).recordings.map(({ recording }) => recording.name);
    expect(names(folder)).toEqual(['off', 'story']);
    expect(names('story', join(folder, 'story.yaml'))).toEqual(['story']);
    expect(openRecordings(folder, ['stroy']).errors[0]?.message).toMatch(/REPLAY_RECORDING_NOT_FOUND.*`story`/s);
    expect(openRecordings(folder, [join(folder, 'files')]).errors[0]?.code).toBe('REPLAY_NO_RECORDINGS');
  });
  test('orphaned', () => expect(orphanedFiles(folder)).toEqual([join(folder, 'files', 'a'.repeat(64))]));
});

test('the recordings of this repository are clean', () => {
  const { recordings, errors } = openRecordings('recordings', ['recordings']);
  expect(errors).toEqual([]);
  expect(recordings.length).toBeGreaterThan(2);
  for (const { recording, file: name, text } of recordings)
    expect(lintRecording({ recording, file: name, text, bytes: readFileSync(name).length, now: Date.now(), configured: () => false })).toEqual([]);
  expect(orphanedFiles('recordings')).toEqual([]);
});
