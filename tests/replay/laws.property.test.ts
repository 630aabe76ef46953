/** Laws that a pure function carries, for anything that can be recorded: 2, 6, 7, 9, 11, 16. The table in docs/architecture.md has the others. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LoadedRecording } from '../../src/recording/load.js';
import { type Push, receivers, type Trace } from '../../src/recording/schema.js';
import { successOf } from '../../src/recording/success.js';
import type { Value } from '../../src/recording/values.js';
import { createCopies } from '../../src/replay/copies.js';
import { createEffects } from '../../src/replay/effects.js';
import { ignoreOf } from '../../src/replay/ignore.js';
import { judgeOtherCopy } from '../../src/replay/other-copies.js';
import { loadOf, poolOf, slotsOf } from '../../src/replay/plan.js';
import { verdictOf } from '../../src/replay/records.js';
import { newRun, type SessionState, type TraceRun } from '../../src/replay/state.js';
import { createTotals } from '../../src/replay/totals.js';
import { judge } from '../../src/replay/verdict.js';
import { createWrites } from '../../src/replay/writes.js';
import { collectRun } from '../../src/results/collect.js';
import { type Outcome, outcomes, verdicts } from '../../src/results/schema.js';
import { hashArgs } from '../../src/wire/encode.js';
import fc from '../fast-check.js';
import { concrete } from '../recording/scopes.js';
import { RUN, recordings, type SampleTest, writeJournals } from '../reporters/sample.js';
import { connect, emit, inputOf, recorded, type World } from './world.js';

const nowhere = { url: 'http://127.0.0.1:1' } as World;
const ids = ['alice', 'bob', 'carol'];
const events = ['told', 'moved'];

/** Three people, of whom some broadcast: one trace every ten milliseconds. */
const person = fc.constantFrom(...ids);
const push: fc.Arbitrary<Push> = fc
  .record({ to: fc.uniqueArray(person, { maxLength: 3 }), event: fc.constantFrom(...events) })
  .chain((one) => fc.option(person, { nil: undefined }).map((except): Push => ({ ...one, ...(except !== undefined && { except }) })));
const flow: fc.Arbitrary<LoadedRecording> = fc.array(fc.record({ by: person, pushes: fc.array(push, { maxLength: 2 }) }), { maxLength: 8 }).map((steps) =>
  recorded(
    'flow',
    Object.fromEntries(
      ids.map((id, place) => {
        const own = steps.flatMap((step, i) => (step.by === id ? [{ ...step, start: 100 + i * 10 }] : []));
        return [
          id,
          {
            traces: [connect(), ...own.map(({ pushes }): Trace => emit('say', [], { ack: [], ...(pushes.length > 0 && { pushes }) }))],
            times: [[place, 1] as [number, number], ...own.map(({ start }): [number, number] => [start, 5])],
          },
        ];
      }),
    ),
  ),
);

