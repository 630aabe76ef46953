/** What is found out about a target before the first client of a run, against real servers. */
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Socket } from 'socket.io';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { replayOptions } from '../../src/playwright/options.js';
import { foundBefore, mayWait, preflight, problemsOf } from '../../src/playwright/preflight.js';
import { declaresProtected } from '../../src/playwright/probe-of.js';
import { checkTarget } from '../../src/playwright/target.js';
import { id } from '../../src/recording/values.js';
import { findProbes } from '../../src/wire/client.js';
import { temporary } from '../e2e/support.js';
import { closeAll, connect, emit, goodbye, recorded, serve, serveProbed, type World } from '../replay/world.js';
import { cert, key } from '../tls.js';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of close.splice(0)) await step();
  await closeAll();
});

async function listen(answer: RequestListener, port = 0): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  close.push(
    () => server.closeAllConnections(),
    () => new Promise((done) => server.close(done)),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const optionsFor = (baseURL: string, more: object = {}) => replayOptions({ baseURL, connectTimeout: 2000, ...more }, {});
const { signal } = new AbortController();
const checked = (url: string, wait = false, more: object = {}) =>
  checkTarget(optionsFor(url, more), wait, signal).then(
    () => 'is there',
    (error: Error) => error.message,
  );

describe('the target', () => {
  it('is there: polling and websocket, or websocket only', async () => {
    const connections: Socket[] = [];
    const world = await serve((io) => io.on('connection', (socket) => connections.push(socket)));
    expect(await checked(world.url)).toBe('is there');
    expect(await checked((await serve(() => {}, { transports: ['websocket'] })).url)).toBe('is there');
    expect(connections).toEqual([]);
  });

  it.each([
    ['a page', 200, '<html>', 'answered 200, which is not Socket.IO'],
    ['nothing', 404, '', 'answered 404, which is not Socket.IO'],
    ['Socket.IO 2', 200, '96:0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}2:40', 'speaks Engine.IO 3, which is Socket.IO 2'],
  ])('is not Socket.IO as we know it: %s', async (_, status, body, words) => {
    const url = await listen((_request, response) => response.writeHead(status).end(body));
    const said = await checked(url);
    expect(said).toContain('REPLAY_NOT_SOCKET_IO');
    expect(said).toContain(words);
  });

  it.each([401, 403, 302])('may be behind a door that answers %i', async (status) => {
    expect(await checked(await listen((_request, response) => response.writeHead(status, { location: '/login' }).end()))).toBe('is there');
  });

  it('is waited for while it starts, and only then', async () => {
    let asked = 0;
    const starting = await listen((_request, response) => (++asked < 3 ? response.writeHead(503).end() : response.writeHead(400).end('{"code":0}')));
    expect(await checked(starting, true)).toBe('is there');
    expect(asked).toBe(3);
    asked = 0;
    expect(await checked(starting)).toContain('answered 503');
    const gone = await listen(() => {});
    for (const step of close.splice(0)) await step();
    // It comes up when somebody has begun to wait for it.
    const log = vi.spyOn(console, 'log').mockImplementationOnce((words) => {
      expect(words).toBe(`  waiting for ${gone}`);
      void listen((_request, response) => response.writeHead(400).end('{"code":0}'), Number(new URL(gone).port));
    });
    expect(await checked(gone, true)).toBe('is there');
    log.mockRestore();
    for (const step of close.splice(0)) await step();
    const began = performance.now();
    expect(await checked(gone, true, { connectTimeout: 400 })).toMatch(/REPLAY_TARGET_UNREACHABLE.*ECONNREFUSED/);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await checked(gone)).toContain('ECONNREFUSED');
  });
});

it('a certificate of an unknown authority is told from a target that is not there', async () => {
  const server = createHttps({ key, cert });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  close.push(() => new Promise((done) => server.close(done)));
  const said = await checked(`https://localhost:${(server.address() as AddressInfo).port}`, true);
  expect(said).toMatch(/^REPLAY_TARGET_UNREACHABLE: .*certificate[\s\S]*NODE_EXTRA_CA_CERTS=FILE/);
});

