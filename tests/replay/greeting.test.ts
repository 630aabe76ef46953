/** A login event on the replaying connection itself, for recordings that began after it. */
import type { Server, Socket } from 'socket.io';
import { io as connectTo } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getIn, loginSchema } from '../../src/auth/get-in.js';
import type { LoadedRecording } from '../../src/recording/load.js';
import { Tagged } from '../../src/recording/values.js';
import type { ReplayInput } from '../../src/replay/replay.js';
import { record } from './record.js';
import { closeAll, connect, differences, emit, type ProbedWorld, recorded, run, serve, serveProbed, type World } from './world.js';

let world: ProbedWorld;
let shout = false;
/** who logged in, and how often */
let seen: string[] = [];
beforeEach(async () => {
  [shout, seen] = [false, []];
  world = await serveProbed('CREATE TABLE visit (who TEXT); CREATE TABLE note (id INTEGER PRIMARY KEY, who TEXT, text TEXT)', (io, db) =>
    io.on('connection', (socket) => {
      socket.on('login', ({ username, password }, answer) => {
        seen.push(username);
        if (password !== `${username}-pw`) return answer({ ok: false, msg: 'wrong password' });
        socket.data.user = username;
        db.prepare('INSERT INTO visit (who) VALUES (?)').run(username);
        socket.emit('welcome', { username });
        answer({ ok: true });
        // Later than the answer.
        setTimeout(() => {
          socket.broadcast.emit('joined', { username });
          if (db.open) db.prepare('INSERT INTO visit (who) VALUES (?)').run(`${username} again`);
        }, 5);
      });
      socket.on('note', (text: string, answer) => {
        const { user } = socket.data;
        if (!user) return answer({ ok: false, msg: 'log in first' });
        const { lastInsertRowid } = db.prepare('INSERT INTO note (who, text) VALUES (?, ?)').run(user, text);
        io.emit('noted', { id: Number(lastInsertRowid), text: shout ? text.toUpperCase() : text });
        answer({ ok: true, user, id: Number(lastInsertRowid) });
      });
    }),
  );
});
afterEach(async () => {
  await world.close();
  await closeAll();
});

const loginOf = (more: object = {}, passwords = { alice: 'alice-pw', bob: 'bob-pw' }): Pick<ReplayInput, 'login'> => {
  const users = Object.fromEntries(Object.entries(passwords).map(([username, password]) => [username, { username, password }]));
  const login = loginSchema.parse({ strategy: 'event-login', on: 'connection', users, timeout: 300, ...more });
  return { login: (user, signal) => getIn({ target: world.url, user, signal, env: {} }, login) };
};

/** Attached to an application at work: both have logged in long ago. */
async function attached(): Promise<LoadedRecording> {
  const [alice, bob] = ['alice', 'bob'].map(() => connectTo(world.url, { transports: ['websocket'], forceNew: true, reconnection: false }));
  for (const [name, socket] of Object.entries({ alice, bob })) await socket?.emitWithAck('login', { username: name, password: `${name}-pw` });
  await expect.poll(() => world.db.prepare('SELECT count(*) AS n FROM visit').get()).toEqual({ n: 4 });
  const { loaded } = await record('attached', async () => {
    await alice?.emitWithAck('note', 'first');
    await bob?.emitWithAck('note', 'second');
    alice?.disconnect();
    bob?.disconnect();
  });
  for (const session of loaded.recording.sessions) session.user = session.traces[1]?.args?.[0] === 'first' ? 'alice' : 'bob';
  return loaded;
}
const anew = (): void => void world.db.exec('DELETE FROM note; DELETE FROM visit');
const plain = ({ io, http, url, close }: ProbedWorld): World => ({ io, http, url, close });

describe('a recording that began after the login', () => {
  it('is green: each connection logs in, which is no trace, and what it makes happen is set aside', async () => {
    const recording = await attached();
    expect(recording.recording.sessions.map(({ user, traces }) => [user, traces[0]?.connect?.before])).toEqual([
      ['alice', true],
      ['bob', true],
    ]);
    anew();
    seen = [];
    const { end, outcomes } = await run(world, recording, loginOf());
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
    expect(end.verdict).toBe('finished');
    expect(seen.sort()).toEqual(['alice', 'bob']);
    // Two rows and a welcome each, and who was there already hears of the other; beside the rows that were deleted above.
    expect(end.unattributed.changes).toBeGreaterThanOrEqual(4);
    expect(end.unattributed.pushes).toBeGreaterThanOrEqual(3);
    seen = [];
    expect((await run(world, recording, { ...loginOf(), copies: 3 })).end.verdict).toBe('finished');
    expect(seen.sort()).toEqual([...Array(3).fill('alice'), ...Array(3).fill('bob')]);
  });

  it('is red where a trace differs, and would be without the login', async () => {
    const recording = await attached();
    anew();
    shout = true;
    const { traces, sessions } = await run(world, recording, loginOf());
    const [alice, bob] = recording.recording.sessions.map(({ id }) => id);
    expect(differences(traces[`0/${alice}/1`]).sort()).toEqual([`pushes.${alice}.noted[0].text value`, `pushes.${bob}.noted[0].text value`]);
    expect(sessions.some(({ outcome }) => outcome === 'connect-failed')).toBe(false);
    const { outcomes } = await run(world, recording, { login: async () => ({ took: 0 }) });
    expect(outcomes[`0/${alice}/1`]).toBe('rejected');
  });

  it('is green without the probe too', async () => {
    const recording = await attached();
    anew();
    const { end } = await run(plain(world), recording, { ...loginOf(), measures: { acks: true, pushes: true, changes: false } });
    expect(end.verdict).toBe('finished');
  });
});

