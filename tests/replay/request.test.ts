import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpRequest, Trace } from '../../src/recording/schema.js';
import { Tagged } from '../../src/recording/values.js';
import { closeAll, connect, differences, emit, goodbye, id, recorded, run, serve } from './world.js';

afterEach(closeAll);

const http = (method: string, url: HttpRequest['url'], more: Partial<HttpRequest> = {}): Trace => ({ http: { method, url, ...more } });
const JSON_TYPE = { 'content-type': 'application/json' };

interface Seen {
  method: string;
  url: string;
  type: string | undefined;
  cookie: string | undefined;
  body: string;
}

/** A list of notes; each cookie is a login, and `/logout` ends it. */
async function notes() {
  const seen: Seen[] = [];
  const loggedIn = new Set<string>();
  let made = 40;
  const world = await serve((io) =>
    io.on('connection', (socket) => {
      socket.on('cookie', (reply: (answer: unknown) => void) => reply(socket.handshake.headers.cookie ?? null));
      socket.on('read', (note: number, reply: (answer: unknown) => void) => reply({ note }));
    }),
  );
  const answer = (response: ServerResponse, status: number, body: unknown, headers = {}): void =>
    void response.writeHead(status, { ...JSON_TYPE, ...headers }).end(JSON.stringify(body));
  world.http.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/socket.io/')) return;
    const { method = '', url = '', headers } = request;
    const body = await text(request);
    seen.push({ method, url, type: headers['content-type'], cookie: headers.cookie, body });
    const login = /login=(\w+)/.exec(headers.cookie ?? '')?.[1] ?? '';
    if (url === '/notes') answer(response, 201, { id: ++made, text: JSON.parse(body).text });
    else if (url === '/theme') answer(response, 200, {}, { 'set-cookie': 'theme=dark; Path=/' });
    else if (url === '/logout') answer(response, loggedIn.delete(login) ? 200 : 401, {});
    else if (url === '/form') response.writeHead(303, { location: '/' }).end();
    else if (url === '/never') await once(response, 'close');
    else if (url === '/drop') request.socket.destroy();
    else answer(response, 404, { message: 'nothing here' });
  });
  const login = async (user: string) => {
    loggedIn.add(`${user}${loggedIn.size}`);
    return { cookie: `login=${user}${loggedIn.size - 1}`, took: 1 };
  };
  return { world, seen, login };
}

describe('a request', () => {
  it('is sent as it was recorded, makes names, and needs them', async () => {
    const { world, seen } = await notes();
    const { outcomes } = await run(
      world,
      recorded('notes', {
        alice: [
          connect(),
          http('POST', '/notes', { headers: JSON_TYPE, body: { text: 'milk' }, status: 201, answer: { id: id('note1'), text: 'milk' } }),
          emit('read', [id('note1')], { ack: [{ note: id('note1') }] }),
          http('POST', new Tagged({ tag: 'text', template: '/notes/${note1}/done' }), { status: 404 }),
          http('POST', '/form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: { a: '1 & 2', b: ['x', 'y'] }, status: 303 }),
          goodbye(),
        ],
      }),
    );
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
    expect(seen.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual([
      'POST /notes {"text":"milk"}',
      'POST /notes/41/done ',
      'POST /form a=1%20%26%202&b=x&b=y',
    ]);
    expect(seen.map(({ type }) => type)).toEqual(['application/json', undefined, 'application/x-www-form-urlencoded']);
  });

  it('is compared by status and answer', async () => {
    const { world } = await notes();
    const { traces, outcomes } = await run(
      world,
      recorded('notes', {
        alice: [
          connect(),
          http('POST', '/gone', { status: 200, answer: { ok: true } }),
          http('POST', '/notes', { headers: JSON_TYPE, body: { text: 'a' }, status: 201, answer: { id: '41', text: 'b' } }),
        ],
      }),
    );
    expect(outcomes).toMatchObject({ '0/alice/1': 'mismatch', '0/alice/2': 'mismatch' });
    expect(differences(traces['0/alice/1'])).toEqual(expect.arrayContaining(['http.status value', 'http.answer.ok removed']));
    expect(differences(traces['0/alice/2'])).toEqual(['http.answer.id type', 'http.answer.text value']);
    expect(traces['0/alice/1']?.observed).toMatchObject({ http: { method: 'POST', url: '/gone', status: 404, answer: { message: 'nothing here' } } });
  });

  it('that is never answered is a timeout; one whose connection breaks is disconnected', async () => {
    const { world } = await notes();
    const { traces } = await run(world, recorded('silent', { alice: [connect(), http('POST', '/never', { status: 200 }), http('POST', '/drop')] }));
    expect(traces['0/alice/1']?.outcome).toBe('timeout');
    expect(traces['0/alice/2']).toMatchObject({ outcome: 'disconnected', reason: expect.stringContaining('no answer: ') });
  });
});

describe('the cookies of a request', () => {
  it('are those of its user, and what an answer sets is brought to the next handshake, in this copy', async () => {
    const { world, seen, login } = await notes();
    const recording = recorded('theme', {
      alice: { user: 'alice', traces: [connect(), http('POST', '/theme', { status: 200 })] },
      'alice-2': {
        user: 'alice',
        times: [
          [50, 1],
          [60, 1],
        ],
        traces: [connect(), emit('cookie', [], { ack: [new Tagged({ tag: 'regex', source: 'login=alice\\d; theme=dark' })] })],
      },
    });
    recording.recording.sessions[0] = Object.assign(recording.recording.sessions[0] as object, {
      times: [
        [0, 1],
        [10, 1],
      ],
    }) as never;
    const { outcomes } = await run(world, recording, { login });
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
    expect(seen[0]?.cookie).toBe('login=alice0');
  });

  it('each copy logs in for itself, so that the logout of one is not that of all', async () => {
    const { world, seen, login } = await notes();
    const recording = recorded('leaving', { alice: { user: 'alice', traces: [connect(), http('POST', '/logout', { status: 200, answer: {} }), goodbye()] } });
    const { outcomes } = await run(world, recording, { login, copies: 3 });
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
    expect(new Set(seen.map(({ cookie }) => cookie))).toEqual(new Set(['login=alice0', 'login=alice1', 'login=alice2']));
  });
});
