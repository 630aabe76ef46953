/** Every recipe of docs/guides/getting-in.md gets in, as it stands there, at a small server that wants exactly that. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import session from 'express-session';
import type { Server } from 'socket.io';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { getIn } from '../../src/auth/get-in.js';
import { leaseAccounts } from '../../src/auth/users.js';
import { replayOptions } from '../../src/playwright/options.js';
import type { LoadedRecording } from '../../src/recording/load.js';
import type { Session } from '../../src/recording/schema.js';
import { Tagged, type Value } from '../../src/recording/values.js';
import type { ReplayInput } from '../../src/replay/replay.js';
import { root, temporary } from '../e2e/support.js';
import { closeAll, connect, emit, id, type Outcome, recorded, run, serve, type World } from '../replay/world.js';
import { blocksOf } from './markdown.js';

const recipes = new Map(blocksOf('ts').flatMap((block) => (block.file === 'docs/guides/getting-in.md' ? [[block.mark?.replace('recipe: ', ''), block]] : [])));
const used = new Set<string>();
let folder = '';

beforeAll(() => {
  folder = temporary('recipes');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/socket-replay'));
});
afterEach(closeAll);

interface Replayed {
  env?: NodeJS.ProcessEnv;
  more?: Partial<ReplayInput>;
  /** what stands in the recipe, and where it is in this test */
  instead?: Record<string, string>;
}

/** Replays with the options of the recipe. */
async function replayed(name: string, world: World, recording: LoadedRecording, { env = {}, more = {}, instead = {} }: Replayed = {}): Promise<Outcome> {
  const block = recipes.get(name);
  if (!block) throw new Error(`there is no recipe ${name}`);
  used.add(name);
  let { text } = block;
  for (const [from, to] of Object.entries(instead)) text = text.replaceAll(from, to);
  const file = join(folder, `${name}-${randomBytes(4).toString('hex')}.mjs`);
  writeFileSync(file, transformSync(text, { loader: 'ts' }).code);
  const { default: config } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { default: { use: object } };
  const { login } = replayOptions(config.use, {});
  if (!login) throw new Error(`the recipe ${name} has no login`);
  return run(world, recording, {
    account: leaseAccounts(login, [recording.recording], more.copies ?? 1),
    login: (user, signal) => getIn({ target: world.url, user, signal, env }, login),
    ...more,
  });
}

const secret = (name: string): Tagged => new Tagged({ tag: 'secret', name });
/** Each user connects and asks the server who it is. */
const whoAmI = (users: Record<string, { is?: string; auth?: Record<string, Value>; query?: Record<string, Value> }>): LoadedRecording =>
  recorded(
    'who-am-i',
    Object.fromEntries(
      Object.entries(users).map(([user, { is = user, auth, query }]): [string, Omit<Session, 'id'>] => [
        user,
        {
          user,
          traces: [connect({ connect: { namespace: '/', ...(auth && { auth }), ...(query && { query }) } }), emit('who', [], { ack: [is] })],
        },
      ]),
    ),
  );
const passwords = { REPLAY_USER_ALICE_PASSWORD: 'alice-pw', REPLAY_USER_BOB_PASSWORD: 'bob-pw' };

/** Lets in whom `identify` knows, and tells them who they are. */
const tells = (
  io: Server,
  identify: (handshake: { headers: IncomingMessage['headers']; auth: Record<string, unknown>; query: Record<string, unknown> }) => unknown,
): void => {
  io.use((socket, next) => {
    socket.data.user = identify(socket.handshake);
    next(socket.data.user === undefined ? new Error('who are you?') : undefined);
  });
  io.on('connection', (socket) => socket.on('who', (answer) => answer(socket.data.user)));
};

type Handler = (request: IncomingMessage & { body: string; cookies: Record<string, string> }, response: ServerResponse) => void;

async function serveHttp(setup: (io: Server) => void, handler: Handler): Promise<World> {
  const world = await serve(setup);
  world.http.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/socket.io')) return;
    let body = '';
    for await (const chunk of request) body += String(chunk);
    handler(Object.assign(request, { body, cookies: cookiesOf(request.headers.cookie) }), response);
  });
  return world;
}