describe('a process that is protected', () => {
  afterEach(() => {
    for (const name of ['REPLAY_PROTECTED', 'REPLAY_PROBE', 'REPLAY_PROBE_TOKEN']) delete process.env[name];
  });

  it('says so through its probe, before anybody subscribes', async () => {
    process.env.REPLAY_PROTECTED = '1';
    const world = await serveProbed('', () => {});
    close.push(world.close);
    expect(await declaresProtected(world.url)).toBe(true);
    expect(await declaresProtected('http://127.0.0.1:1')).toBe(false);
    const file = findProbes().find(({ pid }) => pid === process.pid);
    process.env.REPLAY_PROBE = `127.0.0.1:${file?.port}`;
    process.env.REPLAY_PROBE_TOKEN = file?.token;
    expect(await declaresProtected('https://shop.example.com')).toBe(true);
    delete process.env.REPLAY_PROTECTED;
    expect(await declaresProtected('https://shop.example.com')).toBe(false);
  });

  it('is one of a cluster too, whose probes are not used', async () => {
    const own = process.env.REPLAY_RUNTIME_DIR;
    process.env.REPLAY_RUNTIME_DIR = temporary('runtime');
    const file = { protocol: 2, pid: process.pid, port: 1, token: '', app: 'shop', listening: ['*:4711'], cluster: 1, protected: true, at: 1 };
    writeFileSync(join(process.env.REPLAY_RUNTIME_DIR, `probe-${process.pid}.json`), JSON.stringify(file));
    expect(await declaresProtected('http://localhost:4711')).toBe(true);
    expect(await declaresProtected('http://elsewhere.example.com:4711')).toBe(false);
    process.env.REPLAY_RUNTIME_DIR = own;
  });
});

/** Lets in, at the handshake already, who brings the cookie of one of these. */
const guarded = (people: string[], seen: string[] = []): Promise<World> =>
  serve((io) => io.on('connection', (socket) => seen.push(socket.id)), {
    allowRequest: ({ headers, url }, decide) => decide(null, people.some((name) => headers.cookie === `sid=${name}`) || /token=open/.test(url ?? '')),
    maxHttpBufferSize: 2000,
  });

const login = (ended: string[] = []) => ({
  strategy: 'custom',
  getIn: (user: string) => {
    if (user === 'eve') throw new Error('who is eve?');
    return { cookie: `sid=${user}`, end: () => void ended.push(user) };
  },
});

const user = (name: string, ...traces: ReturnType<typeof emit>[]) => ({ user: name, traces: [connect(), ...traces] });
const ours = recorded('ours', { a: user('alice'), a2: user('alice'), b: user('bob') });
const theirs = recorded('theirs', { e: user('eve'), m: user('mallory') });

const look = async (world: World, recordings: Parameters<typeof preflight>[0]['recordings'], more: object = {}, probed = false) => {
  const options = optionsFor(world.url, more);
  const directory = temporary('preflight');
  return { found: await preflight({ options, recordings, directory, probed, signal }), options, directory };
};

