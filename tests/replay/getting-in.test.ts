/** Who refuses is told apart, and a login that has expired is made anew, once. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'socket.io';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoadedRecording } from '../../src/recording/load.js';
import { closeAll, connect, emit, goodbye, recorded, run, serve, type World } from './world.js';

afterEach(closeAll);

const alone = recorded('refused', { alice: [connect(), emit('hello', [], { ack: ['hello'] })] });
const hello = (socket: Socket): void => void socket.on('hello', (answer) => answer('hello'));

describe('a refusal', () => {
  const reasonAt = async (world: World): Promise<string | undefined> => (await run(world, alone, { connectTimeout: 300 })).sessions.at(-1)?.reason;

  it('by HTTP has its status', async () => {
    const world = await serve(() => {});
    // As a proxy in front of it would.
    world.http.removeAllListeners('upgrade').on('upgrade', (_, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n'));
    expect(await reasonAt(world)).toBe('the handshake was answered with HTTP 401');
    const other = await serve(() => {}, { allowRequest: (_, decide) => decide('no origin', false) });
    expect(await reasonAt(other)).toBe('the handshake was answered with HTTP 400');
  });

  it('by a middleware has its words', async () => {
    expect(await reasonAt(await serve((io) => io.use((_, next) => next(new Error('jwt expired')))))).toBe('jwt expired');
  });

  it('by silence is the timeout', async () => {
    // Lost once, as a balancer of a cluster does: tried again, and told.
    let lost = 0;
    const flaky = await run(await serve((io) => io.use((_, next) => void (lost++ > 0 && next()))), recorded('r', { alice: [connect()] }));
    expect(flaky.outcomes).toEqual({ '0/alice/0': 'passed' });
    expect(flaky.notes).toMatchObject([{ level: 'warning', code: 'HANDSHAKE_REPEATED' }]);
    // One that is still busy handing the connection over loses what comes at once, each time.
    const busy = await serve((io) => {
      const opened = new WeakMap<object, number>();
      io.engine.on('connection', (conn: object) => opened.set(conn, performance.now()));
      io.use(({ conn }, next) => void (performance.now() - (opened.get(conn) ?? 0) > 100 && next()));
    });
    expect((await run(busy, recorded('r', { alice: [connect()] }), { connectTimeout: 500 })).outcomes).toEqual({ '0/alice/0': 'passed' });
    expect(await reasonAt(await serve((io) => io.use(() => {})))).toBe('no answer to the handshake within 300 ms: a middleware neither accepts nor rejects?');
  });

  it('by a goodbye without a CONNECT has the event that was all that came', async () => {
    const world = await serve((io) =>
      io.use((socket) => {
        socket.emit('logout');
        socket.disconnect();
      }),
    );
    expect(await reasonAt(world)).toBe('no answer to the handshake within 300 ms, only the event logout: a refusal?');
  });

  it('by a goodbye and a closed connection has both', async () => {
    const world = await serve((io) =>
      io.use((socket) => {
        socket.emit('logout');
        socket.conn.close();
      }),
    );
    expect(await reasonAt(world)).toBe('the server closed the connection before it answered the handshake (transport close), only the event logout');
  });

  it('right after the handshake has the last event', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        socket.emit('auth:failed', { message: 'who are you?' });
        socket.disconnect(true);
      }),
    );
    const { sessions, outcomes } = await run(world, alone);
    expect(sessions.at(-1)).toMatchObject({
      outcome: 'disconnected',
      reason: 'the connection ended: io server disconnect; right after the handshake, after the event auth:failed',
    });
    expect(outcomes['0/alice/1']).toBe('disconnected');
  });
});

/** A cookie is good for `lives` requests or connections. */
async function expiring(
  lives: number,
  refused = false,
): Promise<{ world: World; seen: string[]; logins: () => number; login: () => Promise<{ cookie: string; took: number }> }> {
  const left = new Map<string, number>();
  const seen: string[] = [];
  const use = (cookie = ''): boolean => {
    seen.push(cookie);
    const lives = left.get(/sid=(\d+)/.exec(cookie)?.[1] ?? '') ?? 0;
    left.set(/sid=(\d+)/.exec(cookie)?.[1] ?? '', lives - 1);
    return lives > 0;
  };
  const world = await serve((io) => {
    io.use(({ handshake }, next) => next(use(handshake.headers.cookie) ? undefined : new Error('session expired')));
    io.on('connection', hello);
  });
  world.http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/socket.io')) return;
    if (request.url === '/theme') return void response.writeHead(204, { 'set-cookie': 'theme=dark; Path=/' }).end();
    response.writeHead(use(request.headers.cookie) ? 200 : 401, { 'content-type': 'application/json' }).end('"mine"');
  });
  let logins = 0;
  const login = async () => {
    if (++logins > 1 && refused) throw new Error('no more');
    left.set(String(logins), lives);
    return { cookie: `sid=${logins}`, took: 1 };
  };
  return { world, seen, logins: () => logins, login };
}

