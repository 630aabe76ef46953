/** HAR files. Playwright's own come from real use in tests/e2e/page.test.ts; the sample here is written by hand in the form of Chrome's DevTools. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readHar } from '../../../src/capture/sources/har.js';
import { fileOf, importSample, sample } from './files.js';

interface Entry {
  [key: string]: unknown;
  request: { url: string; method: string; postData?: unknown };
  response: { status: number; content: Record<string, unknown> };
  _webSocketMessages?: { type: string; time: number; opcode: number; data: string }[];
}
interface Har {
  log: { creator: { name: string }; pages: unknown[]; entries: Entry[] };
}
const own = (): Har => JSON.parse(readFileSync(sample('devtools.har'), 'utf8')) as Har;
const changed = (change: (har: Har) => unknown): string => {
  const har = own();
  return fileOf(JSON.stringify(change(har) ?? har), 'changed.har');
};
const sockets = (har: Har): Entry[] => har.log.entries.filter(({ request }) => request.url.startsWith('ws'));

describe("a HAR file of Chrome's DevTools", () => {
  it('is a recording: polling, upgrade, bytes, answers, namespaces, requests, and a session for each document', async () => {
    const { recording, notes, result } = await importSample(() => readHar(sample('devtools.har'), { 1: 'alice' }), { aliases: { 1: 'alice' } });
    const plain = recording.sessions.map(({ times: _, ...session }) => session);
    expect(plain).toEqual([
      {
        id: 'alice',
        user: 'alice',
        traces: [
          { connect: { namespace: '/', auth: { token: expect.objectContaining({ body: { tag: 'secret', name: expect.any(String) } }) } } },
          { emit: 'byPolling', args: [{ n: 1 }], ack: ['polled'] },
          { emit: 'draw', args: [Uint8Array.of(1, 2, 3), Uint8Array.of(255)], ack: [Uint8Array.of(9), 'ok'] },
          { emit: 'fire' },
          {
            http: { method: 'PUT', url: '/lists/7', headers: { 'content-type': 'application/json' }, body: { title: 'a' }, status: 200, answer: { saved: 7 } },
          },
          { disconnect: 'transport close' },
        ],
        received: [
          { after: 0, event: 'hello', args: [1] },
          { after: 2, event: 'confirm', args: ['sure?'], answer: [true] },
        ],
      },
      { id: 'anonymous', traces: [{ connect: { namespace: '/', auth: { token: expect.anything() } } }] },
      { id: 'anonymous-2', traces: [{ connect: { namespace: '/admin' } }, { emit: 'who', ack: ['me'] }, { disconnect: 'client namespace disconnect' }] },
    ]);
    expect(recording).toMatchObject({ name: 'devtools', status: 'finished', recorded: { source: 'har' } });
    expect(result.dropped.unclaimed).toBe(1);
    expect(notes).toEqual([
      'page 2 (http://127.0.0.1:3000/) has no user, and does not log in at replay; if it should: --user 2=NAME',
      'when the connections were closed is not in the file: the sessions stay open to the end',
    ]);
  });

  it('names users by the number or the id of their page, or by their socket', async () => {
    const aliases = { page_1: 'alice', SOCKETbbbbbbbbbbAAAD: 'bob', 2: 'carol' };
    const { recording, notes } = await importSample(() => readHar(sample('devtools.har'), aliases), { aliases });
    expect(recording.sessions.map(({ user }) => user)).toEqual(['alice', 'bob', 'carol']);
    expect(notes).toHaveLength(1);
  });

  it('without contents is not complete, and says so', async () => {
    const file = changed((har) => {
      const polled = har.log.entries.find(({ response }) => response.content.encoding === 'base64');
      delete polled?.response.content.text;
    });
    const { recording, notes } = await importSample(() => readHar(file));
    expect(recording).toMatchObject({ status: 'truncated', statusReason: 'events_lost' });
    expect(recording.sessions[0]?.traces[1]).toEqual({ emit: 'byPolling', args: [{ n: 1 }], ack: 'never' });
    expect(notes.slice(0, 2)).toEqual([expect.stringMatching(/lacks contents/), expect.stringMatching(/export with content/)]);
  });

  it('whose polling has no contents at all holds no connection', () => {
    const file = changed((har) => {
      for (const { response } of har.log.entries) delete response.content.text;
      har.log.entries = har.log.entries.filter((entry) => !sockets(har).slice(1).includes(entry));
    });
    expect(() => readHar(file)).toThrow(
      expect.objectContaining({ code: 'REPLAY_IMPORT_INVALID', what: expect.stringMatching(/holds no Socket\.IO connection.*lacks contents/) }),
    );
  });

  it('with a WebSocket without messages is not complete', async () => {
    const file = changed((har) => {
      const entry = sockets(har)[1];
      if (entry) entry._webSocketMessages = [];
    });
    const { recording, notes } = await importSample(() => readHar(file));
    expect(recording.status).toBe('truncated');
    expect(notes[0]).toBe('the file has a WebSocket without its messages');
  });

  it('finds the empty attachments of which nothing was told', async () => {
    const file = changed((har) => {
      const messages = sockets(har)[0]?._webSocketMessages ?? [];
      messages.splice(4, 2);
      messages.splice(5, 1);
      const asked = messages.findIndex(({ data }) => data.includes('confirm'));
      messages[asked] = { ...(messages[asked] as (typeof messages)[0]), data: '451-5["confirm",{"_placeholder":true,"num":0}]' };
    });
    const { recording } = await importSample(() => readHar(file));
    expect(recording.sessions[0]?.received?.[1]).toEqual({ after: 2, event: 'confirm', args: [new Uint8Array(0)], answer: [true] });
    expect(recording.sessions[0]?.traces[2]).toEqual({ emit: 'draw', args: [new Uint8Array(0), new Uint8Array(0)], ack: [new Uint8Array(0), 'ok'] });
    expect(recording.status).toBe('finished');
  });

  it('is not complete where it cannot be told which attachments were empty', async () => {
    const file = changed((har) => void sockets(har)[0]?._webSocketMessages?.splice(4, 1));
    const { recording, notes } = await importSample(() => readHar(file));
    expect(recording.status).toBe('truncated');
    expect(notes[0]).toMatch(/some were empty/);
  });

  it.each([
    ['is another JSON', () => ({ entries: [] }), /log: /],
    [
      'has an entry without a date',
      (har: Har) => void Object.assign(har.log.entries[0] as object, { startedDateTime: 'once' }),
      /log\.entries\.0\.startedDateTime: expected a date/,
    ],
    ['has no entries', (har: Har) => void Object.assign(har.log, { entries: [] }), /holds no Socket\.IO connection/],
    ['names a file outside', (har: Har) => attach(har, '../secret.txt'), /\.\.\/secret\.txt lies outside/],
    ['names a file that is missing', (har: Har) => attach(har, 'gone.txt'), /cannot be read: ENOENT/],
  ])('that %s is refused', (_, change, message) => {
    const file = changed(change);
    expect(() => readHar(file)).toThrow(expect.objectContaining({ code: 'REPLAY_IMPORT_INVALID', what: expect.stringMatching(message) }));
  });
});

/** The answer of the first polling stands in a file of its own. */
function attach(har: Har, name: string): void {
  const content = har.log.entries.find(({ request }) => request.url.includes('transport=polling'))?.response.content;
  delete content?.text;
  Object.assign(content ?? {}, { _file: name });
}

