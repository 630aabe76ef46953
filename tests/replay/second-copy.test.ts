/** What a second copy collides with in real applications: recorded, replayed in two copies, mended by what that told, and proven by replays. */
import type BetterSqlite3 from 'better-sqlite3';
import type { Server, Socket as ServerSocket } from 'socket.io';
import type { Socket } from 'socket.io-client';
import { afterEach, expect, test } from 'vitest';
import { collisionsOf, uniqueEdits } from '../../src/recording/collide.js';
import { applyEdits, type Edit } from '../../src/recording/edit.js';
import type { SeenReplay } from '../../src/recording/learn.js';
import { uniquePlaces } from '../../src/recording/learn-uniques.js';
import type { Recording } from '../../src/recording/schema.js';
import type { Value } from '../../src/recording/values.js';
import { writeRecording } from '../../src/recording/write.js';
import { client, record } from './record.js';
import { closeAll, type Outcome, type ProbedWorld, run, serveProbed } from './world.js';

let world: ProbedWorld;
afterEach(async () => {
  await world.close();
  await closeAll();
});

interface App {
  schema?: string;
  /** what `reset` does */
  reset: (db: BetterSqlite3.Database) => void;
  on: (socket: ServerSocket, io: Server, db: BetterSqlite3.Database) => void;
}

const seenIn = ({ traces }: Outcome, copies: number): SeenReplay[] =>
  Array.from({ length: copies }, (_, copy) => ({
    exact: copies === 1,
    at: Date.now(),
    traces: Object.values(traces).filter((one) => one.copy === copy && one.outcome !== 'passed'),
  }));

/** Records, and does what the end of `record` does: what collides is made unique, and again what that shows. How replays of it end, the last one without a reset. */
async function settled({ schema = 'CREATE TABLE visit (id INTEGER PRIMARY KEY)', reset, on }: App, use: () => Promise<void>) {
  world = await serveProbed(schema, (io, db) => io.on('connection', (socket) => on(socket, io, db)));
  reset(world.db);
  let { loaded } = await record('flow', use);
  const replayed = async (copies: number): Promise<Outcome> => {
    reset(world.db);
    return run(world, loaded, { copies });
  };
  const write = (edits: Edit[]): void => {
    loaded = { ...loaded, recording: applyEdits(loaded.recording as unknown as Value, edits) as unknown as Recording };
  };
  const collided: string[] = [];
  for (let round = 0; round < 3; round++) {
    const collisions = collisionsOf(loaded.recording, seenIn(await replayed(2), 2));
    if (collisions.length === 0) break;
    collided.push(...collisions.flatMap(({ texts }) => texts[0] ?? []));
    write(uniqueEdits(loaded.recording, collisions, new Set(collided)));
    for (let more = 0; more < 2; more++) write(uniquePlaces(loaded.recording, seenIn(await replayed(1), 1)).edits);
  }
  const ends: string[] = [];
  for (const copies of [1, 2, 3]) ends.push((await replayed(copies)).summary.verdict);
  ends.push((await run(world, loaded, { level: 'shared' })).summary.verdict);
  return { collided: [...new Set(collided)], ends, yaml: writeRecording(loaded.recording).text };
}

const gets = (socket: Socket, event: string): Promise<unknown> => new Promise((done) => socket.once(event, done));

test('a name that is taken: in what others are told later, in a text, and as a key', async () => {
  const nicks = new Map<string, string>();
  const app: App = {
    reset: () => nicks.clear(),
    on(socket, io) {
      let mine: string | undefined;
      socket.on('nickname', (nick, done) => {
        if (nicks.has(nick)) return done({ success: false });
        mine = nick;
        nicks.set(nick, socket.id);
        io.emit('nicknames', Object.fromEntries([...nicks.keys()].map((one) => [one, one.length > 20 ? 'long' : 'short'])));
        return done({ success: true });
      });
      socket.on('leave', (done) => {
        socket.broadcast.emit('announcement', `[${mine}] has left`);
        nicks.delete(mine ?? '');
        done();
      });
    },
  };
  const { collided, ends, yaml } = await settled(app, async () => {
    const [alice, bob] = [await client(world), await client(world)];
    await alice.emitWithAck('nickname', 'marianne');
    await bob.emitWithAck('nickname', 'jonathan');
    await bob.emitWithAck('leave');
    alice.disconnect();
    bob.disconnect();
  });
  expect(collided.sort()).toEqual(['jonathan', 'marianne']);
  expect(yaml).toContain('args: [!unique marianne]');
  expect(yaml).toContain('!text "[${jonathan}] has left"');
  expect(yaml).toContain('!keys { "${marianne}": short, "${jonathan}": short }');
  expect(ends).toEqual(['finished', 'finished', 'finished', 'finished']);
});

