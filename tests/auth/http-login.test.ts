import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpLoginSchema, httpLogin as logIn } from '../../src/auth/http-login.js';

let server: Server;
afterEach(
  () =>
    new Promise<void>((done) => {
      server.closeAllConnections();
      server.close(() => done());
    }),
);

interface Seen {
  url: string | undefined;
  type: string | undefined;
  body: string;
}

async function serve(answer: (response: ServerResponse, seen: Seen) => void): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const one = { url: request.url, type: request.headers['content-type'], body };
    seen.push(one);
    answer(response, one);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const login = (more: object = {}) => httpLoginSchema.parse({ users: { alice: { username: 'alice', password: 'pw' } }, ...more });
const httpLogin = (target: string, user: string, options: ReturnType<typeof login>, signal?: AbortSignal, env?: NodeJS.ProcessEnv) =>
  logIn({ target, user, ...(signal && { signal }), ...(env && { env }) }, options);
const welcome = (response: ServerResponse): void =>
  void response.writeHead(200, { 'set-cookie': ['sid=1; Path=/; HttpOnly', 'other=2; Path=/elsewhere', 'gone=; Max-Age=0'] }).end('{}');

describe('getting in by HTTP', () => {
  it('posts JSON or a form, and keeps the cookies that are for the target', async () => {
    const { url, seen } = await serve(welcome);
    expect(await httpLogin(url, 'alice', login())).toMatchObject({ cookie: 'sid=1', took: expect.any(Number) });
    await httpLogin(url, 'alice', login({ as: 'form', path: '/auth/login' }));
    expect(seen).toEqual([
      { url: '/login', type: 'application/json', body: '{"username":"alice","password":"pw"}' },
      { url: '/auth/login', type: 'application/x-www-form-urlencoded', body: 'username=alice&password=pw' },
    ]);
  });

  it('takes the password from the environment', async () => {
    const { url, seen } = await serve(welcome);
    await httpLogin(url, 'alice', login(), undefined, { REPLAY_USER_ALICE_PASSWORD: 'secret' });
    expect(seen[0]?.body).toBe('{"username":"alice","password":"secret"}');
  });

  it('follows a redirect nowhere: its cookie is enough', async () => {
    const { url, seen } = await serve((response) => void response.writeHead(302, { location: '/home', 'set-cookie': 'sid=2' }).end());
    expect((await httpLogin(url, 'alice', login())).cookie).toBe('sid=2');
    expect(seen).toHaveLength(1);
  });

  it.each([
    ['a status', 401, {}, '{"emailNotVerified":true}', /401 Unauthorized: \{"emailNotVerified":true\}/],
    ['a body', 200, { 'set-cookie': 'sid=anonymous' }, '{"success":false,"message":"wrong password"}', /wrong password/],
    ['a redirect back to the login', 302, { location: '/login?error=1', 'set-cookie': 'sid=anonymous' }, '', /sent back to \/login\?error=1/],
    ['no cookie', 200, {}, '{}', /set no cookie/],
  ])('is refused by %s', async (_, status, headers, body, reason) => {
    const { url } = await serve((response) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body));
    await expect(httpLogin(url, 'alice', login())).rejects.toMatchObject({ code: 'REPLAY_LOGIN_REFUSED', message: expect.stringMatching(reason) });
  });

  it('never tells a password, also where the server repeats it', async () => {
    const { url } = await serve((response, { body }) => void response.writeHead(400, { 'content-type': 'application/json' }).end(body));
    await expect(httpLogin(url, 'alice', login({ users: { alice: { username: 'alice', password: 'hunter2' } } }))).rejects.toMatchObject({
      message: expect.not.stringContaining('hunter2'),
    });
  });

  it('knows only the users that are configured', async () => {
    const { url } = await serve(welcome);
    for (const user of ['bob', 'toString']) await expect(httpLogin(url, user, login())).rejects.toMatchObject({ code: 'REPLAY_LOGIN_UNKNOWN_USER' });
  });

  it('ends at its timeout, and with the run', async () => {
    const { url } = await serve(() => {});
    await expect(httpLogin(url, 'alice', login({ timeout: 100 }))).rejects.toMatchObject({
      code: 'REPLAY_TARGET_UNREACHABLE',
      message: expect.stringContaining('no answer in time'),
    });
    const abort = new AbortController();
    const began = performance.now();
    setTimeout(() => abort.abort(), 30);
    await expect(httpLogin(url, 'alice', login(), abort.signal)).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
