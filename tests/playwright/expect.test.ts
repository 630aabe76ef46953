/** The assertions about the result of a replay: what they find in its journal, and how they say what they looked for. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it, expect as that } from 'vitest';
import { expect } from '../../src/playwright/expect.js';
import { recordedOf } from '../../src/playwright/journal-header.js';
import type { ReplayResult } from '../../src/playwright/replay-test.js';
import { openJournal } from '../../src/results/journal.js';
import type { BeginRecord, JournalRecord } from '../../src/results/schema.js';
import { temporary } from '../e2e/support.js';
import { connect, emit, id, type ProbedWorld, recorded, run, serveProbed } from '../replay/world.js';

const shop = recorded('shop', {
  alice: [
    connect(),
    emit('join', ['shop'], { ack: [{ ok: true }] }),
    emit('buy', [{ what: 'ink', count: 2 }, new Uint8Array([1, 2, 3])], {
      ack: [{ ok: true, id: id('order1') }],
      pushes: [{ to: 'bob', event: 'bought', args: [{ id: id('order1'), what: 'ink' }] }],
      changes: [{ insert: 'purchase', row: { id: id('order1'), what: 'ink', count: 2 } }],
    }),
  ],
  bob: [connect(), emit('join', ['shop'], { ack: [{ ok: true }] }), emit('look')],
});
shop.recording.sessions[0] = {
  ...shop.recording.sessions[0],
  times: [
    [0, 1],
    [10, 1],
    [50, 9],
  ],
} as never;
shop.recording.sessions[1] = {
  ...shop.recording.sessions[1],
  times: [
    [1, 1],
    [20, 1],
    [30, 1],
  ],
} as never;

let world: ProbedWorld;
beforeAll(async () => {
  world = await serveProbed('CREATE TABLE purchase (id INTEGER PRIMARY KEY, what TEXT, count INTEGER)', (io, db) => {
    io.on('connection', (socket) => {
      socket.on('join', (room: string, ack: (answer: unknown) => void) => {
        void socket.join(room);
        ack({ ok: true });
      });
      socket.on('look', () => {});
      socket.on('buy', ({ what, count }: { what: string; count: number }, _bytes: Buffer, ack: (answer: unknown) => void) => {
        const { lastInsertRowid } = db.prepare('INSERT INTO purchase (what, count) VALUES (?, ?)').run(what, count);
        socket.to('shop').emit('bought', { id: Number(lastInsertRowid), what });
        ack({ ok: true, id: Number(lastInsertRowid) });
      });
    });
  });
});
afterAll(() => world.close());

const about: Omit<BeginRecord, 'copies' | 'clients' | 'iteration'> = {
  type: 'begin',
  version: 1,
  run: 'r',
  test: { title: 'shop', project: 'regression', file: 'a.ts', line: 1 },
  kind: 'regression',
  target: 'http://127.0.0.1:1',
  at: 0,
  level: 'exact',
  speed: 'fast',
  ackTimeout: 400,
  probe: true,
  rows: 'probe',
  measures: ['acks', 'pushes', 'changes'],
  notMeasured: [],
  recordings: [recordedOf(shop)],
};

/** A real replay, and its journal as the fixture writes it. */
async function replayed(copies: number, observe = false, begin: Partial<BeginRecord> = {}): Promise<ReplayResult> {
  const { summary, records } = await run(world, shop, { copies, observe });
  that(summary.verdict).toBe('finished');
  return journalOf(copies, records, { ...(observe && { observe: true }), ...begin });
}

async function journalOf(copies: number, records: JournalRecord[], begin: Partial<BeginRecord> = {}): Promise<ReplayResult> {
  const file = join(temporary('expect'), 'journal.ndjson');
  const journal = openJournal(file);
  journal.write({ ...about, iteration: copies > 1 ? copies : 0, copies, clients: copies * 2, ...begin });
  for (const record of records) journal.write(record);
  await journal.close();
  return { verdict: 'finished', outcomes: {} as ReplayResult['outcomes'], clients: copies * 2, journal: file };
}

/** What an assertion says when it fails. */
function said(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message.replace(/\u001b\[\d+m/g, '');
  }
  return 'nothing';
}