describe('the pre-flight', () => {
  it('lets each account in once, connects nobody to the application, and cleans up', async () => {
    const [seen, ended]: string[][] = [[], []];
    const world = await guarded(['alice', 'bob'], seen);
    const { found } = await look(world, [ours], { login: login(ended) });
    expect(found).toMatchObject({ fence: true, loggedIn: true, problems: [] });
    expect(found.said).toEqual(['Socket.IO 3 or 4 (Engine.IO 4), messages up to 2,000 bytes', '2 users got in']);
    expect(ended?.sort()).toEqual(['alice', 'bob']);
    expect(seen).toEqual([]);
  });

  it('tells each user who does not get in, to those that need this user', async () => {
    const { found } = await look(await guarded(['alice', 'bob']), [ours, theirs], { login: login() });
    expect(problemsOf(found, ['ours'], new Set(['alice', 'bob']))).toEqual([]);
    const said = problemsOf(found, ['theirs'], new Set(['eve', 'mallory'])).map(({ message }) => message);
    expect(said.sort()).toEqual([
      expect.stringMatching(/^REPLAY_CONNECT_FAILED: mallory does not get in: the handshake was answered with HTTP 4\d\d/),
      expect.stringMatching(/^REPLAY_LOGIN_FUNCTION: eve does not get in: .*who is eve\?/),
    ]);
    expect(said.join()).not.toMatch(/\n +at /);
    expect(problemsOf(found, ['theirs'], new Set(['mallory']))).toHaveLength(1);
  });

  it('takes a user without credentials for one who does not get in', async () => {
    const { found } = await look(await serve(() => {}), [ours]);
    expect(problemsOf(found, ['ours'], new Set(['alice', 'bob'])).map(({ code }) => code)).toEqual(['REPLAY_LOGIN_UNKNOWN_USER', 'REPLAY_LOGIN_UNKNOWN_USER']);
  });

  it('brings what the recording has in the address, for sessions without a user', async () => {
    const world = await guarded([]);
    const guest = (token: string) => recorded(`guest-${token}`, { g: [connect({ connect: { namespace: '/', query: { token, room: id('room1') } } })] });
    const { found } = await look(world, [guest('open'), guest('shut')]);
    expect(found).toMatchObject({ fence: true, loggedIn: false });
    expect(problemsOf(found, ['guest-open'], new Set())).toEqual([]);
    expect(problemsOf(found, ['guest-shut'], new Set()).map(({ what }) => what)).toEqual([
      expect.stringMatching(/^a session of guest-shut, without a user, does not get in: the handshake was answered with HTTP/),
    ]);
  });

  it('finds that the fence does not work where every namespace exists, and does not try it beside a probe', async () => {
    const world = await serve((io) => void io.of(/.*/));
    expect((await look(world, [recorded('r', { s: [connect()] })])).found.fence).toBe(false);
    expect((await look(await serve(() => {}), [recorded('r', { s: [connect()] })], {}, true)).found.fence).toBe(false);
  });

  it('holds the largest message against the limit of the server', async () => {
    const big = 'x'.repeat(1984);
    const world = await serve(() => {}, { maxHttpBufferSize: 2000 });
    const of = async (...traces: ReturnType<typeof emit>[]) =>
      problemsOf((await look(world, [recorded('r', { s: [connect(), ...traces] })])).found, ['r'], new Set()).map(({ message }) => message);
    // 420["a","…"] is 2,000 with an Engine.IO byte in front, and an acknowledgement that may have more digits
    expect(await of(emit('a', [big]))).toEqual([]);
    expect(await of(emit('b'), emit('a', [`${big}123456`]))).toEqual([
      expect.stringMatching(/^REPLAY_PAYLOAD_TOO_LARGE: s's a \(recordings\/r\.yaml:1\) has 2,00\d bytes, and the server takes 2,000/),
    ]);
    expect(await of(emit('a', [{ image: new Uint8Array(2001) }]))).toHaveLength(1);
    expect(await of(emit('a', [`${big}123456`], { disabled: true }))).toEqual([]);
    // recorded so: the server hung up on it
    expect(await of(emit('a', [`${big}123456`]), goodbye({ disconnect: 'transport close' }))).toEqual([]);
  });

  it('happens once a run and target: others read what was found', async () => {
    const world = await guarded(['alice', 'bob']);
    const { found, options, directory } = await look(world, [ours, theirs], { login: login() });
    expect(foundBefore(directory, options)).toEqual(found);
    expect(foundBefore(directory, optionsFor('http://127.0.0.1:1'))).toBeUndefined();
    expect([mayWait(directory, options), mayWait(directory, options)]).toEqual([true, false]);
  });

  it('that is aborted leaves nothing behind to be believed', async () => {
    const options = optionsFor((await guarded([])).url, { login: login() });
    const directory = temporary('preflight');
    await preflight({ options, recordings: [ours], directory, probed: false, signal: AbortSignal.abort() });
    expect(foundBefore(directory, options)).toBeUndefined();
  });
});
