/** No secret reaches a file: planted in random places of random events, it is in no byte that a capture writes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCapture } from '../../src/capture/capture.js';
import { saveCapture } from '../../src/capture/finish.js';
import type { SourceEvent } from '../../src/capture/source.js';
import { createRedactor } from '../../src/recording/redact.js';
import type { Value, ValueObject } from '../../src/recording/values.js';
import fc from '../fast-check.js';
import { ack, answer, change, connect, disconnect, emit, push } from './events.js';
import { fakeSource } from './fake-source.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  process.env.REPLAY_RUNTIME_DIR = join(folder, 'runtime');
});
afterAll(() => {
  delete process.env.REPLAY_RUNTIME_DIR;
  rmSync(folder, { recursive: true, force: true });
});

const letters = (length: number) => fc.stringMatching(new RegExp(`^[a-zA-Z0-9]{${length}}$`));
/** Known by its form wherever it stands, or only after it stood under a key. */
interface Secret {
  text: string;
  shaped: boolean;
}
const shaped = (made: fc.Arbitrary<string>): fc.Arbitrary<Secret> => made.map((text) => ({ text, shaped: true }));
const keyed = (made: fc.Arbitrary<string>): fc.Arbitrary<Secret> => made.map((text) => ({ text, shaped: false }));
const secret = fc.oneof(
  shaped(letters(20).map((body) => `eyJhbGciOiJIUzI1NiJ9.eyJz${body}.${body}`)),
  shaped(letters(36).map((body) => `ghp_${body}`)),
  shaped(letters(30).map((body) => `sk_live_${body}`)),
  keyed(fc.stringMatching(/^[a-z]{6}[0-9]$/)),
  keyed(fc.stringMatching(/^[a-z]{4}[0-9][#%+][A-Z]{3}$/)),
  keyed(fc.stringMatching(/^zq[a-z]{10}$/)),
);

const wrap: ((text: string) => Value)[] = [
  (text) => text,
  (text) => ({ note: text }),
  (text) => [[{ deep: { list: [1, text, null] } }]],
  (text) => `we got ${text} from you`,
  (text) => `see "${text}".`,
  (text) => JSON.stringify({ a: [{ b: text }] }),
  (text) => JSON.stringify({ body: JSON.stringify({ b: text }) }),
  (text) => `/path?x=1&q=${text}#top`,
  (text) => ({ headers: [['x-thing', text]] }),
  (text) => ({ name: 'x-thing', value: text }),
  (text) => `${'filler '.repeat(300)}${text} end`,
];
const declare: ((text: string) => Value)[] = [
  (text) => ({ user: 'ann', password: text }),
  (text) => ({ form: { newPassword: text } }),
  (text) => ({ headers: { authorization: `Bearer ${text}`, x: 1 }, secret: text }),
  (text) => JSON.stringify({ user: 'ann', password: text }),
  (text) => `user=ann&password=${encodeURIComponent(text)}`,
  (text) => ({ name: 'password', value: text }),
];

const http = (more: Partial<Extract<SourceEvent, { type: 'http' }>>): SourceEvent => ({
  type: 'http',
  sid: 'a',
  id: 'http:1',
  method: 'POST',
  url: '/save',
  status: 200,
  at: 1000,
  end: 1001,
  ...more,
});

type Make = (value: Value) => SourceEvent;
const places: Make[] = [
  (value) => emit('a', 2, 'save', { args: [value, 'plain'] }),
  (value) => ack('a', 2, [value]),
  (value) => push(7, 'a:1', 'told', ['a'], { args: [value] }),
  (value) => push(8, null, 'heard', ['a'], { args: [value] }),
  (value) => answer(7, 'a', [value]),
  (value) => change('a:1', 'insert', 'things', { id: 1 }, { after: { id: 1, value } }),
  (value) => change('a:1', 'update', 'things', { id: 1 }, { before: { id: 1, value: 'x' }, after: { id: 1, value } }),
  (value) => change(null, 'delete', 'things', { id: 2, value }, { before: { id: 2, value } as ValueObject }),
  (value) => connect('b', { handshake: { auth: { stuff: value }, query: { stuff: value } } }),
  (value) => http({ headers: { 'x-thing': value } }),
  (value) => http({ body: value }),
  (value) => http({ answer: { got: value } }),
  (value) => http({ url: `/save?thing=${typeof value === 'string' ? value : JSON.stringify(value)}&x=1` }),
  (value) => ({ type: 'warning', code: 'x', message: `about ${JSON.stringify(value)}` }),
];

let runs = 0;
/** Every byte that is written: of the log before it is saved, and of what is saved; and every warning. */
async function written(events: SourceEvent[]): Promise<{ log: string; saved: string }> {
  const name = `run${runs++}`;
  const captures = join(folder, name, 'captures');
  const out = join(folder, name, 'recordings');
  const source = fakeSource(`127.0.0.1:${5000 + runs}`);
  const warnings: string[] = [];
  const capture = startCapture({
    name,
    source,
    select: () => true,
    redactor: createRedactor({ rules: ['POST /save:body.pin'] }),
    folder: captures,
    onWarning: (text) => warnings.push(text),
  });
  source.tell(connect('a'), emit('a', 1, 'begin', { asks: true }), ...events, disconnect('a', 'transport close'));
  capture.stop();
  const { captured } = await capture.done;
  const log = bytesIn(captures);
  const { names, file } = saveCapture(captured, { out, captures });
  return { log: log + warnings.join('\n'), saved: bytesIn(out) + JSON.stringify(names) + file };
}

function bytesIn(root: string): string {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.name}\n${readFileSync(join(entry.parentPath, entry.name), 'latin1')}`)
    .join('\n');
}

test('a planted secret is in no file', async () => {
  await fc.assert(
    fc.asyncProperty(
      secret,
      fc.constantFrom(...declare),
      fc.array(fc.tuple(fc.constantFrom(...places), fc.constantFrom(...wrap)), { minLength: 1, maxLength: 5 }),
      fc.nat(5),
      async ({ text, shaped: known }, says, planted, at) => {
        const events = planted.map(([place, around]) => place(around(text)));
        const declared = Math.min(at, events.length);
        events.splice(declared, 0, emit('a', 3, 'login', { args: [says(text)] }));
        const { log, saved } = await written(events);
        expect(saved).not.toContain(text);
        // What was written before anything said that it is one stays in the log until the recording is saved.
        if (known || declared === 0) expect(log).not.toContain(text);
      },
    ),
    { numRuns: 400 },
  );
});

test('HTTP requests: headers, cookies, the query, bodies', async () => {
  const { log, saved } = await written([
    http({
      url: '/save?access_token=first-secret-1&page=2',
      headers: { cookie: 'connect.sid=second-secret; theme=third-secret', authorization: 'Bearer fourth-secret-4', accept: '*/*' },
      body: { pin: 'fifth-secret', text: 'said fourth-secret-4' },
      answer: { 'set-cookie': ['connect.sid=sixth-secret; Path=/'] },
    }),
  ]);
  expect(log + saved).not.toMatch(/\w+-secret/);
  expect(saved).toContain('url: !text "/save?access_token=${!secret token1}&page=2"');
  expect(saved).toContain('authorization: !text "Bearer ${!secret token2}"');
  expect(saved).toContain('said ${!secret token2}');
  expect(saved).toContain('accept: "*/*"');
});

test('names of events and reasons are looked at too', async () => {
  const { log, saved } = await written([
    emit('a', 2, 'login', { args: [{ password: 'corrector-77' }] }),
    emit('a', 3, 'room:corrector-77'),
    push(1, 'a:3', 'room:corrector-77', ['a']),
    connect('b'),
    disconnect('b', 'bad token=corrector-77'),
  ]);
  expect(log + saved).not.toContain('corrector-77');
});
