/** What a part of a recording keeps, so that it can be replayed without the rest. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRecordings } from '../../src/recording/load.js';
import { nameUses } from '../../src/recording/name-uses.js';
import { placesOf } from '../../src/recording/places.js';
import { type Recording, receivers, recordingSchema, type Trace } from '../../src/recording/schema.js';
import { sliceOf, type Wanted } from '../../src/recording/slice.js';
import { unknownNames } from '../../src/recording/used-names.js';
import { id, Tagged, type Value } from '../../src/recording/values.js';
import { root } from '../e2e/support.js';
import fc from '../fast-check.js';
import { connect, emit, goodbye, recorded } from '../replay/world.js';

const { recordings } = loadRecordings(join(root, 'recordings'));
const annotate = recordings.find(({ recording }) => recording.name === 'annotate-together')?.recording as Recording;

/** What is sent, as `session/number`. */
const sent = ({ sessions }: Recording): string[] =>
  sessions.flatMap(({ id: session, traces }) => traces.flatMap((trace, number) => (trace.disabled ? [] : [`${session}/${number}`])));
const slice = (recording: Recording, trace: string, minimal?: true): Recording => {
  const [session = '', number = ''] = trace.split('/');
  return sliceOf(recording, { recording: recording.name, trace: { session, trace: Number(number) }, ...(minimal && { minimal }) }).recording;
};
/** Names that enabled traces send, and that nothing enabled makes. */
function unknown(recording: Recording): string[] {
  const sessions = recording.sessions.map((session) => ({ ...session, traces: session.traces.filter(({ disabled }) => !disabled) }));
  return unknownNames({ ...recording, sessions } as unknown as Value).unknown.map(({ name }) => name);
}

interface Drawn {
  session: number;
  gap: number;
  makes: boolean;
  row: number;
  to: number[];
  disabled: boolean;
  leaves: boolean;
}
const drawn = fc.array(
  fc.record({
    session: fc.nat(3),
    gap: fc.nat(3),
    makes: fc.boolean(),
    row: fc.nat(5),
    to: fc.uniqueArray(fc.nat(3), { maxLength: 2 }),
    disabled: fc.constantFrom(false, false, false, true),
    leaves: fc.constantFrom(false, false, false, true),
  }),
  { minLength: 1, maxLength: 25 },
);

/** Each trace sends some of the names that enabled traces before it have made. */
function recordingOf(given: readonly Drawn[], picks: readonly number[]): Recording {
  const sessions = new Map<number, { traces: Trace[]; times: [number, number][] }>();
  const made: string[] = [];
  let at = 0;
  const left = new Map<number, number>();
  given.forEach(({ session: person, gap, makes, row, to, disabled, leaves }, n) => {
    // Who has left comes back as another session.
    const session = person + 10 * (left.get(person) ?? 0);
    const own = sessions.get(session) ?? { traces: [connect()], times: [[at + 1, 1]] };
    sessions.set(session, own);
    at += gap + 3;
    const uses = made.filter((_, i) => picks[(n + i) % picks.length] === 0);
    own.traces.push(
      emit('x', [{ uses: uses.map(id) }], {
        ...(makes && { ack: [{ id: id(`name${n}`) }] }),
        ...(row > 2 && { changes: [{ update: 'row', key: { id: row }, set: { n } }] }),
        pushes: to.filter((receiver) => sessions.has(receiver)).map((receiver) => ({ to: `s${receiver}`, event: 'y' })),
        ...(disabled && { disabled: true as const }),
      }),
    );
    own.times.push([at, 1]);
    if (leaves) {
      at += 2;
      left.set(person, (left.get(person) ?? 0) + 1);
      own.traces.push(goodbye());
      own.times.push([at, 1]);
    }
    if (makes && !disabled) made.push(`name${n}`);
  });
  return recorded('drawn', Object.fromEntries([...sessions].map(([session, own]) => [`s${session}`, own]))).recording;
}

const parts = fc.tuple(drawn, fc.array(fc.nat(3), { minLength: 1, maxLength: 7 }), fc.nat(100), fc.boolean()).map(([given, picks, pick, minimal]) => {
  const recording = recordingOf(given, picks);
  const all = sent(recording);
  const wanted = all[pick % all.length] as string;
  return { recording, wanted, part: slice(recording, wanted, minimal || undefined), minimal };
});

