import { describe, expect, test } from 'vitest';
import { buildRecording, isEmpty } from '../../src/capture/build.js';
import type { Captured, SourceEvent } from '../../src/capture/source.js';
import { type Recording, recordingSchema } from '../../src/recording/schema.js';
import { FENCE_EVENT } from '../../src/wire/messages.js';
import { ack, answer, captured, change, connect, connectedBefore, disconnect, emit, http, push, uncaptured } from './events.js';

const build = (events: SourceEvent[], more?: Partial<Captured>) => {
  const built = buildRecording(captured(events, more));
  recordingSchema.parse(built.recording);
  return built;
};
const session = (recording: Recording, id: string) => {
  const found = recording.sessions.find((candidate) => candidate.id === id);
  if (!found) throw new Error(`no session ${id} among ${recording.sessions.map((other) => other.id)}`);
  return found;
};
const only = (events: SourceEvent[], more?: Partial<Captured>) => {
  const [first] = build(events, more).recording.sessions;
  if (!first) throw new Error('no session');
  return first;
};

describe('traces', () => {
  test('a session is connect, emits in order, disconnect', () => {
    const built = build([
      connect('alice', { handshake: { auth: { token: 't' }, query: { EIO: '4', transport: 'polling', t: 'x', sid: 'y', b64: '1', room: '7' } } }),
      emit('alice', 1, 'open', { args: [{ id: 7 }, null, ''], asks: true }),
      ack('alice', 1, [{ ok: true }, 0]),
      emit('alice', 2, 'ping'),
      disconnect('alice', 'client namespace disconnect'),
    ]);
    expect(session(built.recording, 'alice')).toEqual({
      id: 'alice',
      user: 'alice',
      times: [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      traces: [
        { connect: { namespace: '/', auth: { token: 't' }, query: { room: '7' } } },
        { emit: 'open', args: [{ id: 7 }, null, ''], ack: [{ ok: true }, 0] },
        { emit: 'ping' },
        { disconnect: 'client namespace disconnect' },
      ],
    });
    expect(built.recording).toMatchObject({ version: 1, name: 'test', status: 'finished', recorded: { source: 'probe', app: 'app' } });
    expect(built.evidence.sockets).toEqual({ alice: 'alice' });
  });

  test('the three states of an acknowledgement', () => {
    const { traces } = only([connect('a'), emit('a', 1, 'none'), emit('a', 2, 'empty', { asks: true }), ack('a', 2), emit('a', 3, 'never', { asks: true })]);
    expect(traces.slice(1)).toEqual([{ emit: 'none' }, { emit: 'empty', ack: [] }, { emit: 'never', ack: 'never' }]);
  });

  test('a connection of before is marked, and its earlier emits are no traces', () => {
    const built = build([connectedBefore('a'), ack('a', 3, [1]), emit('a', 4, 'x'), change('a:2', 'delete', 't', { id: 1 })]);
    expect(built.recording.sessions[0]?.traces).toEqual([{ connect: { namespace: '/', before: true } }, { emit: 'x' }]);
    expect(built.dropped.earlier).toBe(2);
    expect(built.recording.unattributed).toBeUndefined();
  });

  test('the fence never appears, nor its acknowledgement', () => {
    const built = build([connect('a'), emit('a', 1, FENCE_EVENT, { asks: true }), ack('a', 1), emit('a', 2, 'x')]);
    expect(built.recording.sessions[0]?.traces.map((trace) => trace.emit)).toEqual([undefined, 'x']);
    expect(built.dropped).toMatchObject({ reserved: 2, earlier: 0 });
  });

  test('a recovered connection with the same socket id begins a new session, with effects of its own', () => {
    const { recording } = build([
      connect('s', { user: 'alice' }),
      emit('s', 1, 'first', { asks: true }),
      ack('s', 1, ['one']),
      disconnect('s', 'transport close'),
      connect('s', { user: 'alice' }),
      emit('s', 1, 'second', { asks: true }),
      ack('s', 1, ['two']),
    ]);
    expect(session(recording, 'alice').traces[1]).toEqual({ emit: 'first', ack: ['one'] });
    expect(session(recording, 'alice-2').traces[1]).toEqual({ emit: 'second', ack: ['two'] });
  });
});

describe('sessions', () => {
  test.each([
    ['two of one user', ['alice', 'alice'], {}, ['alice', 'alice-2']],
    ['nobody logged in', [null, null], {}, ['anonymous', 'anonymous-2']],
    ['a clash with a user of that name', ['alice', 'alice-2', 'alice'], {}, ['alice', 'alice-2', 'alice-3']],
    ['what is no id is made one', ['_Ünal.x', '', '7', '--'], {}, ['nal.x', 'anonymous', 'user-7', 'user']],
    ['people are not named', ['ann@x.org', 'Bob Li', 'ann@x.org'], {}, ['user1', 'user2', 'user1-2']],
    ['unless somebody chose the name', ['ann@x.org', 'Bob Li'], { 'ann@x.org': 'ann' }, ['ann', 'user1']],
    ['aliases by socket and by user', ['7', '7', null], { s1: 'bob', 7: 'alice', s2: 'carol' }, ['alice', 'bob', 'carol']],
  ])('%s', (_, users, aliases, ids) => {
    const { recording } = build(
      users.map((user, i) => connect(`s${i}`, { user })),
      { aliases },
    );
    expect(recording.sessions.map(({ id }) => id)).toEqual(ids);
  });

  test('the user is the alias, absent when not logged in', () => {
    const { recording } = build([connect('s0', { user: '7' }), connect('s1', { user: null })], { aliases: { 7: 'alice' } });
    expect(recording.sessions.map(({ user }) => user)).toEqual(['alice', undefined]);
    expect(recording.sessions[1]).not.toHaveProperty('user');
  });
});

describe('pushes', () => {
  test('one entry per event and arguments, receivers in the order of the sessions', () => {
    const [first] = build([
      connect('alice'),
      connect('bob'),
      emit('alice', 1, 'save'),
      push(1, 'alice:1', 'changed', ['bob', 'alice'], { args: [1] }),
      push(2, 'alice:1~', 'later', ['bob']),
      push(3, 'alice:1', 'changed', ['bob'], { args: [2] }),
    ]).recording.sessions;
    expect(first?.traces[1]?.pushes).toEqual([
      { to: ['alice', 'bob'], event: 'changed', args: [1] },
      { to: 'bob', event: 'later' },
      { to: 'bob', event: 'changed', args: [2] },
    ]);
  });

  test('separate emissions of the same to several are one entry; twice to one are two', () => {
    const [first] = build([connect('a'), connect('b'), emit('a', 1, 'x'), push(1, 'a:1', 'p', ['a']), push(2, 'a:1', 'p', ['b']), push(3, 'a:1', 'p', ['a'])])
      .recording.sessions;
    expect(first?.traces[1]?.pushes).toEqual([
      { to: ['a', 'b'], event: 'p' },
      { to: 'a', event: 'p' },
    ]);
  });

  test('who a broadcast left out is written, also where it reached nobody of the recording', () => {
    const [first] = build([
      connect('a'),
      connect('b'),
      emit('a', 1, 'x'),
      push(1, 'a:1', 'moved', ['b'], { except: ['a'] }),
      emit('a', 2, 'y'),
      push(2, 'a:2', 'typing', [], { except: ['a'], args: [1] }),
      push(3, 'a:2', 'typing', [], { except: ['a'], args: [2] }),
      push(4, 'a:2', 'elsewhere', [], { except: ['stranger'] }),
    ]).recording.sessions;
    expect(first?.traces[1]?.pushes).toEqual([{ to: 'b', event: 'moved', except: 'a' }]);
    expect(first?.traces[2]?.pushes).toEqual([{ to: [], event: 'typing', except: 'a' }]);
  });

  test('whom a broadcast left out that reached nobody is not written where others received the event without a cause', () => {
    const [first, second] = build([
      connect('a'),
      connect('b'),
      emit('a', 1, 'x'),
      push(1, 'a:1', 'typing', [], { except: ['a'] }),
      push(2, null, 'typing', ['b']),
      push(3, 'a:1', 'moved', [], { except: ['a'] }),
      push(4, 'a:1', 'left', ['b'], { except: ['a'] }),
      emit('a', 2, 'y'),
      push(5, 'a:2', 'left', [], { except: ['a'] }),
      push(6, null, 'left', ['b']),
    ]).recording.sessions;
    expect(first?.traces[1]?.pushes).toEqual([
      { to: [], event: 'moved', except: 'a' },
      { to: 'b', event: 'left', except: 'a' },
    ]);
    expect(first?.traces[2]?.pushes).toEqual([{ to: [], event: 'left', except: 'a' }]);
    expect(second?.received?.map(({ event }) => event)).toEqual(['typing', 'left']);
  });

  test('times are whole milliseconds, but hundredths where two sessions share one', () => {
    const { sessions } = build([
      connect('a', { at: 1000 }),
      connect('b', { at: 1007.123 }),
      emit('a', 1, 'x', { at: 1007.456, asks: true }),
      ack('a', 1, [], 1009.9),
      emit('b', 1, 'y', { at: 1020.5 }),
    ]).recording;
    expect(sessions.map((one) => one.times)).toEqual([
      [
        [0, 0],
        [7.45, 1.55],
      ],
      [
        [7.12, 0],
        [20, 0],
      ],
    ]);
  });

  test('joining entries never changes the order at a receiver', () => {
    const [first] = build([
      connect('a'),
      connect('b'),
      emit('a', 1, 'x'),
      push(1, 'a:1', 'one', ['a']),
      push(2, 'a:1', 'two', ['a', 'b']),
      push(3, 'a:1', 'one', ['b']),
    ]).recording.sessions;
    expect(first?.traces[1]?.pushes).toEqual([
      { to: 'a', event: 'one' },
      { to: ['a', 'b'], event: 'two' },
      { to: 'b', event: 'one' },
    ]);
  });

  test('answers of clients stand with their push; different ones apart', () => {
    const [first] = build([
      connect('a'),
      connect('b'),
      connect('c'),
      emit('a', 1, 'x'),
      push(5, 'a:1', 'ask', ['a', 'b', 'c'], { asks: true }),
      answer(5, 'a', ['yes']),
      answer(5, 'b', []),
      answer(9, 'b', ['to a push from before']),
    ]).recording.sessions;
    expect(first?.traces[1]?.pushes).toEqual([
      { to: 'a', event: 'ask', answer: ['yes'] },
      { to: 'b', event: 'ask', answer: [] },
      { to: 'c', event: 'ask' },
    ]);
  });

  test('what has no cause among the traces is received, after the trace it came after', () => {
    const { recording } = build([
      connect('alice'),
      push(1, null, 'tick', ['alice']),
      emit('alice', 1, 'x'),
      push(2, 'http:1', 'tick', ['alice', 'bob'], { args: [2] }),
      push(3, 'mallory:4', 'tick', ['alice']),
      push(4, 'alice:1', 'elsewhere', ['mallory']),
      emit('mallory', 4, 'not captured'),
    ]);
    expect(session(recording, 'alice').received).toEqual([
      { after: 0, event: 'tick' },
      { after: 1, event: 'tick', args: [2] },
      { after: 1, event: 'tick' },
    ]);
    expect(session(recording, 'alice').traces[1]).toEqual({ emit: 'x' });
  });

  test('an effect that is told before its cause is still found', () => {
    const { traces } = only([connect('a'), change('a:x', 'delete', 't', { id: 1 }), disconnect('a')]);
    expect(traces[1]).toEqual({ disconnect: 'transport close', changes: [{ delete: 't', key: { id: 1 } }] });
  });
});

describe('changes', () => {
  test('insert has every column, update the changed ones, delete the key', () => {
    const { traces } = only([
      connect('a'),
      emit('a', 1, 'x'),
      change('a:1', 'insert', 't', { id: 1 }, { after: { id: 1, text: null, at: 0 } }),
      change('a:1', 'update', 't', { id: 1 }, { before: { id: 1, text: null, at: 0 }, after: { id: 1, text: '', at: 0 } }),
      change('a:1', 'update', 't', { id: 1 }, { before: { id: 1 }, after: { id: 1 } }),
      change('a:1', 'delete', 't', { id: 1 }, { before: { id: 1 } }),
    ]);
    expect(traces[1]?.changes).toEqual([
      { insert: 't', row: { id: 1, text: null, at: 0 } },
      { update: 't', key: { id: 1 }, set: { text: '' }, was: { id: 1, text: null, at: 0 } },
      { update: 't', key: { id: 1 }, set: {}, was: { id: 1 } },
      { delete: 't', key: { id: 1 }, was: { id: 1 } },
    ]);
  });

  test('without a cause or of a request: unattributed; of a connection that is not captured: left out and counted', () => {
    const built = build([
      connect('a'),
      emit('a', 1, 'x'),
      change(null, 'delete', 't', { id: 1 }),
      change('http:3', 'delete', 't', { id: 2 }),
      change('b:1', 'delete', 't', { id: 3 }),
    ]);
    expect(built.recording.unattributed?.map(({ key }) => key)).toEqual([{ id: 1 }, { id: 2 }]);
    expect(built.dropped.uncaptured).toBe(1);
  });
});

describe('times', () => {
  test('since the first captured event; a trace lasts until its last effect', () => {
    const built = build([
      connectedBefore('a', { at: 1 }),
      emit('a', 1, 'x', { asks: true, at: 1000.9 }),
      ack('a', 1, [], 1010.2),
      push(1, 'a:1~', 'p', ['a'], { at: 1030.95 }),
      change('a:1', 'delete', 't', {}, { at: 1020 }),
      emit('a', 2, 'y', { at: 1040.4 }),
      disconnect('a', 'transport close', 1050),
    ]);
    expect(built.recording.sessions[0]?.times).toEqual([
      [0, 0],
      [0, 30],
      [39, 0],
      [49, 0],
    ]);
    expect(built.recording.recorded?.took).toBe(49);
    expect(built.evidence.startedAt).toBe(1000.9);
  });

  test('when it was answered, where the client went on then and other effects came later', () => {
    const flow = (next: number) =>
      only([
        connect('a', { at: 1000 }),
        emit('a', 1, 'x', { asks: true, at: 1010 }),
        ack('a', 1, [], 1025),
        emit('a', 2, 'y', { at: next }),
        change('a:1', 'insert', 'log', {}, { after: {}, at: 1060 }),
      ]).times?.[1];
    expect(flow(1030)).toEqual([10, 50, 15]);
    expect(flow(1020)).toEqual([10, 50]);
    expect(flow(1070)).toEqual([10, 50]);
  });

  test('what was not captured does not count', () => {
    const built = build([uncaptured('b', { at: 5 }), ack('a', 9, [], 7), connect('a', { at: 10 }), emit('a', 1, 'x', { at: 12 })]);
    expect(built.recording.sessions[0]?.times).toEqual([
      [0, 0],
      [2, 0],
    ]);
  });
});

describe('requests', () => {
  const exchange = { url: '/notes?id=7', headers: { 'content-type': 'application/json' }, body: { text: 'x' }, status: 201, answer: { id: 1 } };
  test('are traces of their session, with what they caused', () => {
    const { recording } = build([
      connect('a', { at: 1000 }),
      http('a', 'http:4', { ...exchange, at: 1010, end: 1015 }),
      push(1, 'http:4', 'noteAdded', ['a'], { at: 1012 }),
      change('http:4', 'insert', 'note', { id: 1 }, { after: { id: 1 }, at: 1013 }),
      emit('a', 1, 'x', { at: 1030 }),
    ]);
    expect(session(recording, 'a').traces[1]).toEqual({
      http: { method: 'POST', ...exchange },
      pushes: [{ to: 'a', event: 'noteAdded' }],
      changes: [{ insert: 'note', row: { id: 1 } }],
    });
    expect(session(recording, 'a').times?.[1]).toEqual([10, 5]);
  });

  test('stand where they began, in front of what their client did before the answer', () => {
    const { recording } = build([
      connect('a', { at: 1000 }),
      change('http:1', 'insert', 'note', { id: 1 }, { after: { id: 1 }, at: 1012 }),
      push(1, 'http:1', 'noteAdded', ['a'], { at: 1013 }),
      push(2, null, 'tick', ['a'], { at: 1014 }),
      emit('a', 1, 'seen', { at: 1015 }),
      disconnect('a', 'transport close', 1016),
      http('a', 'http:1', { ...exchange, at: 1010, end: 1020 }),
    ]);
    const { traces, received, times } = session(recording, 'a');
    expect(traces.map(({ http: request, emit: event }) => request?.url ?? event)).toEqual([undefined, exchange.url, 'seen', undefined]);
    expect(traces[1]).toMatchObject({ pushes: [{ event: 'noteAdded' }], changes: [{ insert: 'note' }] });
    expect(received).toEqual([{ after: 1, event: 'tick' }]);
    expect(times?.slice(1)).toEqual([
      [10, 10],
      [15, 0],
      [16, 0],
    ]);
  });

  test('of nobody, or of somebody who is not connected yet, are counted', () => {
    const { recording, dropped } = build([http('a', 'http:1'), connect('a'), http(null, 'http:2')]);
    expect(session(recording, 'a').traces).toHaveLength(1);
    expect(dropped.unclaimed).toBe(2);
  });
});

describe('status', () => {
  const flow = (reason: string) => [connect('a'), emit('a', 1, 'x'), disconnect('a', reason)];
  test.each([
    ['a closed tab', 'transport close', 'finished', undefined],
    ['a client that leaves', 'client namespace disconnect', 'finished', undefined],
    ['a lost connection', 'ping timeout', 'disconnected', 'a: ping timeout'],
    ['a broken connection', 'transport error', 'disconnected', 'a: transport error'],
  ])('%s', (_, reason, status, statusReason) => {
    const { recording } = build(flow(reason));
    expect([recording.status, recording.statusReason]).toEqual([status, statusReason]);
    expect(recording.sessions[0]?.status).toBe(status === 'finished' ? undefined : 'disconnected');
  });

  test('worst wins', () => {
    const status = (reason: string, end: Captured['end']) => build(flow(reason), { end }).recording.status;
    expect(status('ping timeout', { status: 'truncated', reason: 'event_cap' })).toBe('disconnected');
    expect(status('ping timeout', { status: 'interrupted' })).toBe('interrupted');
    expect(status('transport close', { status: 'truncated', reason: 'event_cap' })).toBe('truncated');
  });

  test('lost events make it truncated', () => {
    const built = build([...flow('transport close'), { type: 'lost', count: 3 }]);
    expect(built.recording).toMatchObject({ status: 'truncated', statusReason: 'events_lost' });
    expect(built.lost).toBe(3);
  });
});

describe('what is not captured', () => {
  test('later connections are named', () => {
    const { recording } = build([connect('a'), uncaptured('s9', { user: 'bob', namespace: '/chat' }), uncaptured('s8', { user: null }), emit('s9', 1, 'x')]);
    expect(recording.uncaptured).toEqual(['bob on /chat', 'anonymous on /']);
  });

  test.each([
    ['nothing', [], true],
    ['a connection of before alone', [connectedBefore('a'), push(1, null, 'tick', ['a'])], true],
    ['a connect', [connect('a')], false],
    ['an emit of one of before', [connectedBefore('a'), emit('a', 9, 'x')], false],
  ])('empty: %s', (_, events, empty) => {
    expect(isEmpty(buildRecording(captured(events)).recording)).toBe(empty);
  });
});
