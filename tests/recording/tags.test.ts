import { describe, expect, it } from 'vitest';
import { readRecording } from '../../src/recording/read.js';
import { parseTag, spellTag } from '../../src/recording/tags.js';
import { sameValue, type TagBody, Tagged, type Value } from '../../src/recording/values.js';

/** An acknowledgement, or its errors. */
function ack(yaml: string): Value | string {
  const text = `version: 1\nname: r\nstatus: finished\nsessions: [{ id: bob, traces: [{ emit: x, ack: [${yaml}] }] }]\n`;
  const result = readRecording(text, { file: 'r.yaml', readBinary: (sha256) => (sha256.startsWith('aa') ? new Uint8Array([1, 2]) : undefined) });
  if (!result.recording) return result.errors.map(({ code, what, where }) => `${code} ${where?.line}:${where?.column} ${what}`).join('\n');
  return result.recording.sessions[0]?.traces[0]?.ack?.[0] ?? null;
}

const cases: [string, TagBody][] = [
  ['!id annotation1', { tag: 'id', name: 'annotation1' }],
  ['!id 7', { tag: 'id', name: '7' }],
  ['!unique text', { tag: 'unique', text: 'text' }],
  ['!unique "a: b"', { tag: 'unique', text: 'a: b' }],
  ['!unique true', { tag: 'unique', text: 'true' }],
  ['!text "/lists/${list1}/cards"', { tag: 'text', template: '/lists/${list1}/cards' }],
  ['!now', { tag: 'now', form: 'ms' }],
  ['!now iso', { tag: 'now', form: 'iso' }],
  ['!now s', { tag: 'now', form: 's' }],
  ['!now iso savedAt', { tag: 'now', form: 'iso', name: 'savedAt' }],
  ['!now +7d', { tag: 'now', form: 'ms', offset: 604_800_000 }],
  ['!now iso -36h', { tag: 'now', form: 'iso', offset: -129_600_000 }],
  ['!now date +1d dueAt1', { tag: 'now', form: 'date', offset: 86_400_000, name: 'dueAt1' }],
  ['!now ms savedAt', { tag: 'now', form: 'ms', name: 'savedAt' }],
  ['!uuid', { tag: 'uuid' }],
  ['!uuid hash1', { tag: 'uuid', name: 'hash1' }],
  ['!socket', { tag: 'socket' }],
  ['!socket bob', { tag: 'socket', session: 'bob' }],
  ['!secret token1', { tag: 'secret', name: 'token1' }],
  ['!any timestamp', { tag: 'any', type: 'timestamp' }],
  ['!timestamp ±5s', { tag: 'timestamp', within: 5000 }],
  ['!timestamp ±500ms', { tag: 'timestamp', within: 500 }],
  ['!timestamp ±2m', { tag: 'timestamp', within: 120_000 }],
  ['!timestamp +-5s', { tag: 'timestamp', within: 5000 }],
  ['!regex "^[a-z]+$"', { tag: 'regex', source: '^[a-z]+$' }],
  ["!regex '\\d'", { tag: 'regex', source: '\\d' }],
  ['!delta 1', { tag: 'delta', n: 1 }],
  ['!delta -0.5', { tag: 'delta', n: -0.5 }],
  ['!some [1, !any id]', { tag: 'some', items: [1, new Tagged({ tag: 'any', type: 'id' })] }],
  ['!unordered []', { tag: 'unordered', items: [] }],
  ['!ignore', { tag: 'ignore' }],
];

describe('tags', () => {
  it.each(cases)('%s', (yaml, body) => {
    expect(ack(yaml)).toEqual(new Tagged(body));
    expect(ack(`{ a: ${yaml}, b: 1 }`)).toEqual({ a: new Tagged(body), b: 1 });
  });

  it.each(cases.map(([, body]) => body).filter((body) => body.tag !== 'some' && body.tag !== 'unordered'))('what spellTag says, parseTag reads: %o', (body) => {
    const { tag, text, number } = spellTag(body);
    const parsed = parseTag(tag as Parameters<typeof parseTag>[0], text ?? (number === undefined ? '' : String(number)));
    expect(sameValue(parsed as unknown as Value, body as unknown as Value)).toBe(true);
  });

  it.each([
    ['!delta x', '`!delta x`: expected a number'],
    ['!delta', '`!delta `: expected a number'],
    ['!any nonsense', '`!any nonsense`: expected one of string, number'],
    ['!regex "["', '`!regex`: Invalid regular expression'],
    ['!id', '`!id` needs a name'],
    ['!id "${a}"', 'a name has no braces'],
    ['!now sec', '`!now sec`: expected one of ms, s, iso'],
    ['!timestamp 5', 'expected a tolerance such as ±5s'],
    ['!ignore it', '`!ignore` takes nothing'],
    ['!some 1', '`!some` stands before a list'],
    ['!id [1]', '`!id` stands before a text'],
    ['!!binary "?"', '`!!binary` is not base64'],
    ['!file abc', 'expected a sha256 of 64 hexadecimal digits'],
  ])('%s is an error at its place', (yaml, message) => {
    const found = ack(yaml);
    expect(found).toContain('REPLAY_INVALID_VALUE 4:49');
    expect(found).toContain(message);
  });

  it('refuses unknown tags, and names the nearest', () => {
    expect(ack('!idd x')).toContain('REPLAY_UNKNOWN_TAG 4:49 unknown tag `!idd`, did you mean `!id`?');
    expect(ack('!!js/function "() => 1"')).toContain('REPLAY_UNKNOWN_TAG 4:49 unknown tag `!!js/function`; known here: ');
    expect(ack('!!set {a}')).toContain('REPLAY_UNKNOWN_TAG');
    expect(ack('!!timestamp 2001-01-01')).toContain('REPLAY_UNKNOWN_TAG');
    expect(ack('!toString x')).toContain('REPLAY_UNKNOWN_TAG');
    expect(ack('!<tag:example.com,2000:x> y')).toContain('REPLAY_UNKNOWN_TAG');
  });

  it('reads binary data, from the file or beside it', () => {
    expect(ack('!!binary AAEC')).toEqual(new Uint8Array([0, 1, 2]));
    expect(ack('!!binary ""')).toEqual(new Uint8Array(0));
    expect(ack(`!file ${'a'.repeat(64)}`)).toEqual(new Uint8Array([1, 2]));
    expect(ack(`!file ${'b'.repeat(64)}`)).toContain('REPLAY_BINARY_MISSING 4:49');
  });
});