describe('a part of a recording', () => {
  it('is a recording in which every name that is sent is made, earlier', () => {
    fc.assert(
      fc.property(parts, ({ recording, wanted, part }) => {
        recordingSchema.parse(part);
        expect(sent(part)).toContain(wanted);
        expect(unknown(part)).toEqual([]);
        const enabled = placesOf(part).filter(({ step }) => !step?.trace.disabled);
        for (const { name, made, sent: places } of nameUses(part, enabled)) {
          const start = made[0]?.step?.start ?? Number.POSITIVE_INFINITY;
          for (const place of places) expect(start, name).toBeLessThan(place.step?.start ?? 0);
        }
        expect(unknown(recording)).toEqual([]);
      }),
    );
  });

  it('keeps numbers, times and order, and nothing that began after what is wanted', () => {
    fc.assert(
      fc.property(parts, ({ recording, wanted, part }) => {
        const start = (one: string): number => {
          const [session, number] = one.split('/');
          return recording.sessions.find(({ id: name }) => name === session)?.times?.[Number(number)]?.[0] ?? -1;
        };
        for (const session of part.sessions) {
          const whole = recording.sessions.find(({ id: name }) => name === session.id);
          session.traces.forEach((trace, number) => {
            expect(session.times?.[number]).toEqual(whole?.times?.[number]);
            if (!trace.disabled) expect({ ...trace, pushes: 0, changes: 0 }).toEqual({ ...whole?.traces[number], pushes: 0, changes: 0 });
          });
        }
        for (const one of sent(part)) expect(start(one)).toBeLessThanOrEqual(start(wanted));
        expect(sent(recording)).toEqual(expect.arrayContaining(sent(part)));
      }),
    );
  });

  it('expects pushes at those who take part, and at nobody else', () => {
    fc.assert(
      fc.property(parts, ({ recording, part }) => {
        const ids = part.sessions.map((session) => session.id);
        for (const session of part.sessions)
          session.traces.forEach((trace, number) => {
            const whole = recording.sessions.find(({ id: name }) => name === session.id)?.traces[number];
            trace.pushes?.forEach((push, p) => {
              expect(receivers(push)).toEqual(receivers(whole?.pushes?.[p] ?? push).filter((to) => ids.includes(to)));
            });
          });
      }),
    );
  });

  it('keeps who was there, and all that those who take part did before', () => {
    fc.assert(
      fc.property(parts, ({ recording, wanted, part, minimal }) => {
        if (minimal) return;
        const took = part.sessions.map((session) => session.id);
        const [of = '', number = ''] = wanted.split('/');
        const at = recording.sessions.find((session) => session.id === of)?.times?.[Number(number)]?.[0] ?? 0;
        for (const { id: session, traces, times = [] } of recording.sessions) {
          const enabled = times.filter((_, n) => !traces[n]?.disabled);
          const left = traces.at(-1)?.disconnect !== undefined ? (times.at(-1)?.[0] ?? 0) : Number.POSITIVE_INFINITY;
          if ((enabled[0]?.[0] ?? at) < at && left > at) expect(took).toContain(session);
        }
        for (const session of part.sessions)
          expect(session.traces.every((one, n) => one.disabled === recording.sessions.find(({ id: name }) => name === session.id)?.traces[n]?.disabled)).toBe(
            true,
          );
      }),
    );
  });
});

describe('of the annotator', () => {
  it('a trace needs its sender from the beginning, and who is there', () => {
    expect(sent(slice(annotate, 'alice/4'))).toEqual(['alice/0', 'alice/1', 'alice/2', 'alice/3', 'alice/4']);
    const comment = slice(annotate, 'alice/6');
    expect(comment.sessions.map((session) => [session.id, session.traces.length])).toEqual([
      ['alice', 7],
      ['bob', 6],
    ]);
    expect(unknown(comment)).toEqual([]);
  });

  it('a trace needs, at least, what makes the names that it sends, and connects', () => {
    expect(sent(slice(annotate, 'alice/12', true))).toEqual(['alice/0', 'alice/6', 'alice/10', 'alice/12']);
    expect(slice(annotate, 'alice/12', true).sessions[0]?.traces[6]?.pushes?.map(({ to }) => to)).toEqual([['alice'], ['alice']]);
  });

  it('is told in words', () => {
    expect(sliceOf(annotate, { recording: 'annotate-together', trace: { session: 'alice', trace: 12 }, minimal: true }).words).toBe(
      '4 of 23 traces: alice/0, alice/6, alice/10, alice/12',
    );
  });
});