describe('of a replay alone', () => {
  let result: ReplayResult;
  beforeAll(async () => {
    result = await replayed(1);
  });

  it('toHaveTrace finds a part of it', () => {
    expect(result).toHaveTrace({ session: 'alice', emit: 'buy' });
    expect(result).toHaveTrace({ emit: 'buy', args: [{ what: 'ink' }, Buffer.from([1, 2, 3])], ack: [{ id: expect.any(Number) }] });
    expect(result).toHaveTrace({ session: 'bob', connect: { namespace: '/' }, outcome: 'passed' });
    expect(result).not.toHaveTrace({ session: 'bob', emit: 'buy' });
    expect(result).not.toHaveTrace({ emit: 'buy', args: [{ what: 'paper' }, expect.anything()] });
    expect(result).not.toHaveTrace({ emit: 'buy', args: [{ what: 'ink' }] });
    expect(result).not.toHaveTrace({ emit: 'buy', args: [{ what: 'ink' }, Buffer.from([1, 2, 4])] });
    expect(result).not.toHaveTrace({ emit: 'buy', ack: [{ id: '1' }] });
  });

  it('toHaveTrace says what is nearest, and what it found', () => {
    that(said(() => expect(result).toHaveTrace({ session: 'alice', emit: 'buy', args: [{ what: 'paper', count: 2 }, expect.anything()] }))).toBe(
      `expect(result).toHaveTrace({ session: "alice", emit: "buy", args: [{ what: "paper", count: 2 }, Anything] })

None of 6 traces fits. The nearest:
  shop/alice/2 buy
      args[0].what is "ink", wanted "paper"`,
    );
    that(said(() => expect(result).not.toHaveTrace({ emit: 'join' }))).toBe(
      'expect(result).not.toHaveTrace({ emit: "join" })\n\n2 of 6 traces fit:\n  shop/alice/1 join\n  shop/bob/1 join',
    );
    that(said(() => expect(result).toHaveTrace({ emit: 'joi' }))).toBe(
      `expect(result).toHaveTrace({ emit: "joi" })

None of 6 traces fits. The nearest:
  shop/alice/1 join
      emit is "join", wanted "joi"
  shop/bob/1 join
      emit is "join", wanted "joi"`,
    );
    that(said(() => expect(result).toHaveTrace({}))).toContain('toHaveTrace({}) says nothing of the trace');
  });

  it('toHaveChange finds a part of it, and says what is nearest', () => {
    expect(result).toHaveChange({ insert: 'purchase', row: { what: 'ink' } });
    expect(result).toHaveChange({ insert: 'purchase', row: { id: expect.any(Number), count: 2 } });
    expect(result).toHaveChange({ insert: 'purchase' });
    expect(result).not.toHaveChange({ insert: 'purchase', row: { what: 'paper' } });
    expect(result).not.toHaveChange({ delete: 'purchase' });
    that(said(() => expect(result).toHaveChange({ insert: 'purchase', row: { what: 'paper', size: null } }))).toMatch(
      /^expect\(result\)\.toHaveChange\(\{ insert: "purchase", row: \{ what: "paper", size: null \} \}\)\n\nNone of 1 changes fits\. The nearest:\n {2}shop\/alice\/2: \{ insert: "purchase", row: \{ id: \d+, what: "ink", count: 2 \} \}\n {6}row\.what is "ink", wanted "paper"\n {6}row\.size is nothing, wanted null$/,
    );
    that(said(() => expect(result).not.toHaveChange({ insert: 'purchase' }))).toContain('1 of 1 changes fit:\n  shop/alice/2: { insert: "purchase"');
  });

  it('toHaveReceived finds who received it, and says who received what', () => {
    expect(result).toHaveReceived('bob', 'bought');
    expect(result).toHaveReceived('bob', 'bought', [{ what: expect.stringContaining('in') }]);
    expect(result).not.toHaveReceived('alice', 'bought');
    expect(result).not.toHaveReceived('bob', 'bought', [{ what: 'paper' }]);
    that(said(() => expect(result).toHaveReceived('bob', 'bought', [{ what: expect.stringContaining('paper') }]))).toMatch(
      /^expect\(result\)\.toHaveReceived\("bob", "bought", \[\{ what: StringContaining "paper" \}\]\)\n\nNone of 1 pushes fits\. The nearest:\n {2}bob received bought \[\{ id: \d+, what: "ink" \}\] \(shop\/alice\/2\)\n {6}args\[0\]\.what is "ink", wanted StringContaining "paper"$/,
    );
    that(said(() => expect(result).toHaveReceived('alice', 'bought'))).toContain('None of 1 pushes fits. The nearest:\n  bob received bought');
    that(said(() => expect(result).not.toHaveReceived('bob', 'bought'))).toContain('1 of 1 pushes fit:\n  bob received bought');
  });

  it('toAckWithin takes all events, or those that are meant', () => {
    expect(result).toAckWithin(10_000);
    expect(result).toAckWithin(10_000, { session: 'alice', emit: 'buy' });
    expect(result).not.toAckWithin(0);
    that(said(() => expect(result).toAckWithin(0, { emit: 'join' }))).toMatch(
      /^expect\(result\)\.toAckWithin\(0, \{ emit: "join" \}\)\n\n2 of 2 acknowledgements took longer\. The slowest:\n {2}shop\/(alice|bob)\/1 join: [\d.]+ ms\n {2}shop\/(alice|bob)\/1 join: [\d.]+ ms$/,
    );
    that(said(() => expect(result).not.toAckWithin(10_000))).toContain('All of 3 acknowledgements came in time. The slowest:');
    for (const none of [() => expect(result).toAckWithin(10_000, { emit: 'look' }), () => expect(result).not.toAckWithin(1, { emit: 'look' })])
      that(said(none)).toContain('REPLAY_NOT_OBSERVED: nothing like { emit: "look" } was acknowledged');
  });

  it('a session that is not there fails, also with not', () => {
    const all = [
      () => expect(result).toHaveReceived('bbo', 'bought'),
      () => expect(result).not.toHaveReceived('bbo', 'bought'),
      () => expect(result).not.toHaveTrace({ session: 'bbo', emit: 'join' }),
      () => expect(result).not.toAckWithin(1, { session: 'bbo' }),
    ];
    for (const one of all) that(said(one)).toContain('REPLAY_SESSION_NOT_FOUND: no recording of this replay has a session bbo\n    Sessions: alice, bob');
  });

  it('what is no result fails, also with not', () => {
    that(said(() => expect({} as ReplayResult).not.toHaveTrace({ emit: 'x' }))).toContain('REPLAY_USAGE: expect(…).not: this is no result of a replay');
  });
});

