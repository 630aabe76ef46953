import { describe, expect, it } from 'vitest';
import type { Recording } from '../../src/recording/schema.js';
import { createGate, type OrderMode, orderOf, type Place } from '../../src/replay/order.js';
import fc from '../fast-check.js';
import { connect, emit, goodbye, recorded } from './world.js';

interface Drawn {
  gap: number;
  duration: number;
  kind: 'emit' | 'disabled' | 'independent';
}

const drawn = fc.record({
  gap: fc.integer({ min: 0, max: 3 }),
  duration: fc.integer({ min: 0, max: 4 }),
  kind: fc.constantFrom<Drawn['kind']>('emit', 'emit', 'emit', 'disabled', 'independent'),
});
const sessions = fc.array(fc.record({ traces: fc.array(drawn, { maxLength: 6 }), connects: fc.boolean(), leaves: fc.boolean() }), {
  minLength: 1,
  maxLength: 4,
});

function recordingOf(given: { traces: Drawn[]; connects: boolean; leaves: boolean }[]): Recording {
  return recorded(
    'drawn',
    Object.fromEntries(
      given.map(({ traces, connects, leaves }, s) => {
        let at = 0;
        const steps = [
          ...(connects ? [connect()] : []),
          ...traces.map(({ kind }) =>
            emit('x', [], { ...(kind === 'disabled' && { disabled: true as const }), ...(kind === 'independent' && { independent: true as const }) }),
          ),
          ...(leaves ? [goodbye()] : []),
        ];
        const times = steps.map((_, t): [number, number] => {
          at += traces[t]?.gap ?? 1;
          return [at, traces[t]?.duration ?? 0];
        });
        return [`s${s}`, { traces: steps, times }];
      }),
    ),
  ).recording;
}

/** Runs the gate: every session starts its traces one after another as the gate lets it; `pick` says which running trace settles next. */
async function simulate(
  recording: Recording,
  mode: OrderMode,
  picks: number[],
): Promise<{ events: { what: 'start' | 'settle'; session: number; trace: number }[]; total: number }> {
  const order = orderOf(recording, mode);
  const gate = createGate(order);
  const events: { what: 'start' | 'settle'; session: number; trace: number }[] = [];
  const running: { session: number; trace: number; place: Place }[] = [];
  for (const [session, places] of order.places.entries())
    void (async () => {
      for (const [trace, place] of places.entries()) {
        if (!place) continue;
        await gate.ready(place);
        events.push({ what: 'start', session, trace });
        running.push({ session, trace, place });
      }
    })();
  const total = order.places.flat().filter((place) => place !== undefined).length;
  for (let i = 0; ; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    const next = running.splice((picks[i % picks.length] ?? 0) % Math.max(1, running.length), 1)[0];
    if (!next) break;
    events.push({ what: 'settle', session: next.session, trace: next.trace });
    gate.settle(next.place);
  }
  return { events, total };
}

describe('the order within a copy', () => {
  it('starts no trace before all that had ended before it began have settled, keeps sessions in order, and never blocks', async () => {
    await fc.assert(
      fc.asyncProperty(
        sessions,
        fc.constantFrom<OrderMode>('recording', 'session'),
        fc.array(fc.nat(20), { minLength: 1, maxLength: 10 }),
        async (given, mode, picks) => {
          const recording = recordingOf(given);
          const { events, total } = await simulate(recording, mode, picks);
          expect(events.filter(({ what }) => what === 'settle')).toHaveLength(total);
          const at = (what: string, session: number, trace: number): number =>
            events.findIndex((event) => event.what === what && event.session === session && event.trace === trace);
          for (const { what, session, trace } of events) {
            const own = recording.sessions[session];
            if (what === 'settle' || !own || own.traces[trace]?.independent) continue;
            const [start] = own.times?.[trace] ?? [0];
            recording.sessions.forEach((other, s) => {
              if (mode === 'session' && s !== session) return;
              other.traces.forEach((step, t) => {
                const [began, lasted] = other.times?.[t] ?? [0, 0];
                const ended = began + lasted < start || (began < start && began + lasted === start);
                if (!step.disabled && ended) expect(at('settle', s, t)).toBeLessThan(at('start', session, trace));
              });
            });
          }
          for (let s = 0; s < recording.sessions.length; s++) {
            const starts = events.filter(({ what, session }) => what === 'start' && session === s).map(({ trace }) => trace);
            expect(starts).toEqual([...starts].sort((a, b) => a - b));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('marks connects before anything else as early, disconnects after everything else as final, whatever stands in the same millisecond', () => {
    fc.assert(
      fc.property(sessions, (given) => {
        const recording = recordingOf(given);
        const { places } = orderOf(recording);
        // Where connects keep their place none is made before the start, and nothing else changes.
        const inPlace = orderOf(recording, 'recording', true).places;
        expect(inPlace).toEqual(places.map((own) => own.map((place) => place && { ...place, early: false })));
        const all = recording.sessions.flatMap((session, s) => session.traces.flatMap((trace, t) => (places[s]?.[t] ? [{ trace, place: places[s][t] }] : [])));
        // What is made before the start waits only for what is made before the start; nothing else waits for what is made at the end.
        for (const { place } of all.filter(({ place }) => place.early))
          for (const other of all) if (other.place.end < place.after) expect(other.place.early).toBe(true);
        for (const { place } of all.filter(({ place }) => place.final))
          for (const other of all) if (other.place.after > place.end) expect(other.place.final).toBe(true);
        for (const { trace, place } of all) {
          if (place.early) expect(trace.connect).toBeDefined();
          if (place.final) expect(trace.disconnect).toBeDefined();
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has those who were there before the recording connect early, also where it begins at once', () => {
    const before = { connect: { namespace: '/', before: true as const } };
    const sessions = ['alice', 'bob'].map((id) => ({
      id,
      times: [
        [0, 0],
        [0, 1],
      ] as [number, number][],
      traces: [before, { emit: 'hello', args: [] }],
    }));
    const { places } = orderOf({ version: 1, name: 'attached', status: 'finished', sessions });
    expect(places.map(([connect, hello]) => [connect?.early, connect?.after, hello?.early, hello?.after])).toEqual([
      [true, 0, false, 2],
      [true, 1, false, 2],
    ]);
  });

  it('leaves overlapping traces free, and lets those that may go together go in recorded order', async () => {
    const { recording } = recorded('overlap', {
      late: { times: [[12, 8]], traces: [emit('c')] },
      alice: {
        times: [
          [0, 5],
          [10, 10],
        ],
        traces: [emit('a'), emit('b')],
      },
    });
    const { events } = await simulate(recording, 'recording', [0]);
    expect(events.slice(0, 4).map(({ what, session, trace }) => `${what} ${session}/${trace}`)).toEqual(['start 1/0', 'settle 1/0', 'start 1/1', 'start 0/0']);
  });

  it('survives times that a hand has written backwards', async () => {
    const { recording } = recorded('backwards', {
      a: {
        times: [
          [100, 5],
          [0, 10],
        ],
        traces: [emit('x'), emit('y')],
      },
      b: { times: [[50, 0]], traces: [emit('z')] },
    });
    const { events, total } = await simulate(recording, 'recording', [0]);
    expect(events).toHaveLength(2 * total);
  });
});
