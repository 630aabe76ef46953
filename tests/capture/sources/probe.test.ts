import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { SourceEvent } from '../../../src/capture/source.js';
import { type ProbeConnection, probeSource } from '../../../src/capture/sources/probe.js';
import { connectProbe } from '../../../src/wire/client.js';
import type { FromProbe, SocketInfo } from '../../../src/wire/messages.js';
import { App, bundlePreload, TOKEN, temporary } from '../../probe/helper.js';

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('what the probe warned of before anybody listened is told at the start', async () => {
  const driver = join(directory, 'node_modules/mysql2/index.js');
  mkdirSync(dirname(driver), { recursive: true });
  writeFileSync(driver, 'module.exports = {};');
  const preload = bundlePreload(directory);
  const app = await App.start('app.cjs', preload, { execArgv: ['--require', driver, '--import', pathToFileURL(preload).href] });
  const source = probeSource(await connectProbe({ port: app.probePort, token: TOKEN, mode: 'record' }));
  try {
    await source.drain(1000);
    const heard: SourceEvent[] = [];
    source.start((event) => heard.push(event));
    expect(heard.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', code: 'changes-unmeasured', message: 'Rows that the application writes through mysql2 are not measured.' },
    ]);
  } finally {
    source.stop();
    await app.stop();
  }
});

type Message<T extends FromProbe['type']> = Extract<FromProbe, { type: T }>;

const socket = (sid: string, cookie: string, port = 3000): SocketInfo => ({
  sid,
  namespace: '/',
  user: null,
  transport: 'websocket',
  address: '',
  handshake: { auth: {}, query: {} },
  port,
  cookies: [cookie],
  at: 1,
});

/** A probe that says what the test says, and whose requests it takes them for. */
function told(...sockets: SocketInfo[]) {
  let listener: (message: FromProbe) => void = () => undefined;
  const hello: Message<'hello'> = { type: 'hello', protocol: 2, pid: 1, app: 'a', node: 'v20', at: 1, listening: [], sockets, changes: 'none' };
  const connection: ProbeConnection = {
    hello,
    onMessage: (next) => (listener = next),
    drain: () => Promise.resolve({ open: 0 }),
    state: () => Promise.resolve([]),
    notify: () => undefined,
    closed: new Promise(() => undefined),
    close: () => undefined,
  };
  const source = probeSource(connection);
  const heard: SourceEvent[] = [];
  source.start((event) => heard.push(event));
  const tell = (message: FromProbe): void => listener(message);
  const begin = (id: string, cookie: string, more: Partial<Message<'request'>> = {}): void =>
    tell({ type: 'request', id, method: 'POST', url: '/notes', from: '', port: 3000, cookies: [cookie], at: 5, ...more });
  const end = (id: string, more: Partial<Message<'answered'>> = {}): void =>
    tell({ type: 'answered', id, headers: {}, status: 200, answerHeaders: { 'content-type': 'application/json' }, at: 9, ...more });
  /** what was heard since */
  const news = (): string[] =>
    heard.splice(0).map((event) => (event.type === 'http' ? `${event.id} of ${event.sid}` : `${event.type} ${'sid' in event ? event.sid : ''}`));
  return { source, heard, tell, begin, end, news };
}

test('a request is of the connection with its cookie at its port that was active last; without one it is nobody’s', () => {
  const { tell, begin, end, news } = told(socket('a1', 'a'), socket('a2', 'a'), socket('b', 'b'));
  tell({ type: 'emit', sid: 'a1', n: 1, event: 'x', asks: false, at: 2 });
  news();
  for (const [id, cookie, port] of [
    ['http:1', 'a', 3000] as const,
    ['http:2', 'b', 3000] as const,
    ['http:3', 'c', 3000] as const,
    ['http:4', 'b', 9090] as const,
  ]) {
    begin(id, cookie, { port });
    end(id);
  }
  expect(news()).toEqual(['http:1 of a1', 'http:2 of b', 'http:3 of null', 'http:4 of null']);
});

test('a request is recorded as through the proxy: what is read without being data, and what was never answered, is not', () => {
  const { begin, end, heard, news } = told(socket('a', 'a'));
  begin('http:1', 'a', { method: 'GET', url: '/app.js' });
  end('http:1', { answerHeaders: { 'content-type': 'text/javascript' } });
  begin('http:2', 'a');
  end('http:2', { status: undefined });
  // begun before anybody listened
  end('http:3');
  expect(news()).toEqual([]);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  begin('http:4', 'a', { url: '/notes?x=1' });
  const headers = { 'content-type': 'application/json', host: 'localhost', 'x-csrf': 'c', accept: '*/*' };
  end('http:4', { status: 201, headers, body: base64('{"text":"ü"}'), answer: base64('{"id":7}') });
  expect(heard.splice(0)).toEqual([
    {
      ...{ type: 'http', sid: 'a', id: 'http:4', method: 'POST', url: '/notes?x=1', at: 5, end: 9, status: 201 },
      ...{ headers: { 'content-type': 'application/json', 'x-csrf': 'c' }, body: { text: 'ü' }, answer: { id: 7 } },
    },
  ]);
  begin('http:5', 'a');
  end('http:5', { headers: {}, body: null });
  expect(heard).toMatchObject([
    { type: 'warning', message: 'the body of POST /notes is larger than 5 MB and left out' },
    { type: 'http', id: 'http:5' },
  ]);
});

test('a logout belongs to the connection that it ends; one that is never answered holds nothing up', async () => {
  const { source, tell, begin, end, news } = told(socket('a', 'a'), socket('b', 'b'));
  begin('http:1', 'a', { url: '/logout' });
  tell({ type: 'disconnect', sid: 'a', reason: 'io server disconnect', at: 6 });
  expect(news()).toEqual([]);
  end('http:1');
  expect(news()).toEqual(['http:1 of a', 'disconnect a']);
  begin('http:2', 'b');
  tell({ type: 'disconnect', sid: 'b', reason: 'transport close', at: 6 });
  await source.drain(0);
  expect(news()).toEqual(['disconnect b']);
});
