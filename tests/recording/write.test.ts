import { describe, expect, it } from 'vitest';
import { readRecording } from '../../src/recording/read.js';
import type { Recording } from '../../src/recording/schema.js';
import { id, sameValue, Tagged, templateNames, type Value, walk } from '../../src/recording/values.js';
import { writeRecording } from '../../src/recording/write.js';
import fc from '../fast-check.js';
import { recording as arbitraryRecording, value as arbitraryValue } from './arbitrary.js';

const read = (text: string, files = new Map<string, Uint8Array>()) => {
  const result = readRecording(text, { file: 'r.yaml', readBinary: (sha256) => files.get(sha256) });
  if (!result.recording) throw new Error(`${result.errors.map((error) => error.message).join('\n')}\n${text}`);
  return result.recording;
};

/** A recording in which every name of a value is made by a row. */
function holding(value: Value): Recording {
  const row: { [key: string]: Value } = {};
  walk(value, (node) => {
    if (!(node instanceof Tagged)) return;
    const names = node.body.tag === 'id' ? [node.body.name] : node.body.tag === 'text' ? templateNames(node.body.template) : [];
    for (const name of names) row[`n${Object.keys(row).length}`] = new Tagged({ tag: 'unique', text: name });
  });
  return {
    version: 1,
    name: 'r',
    status: 'finished',
    sessions: [
      { id: 'alice', traces: [{ emit: 'x', args: [value], ack: [value], changes: [{ insert: 't', row: { a: value } }] }] },
      { id: 'bob', traces: [] },
    ],
    unattributed: [{ insert: 't', row }],
  };
}

const plain = (recording: Recording) => JSON.parse(JSON.stringify(recording)) as Value;
const small = (traces: Recording['sessions'][number]['traces']): Recording => ({
  version: 1,
  name: 'r',
  status: 'finished',
  sessions: [
    { id: 'alice', traces },
    { id: 'bob', traces: [] },
  ],
});
const body = (traces: Recording['sessions'][number]['traces']) => writeRecording(small(traces)).text;

describe('laws', () => {
  it('reads every value that it wrote, and writes the same bytes again', () => {
    fc.assert(
      fc.property(arbitraryValue, (value) => {
        const made = holding(value);
        const { text, files } = writeRecording(made);
        const back = read(text, files);
        expect(sameValue(back as unknown as Value, made as unknown as Value), text).toBe(true);
        expect(writeRecording(back).text).toBe(text);
        expect(Buffer.from(text, 'utf8').toString('utf8')).toBe(text);
      }),
      { numRuns: 600 },
    );
  });

  it('holds for whole recordings', () => {
    fc.assert(
      fc.property(arbitraryRecording, (made) => {
        const { text, files } = writeRecording(made);
        const result = readRecording(text, { file: 'r.yaml', readBinary: (sha256) => files.get(sha256) });
        // Arbitrary arguments use names that nothing makes.
        if (!result.recording) return void expect(new Set(result.errors.map(({ code }) => code)), text).toEqual(new Set(['REPLAY_UNKNOWN_NAME']));
        expect(sameValue(result.recording as unknown as Value, dropUndefined(made as unknown as Value)), text).toBe(true);
        expect(writeRecording(result.recording).text).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order in which a recording was built', () => {
    const one = small([{ emit: 'a', args: [1], ack: 'never', pushes: [{ to: 'bob', event: 'e', args: [] }] }]);
    const trace = { pushes: [{ args: [], event: 'e', to: ['bob'] }], ack: 'never' as const, args: [1], emit: 'a' };
    const other: Recording = {
      sessions: [
        { traces: [trace], id: 'alice' },
        { traces: [], id: 'bob' },
      ],
      status: 'finished',
      name: 'r',
      version: 1,
    };
    expect(writeRecording(other).text).toBe(writeRecording(one).text);
  });
});

function dropUndefined(value: Value): Value {
  if (Array.isArray(value)) return value.map(dropUndefined);
  if (typeof value !== 'object' || value === null || value instanceof Tagged || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, dropUndefined(item)]])));
}