describe('law 2: the pool', () => {
  it('iteration K has each session K times, slot i being pool[i mod N] in copy floor(i / N), and the levels add up', () => {
    const drawn = fc.array(fc.record({ sessions: fc.integer({ min: 1, max: 4 }), alone: fc.boolean() }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(drawn, fc.integer({ min: 1, max: 6 }), (given, iterations) => {
        const all = given.map(({ sessions, alone }, r) =>
          recorded(`r${r}`, Object.fromEntries(Array.from({ length: sessions }, (_, s) => [`s${s}`, [connect()]])), alone ? { copies: 1, reason: 'x' } : {}),
        );
        const pool = poolOf(all);
        expect(pool.length).toBe(given.reduce((sum, { sessions, alone }) => sum + (alone ? 0 : sessions), 0));
        let total = 0;
        for (let k = 1; k <= iterations; k++) {
          const slots = slotsOf(pool, k);
          total += slots.length;
          expect(slots.length).toBe(k * pool.length);
          slots.forEach((slot, i) => {
            expect({ recording: slot.recording, session: slot.session }).toEqual(pool[i % pool.length]);
            expect(slot.copy).toBe(Math.floor(i / pool.length));
          });
          // What is replayed is the same, in the same order.
          const copies = createCopies(inputOf(nowhere, [...new Set(pool.map(({ recording }) => recording))], { copies: k }));
          expect(copies.flatMap(({ loaded, copy, sessions }) => sessions.map(({ index }) => [loaded.recording.name, index, copy]))).toEqual(
            slots.map(({ recording, session, copy }) => [recording.recording.name, session, copy]),
          );
        }
        expect(loadOf(pool, iterations)).toEqual({ pool: pool.length, peak: iterations * pool.length, total });
      }),
    );
  });
});

it('what is unique in one copy is found in no other', () => {
  const two = ['a', 'b'].map((name) => recorded(name, { alice: [connect()] }));
  const suffixes = createCopies(inputOf(nowhere, two, { copies: 40 })).map(({ scope }) => scope.suffix);
  expect(suffixes.filter((one) => suffixes.some((other) => other !== one && other.includes(one)))).toEqual([]);
  expect(new Set(suffixes).size).toBe(80);
});

describe('law 7: pushes of another copy', () => {
  const progress = fc.record({ next: fc.integer({ min: 1, max: 9 }), busy: fc.boolean() });
  it('are allowed where the trace records the event for that session, else a leak exactly where the receiver is as far as it was', () => {
    fc.assert(
      fc.property(flow, fc.nat(), fc.nat(2), fc.constantFrom(...events), progress, fc.boolean(), (loaded, pick, to, event, { next, busy }, asFar) => {
        const [mine, theirs] = createCopies(inputOf(nowhere, loaded, { copies: 2 }));
        const traces = mine!.sessions.flatMap((session) => session.session.traces.map((_, number) => ({ session, number })));
        const source = traces[pick % traces.length]!;
        const receiver = theirs!.sessions[to] as SessionState;
        const [start, lasted] = source.session.session.times![source.number]!;
        const begun = receiver.session.times!.filter(([at]) => at <= start + lasted).length;
        receiver.next = asFar ? begun : next;
        if (busy) receiver.running.set(0, newRun(receiver, 0, receiver.session.traces[0]!, inputOf(nowhere, loaded)));
        const records = (source.session.session.traces[source.number]!.pushes ?? []).some(
          (one) => one.event === event && (receivers(one).includes(receiver.session.id) || one.except === receiver.session.id),
        );
        expect(judgeOtherCopy(source, receiver, event)).toBe(records ? 'allowed' : receiver.next === begun && !busy ? 'leak' : 'cannot be told');
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['as far as it was', 1, 1],
    ['less far, though it is when the probe tells it', 0, 0],
  ])('a receiver that was %s when it came', (_, before, leaks) => {
    const traces = [connect(), emit('say', [], { ack: [], pushes: [{ to: 'alice', event: 'told' }] })];
    const times: [number, number][] = [
      [0, 1],
      [100, 5],
    ];
    // When alice spoke, bob had left the room; in the other copy he has not yet.
    const loaded = recorded('left', { alice: { traces, times }, bob: { traces: [connect(), emit('leave', [], { ack: [] })], times: [times[0]!, [50, 5]] } });
    const input = inputOf(nowhere, loaded, { copies: 2 });
    const [mine, theirs] = createCopies(input);
    const [alice, bob] = [mine!.sessions[0] as SessionState, theirs!.sessions[1] as SessionState];
    Object.assign(alice, { sid: 'A', sent: [0, 1] });
    Object.assign(bob, { sid: 'B', next: 1 + before });
    const run = newRun(alice, 1, traces[1]!, input);
    const options = { probe: true, alone: false, ignore: ignoreOf([], []), writes: createWrites(), totals: createTotals(input) };
    const bySid = new Map([
      ['A', alice],
      ['B', bob],
    ]);
    const requests = { begun: () => undefined, sourceOf: () => undefined };
    const effects = createEffects({ ...options, bySid, requests, runOf: () => run, changed: () => {}, bound: () => {} });
    effects.received(bob, 'told', []);
    bob.next = 2;
    effects.reported({ type: 'push', push: 1, cause: 'A:1', event: 'told', hash: hashArgs([]), to: ['B'], asks: false, at: 0 });
    expect([run.extras.length, effects.finish().foreign]).toEqual([leaks, 1 - leaks]);
  });
});

describe('law 6: exact or unattributed', () => {
  it('every push that is received is found once: under its trace, as a leak, allowed, foreign, or without a cause', () => {
    const sent = fc.record({
      cause: fc.constantFrom('own', 'other', 'none', 'request', 'unreported'),
      from: person,
      to: person,
      event: fc.constantFrom(...events),
      n: fc.nat(3),
    });
    fc.assert(
      fc.property(flow, fc.array(sent, { maxLength: 12 }), fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }), (loaded, sends, first) => {
        const input = inputOf(nowhere, loaded, { copies: 2 });
        const copies = createCopies(input);
        const bySid = new Map<string, SessionState>();
        const runs = new Map<string, TraceRun>();
        for (const { copy, sessions } of copies)
          for (const session of sessions) {
            session.sid = `${session.session.id}${copy}`;
            session.next = session.session.traces.length;
            bySid.set(session.sid, session);
          }
        const effects = createEffects({
          probe: true,
          alone: false,
          bySid,
          ignore: ignoreOf([], []),
          writes: createWrites(),
          totals: createTotals(input),
          requests: { begun: () => undefined, sourceOf: () => undefined },
          runOf(session, number) {
            const key = `${session.sid} ${number}`;
            const run = runs.get(key) ?? newRun(session, number, session.session.traces[number]!, input);
            runs.set(key, run);
            return run;
          },
          changed: () => {},
          bound: () => {},
        });
        let [own, elsewhere, without] = [0, 0, 0];
        sends.forEach(({ cause, from, to, event, n }, i) => {
          const receiver = bySid.get(`${to}0`)!;
          const args: Value[] = [i, n];
          const by = cause === 'own' ? `${from}0:0` : cause === 'other' ? `${from}1:0` : cause === 'request' ? 'http:1' : null;
          if (cause === 'own') own++;
          else if (cause === 'other') elsewhere++;
          else without++;
          const told = () =>
            cause !== 'unreported' &&
            effects.reported({ type: 'push', push: i, cause: by, event, hash: hashArgs(args), to: [receiver.sid!], asks: false, at: 0 });
          if (first[i]) told();
          effects.received(receiver, event, args);
          if (!first[i]) told();
        });
        const { unattributed, foreign } = effects.finish();
        const found = [...runs.values()].flatMap(({ pushes }) => pushes);
        expect(found).toHaveLength(own);
        expect(new Set(found.map(({ args }) => args[0])).size).toBe(own);
        expect(unattributed.pushes).toBe(without);
        // Of another copy: allowed, counted, or one leak for all that are alike.
        const leaks = [...runs.values()].flatMap(({ extras }) => extras).length;
        expect(leaks + foreign).toBeLessThanOrEqual(elsewhere);
        if (elsewhere === 0) expect(leaks + foreign).toBe(0);
      }),
    );
  });
});

describe('law 9: a recorded rejection is an expectation', () => {
  const judged = (expected: Value[], actual: Value[]): Outcome => {
    const loaded = recorded('acks', { alice: [connect(), emit('ask', [], { ack: expected })] });
    const input = inputOf(nowhere, loaded);
    const session = createCopies(input)[0]!.sessions[0]!;
    const run = Object.assign(newRun(session, 1, session.session.traces[1]!, input), { ack: actual });
    const measures = { acks: true, pushes: true, changes: true };
    return judge(run, { measures, ignore: ignoreOf([], []), writes: createWrites(), copies: [], successOf: () => successOf(loaded.recording) }, 0).outcome;
  };
  const refusal = fc.oneof(
    fc.record({ success: fc.constant(false), message: fc.string() }),
    fc.record({ ok: fc.constant(false), msg: fc.string() }),
    fc.record({ success: fc.constant(false) }),
  );

  it('whatever was answered is right when it is answered again; a refusal where none was recorded is one', () => {
    fc.assert(
      fc.property(fc.array(concrete, { maxLength: 3 }), refusal, (answer, no) => {
        expect(judged(answer, answer)).toBe('passed');
        expect(judged([no], [no])).toBe('passed');
        expect(judged([{ success: true }], [no])).toBe('rejected');
        expect(judged([no], [{ success: true }])).toBe('mismatch');
      }),
    );
  });
});

describe('law 11: worst wins', () => {
  const counts = fc.record(Object.fromEntries(outcomes.map((outcome) => [outcome, fc.nat(2)])) as Record<Outcome, fc.Arbitrary<number>>);
  const rank = (verdict: (typeof verdicts)[number]): number => verdicts.indexOf(verdict);

  it('one more of anything never makes it better, what passed changes nothing, and only what passed is finished', () => {
    fc.assert(
      fc.property(counts, fc.constantFrom(...outcomes), fc.boolean(), (given, more, interrupted) => {
        const before = verdictOf(given, [], interrupted);
        const after = verdictOf({ ...given, [more]: given[more] + 1 }, [], interrupted);
        expect(rank(after)).toBeLessThanOrEqual(rank(before));
        if (more === 'passed') expect(after).toBe(before);
        const clean = !interrupted && outcomes.every((outcome) => outcome === 'passed' || given[outcome] === 0);
        expect(before === 'finished').toBe(clean);
      }),
    );
  });
});

describe('law 16: one verdict', () => {
  const places = recordings.flatMap(({ name, sessions }) => sessions.flatMap(({ id, traces }) => traces.map((_, trace) => `${name}/${id}/${trace}@0`)));
  const special = fc.record(
    { outcome: fc.constantFrom(...outcomes.filter((outcome) => outcome !== 'passed')), quarantined: fc.constant(true as const) },
    { requiredKeys: ['outcome'] },
  );

  it('what the replay says, what the results say of the test, of the run, and its failures agree', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...places), special, { maxKeys: 4 }), async (specials) => {
        const gating = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
        for (const { outcome, quarantined } of Object.values(specials)) if (!quarantined) gating[outcome]++;
        const said = verdictOf(gating, [], false);
        const test: SampleTest = { project: 'iteration-1', title: 'iteration 1', iteration: 1, recordings, specials, end: { verdict: said } };
        const directory = mkdtempSync(join(tmpdir(), 'replay-law-'));
        writeJournals(directory, [test]);
        const { results } = await collectRun({ directory, run: RUN, startedAt: new Date(0), plannedProjects: [] });
        expect(results.tests[0]?.verdict).toBe(said);
        expect(results.verdict).toBe(said === 'finished' ? 'passed' : said === 'interrupted' ? 'interrupted' : 'failed');
        expect(results.failures.some(({ quarantined }) => !quarantined)).toBe(said !== 'finished');
      }),
      { numRuns: 40 },
    );
  });
});
