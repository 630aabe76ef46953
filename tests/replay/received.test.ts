/** Names that the server first sends in pushes whose cause nobody saw: recorded by probe and by proxy at once, replayed from both. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from 'socket.io';
import { io as connectTo, type Socket } from 'socket.io-client';
import { afterEach, expect, test } from 'vitest';
import { startCapture } from '../../src/capture/capture.js';
import { saveCapture } from '../../src/capture/finish.js';
import { probeSource } from '../../src/capture/sources/probe.js';
import { proxySource } from '../../src/capture/sources/proxy.js';
import { lintRecording } from '../../src/recording/lint/index.js';
import { type LoadedRecording, loadRecordings } from '../../src/recording/load.js';
import { type Recording, receivers } from '../../src/recording/schema.js';
import { isObject, Tagged, type Value } from '../../src/recording/values.js';
import { connectProbe, findProbes } from '../../src/wire/client.js';
import { unredacted } from '../capture/unredacted.js';
import { closeAll, connect, differences, emit, id, recorded, run, serve, serveProbed } from './world.js';

afterEach(closeAll);

/** People who write to each other under ids that the server makes, and drafts whose ids come a little later. */
function messages(io: Server): void {
  const drafts = new Set<string>();
  const newId = (): string => randomBytes(12).toString('hex');
  io.on('connection', (socket) => {
    const { name } = socket.handshake.auth as { name: string };
    const userID = newId();
    socket.data = { userID, name };
    void socket.join(userID);
    socket.emit('session', { userID });
    socket.emit(
      'users',
      [...io.of('/').sockets.values()].map((other) => other.data),
    );
    socket.broadcast.emit('user connected', { userID, name });
    socket.on('private message', ({ content, to }: { content: string; to: string }) => {
      socket.to(to).emit('private message', { content, from: userID });
    });
    socket.on('draft', () => {
      const draft = newId();
      drafts.add(draft);
      setTimeout(() => socket.emit('drafted', { draft }), 20);
    });
    socket.on('publish', ({ draft }: { draft: string }, reply: (answer: unknown) => void) => reply({ published: drafts.delete(draft) }));
  });
}

interface Both {
  probe: LoadedRecording;
  proxy: LoadedRecording;
}

/** Records what passes the proxy by the proxy, and by the probe. */
async function recordBoth(direct: string, use: (url: string) => Promise<void>): Promise<Both> {
  const { port, token } = findProbes().find(({ pid }) => pid === process.pid)!;
  const { source, port: listening } = await proxySource(new URL(direct), 0);
  const sources = {
    probe: probeSource(await connectProbe({ port, token, mode: 'record' })),
    // one target has one capture: for the lock it is another one
    proxy: { ...source, targets: ['the same again'] },
  };
  const captures = Object.entries(sources).map(([name, one]) => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-replay-received-'));
    return { folder, capture: startCapture({ name, source: one, select: () => true, redactor: unredacted, folder }) };
  });
  await use(`http://127.0.0.1:${listening}`);
  const loaded: LoadedRecording[] = [];
  for (const { capture, folder } of captures) {
    capture.stop();
    saveCapture((await capture.done).captured, { out: folder, captures: folder });
    const { recordings, errors } = loadRecordings(folder);
    expect(errors).toEqual([]);
    loaded.push(...recordings);
  }
  return { probe: loaded[0]!, proxy: loaded[1]! };
}

const next = <T>(socket: Socket, event: string): Promise<T> => new Promise((resolve) => socket.once(event, resolve));

/** Alice and bob write to each other; alice publishes a draft. */
async function use(url: string): Promise<void> {
  const person = (name: string): Socket => connectTo(url, { auth: { name }, transports: ['websocket'], forceNew: true, reconnection: false });
  const alice = person('alice');
  await next(alice, 'users');
  const came = next<{ userID: string }>(alice, 'user connected');
  const bob = person('bob');
  const here = next<{ userID: string; name: string }[]>(bob, 'users');
  const toBob = (await came).userID;
  const toAlice = (await here).find(({ name }) => name === 'alice')?.userID;
  const heard = next(bob, 'private message');
  alice.emit('private message', { content: 'hello', to: toBob });
  await heard;
  const answered = next(alice, 'private message');
  bob.emit('private message', { content: 'hello yourself', to: toAlice });
  await answered;
  alice.emit('draft');
  const { draft } = await next<{ draft: string }>(alice, 'drafted');
  await alice.emitWithAck('publish', { draft });
  const left = next(alice, 'disconnect');
  bob.disconnect();
  alice.disconnect();
  await left;
}

