import { afterEach, describe, expect, it } from 'vitest';
import { ReplayError } from '../../src/errors.js';
import { Tagged } from '../../src/recording/values.js';
import { closeAll, connect, differences, emit, goodbye, id, recorded, run, serve } from './world.js';

afterEach(closeAll);

const echo = () =>
  serve((io) =>
    io.on('connection', (socket) => {
      socket.on('echo', (...args: unknown[]) => (args.pop() as (...answer: unknown[]) => void)(...args));
      socket.on('refuse', (reply: (answer: unknown) => void) => reply({ success: false, message: 'no room left' }));
      socket.on('silent', () => {});
      socket.on('late', (ms: number, reply: (answer: unknown) => void) => setTimeout(() => reply('late'), ms));
      socket.on('cut', () => socket.conn.close());
      socket.on('kick', () => socket.disconnect());
    }),
  );

describe('an acknowledgement', () => {
  it('is compared with all its arguments: none, one, several, binary', async () => {
    const world = await echo();
    const bytes = new Uint8Array([1, 2, 3]);
    const { outcomes, traces } = await run(
      world,
      recorded('acks', {
        alice: [
          connect(),
          emit('echo', [], { ack: [] }),
          emit('echo', [1, 'two', bytes], { ack: [1, 'two', bytes] }),
          emit('echo', [1, 2], { ack: [1] }),
          emit('echo', [], { ack: ['x'] }),
          goodbye(),
        ],
      }),
    );
    expect(outcomes).toEqual({
      '0/alice/0': 'passed',
      '0/alice/1': 'passed',
      '0/alice/2': 'passed',
      '0/alice/3': 'mismatch',
      '0/alice/4': 'mismatch',
      '0/alice/5': 'passed',
    });
    expect(differences(traces['0/alice/3'])).toEqual(['ack[1] added']);
    expect(differences(traces['0/alice/4'])).toEqual(['ack[0] removed']);
  });

  it('that was recorded as a refusal is expected; a success that is refused is rejected with the message', async () => {
    const world = await echo();
    const { outcomes, traces, end } = await run(
      world,
      recorded('refusals', {
        alice: [
          connect(),
          emit('refuse', [], { ack: [{ success: false, message: 'no room left' }] }),
          emit('refuse', [], { ack: [{ success: true, id: 7 }] }),
          emit('echo', [{ success: true }], { ack: [{ success: false, message: 'no' }] }),
        ],
      }),
    );
    expect(outcomes).toMatchObject({ '0/alice/1': 'passed', '0/alice/2': 'rejected', '0/alice/3': 'mismatch' });
    expect(traces['0/alice/2']?.reason).toBe('no room left');
    expect(differences(traces['0/alice/2'])).toEqual(['ack[0].success value']);
    expect(end.verdict).toBe('failed');
  });

  it('that is missing, or late, is a timeout; what follows is replayed all the same', async () => {
    const world = await echo();
    const { traces, outcomes, took } = await run(
      world,
      recorded('late', {
        alice: [
          connect(),
          emit('silent', [], { ack: [] }),
          emit('late', [200], { ack: ['late'] }),
          emit('echo', [1], { ack: [1] }),
          emit('silent', [], { ack: [] }),
        ],
      }),
      { ackTimeout: 150 },
    );
    expect(outcomes).toMatchObject({ '0/alice/1': 'timeout', '0/alice/2': 'timeout', '0/alice/3': 'passed' });
    expect(traces['0/alice/2']?.reason).toBe('not acknowledged within 150 ms');
    expect(traces['0/alice/2']?.latency).toBeNull();
    expect(traces['0/alice/2']?.waited).toBeGreaterThanOrEqual(149);
    expect(took).toBeLessThan(1500);
  });

  it('that was never given is waited for; quarantined it does not gate, and given it is a difference', async () => {
    const world = await echo();
    const known = { quarantine: { owner: 'me', reason: 'known', expires: '9999-01-01' } };
    const never = recorded('never', { alice: [connect(), emit('silent', [], { ack: 'never', ...known }), goodbye()] });
    const { traces, end } = await run(world, never, { ackTimeout: 100 });
    expect(traces['0/alice/1']).toMatchObject({ outcome: 'timeout', quarantined: true });
    expect(end.verdict).toBe('finished');
    const given = await run(world, recorded('given', { alice: [connect(), emit('echo', [5], { ack: 'never' })] }), { ackTimeout: 5000 });
    expect(given.traces['0/alice/1']).toMatchObject({ outcome: 'mismatch', differences: [{ path: 'ack', class: 'added', actual: [5] }] });
    expect(given.took).toBeLessThan(2500);
  });

  it('that was not asked for is not missed, and the record says so', async () => {
    const world = await echo();
    const { traces } = await run(world, recorded('quiet', { alice: [connect(), emit('silent')] }));
    expect(traces['0/alice/1']).toMatchObject({ outcome: 'passed', noAck: true });
  });

  it('is not judged where acknowledgements are not measured', async () => {
    const world = await echo();
    const { outcomes } = await run(world, recorded('unmeasured', { alice: [connect(), emit('echo', [1], { ack: [2] })] }), {
      measures: { acks: false, pushes: true, changes: false },
    });
    expect(outcomes['0/alice/1']).toBe('passed');
  });
});

