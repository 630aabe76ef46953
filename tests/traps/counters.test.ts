/** Ids that a counter in memory makes: no row says what they are, only replays do. */
import type { Server } from 'socket.io';
import { afterEach, expect, test } from 'vitest';
import { applyEdits } from '../../src/recording/edit.js';
import { learn, type SeenReplay } from '../../src/recording/learn.js';
import type { LoadedRecording } from '../../src/recording/load.js';
import { disproved } from '../../src/recording/names/disproved.js';
import { type ReplayedName, replayedNames } from '../../src/recording/names/replayed.js';
import type { Recording } from '../../src/recording/schema.js';
import { id, Tagged, type Value } from '../../src/recording/values.js';
import type { Outcome, ProbedWorld } from '../replay/world.js';
import { end, faults, person, type Reply, recordTrap, replayed, trap } from './trap.js';

afterEach(end);

const text = (template: string) => new Tagged({ tag: 'text', template });

const seenIn = ({ traces }: Outcome, copies: number, exact: boolean): SeenReplay[] =>
  Array.from({ length: copies }, (_, copy) => ({
    exact,
    at: Date.now(),
    traces: Object.values(traces).filter((trace) => trace.copy === copy && trace.outcome !== 'passed'),
  }));

/** Twice alone and once in two copies, as `learn` does it. */
async function replays(world: () => Promise<ProbedWorld>, loaded: LoadedRecording): Promise<{ seen: SeenReplay[]; red: string[] }> {
  const seen: SeenReplay[] = [];
  const red: string[] = [];
  for (const copies of [1, 1, 2]) {
    const outcome = await replayed(await world(), loaded, { copies, ackTimeout: 300 });
    seen.push(...seenIn(outcome, copies, copies === 1));
    red.push(...faults(outcome));
  }
  return { seen, red };
}

/** Names, until replays give no more of them. */
async function learned(setup: (io: Server) => void, use: (url: string) => Promise<void>, restarts: boolean) {
  const first = await trap(setup);
  const { loaded } = await recordTrap('counted', () => use(first.url));
  const world = async (): Promise<ProbedWorld> => (restarts ? trap(setup) : first);
  const known: ReplayedName[] = [];
  const wrong: string[] = [];
  let now = loaded;
  let last = await replays(world, now);
  const begun = last.red;
  for (;;) {
    const { edits, names } = replayedNames(now.recording, last.seen, known);
    if (edits.length === 0) return { begun, known, wrong, red: last.red, recording: now.recording, left: learn(now.recording, last.seen) };
    now = { ...now, recording: applyEdits(now.recording as unknown as Value, edits) as unknown as Recording };
    const after = await replays(world, now);
    wrong.push(...disproved(now.recording, names, last.seen, after.seen).values());
    known.push(...names);
    last = after;
  }
}

/** Each kind counts for itself: todo 1 and list 1. */
function board(io: Server): void {
  const todos = new Map<number, { id: number; listId: number; title: string; done: boolean }>();
  const lists = new Map<number, { id: number; name: string }>();
  let nextTodo = 1;
  let nextList = 1;
  io.on('connection', (socket) => {
    socket.on('list:create', ({ name }: { name: string }, reply: Reply) => {
      const list = { id: nextList++, name };
      lists.set(list.id, list);
      io.emit('list:created', list);
      reply({ ok: true, id: list.id });
    });
    socket.on('todo:create', ({ listId, title }: { listId: number; title: string }, reply: Reply) => {
      if (!lists.has(listId)) return reply({ ok: false, error: `no list ${listId}` });
      const todo = { id: nextTodo++, listId, title, done: false };
      todos.set(todo.id, todo);
      io.emit('todo:created', todo);
      reply({ ok: true, todo, said: `Todo ${todo.id} created in list ${listId}` });
    });
    socket.on('todo:done', ({ id: which }: { id: number }, reply: Reply) => {
      const todo = todos.get(which);
      if (!todo || todo.done) return reply({ ok: false, error: todo ? 'done already' : 'no such todo' });
      todo.done = true;
      io.emit('todo:changed', todo);
      reply({ ok: true, id: which });
    });
    socket.on('list:open', (which: number, reply: Reply) => {
      const own = [...todos.values()].filter((todo) => todo.listId === which);
      const ids = own.map((todo) => todo.id);
      reply({ ok: true, list: lists.get(which), todos: Object.fromEntries(own.map((todo) => [todo.id, todo])), order: ids, todoIds: ids, page: 1 });
    });
    socket.on('todo:sort', ({ listId, todoIds }: { listId: number; todoIds: number[] }, reply: Reply) => {
      if (todoIds.some((one) => todos.get(one)?.listId !== listId)) return reply({ ok: false, error: 'not in this list' });
      reply({ ok: true, room: `list:${listId}` });
    });
    socket.on('document:read', ({ id: which, page }: { id: number; page: number }, reply: Reply) => reply({ ok: which < 4 && page < 4, id: which, page }));
  });
}

