/** Traps of connections: 16 and 20. Those of 10 and 11 have tests of their own, see the table in docs/architecture.md. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'socket.io';
import { afterEach, describe, expect, it } from 'vitest';
import { end, expectGreen, faults, person, type Reply, recordByProxy, recordTrap, replayed, trap } from './trap.js';

afterEach(end);

describe('trap 16: the transport changes answers', () => {
  it('so a replay uses the one that was recorded, where it is configured', async () => {
    const world = await trap((io) => {
      io.on('connection', (socket) => {
        let saved = 0;
        let copy = 0;
        // Each polling request saves the copy of the session that it has loaded; a websocket has one for all.
        socket.on('count', (reply: Reply) => {
          const stale = socket.conn.transport.name === 'polling' && copy === 0;
          copy = (stale ? 0 : saved) + 1;
          saved = stale ? 0 : copy;
          reply(saved === 0 ? 1 : saved);
        });
        socket.on('transport', (reply: Reply) => reply(socket.conn.transport.name));
      });
    });
    const { loaded } = await recordTrap('polling', async () => {
      const alice = await person(world.url, { transports: ['polling'] });
      expect([await alice.ask('count'), await alice.ask('count'), await alice.ask('count')]).toEqual([[1], [1], [2]]);
      expect(await alice.ask('transport')).toEqual(['polling']);
    });
    await expectGreen(world, loaded, { transport: 'polling' });
    expect(faults(await replayed(world, loaded)).map((fault) => fault.replace(/ {2}.*/, ''))).toEqual([
      '0/anonymous/2 mismatch',
      '0/anonymous/3 mismatch',
      '0/anonymous/4 mismatch',
    ]);
  });

  it('also where there is no other', async () => {
    const world = await trap((io) => io.on('connection', (socket) => void socket.on('hi', (reply: Reply) => reply('hi'))), '', { transports: ['polling'] });
    const { loaded } = await recordTrap('only', async () => {
      await (await person(world.url, { transports: ['polling'] })).ask('hi');
    });
    await expectGreen(world, loaded, { transport: 'polling' });
    expect((await replayed(world, loaded)).outcomes['0/anonymous/0']).toBe('connect-failed');
  });
});

describe('trap 20: authorisation outlives the session', () => {
  const SCHEMA = 'CREATE TABLE note (id INTEGER PRIMARY KEY, owner TEXT, text TEXT)';

  it('a socket goes on writing after the logout, and a server that ends it there is another one', async () => {
    let ends = false;
    let logins = 0;
    const sessions = new Map<string, string>();
    const sidOf = ({ headers }: IncomingMessage): string => /sid=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? '';
    const sockets = new Map<string, Socket>();
    const world = await trap((io, db) => {
      io.use((socket, next) => next(sessions.has(sidOf(socket.request)) ? undefined : new Error('not logged in')));
      io.on('connection', (socket) => {
        const sid = sidOf(socket.request);
        // Read once, at the handshake.
        const user = sessions.get(sid);
        sockets.set(sid, socket);
        socket.on('write', (text: string, reply: Reply) => {
          db.prepare('INSERT INTO note (owner, text) VALUES (?, ?)').run(user, text);
          reply({ success: true, owner: user });
        });
      });
    }, SCHEMA);
    const login = async (): Promise<string> => {
      const sid = `s${++logins}`;
      sessions.set(sid, 'alice');
      return sid;
    };
    world.http.on('request', (request, response) => {
      if (request.url?.startsWith('/socket.io')) return;
      const sid = sidOf(request);
      const status = request.url !== '/logout' ? 200 : sessions.delete(sid) ? 204 : 401;
      if (ends && status === 204) sockets.get(sid)?.disconnect(true);
      response.writeHead(status).end();
    });
    const loaded = await recordByProxy('outlives', world, async (url) => {
      const ours = `sid=${await login()}`;
      const client = (await fetch(url)).headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const cookie = `${ours}; ${client}`;
      const alice = await person(url, { extraHeaders: { cookie } });
      await alice.ask('write', 'before');
      expect((await fetch(`${url}/logout`, { method: 'POST', headers: { cookie } })).status).toBe(204);
      await alice.ask('write', 'after');
    });
    expect(loaded.recording.sessions[0]?.traces.map((trace) => trace.http?.status ?? trace.emit)).toEqual([undefined, 'write', 204, 'write', undefined]);
    for (const session of loaded.recording.sessions) session.user = 'alice';
    const more = { measures: { acks: true, pushes: true, changes: false }, login: async () => ({ cookie: `sid=${await login()}`, took: 1 }) };
    await expectGreen(world, loaded, more);
    ends = true;
    for (const copies of [1, 2]) expect(faults(await replayed(world, loaded, { ...more, copies })).join()).toMatch(/0\/\w+\/3 disconnected/);
  });
});