describe('getting in', () => {
  it('refused by a middleware tells its message; the traces are aborted', async () => {
    const world = await serve((io) => io.use((_, next) => next(new Error('who are you?'))));
    const { outcomes, sessions, end } = await run(world, recorded('refused', { alice: [connect(), emit('echo', [], { ack: [] }), goodbye()] }));
    expect(outcomes).toEqual({ '0/alice/0': 'connect-failed', '0/alice/1': 'aborted', '0/alice/2': 'aborted' });
    expect(sessions).toMatchObject([{ outcome: 'connect-failed', reason: 'who are you?' }]);
    expect(end.verdict).toBe('failed');
  });

  it('has its own timeout where a middleware never answers', async () => {
    const world = await serve((io) => io.use(() => {}));
    const { sessions, took } = await run(world, recorded('stuck', { alice: [connect()], bob: [connect()] }), { connectTimeout: 200 });
    expect(sessions.map(({ outcome }) => outcome)).toEqual(['connect-failed', 'connect-failed']);
    expect(sessions[0]?.reason).toMatch(/no answer to the handshake within 200 ms/);
    expect(took).toBeLessThan(2000);
    expect(await world.io.fetchSockets()).toHaveLength(0);
  });

  it('in vain is one failure a session, the others are replayed', async () => {
    const world = await echo();
    const logins: string[] = [];
    const { outcomes, sessions } = await run(
      world,
      recorded('logins', {
        alice: { user: 'alice', traces: [connect(), emit('echo', [1], { ack: [1] })] },
        bob: { user: 'bob', traces: [connect(), emit('echo', [1], { ack: [1] })] },
      }),
      {
        copies: 2,
        async login(user) {
          logins.push(user);
          if (user === 'bob') throw new ReplayError('REPLAY_LOGIN_REFUSED', 'bob was refused');
          return { cookie: 'a=1', took: 3 };
        },
      },
    );
    expect(logins.sort()).toEqual(['alice', 'bob']);
    expect(outcomes).toMatchObject({ '0/alice/1': 'passed', '1/alice/1': 'passed', '0/bob/0': 'connect-failed', '1/bob/1': 'aborted' });
    expect(sessions.filter(({ outcome }) => outcome === 'connect-failed').map(({ reason }) => reason)).toEqual(['bob was refused', 'bob was refused']);
    expect(sessions.filter(({ login }) => login !== null)).toHaveLength(1);
  });

  it('sends cookie, headers, auth and query, and takes a namespace for a name', async () => {
    const seen: unknown[] = [];
    const world = await serve((io) =>
      io
        .of('//other')
        .on('connection', ({ handshake }) => seen.push([handshake.headers.cookie, handshake.headers['x-who'], handshake.auth, handshake.query.page])),
    );
    const trace = { connect: { namespace: '//other', auth: { token: new Tagged({ tag: 'secret', name: 'token' }) }, query: { page: 7 } } };
    const { end } = await run(world, recorded('handshake', { alice: { user: 'alice', traces: [trace] } }), {
      secrets: new Map([['token', 's3']]),
      login: async () => ({ cookie: 'sid=1', headers: { 'x-who': 'me' }, took: 1 }),
    });
    expect(end.verdict).toBe('finished');
    expect(seen).toEqual([['sid=1', 'me', { token: 's3' }, '7']]);
  });

  it('without a secret that it needs says which', async () => {
    const world = await echo();
    const trace = { connect: { namespace: '/', auth: { token: new Tagged({ tag: 'secret', name: 'token' }) } } };
    const { traces } = await run(world, recorded('secret', { alice: [trace, emit('echo')] }));
    expect(traces['0/alice/0']).toMatchObject({ outcome: 'skipped', reason: expect.stringContaining('secret token') });
    expect(traces['0/alice/1']?.outcome).toBe('aborted');
  });

  it('early comes before any emit, all start together; a late connect has its place', async () => {
    const log: string[] = [];
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        log.push('connect');
        socket.emit('ready');
        socket.on('a', (reply: () => void) => {
          log.push('a');
          reply();
        });
      }),
    );
    const late = {
      times: [
        [100, 5],
        [200, 5],
      ] as [number, number][],
      traces: [connect({ pushes: [{ to: 'late', event: 'ready', args: [] }] }), emit('a', [], { ack: [] })],
    };
    const early = {
      times: [
        [0, 5],
        [50, 5],
      ] as [number, number][],
      traces: [connect({ pushes: [{ to: 'early', event: 'ready', args: [] }] }), emit('a', [], { ack: [] })],
    };
    const { end, outcomes } = await run(world, recorded('start', { late, early }), { copies: 2 });
    expect(end.verdict).toBe('finished');
    expect(Object.keys(outcomes)).toHaveLength(8);
    expect(log.slice(0, 2)).toEqual(['connect', 'connect']);
    expect(log.filter((entry) => entry === 'connect')).toHaveLength(4);
  });

  it('never blocks on what comes after the start: disabled connects, disconnects between, one millisecond for all', async () => {
    const world = await echo();
    const ask = emit('echo', [1], { ack: [1] });
    const between = recorded('between', {
      alice: {
        times: [
          [0, 5],
          [10, 0],
        ],
        traces: [connect(), goodbye()],
      },
      bob: {
        times: [
          [20, 5],
          [30, 5],
        ],
        traces: [connect(), ask],
      },
      carol: {
        times: [
          [0, 0],
          [5, 1],
        ],
        traces: [connect({ disabled: true }), ask],
      },
      same: {
        times: [
          [30, 0],
          [30, 0],
          [30, 0],
        ],
        traces: [connect(), ask, goodbye()],
      },
      last: {
        times: [
          [30, 0],
          [30, 0],
          [30, 0],
        ],
        traces: [connect(), { ...ask, disabled: true }, ask],
      },
    });
    const { outcomes, took } = await run(world, between);
    expect(outcomes).toMatchObject({ '0/alice/1': 'passed', '0/bob/1': 'passed', '0/carol/1': 'aborted', '0/same/2': 'passed', '0/last/2': 'passed' });
    expect(took).toBeLessThan(2000);
  });
});

