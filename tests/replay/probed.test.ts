import { afterEach, describe, expect, it } from 'vitest';
import { Tagged } from '../../src/recording/values.js';
import { closeAll, connect, differences, emit, goodbye, id, type ProbedWorld, recorded, run, serveProbed } from './world.js';

let world: ProbedWorld;
afterEach(async () => {
  await world.close();
  await closeAll();
});

const SCHEMA = 'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT); CREATE TABLE doc (id INTEGER PRIMARY KEY, rev INTEGER); INSERT INTO doc VALUES (7, 0)';

/** Notes in rooms: `add` tells everybody in the room, at once or later, and everything that a test wants to go wrong. */
const notes = () =>
  serveProbed(SCHEMA, (io, db) => {
    const insert = (text: string): number => Number(db.prepare('INSERT INTO note (text) VALUES (?)').run(text).lastInsertRowid);
    io.on('connection', (socket) => {
      socket.on('join', async (room: string, reply: () => void) => {
        await socket.join(room);
        reply();
      });
      socket.on('add', (room: string, text: string, reply: () => void) => {
        const note = insert(text);
        io.to(room).emit('added', { id: note, text });
        reply();
      });
      socket.on('get', (note: number, reply: (row: unknown) => void) => reply(db.prepare('SELECT * FROM note WHERE id = ?').get(note) ?? null));
      socket.on('later', (text: string, ms: number, reply: () => void) => {
        setTimeout(() => {
          insert(text);
          socket.emit('done', text);
        }, ms);
        reply();
      });
      socket.on('bump', (reply: () => void) => {
        const { rev } = db.prepare('SELECT rev FROM doc WHERE id = 7').get() as { rev: number };
        setTimeout(() => {
          db.prepare('UPDATE doc SET rev = ? WHERE id = 7').run(rev + 1);
          reply();
        }, 5);
      });
      socket.on('bumpRight', (reply: () => void) => {
        db.prepare('UPDATE doc SET rev = rev + 1 WHERE id = 7').run();
        reply();
      });
      socket.on('others', (event: string, reply: () => void) => {
        socket.broadcast.emit(event, 'psst');
        reply();
      });
      socket.on('disconnect', () => socket.data.saves && insert('saved at the end'));
      socket.on('saves', (reply: () => void) => {
        socket.data.saves = true;
        reply();
      });
    });
  });

const join = emit('join', ['r'], { ack: [] });
const inserted = (text: string) => ({ insert: 'note', row: { id: id('note1'), text } });
const added = (to: string[], text: string) => ({ to, event: 'added', args: [{ id: id('note1'), text }] });

describe('names', () => {
  it('are bound in each copy for itself, also where all copies sit in one room, and followed', async () => {
    world = await notes();
    const recording = recorded('names', {
      alice: {
        times: [
          [0, 1],
          [10, 1],
          [20, 5],
          [40, 5],
        ],
        traces: [
          connect(),
          join,
          emit('add', ['r', 'hello'], { ack: [], pushes: [added(['alice', 'bob'], 'hello')], changes: [inserted('hello')] }),
          goodbye(),
        ],
      },
      bob: {
        times: [
          [0, 1],
          [10, 1],
          [30, 5],
        ],
        traces: [connect(), join, emit('get', [id('note1')], { ack: [{ id: id('note1'), text: 'hello' }] })],
      },
    });
    const { outcomes, end, traces } = await run(world, recording, { copies: 4 });
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
    expect(Object.keys(traces)).toHaveLength(4 * 7);
    expect(end).toMatchObject({ verdict: 'finished', unattributed: { pushes: 0, changes: 0 } });
    const alone = await run(world, recording);
    expect(alone.traces['0/bob/2']?.observed).toMatchObject({ args: [5] });
  });

  it('may come from a push alone', async () => {
    world = await notes();
    const recording = recorded('pushed', {
      alice: [
        connect(),
        join,
        emit('add', ['r', 'hi'], { ack: [], pushes: [added(['alice'], 'hi')] }),
        emit('get', [id('note1')], { ack: [{ id: id('note1'), text: 'hi' }] }),
      ],
    });
    const { end } = await run(world, recording, { copies: 3, measures: { acks: true, pushes: true, changes: false } });
    expect(end.verdict).toBe('finished');
  });

  it('that are never made let their followers be skipped, with the producer, after one wait', async () => {
    world = await notes();
    const get = emit('get', [id('note1')], { ack: [null] });
    const { traces, took } = await run(world, recorded('unbound', { alice: [connect(), emit('join', ['r'], { ack: [id('note1')] }), get, get, get] }), {
      ackTimeout: 600,
    });
    for (const n of [2, 3, 4])
      expect(traces[`0/alice/${n}`]).toMatchObject({ outcome: 'skipped', start: null, needs: { name: 'note1', producer: { session: 'alice', trace: 1 } } });
    expect(took).toBeLessThan(1800);
  });

  it('of unique texts differ between copies and between recordings', async () => {
    world = await notes();
    const unique = new Tagged({ tag: 'unique', text: 'title' });
    const make = (name: string) =>
      recorded(name, { alice: [connect(), emit('add', ['r', unique], { ack: [], changes: [{ insert: 'note', row: { id: id('n'), text: unique } }] })] });
    const { end } = await run(world, [make('one'), make('two')], { copies: 3 });
    expect(end.verdict).toBe('finished');
    const texts = world.db.prepare('SELECT DISTINCT text FROM note').all();
    expect(texts).toHaveLength(6);
  });
});