describe('of several copies', () => {
  it('needs `observe` for values', async () => {
    const result = await replayed(2);
    expect(result).toHaveTrace({ emit: 'buy', copy: 1 });
    expect(result).not.toHaveTrace({ emit: 'sell', args: [1] });
    expect(result).toAckWithin(10_000, { emit: 'buy', copy: 1 });
    for (const values of [
      () => expect(result).toHaveTrace({ emit: 'buy', args: [{}, expect.anything()] }),
      () => expect(result).toHaveChange({ insert: 'purchase' }),
      () => expect(result).not.toHaveChange({ insert: 'other' }),
      () => expect(result).toHaveReceived('bob', 'bought'),
      () => expect(result).not.toHaveReceived('alice', 'bought'),
    ])
      that(said(values)).toContain('REPLAY_NOT_OBSERVED: of 2 copies the values of traces that passed are not kept\n    Let the replay keep everything');
  });

  it('has everything with it, also what other copies caused', async () => {
    const result = await replayed(2, true);
    expect(result).toHaveTrace({ emit: 'buy', copy: 1, args: [{ what: 'ink' }, expect.anything()] });
    expect(result).toHaveChange({ insert: 'purchase', row: { what: 'ink' } });
    expect(result).toHaveReceived('bob', 'bought', [{ what: 'ink' }]);
    // Each alice has left out herself, not her twin.
    expect(result).toHaveReceived('alice', 'bought');
    that(said(() => expect(result).not.toHaveReceived('bob', 'bought'))).toContain('4 of 6 pushes fit:');
  });
});

