import { describe, expect, it } from 'vitest';
import type { Recording } from '../../src/recording/schema.js';
import { estimatedTime } from '../../src/replay/estimate.js';
import { bigness, type PlanInput, planLines, planOf } from '../../src/replay/load-plan.js';
import { countLogins } from '../../src/replay/login.js';
import { loadOf, poolOf } from '../../src/replay/plan.js';
import fc from '../fast-check.js';
import { connect, emit, recorded } from './world.js';

const levels = (iterations: number): PlanInput['projects'] => [
  { project: 'regression', iteration: 0 },
  ...Array.from({ length: iterations }, (_, i) => ({ project: `iteration-${i + 1}`, iteration: i + 1 })),
];
const input = (recordings: PlanInput['recordings'], more: Partial<PlanInput> = {}): PlanInput => ({
  target: 'http://127.0.0.1:1',
  recordings,
  projects: levels(3),
  schedule: 'ramp',
  order: 'recording',
  speed: 0,
  logins: (some, copies) => countLogins(some, copies, ({ user }) => user),
  ...more,
});

const chat = recorded('chat', {
  alice: {
    user: 'alice',
    traces: [
      connect({ pushes: [{ to: 'alice', event: 'ready' }] }),
      emit('say', [], { ack: [true], pushes: [{ to: ['alice', 'bob'], event: 'said' }] }),
      emit('off', [], { disabled: true, pushes: [{ to: ['alice', 'bob'], event: 'said' }] }),
      emit('whisper', [], { pushes: [{ to: 'bob', event: 'said', except: 'alice' }] }),
    ],
    times: [
      [0, 10],
      [20, 100],
      [200, 1],
      [1000, 40, 5],
    ],
  },
  bob: {
    user: 'bob',
    traces: [connect(), { http: { method: 'GET', url: '/me' } }],
    times: [
      [5, 10],
      [500, 300],
    ],
  },
});
const alone = recorded(
  'alone',
  {
    carol: {
      user: 'carol',
      traces: [connect(), emit('x')],
      times: [
        [0, 5],
        [10, 7],
      ],
    },
  },
  { copies: 1, reason: 'once' },
);

describe('the plan of a run', () => {
  const plan = planOf(input([chat, alone]));

  it('counts clients as law 2 does', () => {
    expect(plan).toMatchObject({ recordings: 2, pool: 2, peak: 6 });
    expect(plan.projects.map(({ clients }) => clients)).toEqual([3, 2, 4, 6]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 9 }), (iterations, sessions) => {
        const many = recorded('many', Object.fromEntries(Array.from({ length: sessions }, (_, i) => [`s${i}`, [connect()]])));
        const { peak, total } = loadOf(poolOf([many]), iterations);
        const planned = planOf(input([many], { projects: levels(iterations).slice(1) }));
        expect([planned.peak, planned.total.clients]).toEqual([peak, total]);
      }),
    );
  });

  it('leaves out what is disabled, and multiplies emits and requests by the copies', () => {
    expect(plan.projects.map(({ emits }) => emits)).toEqual([3, 2, 4, 6]);
    expect(plan.projects.map(({ requests }) => requests)).toEqual([1, 1, 2, 3]);
  });

  it('lets pushes to others grow with the square of the copies, and those to the sender with the copies', () => {
    // alone: ready 1, said 2, whispered 1; K copies: ready K, said 2K², whispered (2K - 1)K: the twin of the sender hears it
    expect(plan.projects.map(({ pushes }) => pushes)).toEqual([4, 4, 2 + 8 + 6, 3 + 18 + 15]);
  });

  it('counts what came without a cause by whether others were there', () => {
    const heard = { traces: [connect()], received: [{ after: 0, event: 'tick' }] };
    const pushes = (sessions: Parameters<typeof recorded>[1]) => planOf(input([recorded('r', sessions)])).projects.map((load) => load.pushes);
    expect(pushes({ alice: heard })).toEqual([1, 1, 2, 3]);
    expect(pushes({ alice: heard, bob: [connect()] })).toEqual([1, 1, 4, 9]);
  });

  it('counts a login for each account, and for each copy where a request may log it out', () => {
    // chat has a request: alice and bob in each copy; before the run each of the three once
    expect(plan.projects.map(({ logins }) => logins)).toEqual([3, 2, 4, 6]);
    expect(plan.total.logins).toBe(3 + 2 + 4 + 6 + 3);
    expect(planOf(input([alone], { projects: levels(0) })).total.logins).toBe(2);
  });

  it('adds levels up where they run beside each other', () => {
    const beside = planOf(input([chat, alone], { schedule: 'parallel' }));
    expect(beside.peak).toBe(2 + 4 + 6);
    expect(beside.total.took).toBeLessThan(plan.total.took);
  });

  it('adds the time until the last copy starts, not to one copy alone', () => {
    const took = (spreadMs: number): number[] => planOf(input([chat], { spreadMs })).projects.map(({ took }) => took);
    const [together, spread] = [took(0), took(6000)];
    expect(spread.map((ms, index) => ms - (together[index] as number))).toEqual([0, 0, 3000, 4000]);
  });

  it('counts every level of a ceiling, the rounds of a soak, and the speed of what is replayed behaviourally; nothing runs beside them', () => {
    const modes = [
      { project: 'ceiling', iteration: 1, mode: { levels: [1, 3, 5] } },
      { project: 'soak', iteration: 2, mode: { duration: 10_000 } },
      { project: 'behavioural', iteration: 1, mode: { speed: 0.5 } },
    ];
    const { peak, projects } = planOf(input([chat], { schedule: 'parallel', projects: [...levels(2), ...modes] }));
    const [, one, , ceiling, soak, behavioural] = projects;
    expect(peak).toBe(5 * 2);
    expect(ceiling).toMatchObject({ clients: 9 * 2, emits: 9 * (one?.emits ?? 0) });
    const rounds = Math.ceil(10_000 / (one?.took ?? 0));
    expect(soak).toMatchObject({ clients: rounds * 4, took: 10_000 });
    expect(behavioural?.took).toBe(2040);
  });

  it('of no project is nothing', () => {
    expect(planOf(input([chat], { projects: [] }))).toMatchObject({ peak: 0, total: { clients: 0, logins: 0, took: 0 } });
  });

  it('reads as a table with its assumptions', () => {
    const text = planLines(plan).join('\n');
    expect(text).toContain('pushes       up to 60, if the copies of a recording share its rooms');
    expect(text).toMatch(/iteration-3 +6 +6 +36 +3 +6 +450 ms/);
    const long = planLines(planOf(input([chat], { projects: levels(50) })));
    expect(long.slice(-11).map((line) => line.trim().split(/ {2,}/)[0])).toEqual([
      ...['regression', 'iteration-1', 'iteration-2', 'iteration-3', 'iteration-4', '… 41 more'],
      ...['iteration-46', 'iteration-47', 'iteration-48', 'iteration-49', 'iteration-50'],
    ]);
    const hand = planOf(input([recorded('hand', { alice: [connect()] })]));
    expect(planLines(hand).join('\n')).toContain('1 recording has no times and counts as nothing');
  });

  it('wants a word above each limit, and none at it', () => {
    const total = { clients: 0, emits: 100_000, pushes: 9e9, requests: 0, logins: 0, took: 300_000 };
    expect(bigness({ peak: 200, total })).toEqual([]);
    expect(bigness({ peak: 201, total })).toEqual(['201 clients at the same time, more than 200']);
    expect(bigness({ peak: 1, total: { ...total, emits: 100_001 } })).toEqual(['100,001 emits, more than 100,000']);
    expect(bigness({ peak: 1, total: { ...total, took: 300_001 } })).toHaveLength(1);
  });
});