describe('what another copy makes a session receive', () => {
  it('is a leak where it was not recorded for the session, with path and class, at every K', async () => {
    world = await notes();
    const recording = recorded('leak', {
      alice: {
        times: [
          [0, 1],
          [50, 5],
        ],
        traces: [connect(), emit('others', ['secret'], { ack: [] })],
      },
      bob: { times: [[0, 1]], traces: [connect()] },
    });
    const alone = await run(world, recording);
    expect(differences(alone.traces['0/alice/1'])).toEqual(['pushes.bob.secret added']);
    for (const copies of [2, 3]) {
      const { traces, end } = await run(world, recording, { copies });
      for (let copy = 0; copy < copies; copy++) expect(differences(traces[`${copy}/alice/1`])).toContain('pushes.bob.secret added');
      expect(end.verdict).toBe('failed');
    }
  });

  it('is a leak also where only the other copy receives it', async () => {
    world = await serveProbed('', (io) =>
      io.on('connection', (socket) =>
        socket.on('cross', (reply: () => void) => {
          for (const other of io.of('/').sockets.values())
            if (other.handshake.query.who === 'bob' && other.handshake.query.copy !== socket.handshake.query.copy) other.emit('secret', 1);
          reply();
        }),
      ),
    );
    const as = (who: string) => ({ connect: { namespace: '/', query: { who, copy: new Tagged({ tag: 'unique', text: 'copy' }) } } });
    const recording = recorded('cross', {
      alice: {
        times: [
          [0, 1],
          [50, 5],
        ],
        traces: [as('alice'), emit('cross', [], { ack: [] })],
      },
      bob: { times: [[0, 1]], traces: [as('bob')] },
    });
    expect((await run(world, recording)).end.verdict).toBe('finished');
    for (const copies of [2, 3]) {
      const { traces, end } = await run(world, recording, { copies });
      for (let copy = 0; copy < copies; copy++) expect(differences(traces[`${copy}/alice/1`])).toEqual(['pushes.bob.secret added']);
      expect(end.verdict).toBe('failed');
    }
  });

  it('is allowed where the trace records it for the session, and foreign at other recordings', async () => {
    world = await notes();
    const news = recorded('news', {
      alice: {
        times: [
          [0, 1],
          [50, 5],
        ],
        traces: [connect(), emit('others', ['news'], { ack: [], pushes: [{ to: 'bob', event: 'news', args: ['psst'], except: 'alice' }] })],
      },
      bob: { times: [[0, 1]], traces: [connect()] },
    });
    const other = recorded('other', {
      carol: {
        times: [
          [0, 1],
          [50, 1],
        ],
        traces: [connect(), join],
      },
    });
    const { end, outcomes } = await run(world, [news, other], { copies: 3 });
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
    expect(end).toMatchObject({ verdict: 'finished', foreign: 9, unattributed: { pushes: 0, changes: 0 } });
  });

  it('says nothing where the connect was not recorded from its beginning', async () => {
    world = await serveProbed('', (io) => io.on('connection', (socket) => void io.emit('joined', socket.id)));
    const before = { connect: { namespace: '/', before: true as const } };
    const { end } = await run(world, recorded('before', { alice: [before], bob: [before] }), { copies: 3 });
    expect(end.verdict).toBe('finished');
  });
});

