/** Pages in real Chromium, with a small Socket.IO server of the test's own. */
import { createServer, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { Server } from 'socket.io';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildRecording } from '../../../src/capture/build.js';
import { startCapture } from '../../../src/capture/capture.js';
import { type PageSource, pageSource } from '../../../src/capture/sources/page.js';
import { hasChromium, openBrowser } from '../../e2e/people.js';
import { temporary } from '../../e2e/support.js';
import { unredacted } from '../unredacted.js';

const html = `<!doctype html><title>t</title><script src="/socket.io/socket.io.js"></script><script>
window.connected = (socket) => new Promise((done) => socket.once('hello', done));
</script>`;

let http: HttpServer;
let io: Server;
let url: string;
let browser: Browser;
let context: BrowserContext;
let source: PageSource;

beforeAll(async () => {
  if (!hasChromium) return;
  http = createServer((request, response) => {
    if (request.url === '/data') return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"rows":[1,2]}');
    if (request.url === '/worker.js') return void response.writeHead(200, { 'content-type': 'text/javascript' }).end(worker);
    if (request.url === '/logout') return void logout(response);
    if (request.method === 'POST')
      return void request.on('data', () => undefined).on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{"saved":true}'));
    if (request.url === '/nothing') return void response.writeHead(204).end();
    response.writeHead(200, { 'content-type': 'text/html' }).end(html);
  });
  /** The connection goes first, and the answer comes when the browser knows of it. */
  const logout = (response: ServerResponse): void => {
    for (const socket of io.of('/').sockets.values()) socket.once('disconnect', () => setTimeout(() => response.end('bye'), 200)).disconnect();
  };
  io = new Server(http, { maxHttpBufferSize: 1e7 });
  for (const namespace of ['/', '/admin'])
    io.of(namespace).on('connection', (socket) => {
      socket.onAny((event: string, ...args: unknown[]) => {
        const ack = args.at(-1);
        if (event === 'ask') socket.timeout(1000).emit('question', 1, (_: unknown, answer: unknown) => socket.emit('thanks', answer));
        else if (typeof ack === 'function') ack(...args.slice(0, -1));
        if (event === 'later') setTimeout(() => (ack as (a: string) => void)('late'), 0);
        if (event === 'kick') socket.disconnect();
      });
      socket.emit('hello', namespace);
    });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await io?.close();
});

const worker = `importScripts('/socket.io/socket.io.js');
const socket = io({ transports: ['websocket'] });
socket.emit('fromWorker', 1, () => postMessage('done'));`;

beforeEach(async () => {
  context = await browser.newContext();
  source = pageSource();
  context.on('page', (page) => source.watch(page, null));
});
afterEach(() => context?.close());

const begin = (from: PageSource, onWarning?: (text: string) => void) =>
  startCapture({ name: 'page', source: from, select: () => true, redactor: unredacted, folder: temporary('captures'), onWarning });

async function recorded(use: (page: Page) => Promise<void>) {
  const capture = begin(source);
  const page = await context.newPage();
  page.setDefaultTimeout(5000);
  await page.goto(url);
  await use(page);
  capture.stop();
  const result = await capture.done;
  return { recording: buildRecording(result.captured).recording, result };
}

describe.skipIf(!hasChromium).each(['websocket', 'polling'])('a page in Chromium by %s (needs Chromium)', (transport) => {
  const transports = JSON.stringify([transport]);

  it('values of all kinds, binary ones too, answers, several namespaces', async () => {
    const { recording, result } = await recorded((page) =>
      page.evaluate(`(async () => {
        const socket = io({ transports: ${transports}, auth: { room: 7 } });
        await connected(socket);
        const bytes = Uint8Array.from({ length: 70000 }, (_, i) => i % 256);
        await socket.emitWithAck('values', 0, false, '', null, [null, 1], 'ünï\\u2028', bytes.buffer, { deep: [bytes.slice(0, 3)] });
        await socket.emitWithAck('empty', new Uint8Array(0));
        socket.on('question', (n, answer) => answer(n + 1));
        const thanks = new Promise((done) => socket.once('thanks', done));
        socket.emit('ask');
        await thanks;
        const admin = io('/admin', { transports: ${transports} });
        await connected(admin);
        await admin.emitWithAck('adminOnly');
        admin.disconnect();
      })()`),
    );
    expect(result.open).toBe(0);
    const bytes = Uint8Array.from({ length: 70000 }, (_, i) => i % 256);
    const values = [0, false, '', null, [null, 1], 'ünï\u2028', bytes, { deep: [bytes.slice(0, 3)] }];
    const plain = JSON.parse(
      JSON.stringify(recording.sessions.map(({ traces }) => traces.map(({ connect, emit, disconnect }) => connect ?? emit ?? { disconnect }))),
    );
    expect(plain).toEqual([
      [{ namespace: '/', auth: { room: 7 } }, 'values', 'empty', 'ask'],
      [{ namespace: '/admin' }, 'adminOnly', { disconnect: 'client namespace disconnect' }],
    ]);
    const [, sent, empty, ask] = recording.sessions[0]?.traces ?? [];
    expect(sent).toEqual({ emit: 'values', args: values, ack: values });
    expect(empty).toEqual({ emit: 'empty', args: [new Uint8Array(0)], ack: [new Uint8Array(0)] });
    expect(ask).toEqual({ emit: 'ask' });
    expect(recording.sessions[0]?.received).toEqual([
      { after: 0, event: 'hello', args: ['/'] },
      { after: 3, event: 'question', args: [1], answer: [2] },
      { after: 3, event: 'thanks', args: [2] },
    ]);
  });

  it('a reload and a closed page end the sessions; moving within the document does not', async () => {
    const { recording } = await recorded(async (page) => {
      const connect = (name: string) =>
        page.evaluate(`(async () => { window.socket = io({ transports: ${transports} }); await connected(socket); await socket.emitWithAck('${name}'); })()`);
      await connect('first');
      await page.evaluate(`history.pushState({}, '', '/elsewhere'); location.hash = 'x'`);
      await page.evaluate(`fetch('/nothing')`);
      await page.evaluate(`location.href = '/nothing'`);
      await page.evaluate(`history.pushState({}, '', '/again')`);
      await page.evaluate(`socket.emitWithAck('moved')`);
      await page.reload();
      await connect('second');
      await page.close();
    });
    expect(recording.sessions.map(({ traces }) => traces.map(({ emit, disconnect }) => emit ?? disconnect))).toEqual([
      [undefined, 'first', 'moved', 'transport close'],
      [undefined, 'second', 'transport close'],
    ]);
    expect(recording.status).toBe('finished');
  });
});