describe('contents outside the file', () => {
  const attached = (): { har: string; answer: string } => {
    const har = own();
    const answer = String(har.log.entries.find(({ request }) => request.url.includes('transport=polling'))?.response.content.text);
    attach(har, 'a/answer.txt');
    return { har: JSON.stringify(har), answer };
  };

  it.each([0, 8])('are found in the zip (method %i)', async (method) => {
    const { har, answer } = attached();
    const file = fileOf(zipOf({ 'a/answer.txt': answer, 'har.har': har }, method), 'flow.har.zip');
    const { recording } = await importSample(() => readHar(file));
    expect(recording.name).toBe('flow');
    expect(recording.sessions[0]?.traces).toHaveLength(6);
  });

  it('are refused where they are damaged or missing', () => {
    const { har, answer } = attached();
    const whole = zipOf({ 'har.har': har, 'a/answer.txt': answer }, 8);
    const cut = fileOf(whole.subarray(0, -30), 'cut.zip');
    const wrong = Buffer.from(whole);
    wrong.writeUInt8((wrong[60] as number) ^ 0xff, 60);
    for (const file of [cut, fileOf(wrong, 'wrong.zip'), fileOf(zipOf({ 'har.har': har }, 8), 'less.zip'), fileOf(zipOf({ other: '' }, 0), 'none.zip')])
      expect(() => readHar(file)).toThrow(expect.objectContaining({ code: 'REPLAY_IMPORT_INVALID', where: { file } }));
  });

  it('lie beside it', async () => {
    const { har, answer } = attached();
    const file = fileOf(har, 'flow.har');
    writeFileSync(join(dirname(file), 'answer.txt'), answer);
    writeFileSync(file, har.replace('a/answer.txt', 'answer.txt'));
    expect((await importSample(() => readHar(file))).recording.sessions[0]?.traces).toHaveLength(6);
  });
});

/** A zip as the format asks for, made by hand: the reader must not be tested with itself. */
function zipOf(files: Record<string, string>, method: number): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const packed = method === 8 ? deflateRawSync(content) : content;
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(method, 4);
    head.writeUInt32LE(crcOf(content), 10);
    head.writeUInt32LE(packed.length, 14);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    local.push(Buffer.from('PK\x03\x04', 'latin1'), head, Buffer.from(name), packed);
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, place, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const list = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, list, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

function crcOf(bytes: Buffer): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