describe('who joins is told of each who is there by a push of its own', () => {
  const socketOf = (session?: string): Tagged => new Tagged({ tag: 'socket', ...(session && { session }) });
  const rooms = recorded('rooms', {
    alice: [connect(), emit('enter', ['lobby'], { ack: [], pushes: [{ to: 'alice', event: 'member', args: [{ socket: socketOf() }, 1] }] })],
    bob: [
      connect(),
      emit('enter', ['lobby'], {
        ack: [],
        pushes: [socketOf('alice'), socketOf()].map((socket) => ({ to: 'bob', event: 'member', args: [{ socket }, 1] })),
      }),
    ],
  });
  const served = (more: (socket: { id: string; emit(...args: unknown[]): unknown }) => void = () => {}) =>
    serveProbed('', (io) =>
      io.on('connection', (socket) =>
        socket.on('enter', async (room: string, reply: () => void) => {
          await socket.join(room);
          for (const id of io.sockets.adapter.rooms.get(room) ?? []) socket.emit('member', { socket: id }, 1);
          more(socket);
          reply();
        }),
      ),
    );

  it('those of other copies are theirs', async () => {
    world = await served();
    for (const copies of [1, 2, 5]) expect((await run(world, rooms, { copies })).summary.verdict).toBe('finished');
  });

  it.each<[string, unknown]>([
    ['twice', undefined],
    ['of nobody', 'nobody'],
  ])('one too many, %s, is a difference', async (_, socket) => {
    world = await served((own) => own.emit('member', { socket: socket ?? own.id }, 1));
    const { summary, traces } = await run(world, rooms, { copies: 2 });
    expect(summary.verdict).toBe('failed');
    expect(differences(traces['1/bob/1'])).toEqual(['pushes.bob.member added']);
  });
});

describe('causes', () => {
  it('that cannot be proven fail a recorded change, and are counted', async () => {
    let stray = (): void => {};
    world = await serveProbed(SCHEMA, (io, db) => {
      // An interval set outside of any trace writes what the trace asked for.
      stray = () => void db.prepare("INSERT INTO note (text) VALUES ('stray')").run();
      io.on('connection', (socket) =>
        socket.on('ask', (reply: () => void) => {
          world.db.prepare('SELECT 1').get();
          queue.push(reply);
        }),
      );
    });
    const queue: (() => void)[] = [];
    const pump = setInterval(() => {
      for (const reply of queue.splice(0)) {
        stray();
        reply();
      }
    }, 5);
    const { traces, end, notes } = await run(
      world,
      recorded('stray', { alice: [connect(), emit('ask', [], { ack: [], changes: [{ insert: 'note', row: { id: id('n'), text: 'stray' } }] })] }),
    );
    clearInterval(pump);
    expect(differences(traces['0/alice/1'])).toEqual(['changes.note.insert removed']);
    expect(end).toMatchObject({ verdict: 'failed', unattributed: { changes: 1 } });
    expect(notes).toMatchObject([{ code: 'UNATTRIBUTED', detail: { insert: 'note', cause: null } }]);
  });

  it('of before the replay are not of the replay', async () => {
    world = await notes();
    world.db.prepare("INSERT INTO note (text) VALUES ('reset')").run();
    await world.probe.drain(500);
    const { end } = await run(world, recorded('fresh', { alice: [connect()] }));
    expect(end.unattributed.changes).toBe(0);
  });

  it('are known also of what the probe tells before the client knows its own socket id', async () => {
    world = await serveProbed(SCHEMA, (io, db) =>
      io
        .use((socket, next) => {
          db.prepare("INSERT INTO note (text) VALUES ('connected')").run();
          setTimeout(next, 30);
          socket.once('disconnect', () => {});
        })
        .on('connection', (socket) => {
          db.prepare("INSERT INTO note (text) VALUES ('hello')").run();
          socket.emit('hello');
        }),
    );
    const recording = recorded('race', {
      alice: [connect({ pushes: [{ to: 'alice', event: 'hello', args: [] }], changes: [{ insert: 'note', row: { id: id('n'), text: 'hello' } }] })],
    });
    const { traces } = await run(world, recording, { copies: 20 });
    for (const trace of Object.values(traces)) expect(differences(trace).filter((difference) => difference.endsWith('removed'))).toEqual([]);
    expect(Object.keys(traces)).toHaveLength(20);
  });
});