describe('the estimated time', () => {
  const { recording } = chat;
  it('is what the critical order took, without the gaps', () => {
    // alice connects 10; bob's own connect overlaps it; say 100; bob's request 300; whisper 40
    expect(estimatedTime(recording, 'recording', 0)).toBe(10 + 100 + 300 + 40);
    expect(estimatedTime(recording, 'session', 0)).toBe(310);
  });

  it('has the gaps at a speed', () => {
    expect(estimatedTime(recording, 'recording', 1)).toBe(1040);
    expect(estimatedTime(recording, 'recording', 2)).toBe(590);
  });

  it('goes on at an answer, where effects came later', () => {
    const traces = [emit('a', [], { ack: [1] }), emit('b')];
    const times: [number, number, number?][] = [
      [0, 100, 10],
      [20, 30],
    ];
    expect(estimatedTime(recorded('r', { alice: { traces, times } }).recording, 'recording', 0)).toBe(100);
    expect(
      estimatedTime(
        recorded('r', {
          alice: {
            traces,
            times: [
              [0, 25, 10],
              [20, 30],
            ],
          },
        }).recording,
        'recording',
        0,
      ),
    ).toBe(40);
  });

  it('is never shorter than the longest trace, nor longer than all of them, and ends', () => {
    const session = fc.array(fc.tuple(fc.nat({ max: 50 }), fc.nat({ max: 30 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(session, { minLength: 1, maxLength: 4 }), (sessions) => {
        const made: Recording = recorded(
          'any',
          Object.fromEntries(
            sessions.map((spans, s) => [
              `s${s}`,
              { traces: spans.map(() => emit('x')), times: spans.sort((a, b) => a[0] - b[0]).map(([at, took]): [number, number] => [at, took]) },
            ]),
          ),
        ).recording;
        const all = sessions.flat().map(([, took]) => took);
        const time = estimatedTime(made, 'recording', 0);
        expect(time).toBeGreaterThanOrEqual(Math.max(...all));
        expect(time).toBeLessThanOrEqual(all.reduce((a, b) => a + b, 0));
        // With its gaps it takes as long as it took, however the ends fall.
        const realtime = Math.max(...sessions.flat().map(([at, took]) => at + took));
        expect(estimatedTime(made, 'recording', 1)).toBe(realtime);
      }),
    );
  });
});
