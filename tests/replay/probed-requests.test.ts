import type { ServerResponse } from 'node:http';
import express from 'express';
import session, { type SessionData, Store } from 'express-session';
import { afterEach, expect, it } from 'vitest';
import { editRecording } from '../../src/recording/edit-recording.js';
import type { LoadedRecording } from '../../src/recording/load.js';
import { createRedactor } from '../../src/recording/redact.js';
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

/** As stores are that keep sessions in a database. */
class Sessions extends Store {
  constructor(private readonly db: ProbedWorld['db']) {
    super();
    db.exec('CREATE TABLE sessions (sid TEXT PRIMARY KEY, sess TEXT NOT NULL, expire TEXT NOT NULL)');
  }
  get(sid: string, done: (error: unknown, found?: SessionData | null) => void): void {
    const row = this.db.prepare<[string], { sess: string }>('SELECT sess FROM sessions WHERE sid = ?').get(sid);
    done(null, row ? (JSON.parse(row.sess) as SessionData) : null);
  }
  set(sid: string, sess: SessionData, done?: () => void): void {
    this.db.prepare('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)').run(sid, JSON.stringify(sess), later());
    done?.();
  }
  override touch(sid: string, _: SessionData, done?: () => void): void {
    this.db.prepare('UPDATE sessions SET expire = ? WHERE sid = ?').run(later(), sid);
    done?.();
  }
  destroy(sid: string, done?: () => void): void {
    this.db.prepare('DELETE FROM sessions WHERE sid = ?').run(sid);
    done?.();
  }
}

const later = (): string => new Date(Date.now() + 86_400_000).toISOString();

/** Todos are written by requests; whoever is connected hears of them. */
async function todos(stored = false): Promise<typeof world> {
  const state: { broken: Broken | undefined } = { broken: undefined };
  const served = await serveProbed(
    'CREATE TABLE todos (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, text TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0); CREATE TABLE logins (user TEXT)',
    (io, db) => {
      const secret = 'a secret of these tests';
      const sessions = session({ secret, resave: false, saveUninitialized: false, cookie: { maxAge: 86_400_000 }, ...(stored && { store: new Sessions(db) }) });
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
      app.post('/logout', (request, response) => request.session.destroy(() => response.json({ ok: true })));
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
async function again(loaded: LoadedRecording, copies = 1, more: Parameters<typeof run>[2] = {}): ReturnType<typeof run> {
  world.db.exec('DELETE FROM todos; DELETE FROM logins');
  await world.probe.drain(1000);
  return run(world, loaded, { login: logIn, copies, ...more });
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

it('what a request makes happen now is written into the recording where that is updated', async () => {
  world = await todos();
  const { loaded, yaml } = await recordTodos();
  world.broken = 'push';
  const { update } = (await again(loaded, 1, { update: true })).summary;
  if (!update || update.refused !== undefined) throw new Error(update?.refused);
  const edited = editRecording(yaml, { file: 'r.yaml', readBinary: () => undefined }, () => update.edits);
  if ('errors' in edited) throw edited.errors[0];
  expect(edited.text).toBe(yaml.replace(/ +pushes:\n.*todo:added.*\n/, ''));
});

it('the rows of a session store are compared as those of a secret, which each login makes anew', async () => {
  world = await todos(true);
  const use = async (): Promise<void> => {
    const { cookie } = await logIn('alice');
    const alice = await client(world, { extraHeaders: { cookie } });
    await (await send('POST', '/todos', { text: 'milk and honey' }, cookie)).text();
    await (await send('POST', '/logout', undefined, cookie)).text();
    alice.disconnect();
  };
  const { loaded } = await record('logout', use, createRedactor());
  const [, post, logout] = loaded.recording.sessions[0]?.traces ?? [];
  const key = { sid: expect.objectContaining({ body: { tag: 'secret', name: 'sid1' } }) };
  expect(post?.changes).toEqual([
    { insert: 'todos', row: expect.anything() },
    { update: 'sessions', key, set: { expire: expect.anything() } },
  ]);
  expect(logout).toMatchObject({ http: { url: '/logout' }, changes: [{ delete: 'sessions', key }] });
  for (const copies of [1, 3]) expect((await again(loaded, copies)).end.verdict).toBe('finished');
});