describe('the end of an iteration', () => {
  it('awaits pushes and rows that come after the acknowledgement', async () => {
    world = await notes();
    const later = emit('later', ['slow', 100], {
      ack: [],
      pushes: [{ to: 'alice', event: 'done', args: ['slow'] }],
      changes: [{ insert: 'note', row: { id: id('n'), text: 'slow' } }],
    });
    const { outcomes, end } = await run(world, recorded('later', { alice: [connect(), later, goodbye()] }));
    expect(outcomes['0/alice/1']).toBe('passed');
    expect(end.verdict).toBe('finished');
  });

  it('reopens a trace that had passed when something comes that was not recorded', async () => {
    world = await notes();
    const { records, traces, end, summary } = await run(
      world,
      recorded('unexpected', { alice: [connect(), emit('later', ['slow', 100], { ack: [] }), emit('join', ['r'], { ack: [] }), goodbye()] }),
    );
    const written = records.filter((record) => record.type === 'trace' && record.trace === 1);
    expect(written.map((record) => record.type === 'trace' && record.outcome)).toEqual(['passed', 'mismatch']);
    expect(differences(traces['0/alice/1']).sort()).toEqual(['changes.note.insert added', 'pushes.alice.done added']);
    expect(summary.counts).toMatchObject({ passed: 3, mismatch: 1 });
    expect(end.verdict).toBe('failed');
  });

  it('judges the disconnects after everything else, with their own changes', async () => {
    world = await notes();
    const save = emit('saves', [], { ack: [] });
    const { outcomes, traces, end } = await run(
      world,
      recorded('saved', {
        alice: [connect(), save, goodbye({ changes: [{ insert: 'note', row: { id: id('n'), text: 'saved at the end' } }] })],
        bob: [connect(), save, goodbye()],
      }),
    );
    expect(outcomes['0/alice/2']).toBe('passed');
    expect(differences(traces['0/bob/2'])).toEqual(['changes.note.insert added']);
    expect(end.verdict).toBe('failed');
  });

  it('is told from a probe that is lost', async () => {
    world = await notes();
    setTimeout(() => world.probe.close(), 50);
    const { summary, took } = await run(
      world,
      recorded('lost', {
        alice: {
          times: [
            [0, 1],
            [100, 1],
          ],
          traces: [connect(), join],
        },
      }),
      { speed: 1 },
    );
    expect(summary.errors.map(({ code }) => code)).toEqual(['REPLAY_PROBE_LOST']);
    expect(summary.verdict).toBe('failed');
    expect(took).toBeLessThan(3000);
  });
});

describe('among others', () => {
  const bump = (event: string) =>
    recorded('bump', {
      alice: [connect(), emit(event, [], { ack: [], changes: [{ update: 'doc', key: { id: 7 }, set: { rev: new Tagged({ tag: 'delta', n: 1 }) } }] })],
    });

  it('a lost update is seen, though totals are not compared', async () => {
    world = await notes();
    const right = await run(world, bump('bumpRight'), { copies: 5, mutable: new Set(['rev']) });
    expect(right.end.verdict).toBe('finished');
    const wrong = await run(world, bump('bump'), { copies: 5, mutable: new Set(['rev']) });
    expect(Object.values(wrong.outcomes).filter((outcome) => outcome === 'mismatch')).toHaveLength(4);
    expect(Object.values(wrong.traces).flatMap(differences)).toContain('changes.doc.update.rev value');
    expect((await run(world, bump('bump'))).end.verdict).toBe('finished');
  });

  it('values that others wrote are not compared: alone they are', async () => {
    world = await notes();
    const fixed = recorded('fixed', { alice: [connect(), emit('bumpRight', [], { ack: [], changes: [{ update: 'doc', key: { id: 7 }, set: { rev: 1 } }] })] });
    const shared = await run(world, fixed, { copies: 3, mutable: new Set(['rev']) });
    expect(shared.end.verdict).toBe('finished');
    expect(differences((await run(world, fixed)).traces['0/alice/1'])).toEqual(['changes.doc.update.rev value']);
  });

  it('a row too many is seen', async () => {
    world = await notes();
    const recording = recorded('extra', { alice: [connect(), join, emit('add', ['r', 'x'], { ack: [], pushes: [added(['alice'], 'x')] })] });
    const { traces } = await run(world, recording, { copies: 2 });
    for (const copy of [0, 1]) expect(differences(traces[`${copy}/alice/2`])).toEqual(['changes.note.insert added']);
  });
});

describe('a recording whose source sees no rows', () => {
  const traces = [connect(), emit('add', ['hall', 'a'], { ack: [] }), goodbye()];
  const rows = async (source: 'probe' | 'proxy') => {
    world = await notes();
    return run(world, recorded('rows', { alice: traces }, { recorded: { source } }));
  };

  it('is not held against what a replay writes, and says so', async () => {
    const { outcomes, notes: told } = await rows('proxy');
    expect(outcomes['0/alice/1']).toBe('passed');
    expect(told.map(({ code }) => code)).toContain('ROWS_NOT_RECORDED');
  });

  it('is told from one that saw that nothing was written', async () => {
    const { traces: seen, notes: told } = await rows('probe');
    expect(differences(seen['0/alice/1'])).toEqual(['changes.note.insert added']);
    expect(told.map(({ code }) => code)).not.toContain('ROWS_NOT_RECORDED');
  });
});