describe('who takes part', () => {
  const times = (...starts: number[]): [number, number][] => starts.map((start) => [start, 1]);
  const lists = recorded('lists', {
    alice: {
      times: times(0, 10, 15),
      traces: [connect(), emit('add', [], { ack: [{ id: id('list1') }], changes: [{ insert: 'list', row: { id: 7, of: 1 } }] }), goodbye()],
    },
    bob: {
      times: times(1, 20, 25),
      traces: [connect(), emit('rename', [7], { changes: [{ update: 'list', key: { id: 7 }, set: { name: 'b' } }] }), goodbye()],
    },
    carol: { times: times(26, 30, 35), traces: [connect(), emit('open', [id('list1')]), goodbye()] },
    dave: {
      times: times(36, 40, 42),
      traces: [connect(), emit('look', [{}], { ack: [{ owner: new Tagged({ tag: 'text', template: `list \${list1}` }) }] }), goodbye()],
    },
    erin: { times: times(43, 45, 50), traces: [connect(), emit('alone', []), goodbye()] },
    frank: { times: times(44, 60), traces: [connect(), emit('drop', [7], { changes: [{ delete: 'list', key: { id: 7 } }] })] },
  }).recording;
  const alice = ['alice/0', 'alice/1', 'alice/2'];

  it.each([
    // bob is there
    ['alice/1', ['alice/0', 'alice/1', 'bob/0']],
    // the row that alice made
    ['bob/1', [...alice, 'bob/0', 'bob/1']],
    // the name that alice made: sent, or expected within a text
    ['carol/1', [...alice, 'carol/0', 'carol/1']],
    ['dave/1', [...alice, 'dave/0', 'dave/1']],
    ['erin/1', ['erin/0', 'erin/1', 'frank/0']],
    // the row that alice made and bob changed
    ['frank/1', [...alice, 'bob/0', 'bob/1', 'bob/2', 'frank/0', 'frank/1']],
  ])('%s', (wanted, all) => {
    expect(sent(slice(lists, wanted))).toEqual(all);
  });

  it('is everybody where a name came without a proven cause', () => {
    const sessions = lists.sessions.map((session) => {
      if (session.id === 'dave') return { ...session, received: [{ after: 0, event: 'y', args: [id('list2')] }] };
      return session.id === 'erin' ? { ...session, traces: [connect(), emit('alone', [id('list2')]), goodbye()] } : session;
    });
    expect(slice({ ...lists, sessions }, 'erin/1').sessions.map((session) => session.id)).toEqual(['alice', 'bob', 'carol', 'dave', 'erin', 'frank']);
  });

  it('is whose socket id is sent', () => {
    const call = emit('call', [new Tagged({ tag: 'socket', session: 'bob' })]);
    const called = recorded('calls', { alice: [connect(), emit('wait'), emit('wait'), call], bob: [connect(), goodbye()] }).recording;
    expect(sent(slice(called, 'alice/3'))).toEqual(['alice/0', 'alice/1', 'alice/2', 'alice/3', 'bob/0', 'bob/1']);
    expect(sent(slice(called, 'alice/3', true))).toEqual(['alice/0', 'alice/3', 'bob/0']);
  });
});

describe('between checkpoints', () => {
  const recording = recorded(
    'shop',
    { alice: [connect(), emit('cart'), emit('pay'), emit('leave')], bob: [connect(), emit('look'), emit('look'), goodbye()] },
    {
      checkpoints: [
        { name: 'cart', next: { alice: 2, bob: 1 }, tables: [{ table: 'cart', rows: 1 }] },
        { name: 'paid', next: { alice: 3, bob: 1 }, tables: [{ table: 'cart', rows: 0 }] },
        { name: 'again', next: { alice: 3, bob: 1 } },
        { name: 'end', next: { alice: 4, bob: 4 } },
      ],
      missing: 4,
    },
  ).recording;
  const between = (...names: [string, string]): ReturnType<typeof sliceOf> => sliceOf(recording, { recording: 'shop', between: names });

  it('is half-open, in either order, with what is needed before it, and says what is missing', () => {
    const part = between('cart', 'paid');
    expect(sent(part.recording)).toEqual(['alice/0', 'alice/1', 'alice/2', 'bob/0', 'bob/1']);
    expect(between('paid', 'cart').recording).toEqual(part.recording);
    expect(part.words).toBe("5 of 8 traces: alice/0-2, bob/0-1; 4 events before the recording's first were not kept");
    expect(sent(sliceOf(recording, { recording: 'shop', between: ['cart', 'paid'], minimal: true }).recording)).toEqual(['alice/0', 'alice/2']);
  });

  it('keeps checkpoints before which nothing is left out', () => {
    const minimal = sliceOf(recording, { recording: 'shop', between: ['cart', 'paid'], minimal: true });
    expect(minimal.recording.checkpoints).toBeUndefined();
    expect(between('cart', 'paid').recording.checkpoints?.map(({ name }) => name)).toEqual(['cart', 'paid', 'again']);
    expect(between('cart', 'end').recording.checkpoints?.map(({ name }) => name)).toEqual(['cart', 'paid', 'again', 'end']);
  });

  it('refuses what means nothing', () => {
    const code = (wanted: Omit<Wanted, 'recording'>): string => {
      try {
        sliceOf(recording, { recording: 'shop', ...wanted });
        return 'nothing';
      } catch (error) {
        return (error as Error).message
          .split('\n')
          .map((line) => line.trim())
          .join(' / ');
      }
    };
    expect(code({ between: ['cart', 'gone'] })).toBe('REPLAY_CHECKPOINT: shop has no checkpoint gone / Checkpoints: cart, paid, again, end');
    expect(code({ between: ['paid', 'again'] })).toMatch(/^REPLAY_USAGE: between the checkpoints paid and again of shop there is no enabled trace/);
    expect(code({ trace: { session: 'carol', trace: 0 } })).toBe('REPLAY_USAGE: shop has no session carol / It has alice, bob; its traces are counted from 0.');
    expect(code({ trace: { session: 'alice', trace: 4 } })).toBe('REPLAY_USAGE: shop has no trace alice/4 / alice has 4 traces, counted from 0.');
  });
});