describe('style', () => {
  it('looks as docs show it', () => {
    const text = writeRecording({
      version: 1,
      name: 'annotate-together',
      recorded: { source: 'probe', app: 'annotator', took: 23207 },
      status: 'finished',
      sessions: [
        {
          id: 'alice',
          user: 'alice',
          times: [
            [0, 12],
            [132, 8],
            [950, 9],
          ],
          traces: [
            { connect: { namespace: '/' }, pushes: [{ to: 'alice', event: 'ready' }] },
            {
              emit: 'annotationUpdate',
              args: [{ documentId: 7, text: 'a lack of data', at: '2024-01-01', ok: 'true', n: '1' }],
              ack: [],
              pushes: [{ to: ['alice', 'bob'], event: 'annotationRefresh', args: [[{ id: id('annotation1'), text: 'a lack of data' }]] }],
              changes: [
                { insert: 'annotation', row: { id: id('annotation1'), at: new Tagged({ tag: 'any', type: 'timestamp' }) } },
                { update: 'document', key: { id: 7 }, set: { rev: new Tagged({ tag: 'delta', n: 1 }) } },
              ],
            },
            { disconnect: 'client namespace disconnect' },
          ],
        },
        { id: 'bob', traces: [], received: [{ after: 0, event: 'x' }] },
      ],
    }).text;
    expect(text).toBe(`# yaml-language-server: $schema=./recording.schema.json
version: 1
name: annotate-together
recorded: { source: probe, app: annotator, took: 23207 }
status: finished
sessions:
  - id: alice
    user: alice
    times: [[0, 12], [132, 8], [950, 9]]
    traces:
      - connect: { namespace: / }
        pushes:
          - { to: alice, event: ready }
      - emit: annotationUpdate
        args: [{ documentId: 7, text: a lack of data, at: "2024-01-01", ok: "true", n: "1" }]
        ack: []
        pushes:
          - { to: [alice, bob], event: annotationRefresh, args: [[{ id: !id annotation1, text: a lack of data }]] }
        changes:
          - { insert: annotation, row: { id: !id annotation1, at: !any timestamp } }
          - { update: document, key: { id: 7 }, set: { rev: !delta 1 } }
      - disconnect: client namespace disconnect
  - id: bob
    traces: []
    received:
      - { after: 0, event: x }
`);
  });

  it('breaks what is too long, and writes texts of several lines as blocks', () => {
    const long = 'word '.repeat(20).trim();
    expect(
      body([{ emit: 'x', args: [{ a: long, b: { c: long, d: [1] } }, ['one\ntwo\n', 'one\n  two'], new Tagged({ tag: 'some', items: ['a\nb'] })] }]),
    ).toContain(`
        args:
          - a: ${long}
            b: { c: ${long}, d: [1] }
          - - |
              one
              two
            - |-
              one
                two
          - !some
            - |-
              a
              b
`);
  });

  it('escapes what nobody can see, and writes no block whose blanks an editor would take away', () => {
    const hidden = body([{ emit: 'x', args: ['a\u202eb\u0085\u2028\ufeff\u0000\ud800', 'a \nb', 'a\n\tb'] }]);
    expect(hidden).toContain('args: ["a\\u202eb\\u0085\\u2028\\ufeff\\u0000\\ud800", "a \\nb", "a\\n\\tb"]');
  });

  it('uses no anchors for an object that occurs twice', () => {
    const same = { a: [1, 2] };
    expect(body([{ emit: 'x', args: [same, same] }])).toContain('args: [{ a: [1, 2] }, { a: [1, 2] }]');
  });

  it('keeps all times in one line', () => {
    const traces = Array.from({ length: 100 }, () => ({ emit: 'x' }));
    const text = writeRecording({ ...small([]), sessions: [{ id: 'alice', traces, times: traces.map((_, i) => [i * 1000, 1]) }] }).text;
    expect(text.split('\n').filter((line) => line.includes('99000'))).toHaveLength(1);
    expect(text).toContain('    times: [[0, 1], [1000, 1], ');
  });

  it('writes large binary values beside the recording', () => {
    const { text, files } = writeRecording(small([{ emit: 'x', args: [new Uint8Array(4096), new Uint8Array(4097), new Uint8Array(4097)] }]));
    expect(files.size).toBe(1);
    expect([...files][0]?.[1]).toHaveLength(4097);
    expect(text.match(/!!binary/g)).toHaveLength(1);
    expect(text.match(/!file [0-9a-f]{64}/g)).toHaveLength(2);
  });

  it('writes a very large recording one trace a line', () => {
    const made = small(Array.from({ length: 2001 }, (_, n) => ({ emit: 'x', args: [n, 'a\nb'], pushes: [{ to: 'bob', event: 'e' }], changes: [] })));
    const { text } = writeRecording(made);
    expect(text.split('\n').filter((line) => line.startsWith('      - { emit: x, args: ['))).toHaveLength(2001);
    expect(plain(read(text))).toEqual(plain(made));
  });

  it('refuses what could not be read back', () => {
    let deep: Value = 1;
    for (let i = 0; i < 58; i++) deep = [deep];
    expect(() => read(writeRecording(small([{ emit: 'x', args: [deep] }])).text)).not.toThrow();
    let block: Value = 'a\nb';
    for (let i = 0; i < 58; i++) block = i % 2 ? [block] : { a: block };
    expect(() => read(writeRecording(small([{ emit: 'x', args: [block] }])).text)).not.toThrow();
    expect(() => writeRecording(small([{ emit: 'x', args: [[deep]] }]))).toThrow(/REPLAY_RECORDING_LIMITS.*64/s);
  });
});