const get = (url: string, status = 200) => ({ http: { method: 'GET', url, status, ...(status === 200 && { answer: 'mine' }) } });
const asking = recorded('asking', { alice: { user: 'alice', traces: [connect(), get('/theme', 204), get('/me'), get('/me'), get('/me'), goodbye()] } });
const coming = recorded('coming', {
  first: {
    user: 'alice',
    traces: [connect(), goodbye()],
    times: [
      [0, 1],
      [2, 3],
    ],
  },
  second: {
    user: 'alice',
    traces: [connect(), emit('hello', [], { ack: ['hello'] }), goodbye()],
    times: [
      [5, 6],
      [7, 8],
      [9, 9],
    ],
  },
});

describe('a login that has expired', () => {
  it('is made anew where a request is answered with 401, and keeps the other cookies', async () => {
    const { world, login, logins, seen } = await expiring(2);
    const { end, notes } = await run(world, asking, { login, renewAfter: 0, ackTimeout: 3000 });
    expect(end.verdict).toBe('finished');
    expect(logins()).toBe(2);
    expect(notes).toMatchObject([{ level: 'warning', code: 'LOGIN_RENEWED', message: 'alice was refused after a while, and logged in once more' }]);
    expect(seen.map((cookie) => cookie.split('; ').sort().join('; '))).toEqual([
      'sid=1',
      'sid=1; theme=dark',
      'sid=1; theme=dark',
      'sid=2; theme=dark',
      'sid=2; theme=dark',
    ]);
  });

  it('is made anew where a later connection is refused', async () => {
    const { world, login, logins } = await expiring(1);
    expect((await run(world, coming, { login, renewAfter: 0, ackTimeout: 3000 })).end.verdict).toBe('finished');
    expect(logins()).toBe(2);
  });

  it('is a failure while it is young', async () => {
    const { world, login, logins } = await expiring(1);
    const { outcomes } = await run(world, coming, { login });
    expect(outcomes).toMatchObject({ '0/second/0': 'connect-failed', '0/second/1': 'aborted' });
    expect(logins()).toBe(1);
  });

  it('is made anew once: a server that goes on refusing is not asked again', async () => {
    const { world, login, logins } = await expiring(0);
    const people = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, { user: 'alice', traces: [connect()] }]));
    const { outcomes } = await run(world, recorded('refused', people), { login, renewAfter: 0, ackTimeout: 3000 });
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['connect-failed']));
    expect(logins()).toBe(2);
  });

  it('that cannot be made anew keeps the reason of the refusal, and is not tried again', async () => {
    const { world, login, logins } = await expiring(1, true);
    const third = {
      ...coming.recording.sessions[1],
      id: 'third',
      times: [
        [10, 11],
        [12, 13],
        [14, 14],
      ] as [number, number][],
    };
    const recording = { ...coming, recording: { ...coming.recording, sessions: [...coming.recording.sessions, third] } } as LoadedRecording;
    const { sessions } = await run(world, recording, { login, renewAfter: 0, ackTimeout: 3000 });
    expect(sessions.flatMap(({ session, outcome, reason }) => (outcome === 'connect-failed' ? [[session, reason]] : []))).toEqual([
      ['second', 'session expired'],
      ['third', 'session expired'],
    ]);
    expect(logins()).toBe(2);
  });
});

describe('what a login left', () => {
  it('is cleaned up after an abort too, also by a login that was still under way', async () => {
    const world = await serve((io) => io.on('connection', hello));
    const ended: string[] = [];
    const abort = new AbortController();
    let late = (): void => {};
    const waits = new Promise<void>((done) => (late = done));
    const login = async (user: string) => {
      if (user === 'bob') {
        abort.abort();
        await waits;
      }
      return { took: 1, end: async () => void ended.push(user) };
    };
    await run(world, recorded('cleaned', { alice: { user: 'alice', traces: [connect()] }, bob: { user: 'bob', traces: [connect()] } }), {
      login,
      signal: abort.signal,
    });
    late();
    await expect.poll(() => ended.sort()).toEqual(['alice', 'bob']);
  });

  it('and cannot be cleaned up is a warning', async () => {
    const world = await serve((io) => io.on('connection', hello));
    const login = async () => ({ took: 1, end: () => Promise.reject(new Error('the store is gone')) });
    const { notes, end } = await run(world, recorded('left', { alice: { user: 'alice', traces: [connect()] } }), { login });
    expect(notes).toMatchObject([{ code: 'LOGIN_END', message: 'what a login left could not be cleaned up: the store is gone' }]);
    expect(end.verdict).toBe('finished');
  });
});