const note = { ok: true, user: 'alice', id: 1 };
type Traces = LoadedRecording['recording']['sessions'][number]['traces'];
const one = (...traces: Traces): LoadedRecording => recorded('one', { alice: { user: 'alice', traces: [connect(), ...traces] } });

describe('a login that was left out of the recording', () => {
  const pushes = [{ to: 'alice', event: 'noted', args: [{ id: 1, text: 'a' }] }];
  const changes = [{ insert: 'note', row: { id: 1, who: 'alice', text: 'a' } }];

  it('leaves its own pushes out too, with the probe and without', async () => {
    const measures = { acks: true, pushes: true, changes: false };
    expect((await run(world, one(emit('note', ['a'], { ack: [note], pushes, changes })), loginOf())).outcomes).toEqual({
      '0/alice/0': 'passed',
      '0/alice/1': 'passed',
    });
    anew();
    expect((await run(plain(world), one(emit('note', ['a'], { ack: [note], pushes })), { ...loginOf(), measures })).end.verdict).toBe('finished');
  });

  it('happens on a later connection as well, before that is taken for connected', async () => {
    const recording = recorded('late', {
      alice: {
        user: 'alice',
        times: [
          [0, 5],
          [10, 20],
        ],
        traces: [connect(), emit('note', ['a'], { ack: [note] })],
      },
      bob: {
        user: 'bob',
        times: [
          [50, 5],
          [60, 20],
        ],
        traces: [connect(), emit('note', ['b'], { ack: [{ ...note, user: 'bob', id: 2 }] })],
      },
    });
    expect((await run(world, recording, { ...loginOf(), measures: { acks: true, pushes: false, changes: false } })).end.verdict).toBe('finished');
    expect(seen).toEqual(['alice', 'bob']);
  });

  it('is not sent by a session that sends it itself, nor in another namespace', async () => {
    const login = emit('login', [{ username: 'alice', password: 'alice-pw' }], { ack: [{ ok: true }] });
    const measures = { acks: true, pushes: false, changes: false };
    expect((await run(world, one(login, emit('note', ['a'], { ack: [note] })), { ...loginOf(), measures })).end.verdict).toBe('finished');
    expect(seen).toEqual(['alice']);
    anew();
    const { outcomes } = await run(world, one(emit('note', ['a'], { ack: [note] })), { ...loginOf({ namespace: '/admin' }), measures });
    expect(outcomes['0/alice/1']).toBe('rejected');
    expect(seen).toEqual(['alice']);
  });
});

describe('a refusal', () => {
  const reason = async (setup: (socket: Socket) => void, more: object = {}): Promise<string | undefined> => {
    const other = await serve((io: Server) => io.on('connection', setup));
    const { sessions, outcomes } = await run(other, one(emit('note', ['a'], { ack: [note] })), loginOf(more));
    expect(outcomes).toEqual({ '0/alice/0': 'connect-failed', '0/alice/1': 'aborted' });
    await expect.poll(async () => (await other.io.fetchSockets()).length).toBe(0);
    return sessions.at(-1)?.reason;
  };

  it('by the acknowledgement has its words', async () => {
    const { sessions } = await run(world, one(emit('note')), loginOf({}, { alice: 'guessed', bob: '' }));
    expect(sessions.at(-1)).toMatchObject({ outcome: 'connect-failed', reason: 'the event login as alice was refused: wrong password' });
    expect(await reason((socket) => socket.on('login', (_, answer) => answer({ error: 'no such user' })))).toBe(
      'the event login as alice was refused: no such user',
    );
    expect(await reason((socket) => socket.on('login', (_, answer) => answer(false)))).toBe('the event login as alice was refused: false');
  });

  it('by silence, by another event or by a goodbye is told apart', async () => {
    expect(await reason(() => {})).toBe('the event login as alice was not answered in time');
    expect(await reason((socket) => socket.on('login', () => socket.emit('unauthorized')), { answer: 'authorized' })).toBe(
      'the event login as alice was not answered in time; the last event was unauthorized',
    );
    expect(
      await reason((socket) =>
        socket.on('login', () => {
          socket.emit('unauthorized');
          socket.disconnect(true);
        }),
      ),
    ).toBe('the event login as alice was answered with a disconnect; the last event was unauthorized');
  });
});

it('arguments are what the configuration says, and the answer may hold a secret of later events', async () => {
  const world2 = await serve((io) =>
    io.on('connection', (socket) => {
      socket.on('authenticate', (token, room) => {
        if (token === 'alice-pw' && room.name === 'hall') socket.emit('authorized', { session: `s-${socket.id}` });
      });
      socket.on('who', ({ session }, answer) => answer(session === `s-${socket.id}` ? 'alice' : 'nobody'));
    }),
  );
  const login = loginOf({
    event: 'authenticate',
    args: ['{password}', { name: 'hall' }],
    answer: 'authorized',
    token: '0.session',
    bring: { secrets: { session: '{token}' } },
  });
  const who = emit('who', [{ session: new Tagged({ tag: 'secret', name: 'session1' }) }], { ack: ['alice'] });
  expect((await run(world2, one(who), { ...login, measures: { acks: true, pushes: true, changes: false } })).end.verdict).toBe('finished');
  const wrong = loginSchema.safeParse({ strategy: 'event-login', on: 'connection', bring: { auth: { token: '{token}' } } });
  expect(wrong.error?.issues.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    "bring: with `on: 'connection'` only `secrets`: the handshake lies before the login",
  ]);
});