describe('a connection that ends', () => {
  it('against the recording: what waits for an answer is disconnected, and so is the rest', async () => {
    const world = await echo();
    const { outcomes, end, took } = await run(
      world,
      recorded('cut', { alice: [connect(), emit('cut', [], { ack: [] }), emit('echo', [1], { ack: [1] }), goodbye()] }),
      { ackTimeout: 3000 },
    );
    expect(outcomes).toEqual({ '0/alice/0': 'passed', '0/alice/1': 'disconnected', '0/alice/2': 'disconnected', '0/alice/3': 'disconnected' });
    expect(end.verdict).toBe('disconnected');
    expect(took).toBeLessThan(1500);
  });

  it('after the last trace is not finished either', async () => {
    const world = await echo();
    const { end, sessions } = await run(
      world,
      recorded('kicked', { alice: [connect(), emit('kick')], bob: [connect(), emit('late', [50], { ack: ['late'] })] }),
    );
    expect(end.verdict).toBe('disconnected');
    expect(sessions.at(-1)).toMatchObject({ outcome: 'disconnected', reason: expect.stringContaining('io server disconnect') });
  });

  it('as recorded, by the server, is awaited; the death of the server is none', async () => {
    const world = await echo();
    const kicked = (event: string) => recorded('kicked', { alice: [connect(), emit(event), { disconnect: 'server namespace disconnect' }] });
    const { outcomes, end } = await run(world, kicked('kick'));
    expect(outcomes).toEqual({ '0/alice/0': 'passed', '0/alice/1': 'passed', '0/alice/2': 'passed' });
    expect(end.verdict).toBe('finished');
    expect((await run(world, kicked('cut'))).outcomes['0/alice/2']).toBe('disconnected');
    expect((await run(world, kicked('silent'), { ackTimeout: 100 })).end.verdict).not.toBe('finished');
  });

  it('with the whole server is told at once', async () => {
    const world = await serve((io) => io.on('connection', (socket) => socket.on('ask', () => setTimeout(() => world.close(), 30))));
    const { outcomes, took, end } = await run(
      world,
      recorded('dead', { alice: [connect(), emit('ask', [], { ack: [] })], bob: [connect(), emit('ask', [], { ack: [] }), goodbye()] }),
      { ackTimeout: 5000 },
    );
    expect(outcomes).toMatchObject({ '0/alice/1': 'disconnected', '0/bob/2': 'disconnected' });
    expect(end.verdict).toBe('disconnected');
    expect(took).toBeLessThan(2500);
  });

  it('in the middle, by the client, is made in its place, with or without a goodbye', async () => {
    const reasons: string[] = [];
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        socket.on('disconnect', (reason) => reasons.push(reason));
        socket.on('count', (reply: (n: number) => void) => void setTimeout(() => reply(io.of('/').sockets.size), 20));
      }),
    );
    const stay = (after: number) => ({
      times: [
        [0, 1],
        [after, 30],
      ] as [number, number][],
      traces: [connect(), emit('count', [], { ack: [1] })],
    });
    for (const reason of ['client namespace disconnect', 'transport close']) {
      const { end, notes } = await run(
        world,
        recorded('middle', {
          alice: {
            times: [
              [0, 1],
              [10, 1],
            ],
            traces: [connect(), { disconnect: reason }],
          },
          bob: stay(50),
        }),
      );
      expect([end.verdict, notes]).toEqual(['finished', []]);
    }
    expect(reasons).toContain('transport close');
    expect(reasons).toContain('client namespace disconnect');
  });
});

