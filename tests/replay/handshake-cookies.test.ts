/** Cookies that the answer to a handshake sets belong to the client's browser: later requests, polls and connects bring them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import session from 'express-session';
import { afterEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/recording/schema.js';
import { Tagged } from '../../src/recording/values.js';
import { closeAll, connect, emit, recorded, run, serve, type World } from './world.js';

afterEach(closeAll);

/** Says at `/cookie`, and at the event, what it was sent. Over websocket Engine.IO can set one cookie only. */
async function sticky(transport: string): Promise<{ world: World; polls: { first: boolean; cookie: string | undefined }[] }> {
  const polls: { first: boolean; cookie: string | undefined }[] = [];
  let made = 0;
  const world = await serve((io) => {
    io.engine.on('initial_headers', (headers: Record<string, string[]>) => {
      const node = `node=n${++made}; Path=/; HttpOnly`;
      headers['set-cookie'] = transport === 'polling' ? [node, 'area=1; Path=/socket.io', 'other=2; Path=/elsewhere'] : [node];
    });
    io.on('connection', (socket) => socket.on('cookie', (answer) => answer(socket.handshake.headers.cookie ?? null)));
  });
  world.http.prependListener('request', ({ url = '', headers }: IncomingMessage) => {
    if (url.startsWith('/socket.io/')) polls.push({ first: !url.includes('sid='), cookie: headers.cookie });
  });
  world.http.on('request', ({ url, headers }: IncomingMessage, response: ServerResponse) => {
    if (url === '/cookie') response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(headers.cookie ?? null));
  });
  return { world, polls };
}

const ask = (answer: string | Tagged) => ({ http: { method: 'GET', url: '/cookie', status: 200, answer } });
const like = (source: string): Tagged => new Tagged({ tag: 'regex', source });
const login = async (user: string) => ({ cookie: `login=${user}`, took: 1 });
const acks = { acks: true, pushes: false, changes: false };

describe.each(['websocket', 'polling'] as const)('over %s', (transport) => {
  it('they go with requests, with later connects of the same user and with nobody else', async () => {
    const { world, polls } = await sticky(transport);
    const times = (start: number): [number, number][] => [start, start + 10].map((at) => [at, 5]);
    const sessions: Record<string, Omit<Session, 'id'>> = {
      alice: { user: 'alice', times: times(0), traces: [connect(), ask(like('^login=alice; node=n\\d+$'))] },
      again: {
        user: 'alice',
        times: times(40),
        traces: [
          connect(),
          emit('cookie', [], { ack: [like(transport === 'polling' ? '^(area=1; )?login=alice; node=n\\d+(; area=1)?$' : '^login=alice; node=n\\d+$')] }),
        ],
      },
      bob: { user: 'bob', times: times(80), traces: [connect(), emit('cookie', [], { ack: ['login=bob'] })] },
      nobody: { times: times(120), traces: [connect(), ask(like('^node=n\\d+$'))] },
    };
    for (const copies of [1, 2]) {
      const { outcomes, traces } = await run(world, recorded('sticky', sessions), { login, transport, copies, measures: acks });
      expect(new Set(Object.values(outcomes)), JSON.stringify(Object.values(traces).flatMap(({ differences = [] }) => differences))).toEqual(
        new Set(['passed']),
      );
    }
    if (transport === 'websocket') return;
    // A balancer would send a poll without it elsewhere.
    const later = polls.filter(({ first }) => !first);
    expect(later.length).toBeGreaterThan(10);
    expect(later.filter(({ cookie = '' }) => !/\bnode=n\d/.test(cookie) || !/\barea=1/.test(cookie))).toEqual([]);
    expect(later.filter(({ cookie = '' }) => /login=/.test(cookie)).length).toBeGreaterThan(0);
  });

  it('a session that express-session begins at the handshake is that of the requests', async () => {
    const world = await serve((io) => {
      const sessions = session({ secret: 's3cret', resave: false, saveUninitialized: true });
      io.engine.use(sessions);
      io.on('connection', (socket) =>
        socket.on('put', (text: string, answer) => {
          const { session: own } = socket.request as unknown as { session: { text: string; save(done: () => void): void } };
          own.text = text;
          own.save(() => answer('kept'));
        }),
      );
      io.httpServer.on('request', (request, response) => {
        if (request.url !== '/text') return;
        sessions(request, response, () => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(request.session.text ?? null)));
      });
    });
    const traces = [connect(), emit('put', ['mine'], { ack: ['kept'] }), { http: { method: 'GET', url: '/text', status: 200, answer: 'mine' } }];
    expect((await run(world, recorded('kept', { alice: traces }), { transport, copies: 3, measures: acks })).end.verdict).toBe('finished');
  });
});