describe.skipIf(!hasChromium)('a page in Chromium (needs Chromium)', () => {
  it('the upgrade from polling loses nothing and tells nothing twice', async () => {
    const { recording } = await recorded((page) =>
      page.evaluate(`(async () => {
        const socket = io();
        await connected(socket);
        const { engine } = socket.io;
        const upgraded = new Promise((done) => (engine.transport.name === 'websocket' ? done() : engine.once('upgrade', done)));
        const acks = [];
        for (let i = 0; i < 30; i++) acks.push(socket.emitWithAck('count', i));
        await upgraded;
        for (let i = 30; i < 40; i++) acks.push(socket.emitWithAck('count', i));
        await Promise.all(acks);
      })()`),
    );
    const traces = recording.sessions[0]?.traces.slice(1) ?? [];
    expect(traces).toEqual(Array.from({ length: 40 }, (_, i) => ({ emit: 'count', args: [i], ack: [i] })));
  });

  it('popups and iframes and workers', async () => {
    const { recording } = await recorded(async (page) => {
      await page.evaluate(`(async () => { const s = io({ transports: ['websocket'] }); await connected(s); await s.emitWithAck('opener'); })()`);
      const popup = context.waitForEvent('page');
      await page.evaluate(`void window.open('/')`);
      const other = await popup;
      await other.waitForLoadState();
      await other.evaluate(`(async () => { const s = io({ transports: ['polling'] }); await connected(s); await s.emitWithAck('popup'); })()`);
      await page.evaluate(`new Promise((done) => { const f = document.createElement('iframe'); f.src = '/'; f.onload = done; document.body.append(f); })`);
      await page.frames()[1]?.evaluate(`(async () => { const s = io({ transports: ['websocket'] }); await connected(s); await s.emitWithAck('frame'); })()`);
      await page.evaluate(`new Promise((done) => { new Worker('/worker.js').onmessage = done; })`);
    });
    expect(recording.sessions.map(({ traces }) => traces.at(-1)?.emit)).toEqual(['opener', 'popup', 'frame', 'fromWorker']);
  });

  it('requests of the page that write or answer data belong to its session; those before it are left out and counted', async () => {
    const { recording, result } = await recorded((page) =>
      page.evaluate(`(async () => {
        await fetch('/data');
        const s = io({ transports: ['websocket'] });
        await connected(s);
        await (await fetch('/data')).json();
        await (await fetch('/')).text();
        await fetch('/save?list=1', { method: 'POST', body: new URLSearchParams({ title: 'a', password: 'b', tag: 'x' }) });
        await fetch('/save', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"n":1}' });
        await fetch('/logout', { method: 'DELETE' });
      })()`),
    );
    expect(result.dropped.unclaimed).toBe(1);
    expect(recording.sessions[0]?.traces.slice(1)).toEqual([
      { http: { method: 'GET', url: '/data', status: 200, answer: { rows: [1, 2] } } },
      {
        http: {
          method: 'POST',
          url: '/save?list=1',
          headers: { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
          body: { title: 'a', password: 'b', tag: 'x' },
          status: 201,
          answer: { saved: true },
        },
      },
      { http: { method: 'PUT', url: '/save', headers: { 'content-type': 'application/json' }, body: { n: 1 }, status: 200 } },
      { http: { method: 'DELETE', url: '/logout', status: 200 } },
      { disconnect: 'server namespace disconnect' },
    ]);
  });

  it('the server says goodbye; a connection of before is said', async () => {
    const page = await context.newPage();
    const early = pageSource();
    const capture = begin(source);
    await page.goto(url);
    await page.evaluate(`(async () => { window.s = io({ transports: ['polling'] }); await connected(s); })()`);
    const warnings: string[] = [];
    const late = begin(early, (text) => warnings.push(text));
    early.watch(page, null);
    await page.evaluate(`(async () => { await s.emitWithAck('seen'); s.on('disconnect', () => { window.gone = true; }); s.emit('kick'); })()`);
    await page.waitForFunction('window.gone');
    for (const one of [capture, late]) one.stop();
    const [seen, unseen] = [await capture.done, await late.done];
    expect(buildRecording(seen.captured).recording.sessions[0]?.traces.map(({ emit, disconnect }) => emit ?? disconnect)).toEqual([
      undefined,
      'seen',
      'kick',
      'server namespace disconnect',
    ]);
    expect(buildRecording(unseen.captured).recording.sessions).toEqual([]);
    expect(warnings.join()).toMatch(/made before the recording began/);
  });
});