describe('what a client answers', () => {
  it('is replayed: each push its own answer, made of what the push itself made known', async () => {
    const got: unknown[] = [];
    const world = await serve((io) =>
      io.on('connection', (socket) =>
        socket.on('start', async (reply: () => void) => {
          got.push(await socket.emitWithAck('question', 'colour', 41), await socket.emitWithAck('question', 'size', 42));
          reply();
        }),
      ),
    );
    const pushes = [
      { to: 'alice', event: 'question', args: ['size', id('second')], answer: ['large', id('second')] },
      { to: 'alice', event: 'question', args: ['colour', id('first')], answer: [['red', id('first')]] },
    ];
    const { outcomes } = await run(world, recorded('answers', { alice: [connect(), emit('start', [], { ack: [], pushes })] }));
    expect(outcomes['0/alice/1']).toBe('passed');
    expect(got).toEqual([['red', 41], 'large']);
  });
});

describe('a trace that cannot be sent', () => {
  it('is told, and hinders nobody', async () => {
    const world = await echo();
    const { traces, outcomes } = await run(
      world,
      recorded('reserved', {
        alice: [connect(), emit('disconnecting', [], { ack: [] }), { http: { method: 'GET', url: 'http://' } }, emit('echo', [1], { ack: [1] })],
      }),
    );
    expect(traces['0/alice/1']).toMatchObject({ outcome: 'skipped', reason: expect.stringMatching(/reserved event name/) });
    expect(outcomes).toMatchObject({ '0/alice/2': 'skipped', '0/alice/3': 'passed' });
  });
});

