import type { ServerResponse } from 'node:http';
import express from 'express';
import session from 'express-session';
import { afterEach, expect, it } from 'vitest';
import type { LoadedRecording } from '../../src/recording/load.js';
import type { Trace } from '../../src/recording/schema.js';
import { client, record } from './record.js';
import { closeAll, differences, type ProbedWorld, run, serveProbed } from './world.js';

declare module 'express-session' {
  interface SessionData {
    username: string;
  }
}

/** What a broken version of the application leaves out. */
type Broken = 'row' | 'push';

let world: ProbedWorld & { broken: Broken | undefined };

/** Todos are written by requests; whoever is connected hears of them. */
async function todos(): Promise<typeof world> {
  const state: { broken: Broken | undefined } = { broken: undefined };
  const sessions = session({ secret: 'a secret of these tests', resave: false, saveUninitialized: false });
  const served = await serveProbed(
    'CREATE TABLE todos (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, text TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0); CREATE TABLE logins (user TEXT)',
    (io, db) => {
      const app = express();
      app.use(sessions, express.json());
      app.post('/login', (request, response) => {
        request.session.username = String(request.body.user);
        db.prepare('INSERT INTO logins (user) VALUES (?)').run(request.session.username);
        response.json({ ok: true });
      });
      app.post('/todos', async (request, response) => {
        await Promise.resolve();
        const { username: user } = request.session;
        if (user === undefined) return void response.status(401).json({ error: 'who are you?' });
        const { text } = request.body as { text: string };
        const { lastInsertRowid: id } =
          state.broken === 'row' ? { lastInsertRowid: 99 } : db.prepare('INSERT INTO todos (owner, text) VALUES (?, ?)').run(user, text);
        if (state.broken !== 'push') io.emit('todo:added', { id, owner: user, text });
        response.status(201).json({ id });
      });
      app.get('/todos', (_, response) => void response.json(db.prepare('SELECT id, text FROM todos').all()));
      app.get('/', (_, response) => void response.send('<h1>todos</h1>'));
      const http = (io as unknown as { httpServer: ProbedWorld['http'] }).httpServer;
      http.on('request', (request, response: ServerResponse) => request.url?.startsWith('/socket.io/') || app(request, response));
      io.engine.use(sessions);
      io.on('connection', (socket) =>
        socket.on('todo:done', (id: number, reply: (answer: unknown) => void) => {
          db.prepare('UPDATE todos SET done = 1 WHERE id = ?').run(id);
          reply({ ok: true });
        }),
      );
    },
  );
  return Object.assign(state, served);
}

async function logIn(user: string): Promise<{ cookie: string; took: number }> {
  const response = await send('POST', '/login', { user }, undefined);
  return { cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '', took: 1 };
}

const send = (method: string, path: string, body: unknown, cookie: string | undefined): Promise<Response> =>
  fetch(world.url + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(cookie && { cookie }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

afterEach(async () => {
  await world.close();
  await closeAll();
});

async function recordTodos(): Promise<{ loaded: LoadedRecording; yaml: string }> {
  return record('todos', async () => {
    const { cookie } = await logIn('alice');
    const { cookie: bobs } = await logIn('bob');
    const alice = await client(world, { extraHeaders: { cookie } });
    const bob = await client(world, { extraHeaders: { cookie: bobs } });
    const told = new Promise<number>((resolve) => bob.once('todo:added', ({ id }) => resolve(id)));
    expect((await send('POST', '/todos', { text: 'milk and honey' }, cookie)).status).toBe(201);
    await bob.emitWithAck('todo:done', await told);
    await (await send('GET', '/', undefined, cookie)).text();
    await (await send('GET', '/todos', undefined, bobs)).text();
    // nobody's
    await send('POST', '/todos', { text: 'a stranger' }, undefined);
    alice.disconnect();
    bob.disconnect();
  });
}

/** Replayed after what a reset would do. */
async function again(loaded: LoadedRecording, copies = 1): ReturnType<typeof run> {
  world.db.exec('DELETE FROM todos; DELETE FROM logins');
  await world.probe.drain(1000);
  return run(world, loaded, { login: logIn, copies });
}

const passed = (outcomes: Record<string, string>): string[] => Object.entries(outcomes).flatMap(([trace, outcome]) => (outcome === 'passed' ? [trace] : []));

it('records the requests of its clients with what they cause, and replays them, alone and in copies', async () => {
  world = await todos();
  const { loaded } = await recordTodos();
  const [alice, bob] = loaded.recording.sessions;
  const todo1 = expect.objectContaining({ body: { tag: 'id', name: 'todo1' } });
  const headers = { 'content-type': 'application/json' };
  expect(alice?.traces.slice(1, -1)).toEqual([
    {
      http: { method: 'POST', url: '/todos', headers, body: { text: 'milk and honey' }, status: 201, answer: { id: todo1 } },
      pushes: [{ to: ['alice', 'bob'], event: 'todo:added', args: [{ id: todo1, owner: 'alice', text: 'milk and honey' }] }],
      changes: [{ insert: 'todos', row: { id: todo1, owner: 'alice', text: 'milk and honey', done: 0 } }],
    },
  ] satisfies Trace[]);
  expect(bob?.traces.flatMap(({ http }) => http ?? [])).toEqual([
    { method: 'GET', url: '/todos', status: 200, answer: [{ id: todo1, text: 'milk and honey' }] },
  ]);
  // Before their client had a connection.
  expect(loaded.recording.unattributed).toEqual(['alice', 'bob'].map((user) => ({ insert: 'logins', row: { user } })));

  const alone = await again(loaded);
  expect(passed(alone.outcomes)).toHaveLength(7);
  expect(alone.end).toMatchObject({ verdict: 'finished', unattributed: { pushes: 0, changes: 2 }, recordedUnattributed: { recorded: 2, seen: 2 } });
  const copies = await again(loaded, 6);
  expect(passed(copies.outcomes)).toHaveLength(42);
  expect(copies.end).toMatchObject({ verdict: 'finished', unattributed: { pushes: 0, changes: 12 } });
});

it.each([
  ['row', ['changes.todos.insert removed']],
  ['push', ['pushes.alice["todo:added"] removed', 'pushes.bob["todo:added"] removed']],
] as const)('a %s that a request no longer makes is missing', async (broken, missing) => {
  world = await todos();
  const { loaded } = await recordTodos();
  world.broken = broken;
  const { traces, end } = await again(loaded);
  expect(differences(traces['0/alice/1'])).toEqual(missing);
  expect(end.verdict).toBe('failed');
});