const cookiesOf = (header = ''): Record<string, string> => Object.fromEntries(header.split('; ').map((pair) => pair.split('=', 2) as [string, string]));
const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string | string[]> = {}): void =>
  void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

describe('the recipes', () => {
  it('form: a cookie for each user', async () => {
    const users = new Map<string | undefined, string>();
    const world = await serveHttp(
      (io) => tells(io, ({ headers }) => users.get(cookiesOf(headers.cookie).sid)),
      ({ url, body }, response) => {
        const fields = new URLSearchParams(body);
        const user = fields.get('username') ?? '';
        if (url !== '/auth/login' || fields.get('password') !== `${user}-pw`) return json(response, 401, { message: 'Incorrect username or password.' });
        users.set(`s-${user}`, user);
        response.writeHead(302, { location: '/', 'set-cookie': `sid=s-${user}; Path=/; HttpOnly` }).end();
      },
    );
    const recording = whoAmI({ alice: {}, bob: {} });
    expect((await replayed('form', world, recording, { env: passwords, more: { copies: 2 } })).end.verdict).toBe('finished');
    const wrong = await replayed('form', world, recording, { env: { ...passwords, REPLAY_USER_BOB_PASSWORD: 'wrong' } });
    expect(wrong.outcomes).toMatchObject({ '0/alice/1': 'passed', '0/bob/0': 'connect-failed' });
    expect(wrong.sessions.find(({ session }) => session === 'bob')?.reason).toMatch(/as bob was answered with 401 Unauthorized: .*Incorrect username/);
  });

  it('basic: the cookies of the login in the query, as a client does that cannot send headers', async () => {
    const seen: (string | undefined)[] = [];
    const world = await serveHttp(
      (io) => tells(io, ({ query }) => (query.cookie === 'sid=s-admin; lang=en' ? 'admin' : undefined)),
      ({ url, method, headers }, response) => {
        seen.push(`${method} ${url}`);
        if (headers.authorization !== `Basic ${Buffer.from('admin:p:ä').toString('base64')}`)
          return void response.writeHead(401).end('Authentication Required');
        // It is no login form: it is what the login was for.
        const cookies = ['sid=s-admin; Path=/; HttpOnly', 'lang=en; Path=/', 'area=1; Path=/admin-auth'];
        response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': cookies }).end('<input type="password" name="changePassword">');
      },
    );
    const recording = whoAmI({ admin: { query: { cookie: new Tagged({ tag: 'text', template: 'sid=${!secret cookie1}' }) } } });
    const env = { REPLAY_USER_ADMIN_PASSWORD: 'p:ä' };
    expect((await replayed('basic', world, recording, { env, more: { copies: 2 } })).end.verdict).toBe('finished');
    expect(seen).toEqual(['GET /admin-auth/']);
    const reason = async (password?: string): Promise<string | undefined> =>
      (await replayed('basic', world, recording, { env: { REPLAY_USER_ADMIN_PASSWORD: password } })).sessions[0]?.reason;
    expect(await reason('wrong')).toMatch(/^GET .*\/admin-auth\/ as admin was answered with 401 Unauthorized$/);
    expect(await reason()).toMatch(/^the user admin has no password/);
  });

  it('basic: without a cookie the header goes on, as in a browser', async () => {
    const header = `Basic ${Buffer.from('alice:alice-pw').toString('base64')}`;
    const world = await serveHttp(
      (io) => tells(io, ({ headers }) => (headers.authorization === header ? 'alice' : undefined)),
      ({ headers }, response) => json(response, headers.authorization === header ? 200 : 401, 'welcome'),
    );
    const instead = { "bring: { query: { cookie: '{cookie}' } }, users: { admin: { username: 'admin' } }": 'users: { alice: {} }' };
    const recording = whoAmI({ alice: {} });
    recording.recording.sessions[0]?.traces.push({ http: { method: 'GET', url: '/page', status: 200, answer: 'welcome' } });
    expect((await replayed('basic', world, recording, { env: passwords, instead })).end.verdict).toBe('finished');
    // There is no cookie to bring.
    const { sessions } = await replayed('basic', world, recording, { env: passwords, instead: { admin: 'alice' } });
    expect(sessions[0]?.reason).toMatch(/`use\.login\.bring\.query\.cookie` asks for \{cookie\}, and this login has username, password, basic$/);
  });

  it('csrf: from a hidden field into the form, and the new one into the handshake', async () => {
    const tokens = new Map<string | undefined, { csrf: string; user?: string }>();
    const world = await serveHttp(
      (io) =>
        tells(io, ({ headers, query }) => {
          const known = tokens.get(cookiesOf(headers.cookie).sid);
          return known?.csrf === query._csrf ? known?.user : undefined;
        }),
      ({ url, method, body, cookies }, response) => {
        const known = tokens.get(cookies.sid);
        if (url === '/login' && method === 'GET') {
          const sid = randomBytes(8).toString('hex');
          tokens.set(sid, { csrf: 'a&b"1' });
          return void response
            .writeHead(200, { 'content-type': 'text/html', 'set-cookie': `sid=${sid}; Path=/` })
            .end('<form><input type="hidden" value="a&amp;b&#34;1" name="_csrf"><input name="password" type="password"></form>');
        }
        if (url === '/home') return void response.writeHead(200).end(`<input name='_csrf' value='${known?.csrf}'>`);
        const fields = new URLSearchParams(body);
        if (!known || fields.get('_csrf') !== known.csrf) return json(response, 403, { error: 'invalid csrf token' });
        if (fields.get('password') !== 'alice-pw') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<input type="password">');
        tokens.set(cookies.sid, { csrf: 'new-one', user: 'alice' });
        response.writeHead(302, { location: '/home' }).end();
      },
    );
    const recording = whoAmI({ alice: { query: { _csrf: secret('csrf1') } } });
    expect((await replayed('csrf', world, recording, { env: passwords })).outcomes).toEqual({ '0/alice/0': 'passed', '0/alice/1': 'passed' });
    const reason = async (env: NodeJS.ProcessEnv, instead: Record<string, string>): Promise<string | undefined> =>
      (await replayed('csrf', world, recording, { env, instead })).sessions[0]?.reason;
    expect(await reason({ REPLAY_USER_ALICE_PASSWORD: 'no' }, {})).toMatch(/200 OK and a form that asks for the password again/);
    expect(await reason(passwords, { "input: '_csrf'": "input: 'nonce'" })).toMatch(/\/login has no CSRF token: there is no input nonce/);
    expect(await reason(passwords, { "field: '_csrf'": "field: 'other'" })).toMatch(/403 Forbidden: .*invalid csrf token/);
    expect(await reason(passwords, { ", after: '/home'": '' })).toBe('who are you?');
  });

  it.each(['cookie', 'meta', 'json'])('csrf-cookie: from a %s into a header', async (place) => {
    const world = await serveHttp(
      (io) => tells(io, ({ headers }) => (cookiesOf(headers.cookie).sid === 'in' ? 'alice' : undefined)),
      ({ url, headers, body }, response) => {
        const named: Record<string, string> = place === 'cookie' ? { 'set-cookie': 'XSRF-TOKEN=a%2Fb%3D; Path=/' } : {};
        if (url === '/api/session' && place === 'meta')
          return void response.writeHead(200).end('<meta name=description content=x><META content="a/b=" name="csrf-token">');
        if (url === '/api/session') return json(response, 200, place === 'json' ? { data: { csrf: 'a/b=' } } : {}, named);
        const right = headers['x-xsrf-token'] === 'a/b=' && (place !== 'cookie' || headers.cookie === 'XSRF-TOKEN=a%2Fb%3D');
        const fields = JSON.parse(body) as Record<string, string>;
        if (!right || fields.email !== 'alice@example.org') return json(response, 403, {});
        json(response, 200, { ok: true }, { 'set-cookie': 'sid=in; Path=/' });
      },
    );
    const places: Record<string, string> = { meta: "meta: 'csrf-token'", json: "json: 'data.csrf'" };
    const instead = { "cookie: 'XSRF-TOKEN'": places[place] ?? "cookie: 'XSRF-TOKEN'" };
    expect((await replayed('csrf-cookie', world, whoAmI({ alice: {} }), { env: passwords, instead })).end.verdict).toBe('finished');
  });

  it('login-token: into auth and a header of handshake and requests, each user with their own', async () => {
    const world = await serveHttp(
      (io) => tells(io, ({ auth, headers }) => (headers.authorization === `Bearer ${auth.token}` ? /^jwt-(.*)$/.exec(String(auth.token))?.[1] : undefined)),
      ({ url, headers, body }, response) => {
        if (url === '/me') return json(response, 200, headers.authorization ?? 'nobody');
        const { username, password } = JSON.parse(body) as Record<string, string>;
        json(response, 200, password === `${username}-pw` ? { success: true, data: { token: `jwt-${username}` } } : { success: true, data: {} });
      },
    );
    const recording = whoAmI({
      alice: { auth: { token: secret('token1'), page: 1 } },
      bob: { auth: { token: new Tagged({ tag: 'text', template: 'v1 ${!secret token2}' }) } },
    });
    recording.recording.sessions[0]?.traces.push({
      http: { method: 'GET', url: '/me', headers: { Authorization: secret('bearer1') }, status: 200, answer: 'Bearer jwt-alice' },
    });
    expect((await replayed('login-token', world, recording, { env: passwords, more: { copies: 2 } })).end.verdict).toBe('finished');
    const { sessions } = await replayed('login-token', world, recording, { env: { ...passwords, REPLAY_USER_BOB_PASSWORD: 'wrong' } });
    expect(sessions.find(({ session }) => session === 'bob')?.reason).toMatch(/as bob was answered with 200, and there is no text at data\.token/);
  });

  it('token: from the environment into a header and the query', async () => {
    const world = await serve((io) =>
      tells(io, ({ headers, query }) => (headers.authorization === `Bearer ${query.access_token}` ? String(query.access_token).replace('t-', '') : undefined)),
    );
    const recording = whoAmI({ alice: { query: { access_token: secret('token1') } }, bob: {} });
    const env = { REPLAY_USER_ALICE_TOKEN: 't-alice', REPLAY_USER_BOB_TOKEN: 't-bob' };
    expect((await replayed('token', world, recording, { env })).end.verdict).toBe('finished');
    const { sessions } = await replayed('token', world, recording, { env: { ...env, REPLAY_USER_BOB_TOKEN: undefined } });
    expect(sessions.find(({ session }) => session === 'bob')?.reason).toMatch(/needs the user bob/);
  });

  it('secrets: a token inside every event, each user with their own', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) => socket.on('who', ({ token }: { token: string }, answer) => answer(/^t-(.*)$/.exec(token)?.[1] ?? 'nobody'))),
    );
    const person = (user: string, name: string): Omit<Session, 'id'> => ({
      user,
      traces: [connect(), emit('who', [{ token: secret(name) }], { ack: [user] }), emit('who', [{ token: secret(name) }], { ack: [user] })],
    });
    const recording = recorded('inside', { alice: person('alice', 'token1'), bob: person('bob', 'token2') });
    const env = { REPLAY_USER_ALICE_TOKEN: 't-alice', REPLAY_USER_BOB_TOKEN: 't-bob' };
    expect((await replayed('secrets', world, recording, { env, more: { copies: 2 } })).end.verdict).toBe('finished');
  });

  it('a token that the recording contains needs nothing: each copy sends what its own login event answered', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        const jwt = `jwt-${randomBytes(8).toString('hex')}`;
        socket.on('login', ({ password }, answer) => answer(password === 'alice-pw' ? { ok: true, token: jwt } : { ok: false }));
        socket.on('who', ({ token }, answer) => answer(token === jwt ? 'alice' : 'nobody'));
      }),
    );
    const traces = [
      connect(),
      emit('login', [{ username: 'alice', password: secret('password1') }], { ack: [{ ok: true, token: id('token1') }] }),
      emit('who', [{ token: id('token1') }], { ack: ['alice'] }),
    ];
    const secrets = new Map([['password1', 'alice-pw']]);
    expect((await run(world, recorded('contained', { alice: traces }), { copies: 3, secrets })).end.verdict).toBe('finished');
  });

  it.each(['ack', 'push'])('event: the token of a login event, from its %s', async (kind) => {
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        socket.on('login', ({ username, password }, answer) => {
          const result = password === `${username}-pw` ? { ok: true, token: `jwt-${username}` } : { ok: false, msg: 'Incorrect username or password.' };
          if (kind === 'ack') answer(result);
          else socket.emit('welcome', result);
        });
        socket.on('loginByToken', (token, answer) => answer({ ok: token === 'jwt-alice' }));
      }),
    );
    const traces = [connect(), emit('loginByToken', [secret('jwt1')], { ack: [{ ok: true }] })];
    const recording = recorded('by-token', { alice: { user: 'alice', traces } });
    const instead: Record<string, string> = kind === 'push' ? { "event: 'login',": "event: 'login', answer: 'welcome'," } : {};
    expect((await replayed('event', world, recording, { env: passwords, instead })).end.verdict).toBe('finished');
    const { sessions } = await replayed('event', world, recording, { env: { REPLAY_USER_ALICE_PASSWORD: 'wrong' }, instead });
    expect(sessions[0]?.reason).toMatch(/the event login as alice was answered, and there is no text at 0\.token: Incorrect username or password\./);
    await expect.poll(async () => (await world.io.fetchSockets()).length).toBe(0);
  });

  it('event-connection: on each connection, before anything else', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        socket.on('authenticate', (token: string, { device }) => {
          socket.data.user = device === 'tests' ? /^t-(.*)$/.exec(token)?.[1] : undefined;
          socket.emit(socket.data.user ? 'authenticated' : 'unauthorized');
        });
        socket.on('who', (answer) => answer(socket.data.user ?? 'nobody'));
      }),
    );
    const env = { REPLAY_USER_ALICE_TOKEN: 't-alice', REPLAY_USER_BOB_TOKEN: 't-bob' };
    expect((await replayed('event-connection', world, whoAmI({ alice: {}, bob: {} }), { env, more: { copies: 2 } })).end.verdict).toBe('finished');
    const instead = { "answer: 'authenticated',": "answer: 'authenticated', timeout: 200," };
    const { sessions } = await replayed('event-connection', world, whoAmI({ alice: {} }), { env: { REPLAY_USER_ALICE_TOKEN: 'x' }, instead });
    expect(sessions.at(-1)?.reason).toBe('the event authenticate as alice was not answered in time; the last event was unauthorized');
  });

  it('mint: a session that express-session itself reads, cleaned up at the end', async () => {
    const sessions = new Map<string | undefined, string>();
    const store = await serveHttp(
      () => {},
      ({ url, method, body }, response) => {
        const sid = url?.split('/')[2];
        if (method === 'PUT') sessions.set(sid, body);
        else sessions.delete(sid);
        response.writeHead(204).end();
      },
    );
    class MapStore extends session.Store {
      override get = (sid: string, done: (error: unknown, found?: session.SessionData | null) => void): void =>
        done(null, JSON.parse(sessions.get(sid) ?? 'null'));
      override set = (sid: string, data: session.SessionData, done?: () => void): void => {
        sessions.set(sid, JSON.stringify(data));
        done?.();
      };
      override destroy = (_: string, done?: () => void): void => done?.();
    }
    let most = 0;
    const minted = await serve((io) => {
      io.engine.use(session({ secret: 's3cret', resave: false, saveUninitialized: false, store: new MapStore() }));
      io.use((socket, next) => {
        most = Math.max(most, sessions.size);
        const { passport } = (socket.request as unknown as { session: { passport?: { user: number } } }).session;
        socket.data.user = passport?.user;
        next(passport ? undefined : new Error('no session'));
      });
      io.on('connection', (socket) => socket.on('who', (answer) => answer(socket.data.user)));
    });
    const recording = recorded('minted', { alice: { user: 'alice', traces: [connect(), emit('who', [], { ack: [7] })] } });
    const instead = { 'http://127.0.0.1:3001': store.url };
    const { end } = await replayed('mint', minted, recording, { env: { REPLAY_SESSION_SECRET: 's3cret' }, instead });
    expect(end.verdict).toBe('finished');
    expect(most).toBe(1);
    expect(sessions.size).toBe(0);
    const wrong = await replayed('mint', minted, recording, { env: { REPLAY_SESSION_SECRET: 'another' }, instead });
    expect(wrong.sessions[0]?.reason).toBe('no session');
    expect(sessions.size).toBe(0);
    const none = await replayed('mint', minted, recording, { instead });
    expect(none.sessions[0]?.reason).toMatch(/neither REPLAY_SESSION_SECRET nor/);
  });

  it('custom: what a function answers', async () => {
    const world = await serveHttp(
      (io) => tells(io, ({ auth, headers }) => (auth.key === `k-${headers['x-device']}` ? headers['x-device'] : undefined)),
      ({ url, body }, response) => {
        const user = url?.split('/')[2];
        if (body === `${user}-pw`) json(response, 200, { key: `k-${user}` });
        else response.writeHead(418).end();
      },
    );
    const recording = whoAmI({ alice: { auth: { key: secret('key1') } }, bob: {} });
    expect((await replayed('custom', world, recording, { env: passwords })).end.verdict).toBe('finished');
    const reason = async (env: NodeJS.ProcessEnv, instead: Record<string, string> = {}): Promise<string | undefined> =>
      (await replayed('custom', world, recording, { env, instead })).sessions.find(({ session: one }) => one === 'alice')?.reason;
    expect(await reason({})).toMatch(/`use\.login\.getIn`, called as alice failed: the device of alice was answered with 418/);
    expect(await reason(passwords, { 'auth: { key }': 'auht: { key }' })).toMatch(/answered what no client can bring: .*auht/);
  });

  it('pool: each user of each copy is somebody else', async () => {
    const world = await serveHttp(
      (io) => {
        io.use((socket, next) => {
          socket.data.user = cookiesOf(socket.handshake.headers.cookie).who;
          next();
        });
        io.on('connection', (socket) => seen.push(socket.data.user));
      },
      ({ body }, response) => {
        const { username } = JSON.parse(body) as { username: string };
        json(response, 200, {}, { 'set-cookie': `who=${username}; Path=/` });
      },
    );
    let seen: string[] = [];
    const recording = recorded('crowd', {
      alice: { user: 'alice', traces: [connect()] },
      again: { user: 'alice', traces: [connect()] },
      bob: { user: 'bob', traces: [connect()] },
      admin: { user: 'admin', traces: [connect()] },
    });
    expect((await replayed('pool', world, recording, { more: { copies: 3 } })).end.verdict).toBe('finished');
    const twice = ['tester1', 'tester1', 'tester2', 'tester3', 'tester3', 'tester4', 'tester5', 'tester5', 'tester6'];
    expect(seen.sort()).toEqual(['admin', 'admin', 'admin', ...twice].sort());
    await expect(replayed('pool', world, recording, { more: { copies: 5 } })).rejects.toMatchObject({
      code: 'REPLAY_USERS_MISSING',
      message: expect.stringContaining('the replay needs 10 accounts, and `use.login.pool` has 6: 4 are missing'),
    });
    seen = [];
    const shared = { more: { copies: 5 }, instead: { 'pool: Array': 'reuse: true, pool: Array' } };
    expect((await replayed('pool', world, recording, shared)).end.verdict).toBe('finished');
    expect(new Set(seen).size).toBe(7);
  });

  it('are all run', () => expect([...recipes.keys()].filter((name) => name === undefined || !used.has(name))).toEqual([]));
});