describe('what is not known', () => {
  const end: JournalRecord = { type: 'end', verdict: 'finished', took: 1, foreign: 0, unattributed: { pushes: 2, changes: 1 }, eventLoopDelay: 0, errors: [] };
  const note = (detail: object): JournalRecord => ({ type: 'note', level: 'info', code: 'UNATTRIBUTED', message: 'x', detail: detail as never });

  it('pushes without a cause are found as far as they are noted, and never taken for none', async () => {
    const result = await journalOf(1, [note({ to: 'bob', event: 'tick', args: [1], cause: null }), end]);
    expect(result).toHaveReceived('bob', 'tick', [1]);
    that(said(() => expect(result).not.toHaveReceived('bob', 'tick'))).toContain('1 of 1 pushes fit:\n  bob received tick [1] (without a proven cause)');
    for (const one of [() => expect(result).not.toHaveReceived('alice', 'tick'), () => expect(result).toHaveReceived('alice', 'tick')])
      that(said(one)).toContain('REPLAY_NOT_OBSERVED: 1 push came without a proven cause, and their values are not kept');
  });

  it('changes without a cause are never taken for none', async () => {
    const result = await journalOf(1, [note({ insert: 'log', key: {}, cause: null }), end]);
    that(said(() => expect(result).not.toHaveChange({ insert: 'log', row: { text: 'x' } }))).toContain(
      'REPLAY_NOT_OBSERVED: 1 change came without a proven cause',
    );
    expect(result).not.toHaveChange({ insert: 'order' });
    that(said(() => expect(result).toHaveChange({ insert: 'log' }))).toContain('There are no changes.\n1 change without a proven cause are not looked at.');
  });

  it('what is not measured fails, also with not', async () => {
    const blind = await journalOf(1, [], { rows: 'not measured', measures: ['acks'] });
    that(said(() => expect(blind).not.toHaveChange({ insert: 'log' }))).toContain('REPLAY_NOT_OBSERVED: row changes are not measured');
    that(said(() => expect(blind).not.toHaveReceived('alice', 'x'))).toContain('REPLAY_NOT_OBSERVED: pushes are not measured');
    const counted = await journalOf(2, [], { rows: 'iteration' });
    that(said(() => expect(counted).not.toHaveChange({ insert: 'log' }))).toContain('the rows of several copies are only counted');
  });

  it('of a trace that was written twice the last record counts', async () => {
    const trace = {
      type: 'trace',
      recording: 'shop',
      session: 'alice',
      trace: 1,
      copy: 0,
      outcome: 'passed',
      start: 1,
      compared: { value: 0, type: 0, ignored: 0 },
    } as const;
    const result = await journalOf(1, [
      { ...trace, latency: 900, observed: { emit: 'join', pushes: [{ to: 'bob', event: 'old', args: [] }] } },
      { ...trace, latency: 10, observed: { emit: 'join' } },
    ]);
    expect(result).toAckWithin(100);
    expect(result).not.toHaveReceived('bob', 'old');
  });
});

it('does not compile where it is wrong', () => {
  that(wrong).toBeTypeOf('function');
});

/** Never called. */
function wrong(result: ReplayResult): void {
  // @ts-expect-error not about numbers
  expect(5).toHaveTrace({ emit: 'x' });
  // @ts-expect-error no such key
  expect(result).toHaveTrace({ event: 'x' });
  // @ts-expect-error no such outcome
  expect(result).toHaveTrace({ outcome: 'good' });
  // @ts-expect-error an insert has no key
  expect(result).toHaveChange({ insert: 'note', key: { id: 1 } });
  // @ts-expect-error one of insert, update, delete
  expect(result).toHaveChange({ row: { id: 1 } });
  // @ts-expect-error exactly one of them
  expect(result).toHaveChange({ insert: 'note', update: 'note' });
  // @ts-expect-error which event
  expect(result).toHaveReceived('bob');
  // @ts-expect-error arguments are a list
  expect(result).not.toHaveReceived('bob', 'x', { text: 'x' });
  // @ts-expect-error milliseconds
  expect(result).toAckWithin('500 ms');
  // @ts-expect-error no such key
  expect(result).toAckWithin(500, { event: 'x' });
}