describe('speed', () => {
  // Of the clock itself: a busy machine may be late, a wrong deadline always is.
  it('keeps the recorded times to absolute deadlines, with a factor, or has no gaps', { retry: 4 }, async () => {
    const world = await echo();
    const recording = recorded('speed', {
      alice: {
        times: [
          [0, 1],
          [50, 1],
          [100, 1],
          [150, 1],
        ],
        traces: [connect(), ...[1, 2, 3].map((n) => emit('echo', [n], { ack: [n] }))],
      },
    });
    for (const [speed, expected] of [
      [1, [50, 100, 150]],
      [2, [25, 50, 75]],
      [0, [0, 0, 0]],
    ] as const) {
      const { traces } = await run(world, recording, { speed });
      const base = (traces['0/alice/0']?.start ?? 0) + (traces['0/alice/0']?.latency ?? 0);
      for (const [i, wanted] of expected.entries()) {
        const at = (traces[`0/alice/${i + 1}`]?.start ?? 0) - base;
        expect(at).toBeGreaterThanOrEqual(wanted - 2);
        expect(at).toBeLessThan(wanted + 25);
      }
    }
  });
});

describe('a client that waited for an answer', () => {
  it('waits for it at replay, though other effects of that trace come later', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        let isBusy = false;
        socket.on('save', (reply: (answer: string) => void) => {
          if (isBusy) return reply('busy');
          isBusy = true;
          setTimeout(() => {
            isBusy = false;
            reply('done');
          }, 30);
          setTimeout(() => socket.emit('saved'), 90);
        });
      }),
    );
    const save = emit('save', [], { ack: ['done'], pushes: [{ to: 'alice', event: 'saved', args: [] }] });
    const times = (answered?: number) => [[0, 1] as [number, number], [10, 90, answered] as [number, number, number?], [45, 90] as [number, number]];
    const outcomesWith = async (answered?: number): Promise<string[]> => {
      const { outcomes } = await run(world, recorded('saving', { alice: { traces: [connect(), save, save], times: times(answered) } }));
      return Object.values(outcomes);
    };
    expect(await outcomesWith(30)).toEqual(['passed', 'passed', 'passed']);
    // Recorded without a wait, both are sent at once.
    expect(await outcomesWith()).toContain('mismatch');
  });
});

describe('a client that went on when it had been told', () => {
  it('waits for what came to it, and not for what others get: a handler made after an await loses what comes before', async () => {
    const world = await serve((io) =>
      io.on('connection', async (socket) => {
        await new Promise((done) => setTimeout(done, 50));
        socket.on('say', () => io.emit('said'));
        socket.emit('ready');
      }),
    );
    const alice = {
      // `ready` had come when `say` was sent, and bob's `joined` had not.
      times: [
        [0, 100, 60],
        [60, 10],
      ] as [number, number, number?][],
      traces: [
        connect({
          pushes: [
            { to: 'alice', event: 'ready' },
            { to: 'bob', event: 'joined' },
          ],
        }),
        emit('say', [], { pushes: [{ to: 'alice', event: 'said' }] }),
      ],
    };
    const { outcomes } = await run(world, recorded('told', { alice, bob: { times: [[200, 0]], traces: [connect()] } }), { ackTimeout: 1000 });
    expect(outcomes['0/alice/1']).toBe('passed');
  });
});