test('refused by a push, where nothing is acknowledged', async () => {
  const names = new Set<string>();
  const app: App = {
    reset: () => names.clear(),
    on(socket) {
      let mine: string | undefined;
      socket.on('add user', (name) => {
        if (names.has(name)) return socket.emit('login failed', 'taken');
        mine = name;
        names.add(name);
        return socket.emit('login', 'welcome');
      });
      socket.on('disconnect', () => names.delete(mine ?? ''));
    },
  };
  const { collided, ends } = await settled(app, async () => {
    const alice = await client(world);
    alice.emit('add user', 'marianne');
    await gets(alice, 'login');
    alice.disconnect();
  });
  expect(collided).toEqual(['marianne']);
  expect(ends).toEqual(['finished', 'finished', 'finished', 'finished']);
});

test('two unique texts, of which one contains the other; the second collision shows when the first is gone', async () => {
  const rooms = new Set<string>();
  const app: App = {
    schema: 'CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL)',
    reset: (db) => {
      rooms.clear();
      db.exec('DELETE FROM log');
    },
    on(socket, io, db) {
      socket.on('roomCreate', ({ name, after }, done) => {
        if (rooms.has(name)) return done({ success: false, message: `${name} exists` });
        if (after && !socket.rooms.has(after)) return done({ success: false, message: 'not in there' });
        rooms.add(name);
        socket.join(name);
        db.prepare('INSERT INTO log (line) VALUES (?)').run(`opened ${name}`);
        io.emit('notice', `there is a room ${name}`);
        return done({ success: true, url: `/rooms/${encodeURIComponent(name)}` });
      });
      socket.on('close', (done) => {
        const mine = [...socket.rooms].filter((room) => room !== socket.id);
        for (const room of mine) rooms.delete(room);
        done(`You left ${mine.join(' and ')}.`);
      });
    },
  };
  const { collided, ends, yaml } = await settled(app, async () => {
    const alice = await client(world);
    await alice.emitWithAck('roomCreate', { name: 'garden' });
    await alice.emitWithAck('roomCreate', { name: 'garden party', after: 'garden' });
    await alice.emitWithAck('close');
    alice.disconnect();
  });
  expect(collided.sort()).toEqual(['garden', 'garden party']);
  expect(yaml).toContain('!text "there is a room ${garden party}"');
  expect(yaml).toContain('line: !text "opened ${garden}"');
  expect(yaml).toContain('!text "You left ${garden} and ${garden party}."');
  expect(yaml).toContain('url: !regex "^/rooms/garden%20party-[0-9a-z]+$"');
  expect(ends).toEqual(['finished', 'finished', 'finished', 'finished']);
});

test('what the application makes of a unique text is a name, where clients send it later', async () => {
  const app: App = {
    schema: "CREATE TABLE page (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, slug TEXT NOT NULL UNIQUE, body TEXT NOT NULL DEFAULT '')",
    reset: (db) => void db.exec('DELETE FROM page'),
    on(socket, io, db) {
      socket.on('pageCreate', ({ title }, done) => {
        const slug = title.toLowerCase().replaceAll(' ', '-');
        try {
          db.prepare('INSERT INTO page (title, slug) VALUES (?, ?)').run(title, slug);
          done({ success: true, slug });
        } catch (error) {
          done({ success: false, message: String(error) });
        }
      });
      socket.on('pageWrite', ({ slug, body }, done) => {
        const { changes } = db.prepare('UPDATE page SET body = ? WHERE slug = ?').run(body, slug);
        if (changes > 0) io.emit('pageWritten', { slug, url: `/wiki/${slug}` });
        done({ success: changes > 0 });
      });
    },
  };
  const { collided, ends, yaml } = await settled(app, async () => {
    const alice = await client(world);
    const { slug } = await alice.emitWithAck('pageCreate', { title: 'Rainy Days' });
    await alice.emitWithAck('pageWrite', { slug, body: 'bring an umbrella' });
    alice.disconnect();
  });
  expect(collided).toEqual(['Rainy Days']);
  expect(yaml).toContain('ack: [{ success: true, slug: !id slug1 }]');
  expect(yaml).toContain('args: [{ slug: !id slug1, body: bring an umbrella }]');
  expect(yaml).toContain('title: !unique Rainy Days, slug: !id slug1');
  expect(yaml).toContain('url: !regex "^/wiki/rainy-days-[0-9a-z]+$"');
  expect(ends).toEqual(['finished', 'finished', 'finished', 'finished']);
});