/** What the wire carried where a name stands, whoever caused it: the trace that sent it, or the receiver's n-th push of that event. */
function namedOnTheWire({ sessions }: Recording): Map<string, string> {
  const found = new Map<string, string>();
  const look = (value: Value, place: string): void => {
    if (Array.isArray(value)) for (const [i, item] of value.entries()) look(item, `${place} ${i}`);
    else if (isObject(value)) for (const [key, item] of Object.entries(value)) look(item, `${place} ${key}`);
    else if (value instanceof Tagged && value.body.tag === 'id') found.set(place, value.body.name);
  };
  for (const { id: to, traces, received } of sessions) {
    for (const [number, { args, ack }] of traces.entries()) look([args ?? [], Array.isArray(ack) ? ack : []], `${to} sends ${number}`);
    const caused = sessions.flatMap((session) => session.traces.flatMap(({ pushes }) => pushes ?? [])).filter((push) => receivers(push).includes(to));
    const counts = new Map<string, number>();
    for (const { event, args } of [...caused, ...(received ?? [])]) {
      counts.set(event, (counts.get(event) ?? 0) + 1);
      look(args ?? [], `${to} receives ${event} ${counts.get(event)}`);
    }
  }
  return found;
}

test('what a proxy names the probe names too, at the same places, and the server gets its own values back', async () => {
  const world = await serveProbed('CREATE TABLE note (id INTEGER PRIMARY KEY)', messages);
  try {
    const { probe, proxy } = await recordBoth(world.url, use);
    const [byProbe, byProxy] = [namedOnTheWire(probe.recording), namedOnTheWire(proxy.recording)];
    expect([...byProxy.keys()].sort()).toEqual([...byProbe.keys()].sort());
    // Equal up to the spelling of the names.
    const pairs = new Set([...byProxy].map(([place, name]) => `${name} ${byProbe.get(place)}`));
    expect(new Set(byProxy.values()).size).toBe(3);
    expect(pairs.size).toBe(3);
    expect(proxy.recording.sessions.map(({ traces }) => traces.flatMap(({ emit: event, args }) => (event && args ? [[event, ...args]] : [])))).toEqual([
      [
        ['private message', { content: 'hello', to: expect.any(Tagged) }],
        ['publish', { draft: expect.any(Tagged) }],
      ],
      [['private message', { content: 'hello yourself', to: expect.any(Tagged) }]],
    ]);
    const input = { ...proxy, text: readFileSync(proxy.file, 'utf8'), bytes: 0, now: Date.now(), configured: () => true };
    expect(lintRecording(input).filter(({ rule }) => rule === 'unmade-name')).toEqual([]);

    for (const loaded of [probe, proxy])
      for (const copies of [1, 2, 3]) {
        const { summary, outcomes } = await run(world, loaded, { copies, measures: { acks: true, pushes: true, changes: false } });
        expect([loaded.recording.name, copies, summary.verdict, [...new Set(Object.values(outcomes))]]).toEqual([
          loaded.recording.name,
          copies,
          'finished',
          ['passed'],
        ]);
      }
    const { probe: _, ...unprobed } = world;
    for (const copies of [1, 2, 3]) {
      const { summary } = await run(unprobed, proxy, { copies });
      expect([copies, summary.verdict]).toEqual([copies, 'finished']);
    }
  } finally {
    await world.close();
  }
});

test('a trace waits for the push that makes its name, and is skipped by the name of the push when it does not come', async () => {
  const world = await serve((io) =>
    io.on('connection', (socket) => {
      socket.on('draft', (comes: boolean) => comes && setTimeout(() => socket.emit('drafted', { draft: 'one' }), 100));
      socket.on('publish', (_: unknown, reply: () => void) => reply());
    }),
  );
  const publish = emit('publish', [{ draft: id('draft1') }], { ack: [] });
  const flow = (comes: boolean) =>
    recorded('drafts', {
      alice: { traces: [connect(), emit('draft', [comes]), publish], received: [{ after: 1, event: 'drafted', args: [{ draft: id('draft1') }] }] },
    });
  const { traces } = await run(world, flow(true));
  expect(traces['0/alice/2']).toMatchObject({ outcome: 'passed', observed: { args: [{ draft: 'one' }] } });
  const { traces: without } = await run(world, flow(false), { ackTimeout: 200 });
  expect(without['0/alice/2']).toMatchObject({
    outcome: 'skipped',
    reason: 'the name draft1 was never made: alice did not receive drafted, recorded after its trace 1',
    needs: { name: 'draft1', producer: { session: 'alice', trace: 1 } },
  });
});

test('under the probe a push that was never recorded for a session is still one too many', async () => {
  const world = await serveProbed('CREATE TABLE note (id INTEGER PRIMARY KEY)', (io) =>
    io.on('connection', (socket) => {
      socket.on('tell', (reply: () => void) => {
        io.emit('told', 1);
        reply();
      });
    }),
  );
  try {
    const tell = emit('tell', [], { ack: [] });
    const received = [{ after: 1, event: 'told', args: [1] }];
    const all = recorded('told', { alice: { traces: [connect(), tell], received }, bob: { traces: [connect()], received: [{ ...received[0]!, after: 0 }] } });
    const one = recorded('told', { alice: { traces: [connect(), tell], received }, bob: [connect()] });
    const measures = { acks: true, pushes: true, changes: false };
    expect((await run(world, all, { measures })).end).toMatchObject({ verdict: 'finished', unattributed: { pushes: 2 } });
    const { traces } = await run(world, one, { measures });
    expect(differences(traces['0/alice/1'])).toEqual(['pushes.bob.told added']);
  } finally {
    await world.close();
  }
});