const used = async (url: string): Promise<void> => {
  const alice = await person(url);
  const made = async (event: string, args: object): Promise<number> => {
    const [answer] = (await alice.ask(event, args)) as [{ id?: number; todo?: { id: number } }];
    return answer.id ?? answer.todo?.id ?? 0;
  };
  const groceries = await made('list:create', { name: 'groceries' });
  const milk = await made('todo:create', { listId: groceries, title: 'milk' });
  const books = await made('list:create', { name: 'books' });
  const emma = await made('todo:create', { listId: books, title: 'Emma' });
  const tea = await made('todo:create', { listId: groceries, title: 'tea' });
  await alice.ask('todo:done', { id: milk });
  await alice.ask('document:read', { id: 1, page: 2 });
  await alice.ask('todo:sort', { listId: groceries, todoIds: [tea, milk] });
  await alice.ask('todo:done', { id: emma });
  await alice.ask('list:open', groceries);
};

test.each([
  ['is started anew for each replay', true],
  ['goes on counting', false],
])('todo and list ids that overlap, in texts, keys and lists: the application %s', async (_, restarts) => {
  const { begun, wrong, red, recording } = await learned(board, used, restarts);
  expect(begun).not.toEqual([]);
  expect(wrong).toEqual([]);
  expect(red).toEqual([]);
  const traces = recording.sessions[0]?.traces ?? [];
  const [list1, todo1, todo3] = [id('list1'), id('todo1'), id('todo3')];
  expect(traces.map(({ args }) => args)).toEqual([
    undefined,
    [{ name: 'groceries' }],
    [{ listId: list1, title: 'milk' }],
    [{ name: 'books' }],
    [{ listId: id('list2'), title: 'Emma' }],
    [{ listId: list1, title: 'tea' }],
    [{ id: todo1 }],
    [{ id: 1, page: 2 }],
    [{ listId: list1, todoIds: [todo3, todo1] }],
    [{ id: id('todo2') }],
    [list1],
    undefined,
  ]);
  expect(traces[5]?.ack).toEqual([
    { ok: true, todo: { id: todo3, listId: list1, title: 'tea', done: false }, said: text('Todo ${todo3} created in list ${list1}') },
  ]);
  expect(traces[7]?.ack).toEqual([{ ok: true, id: 1, page: 2 }]);
  expect(traces[8]?.ack).toEqual([{ ok: true, room: text('list:${list1}') }]);
  const entries = {
    '${todo1}': { id: todo1, listId: list1, title: 'milk', done: true },
    '${todo3}': { id: todo3, listId: list1, title: 'tea', done: false },
  };
  expect(traces[10]?.ack).toMatchObject([
    { list: { id: list1, name: 'groceries' }, todos: new Tagged({ tag: 'keys', entries }), todoIds: [todo1, todo3], page: 1 },
  ]);
});

test('events that do not say what they are about: what a step came to says which id it means', async () => {
  const setup = (io: Server): void => {
    const things = new Map<number, string>();
    let next = 1;
    io.on('connection', (socket) => {
      socket.on('create', ({ title }: { title: string }, reply: Reply) => {
        things.set(next, title);
        reply({ ok: true, id: next++ });
      });
      socket.on('rename', ({ id: which, title, level }: { id: number; title: string; level: number }, reply: Reply) => {
        if (!things.has(which) || things.get(which) === title) return reply({ ok: false, error: 'cannot be renamed' });
        things.set(which, title);
        reply({ ok: true, level });
      });
    });
  };
  const use = async (url: string): Promise<void> => {
    const alice = await person(url);
    const [{ id: which }] = (await alice.ask('create', { title: 'one' })) as [{ id: number }];
    await alice.ask('rename', { id: which, title: 'two', level: 1 });
  };
  const { wrong, red, recording } = await learned(setup, use, false);
  expect(wrong).toEqual([]);
  expect(red).toEqual([]);
  expect(recording.sessions[0]?.traces.slice(1, 3)).toMatchObject([
    { ack: [{ ok: true, id: id('id1') }] },
    { args: [{ id: id('id1'), title: 'two', level: 1 }] },
  ]);
});

test('a code that the application makes', async () => {
  let seed = 7;
  const setup = (io: Server): void => {
    const rooms = new Set<string>();
    io.on('connection', (socket) => {
      socket.on('room:open', (reply: Reply) => {
        seed = (seed * 7919) % 26 ** 4;
        const code = [1, 26, 676, 17576].map((by) => String.fromCharCode(65 + (Math.floor(seed / by) % 26))).join('');
        rooms.add(code);
        reply({ code });
      });
      socket.on('room:join', (code: string, reply: Reply) => reply(rooms.has(code) ? { joined: code } : { error: 'no such room' }));
    });
  };
  const use = async (url: string): Promise<void> => {
    const alice = await person(url);
    const [{ code }] = (await alice.ask('room:open')) as [{ code: string }];
    await alice.ask('room:join', code);
  };
  const { wrong, red, recording } = await learned(setup, use, true);
  expect(wrong).toEqual([]);
  expect(red).toEqual([]);
  expect(recording.sessions[0]?.traces.slice(1, 3)).toMatchObject([{ ack: [{ code: id('code1') }] }, { args: [id('code1')], ack: [{ joined: id('code1') }] }]);
});
