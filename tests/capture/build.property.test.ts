/** Nothing that was captured is lost without being counted, whatever the order of the events. */
import { expect, test } from 'vitest';
import { buildRecording } from '../../src/capture/build.js';
import type { SourceEvent } from '../../src/capture/source.js';
import { type Recording, receivers, recordingSchema } from '../../src/recording/schema.js';
import { FENCE_EVENT } from '../../src/wire/messages.js';
import fc from '../fast-check.js';
import { ack, answer, captured, change, connect, disconnect, emit, push } from './events.js';

const sids = ['a', 'b', 'c', 'd'];
const sid = fc.constantFrom(...sids);
const n = fc.integer({ min: 1, max: 6 });
const name = fc.constantFrom('x', 'y');
const cause = fc.oneof(
  fc.constant(null),
  fc.constant('http:1'),
  fc.tuple(sid, fc.constantFrom('0', '1', '2', '3', 'x'), fc.constantFrom('', '~')).map(([s, t, timer]) => `${s}:${t}${timer}`),
);
const at = fc.double({ min: 1000, max: 9000, noNaN: true });

const event: fc.Arbitrary<SourceEvent> = fc.oneof(
  fc.tuple(sid, n, fc.oneof(name, fc.constant(FENCE_EVENT)), fc.boolean(), at).map(([s, i, e, asks, time]) => emit(s, i, e, { asks, at: time })),
  fc.tuple(sid, n, at).map(([s, i, time]) => ack(s, i, [i], time)),
  fc.tuple(fc.nat(), cause, name, fc.subarray(sids), at).map(([i, c, e, to, time]) => push(i, c, e, to, { at: time })),
  fc.tuple(fc.nat(5), sid).map(([i, s]) => answer(i, s, [i])),
  fc.tuple(cause, fc.constantFrom('insert', 'update', 'delete'), at).map(([c, op, time]) => change(c, op, 't', { id: 1 }, { at: time })),
  sid.map((s) => disconnect(s)),
  sid.map((s) => connect(s)),
);

/** Emits of one number once, as the server counts; acknowledgements, pushes and answers once. */
const unique = (events: SourceEvent[]): SourceEvent[] => {
  const seen = new Set<string>();
  let pushes = 0;
  return events.flatMap((one): SourceEvent[] => {
    const renumbered = one.type === 'push' ? { ...one, push: pushes++ } : one;
    const key =
      renumbered.type === 'emit' || renumbered.type === 'ack'
        ? `${renumbered.type}:${renumbered.sid}:${renumbered.n}`
        : renumbered.type === 'answer'
          ? `answer:${renumbered.sid}:${renumbered.push}`
          : undefined;
    if (key !== undefined && seen.has(key)) return [];
    if (key !== undefined) seen.add(key);
    return [renumbered];
  });
};

const contents = ({ sessions, unattributed }: Recording) => {
  const traces = sessions.flatMap((session) => session.traces);
  const pushes = [
    ...traces.flatMap((trace) => (trace.pushes ?? []).flatMap((entry) => receivers(entry).map(() => entry))),
    ...sessions.flatMap((session) => session.received ?? []),
  ];
  return {
    emits: traces.filter((trace) => trace.emit !== undefined).length,
    acks: traces.filter((trace) => Array.isArray(trace.ack)).length,
    disconnects: traces.filter((trace) => trace.disconnect !== undefined).length,
    deliveries: pushes.length,
    answers: pushes.filter((entry) => entry.answer).length,
    changes: traces.reduce((sum, trace) => sum + (trace.changes?.length ?? 0), 0) + (unattributed?.length ?? 0),
  };
};

test('every event appears exactly once or is counted as dropped', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }).map(unique), fc.oneof(fc.constant('all' as const), fc.subarray(sids)), (events, sessions) => {
      const known = new Set(
        events.flatMap((one) => (one.type === 'connect' && (sessions === 'all' || sessions.includes(one.socket.sid)) ? [one.socket.sid] : [])),
      );
      fc.pre(known.size > 0);
      const { recording, dropped } = buildRecording(
        captured(events.map((one) => (one.type === 'connect' && !known.has(one.socket.sid) ? { ...one, uncaptured: true as const } : one))),
      );
      recordingSchema.parse(recording);
      const has = contents(recording);
      const of = (type: SourceEvent['type']) => events.filter((one) => one.type === type).length;
      const pushes = events.filter((one) => one.type === 'push');
      const delivered = pushes.filter(({ to }) => to.some((receiver) => known.has(receiver)));
      // a push to several receivers is one event and several deliveries
      expect(has.deliveries).toBe(pushes.reduce((sum, { to }) => sum + to.filter((receiver) => known.has(receiver)).length, 0));
      const kept = has.emits + has.acks + has.disconnects + has.answers + has.changes + delivered.length;
      const all = of('emit') + of('ack') + of('disconnect') + of('answer') + of('change') + of('push');
      expect(kept + dropped.uncaptured + dropped.earlier + dropped.reserved).toBe(all);
      for (const session of recording.sessions) {
        expect(session.times).toHaveLength(session.traces.length);
        for (const [start, duration] of session.times ?? []) expect(start >= 0 && duration >= 0).toBe(true);
        const afters = session.received?.map(({ after }) => after) ?? [];
        expect(afters).toEqual([...afters].sort((a, b) => a - b));
        for (const after of afters) expect(after).toBeLessThan(session.traces.length);
      }
    }),
    { numRuns: 500 },
  );
});

test('the order at each receiver is that of the emissions', () => {
  const emission = fc.record({ event: fc.constantFrom('x', 'y', 'z'), to: fc.subarray(['a', 'b', 'c'], { minLength: 1 }) });
  fc.assert(
    fc.property(fc.array(emission, { maxLength: 20 }), (emissions) => {
      const events = [connect('a'), connect('b'), connect('c'), emit('a', 1, 'go'), ...emissions.map(({ event: e, to }, i) => push(i, 'a:1', e, to))];
      const entries = buildRecording(captured(events)).recording.sessions[0]?.traces[1]?.pushes ?? [];
      for (const receiver of ['a', 'b', 'c'])
        expect(entries.filter((entry) => receivers(entry).includes(receiver)).map((entry) => entry.event)).toEqual(
          emissions.filter(({ to }) => to.includes(receiver)).map((one) => one.event),
        );
    }),
  );
});
