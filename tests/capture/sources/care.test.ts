import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { careAliases, readCare } from '../../../src/capture/sources/care.js';
import { fileOf, importSample, sample } from './files.js';

interface Export {
  [key: string]: unknown;
  traceCount: number;
  recording: Record<string, unknown>;
  traces: Record<string, unknown>[];
}
const own = (): Export => JSON.parse(readFileSync(sample('care.json'), 'utf8')) as Export;
const withChange = (change: (exported: Export) => unknown): string => {
  const exported = own();
  return fileOf(JSON.stringify(change(exported) ?? exported));
};
const imported = (file: string, aliases = {}) => importSample(() => readCare(file), { aliases: careAliases(aliases) });

describe('an export of CARE', () => {
  it('is a recording: a session a socket, in the order of time, first arguments, buffers revived', async () => {
    const { recording } = await imported(sample('care.json'), { 3: 'guest' });
    expect(recording).toEqual({
      version: 1,
      name: 'two-people-note',
      recorded: { source: 'care', took: 2500 },
      status: 'finished',
      sessions: [
        {
          id: 'guest',
          user: 'guest',
          times: [
            [0, 0],
            [0, 0],
            [500, 0],
            [2000, 0],
            [2500, 0],
          ],
          traces: [
            { connect: { namespace: '/', before: true } },
            { emit: 'subscribeAppData', args: [{ table: 'note' }] },
            { emit: 'noteUpdate', args: [{ documentId: 1, text: 'a remark' }] },
            { emit: 'pageLeave', args: [null] },
            { disconnect: 'transport close' },
          ],
          received: [{ after: 2, event: 'noteRefresh', args: [[{ id: 9, text: 'a remark', userId: 3 }]] }],
        },
        {
          id: 'user-4',
          user: 'user-4',
          times: [
            [0, 0],
            [1500, 0],
          ],
          traces: [
            { connect: { namespace: '/', before: true } },
            { emit: 'fileUpload', args: [{ name: 'notes.bin', content: Uint8Array.of(0, 1, 254, 255) }] },
          ],
          received: [{ after: 0, event: 'noteRefresh', args: [[{ id: 9, text: 'a remark', userId: 3 }]] }],
        },
      ],
    });
  });

  it('says what was left out and what the file cannot say', async () => {
    expect(readCare(sample('care.json')).notes).toEqual([
      '2 traces of the event stats left out: telemetry',
      "1 trace of the event recorderStop left out: the recorder's own",
      '1 trace left out: neither socketId nor userId',
      'recorded, but without any event, and therefore left out: zz1-ccccccccccccAAAF',
      'the export holds no acknowledgements and only the first argument of each event: no emit asks for an acknowledgement',
      '1 trace with the payload null, which may have been 0, false, an empty text or no argument: they send null',
    ]);
  });

  it.each([
    ['recorded without', () => readCare(withChange(({ recording }) => void Object.assign(recording, { excludeEvents: ['stats', 'subscribeAppData'] })))],
    ['imported without', () => readCare(sample('care.json'), ['subscribe*'])],
  ])('warns where it is %s the subscriptions', (_, read) => {
    expect(read().notes.at(-1)).toMatch(/^caution: subscribeAppData was excluded/);
  });

  it('of an older version knows users only: a session each', async () => {
    const file = withChange(({ traces }) => {
      for (const trace of traces) trace.socketId = null;
    });
    const { recording } = await imported(file, { 4: 'bob' });
    expect(recording.sessions.map(({ id, user, traces }) => [id, user, traces.length])).toEqual([
      ['user-3', 'user-3', 5],
      ['bob', 'bob', 2],
    ]);
  });

  it.each([
    ['disconnected', 'disconnected', 'participant_disconnected'],
    ['interrupted', 'interrupted', 'application_ended'],
    ['recording', 'interrupted', 'still_recording'],
  ])('of status %s is %s', async (from, status, statusReason) => {
    const { recording } = await imported(withChange((exported) => void Object.assign(exported.recording, { status: from })));
    expect(recording).toMatchObject({ status, statusReason });
  });

  it('keeps what only looks like a buffer', async () => {
    const payload = { a: { type: 'Buffer', data: [256] }, b: { type: 'Buffer', data: [1], more: 1 }, c: { type: 'Buffer', data: [] } };
    const { recording } = await imported(withChange(({ traces }) => void Object.assign(traces[2] as object, { payload })));
    expect(recording.sessions[0]?.traces[2]).toEqual({ emit: 'noteUpdate', args: [{ ...payload, c: new Uint8Array(0) }] });
  });

  it.each([
    ['another version', (e: Export) => ({ ...e, schemaVersion: 2 }), 'Unsupported schemaVersion: 2. Expected 1.'],
    ['no version', () => [], 'Unsupported schemaVersion: undefined. Expected 1.'],
    ['no recording', (e: Export) => ({ ...e, recording: undefined }), "Missing 'recording' object"],
    ['no traces', (e: Export) => ({ ...e, traces: {} }), "Missing 'traces' array"],
    ['fewer traces than it says', (e: Export) => ({ ...e, traceCount: 13 }), 'traceCount is 13, but there are 12 traces'],
    ['a lost payload', (e: Export) => void delete e.traces[2]?.payload, 'traces.2.payload is missing: it was lost when the file was exported'],
    ['a trace of another form', (e: Export) => void Object.assign(e.traces[1] as object, { direction: 'out' }), /traces\.1\.direction: .*boolean/],
    ['a date that is none', (e: Export) => void Object.assign(e.traces[1] as object, { startTime: 'noon' }), 'traces.1.startTime: noon is no date'],
    ['a status of its own', (e: Export) => void Object.assign(e.recording, { status: 'paused' }), /recording\.status: /],
  ])('with %s is refused', (_, change, message) => {
    const file = withChange(change);
    expect(() => readCare(file)).toThrow(expect.objectContaining({ code: 'REPLAY_IMPORT_INVALID', what: expect.stringMatching(message), where: { file } }));
  });

  it.each([
    ['is no JSON', fileOf('{"schemaVersion": 1,'), /is no JSON/],
    ['is nested without end', fileOf('{"schemaVersion":1,"recording":{},"traces":'.concat('['.repeat(200_000))), /is no JSON|nested too deeply/],
    ['does not exist', join(mkdtempSync(join(tmpdir(), 'care-')), 'no.json'), /cannot be read: ENOENT/],
  ])('that %s is refused', (_, file, message) => {
    expect(() => readCare(file)).toThrow(expect.objectContaining({ code: 'REPLAY_IMPORT_INVALID', what: expect.stringMatching(message) }));
  });

  it('with a payload nested too deeply to be read is refused', () => {
    const file = fileOf('');
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    writeFileSync(file, JSON.stringify({ ...own(), traceCount: 1, traces: [{ ...own().traces[1], payload: 'HERE' }] }).replace('"HERE"', deep));
    expect(() => readCare(file)).toThrow(expect.objectContaining({ code: 'REPLAY_IMPORT_INVALID', what: 'is nested too deeply' }));
  });

  // Beside the project, not in it.
  const published = fileURLToPath(new URL('../../../../shared/data/care-export-v1.json', import.meta.url));
  it.skipIf(!existsSync(published))('published by CARE itself (shared/data/care-export-v1.json) is a recording', async () => {
    const { recording } = await imported(published);
    expect(recording.sessions.flatMap(({ traces }) => traces.map((trace) => trace.emit))).toEqual([
      undefined,
      'annotationUpdate',
      'subscribeAppData',
      'annotationUpdate',
      'serviceRequest',
      'commentUpdate',
      'unsubscribeAppData',
    ]);
    expect(recording.sessions[0]?.received?.map(({ event }) => event)).toEqual(['commentRefresh', 'annotationRefresh', 'serviceRefresh']);
  });
});
