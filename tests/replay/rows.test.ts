/** What rows say beside the traces: sums over the copies, who wrote in between, what is noise, and what has no cause. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Trace } from '../../src/recording/schema.js';
import { Tagged } from '../../src/recording/values.js';
import { ignoreOf } from '../../src/replay/ignore.js';
import { failureWords } from '../../src/results/headline.js';
import { closeAll, connect, differences, emit, goodbye, id, type ProbedWorld, recorded, run, serveProbed } from './world.js';

let world: ProbedWorld;
afterEach(async () => {
  await world.close();
  await closeAll();
});

const SCHEMA = `CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT);
  CREATE TABLE doc (id INTEGER PRIMARY KEY, rev INTEGER, title TEXT);
  CREATE TABLE visit (id INTEGER PRIMARY KEY, who TEXT);
  INSERT INTO doc VALUES (7, 0, 'old'), (8, 0, 'old')`;

let stray: () => void = () => {};

const documents = () =>
  serveProbed(SCHEMA, (io, db) => {
    stray = () => void db.prepare("INSERT INTO note (text) VALUES ('from nowhere')").run();
    io.on('connection', (socket) => {
      const on = (event: string, work: (...args: never[]) => void): void => {
        socket.on(event, (...args: unknown[]) => {
          const reply = args.pop() as () => void;
          work(...(args as never[]));
          reply();
        });
      };
      on('count', () => db.prepare('UPDATE doc SET rev = rev + 1 WHERE id = 7').run());
      on('rename', (title: string) => db.prepare('UPDATE doc SET title = ?, rev = rev + 1 WHERE id = 8').run(title));
      on('note', (text: string) => db.prepare('INSERT INTO note (text) VALUES (?)').run(text));
      on('visit', (text: string) => {
        db.prepare('INSERT INTO visit (who) VALUES (?)').run(socket.id);
        db.prepare('UPDATE doc SET title = title WHERE id = 7').run();
        db.prepare('INSERT INTO note (text) VALUES (?)').run(text);
      });
      on('stray', () => stray());
      on('delete', () => db.prepare('DELETE FROM doc WHERE id = 8').run());
      // Reads, waits for the others, and writes what it has read, plus one.
      socket.on('lose', (ms: number, reply: () => void) => {
        const { rev } = db.prepare('SELECT rev FROM doc WHERE id = 7').get() as { rev: number };
        setTimeout(() => {
          db.prepare('UPDATE doc SET rev = ? WHERE id = 7').run(rev + 1);
          reply();
        }, ms);
      });
      socket.on('late', (ms: number, reply: () => void) => {
        setTimeout(() => {
          db.prepare("UPDATE doc SET title = 'new' WHERE id = 8").run();
          reply();
        }, ms);
      });
    });
  });

const delta = (n: number) => new Tagged({ tag: 'delta', n });
const counted = { update: 'doc', key: { id: 7 }, set: { rev: delta(1) } };
const count = emit('count', [], { ack: [], changes: [counted] });
const note = (text: string) => emit('note', [text], { ack: [], changes: [{ insert: 'note', row: { id: id(`note-${text}`), text } }] });

describe('totals', () => {
  it('are the recorded inserts and counted columns of every copy', async () => {
    world = await documents();
    const { end } = await run(world, recorded('sums', { alice: [connect(), count, note('a'), note('b')], bob: [connect(), count] }), { copies: 3 });
    expect(end).toMatchObject({
      verdict: 'finished',
      totals: [
        { table: 'doc', column: 'rev', expected: 6, actual: 6, unattributed: 0 },
        { table: 'note', expected: 6, actual: 6, unattributed: 0 },
      ],
    });
  });

  it('show what no trace can: a column that anybody may change is changed by one who did not', async () => {
    world = await documents();
    // The recording knows nothing of `rev` in a rename; others change it, so that the trace is not judged by it.
    const rename = emit('rename', ['mine'], { ack: [], changes: [{ update: 'doc', key: { id: 8 }, set: { title: 'mine' } }] });
    const recording = recorded('sums', { alice: [connect(), count], bob: [connect(), emit('rename', ['mine'], { ack: [] }), rename] });
    recording.recording.sessions[1]?.traces.splice(1, 1);
    const { end, outcomes } = await run(world, recording, { copies: 2, mutable: new Set(['rev', 'title']) });
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
    expect(end).toMatchObject({
      verdict: 'failed',
      errors: [{ code: 'REPLAY_TOTALS', message: 'doc.rev, all changes of it add up to 4, recorded 2 in 2 copies' }],
    });
  });

  it('set apart what has no cause', async () => {
    world = await documents();
    const timer = setInterval(() => stray(), 3);
    const { end } = await run(world, recorded('sums', { alice: [connect(), note('a'), emit('late', [30], { ack: [] })] }), {
      copies: 2,
      measures: { acks: true, pushes: true, changes: true },
    });
    clearInterval(timer);
    const [total] = end.totals ?? [];
    expect(total).toMatchObject({ table: 'note', expected: 2, actual: 2 });
    expect(total?.unattributed).toBeGreaterThan(0);
  });

  it('leave out known failures', async () => {
    world = await documents();
    const quarantine = { owner: 'ana', reason: 'known', expires: '2999-12-31' };
    const never = { ...emit('count', [], { ack: [], changes: [counted, counted] }), quarantine };
    const { end } = await run(world, recorded('sums', { alice: [connect(), count, never] }));
    expect(end).toMatchObject({ verdict: 'finished', totals: [{ expected: 1, actual: 1 }] });
  });
});

describe('what another copy wrote over a value of this one', () => {
  /** Both choose, then both make a row of a choice: of the last one, as one account has one setting, or of the first, which no setting holds any more. */
  const chosen = (pick: (all: string[]) => string | undefined) => {
    const all: string[] = [];
    let both = (): void => {};
    const bothChose = new Promise<void>((done) => (both = done));
    return serveProbed(SCHEMA, (io, db) =>
      io.on('connection', (socket) => {
        socket.on('note', (text: string, reply: () => void) => {
          db.prepare('INSERT INTO note (text) VALUES (?)').run(text);
          reply();
        });
        socket.on('choose', async (note: number, reply: () => void) => {
          all.push(String(note));
          db.prepare('UPDATE doc SET title = ? WHERE id = 7').run(String(note));
          if (all.length === 2) both();
          await bothChose;
          socket.emit('setting', db.prepare('SELECT title FROM doc WHERE id = 7').get());
          reply();
        });
        socket.on('take', async (...args: unknown[]) => {
          await bothChose;
          db.prepare('INSERT INTO note (text) VALUES (?)').run(pick(all));
          (args.at(-1) as () => void)();
        });
      }),
    );
  };
  const text = new Tagged({ tag: 'text', template: '${note-a}' });
  const taken = (args: Trace['args']) => [
    connect(),
    note('a'),
    emit('choose', [id('note-a')], {
      ack: [],
      pushes: [{ to: 'alice', event: 'setting', args: [{ title: text }] }],
      changes: [{ update: 'doc', key: { id: 7 }, set: { title: text } }],
    }),
    emit('take', args, { ack: [], changes: [{ insert: 'note', row: { id: id('note2'), text } }] }),
  ];
  it.each<[string, string[], (all: string[]) => string | undefined, Trace['args']]>([
    ['is not held against it', ['passed', 'passed'], (all) => all.at(-1), []],
    ['is, where the trace sent the value itself', ['mismatch', 'passed'], (all) => all.at(-1), [id('note-a')]],
    ['is, where this copy wrote last', ['mismatch', 'passed'], (all) => all[0], []],
  ])('%s', async (_, expected, pick, args) => {
    world = await chosen(pick);
    const { outcomes, traces } = await run(world, recorded('chosen', { alice: taken(args) }), { copies: 2 });
    expect(['0/alice/2', '1/alice/2'].map((trace) => outcomes[trace])).toEqual(['passed', 'passed']);
    expect(['0/alice/3', '1/alice/3'].map((trace) => outcomes[trace]).sort()).toEqual(expected);
    const byType = ['0/alice/3', '1/alice/3'].map((trace) => traces[trace]?.compared.type ?? 0).sort();
    expect(byType).toEqual(expected.includes('mismatch') ? [0, 0] : [0, 1]);
  });
});

describe('a change that is wrong names who wrote the row in between', () => {
  it('so that a lost update reads as one', async () => {
    world = await documents();
    const lose = emit('lose', [20], { ack: [], changes: [counted] });
    const { traces, end } = await run(world, recorded('lost', { alice: [connect(), lose] }), { copies: 3, mutable: new Set(['rev']) });
    const wrong = Object.values(traces).filter(({ outcome }) => outcome === 'mismatch');
    expect(wrong).toHaveLength(2);
    for (const trace of wrong) {
      const [difference] = trace.differences ?? [];
      expect(difference?.path).toBe('changes.doc.update.rev');
      expect(difference?.meanwhile?.length).toBeGreaterThan(0);
      for (const { by } of difference?.meanwhile ?? []) {
        expect(by).toMatchObject({ recording: 'lost', session: 'alice', trace: 1 });
        expect(by?.copy).not.toBe(trace.copy);
      }
      expect(failureWords({ outcome: 'mismatch', difference })).toMatch(
        /^column doc\.rev changed by 0 \(from 1 to 1\), recorded 1; alice\/1 of copy [012]( and 1 more)? wrote this row in between$/,
      );
    }
    // The sum only follows.
    expect(end).toMatchObject({ verdict: 'failed', errors: [], totals: [{ expected: 3, actual: 1 }] });
  });

  it('also where it was deleted, and by whom', async () => {
    world = await documents();
    const times = (...starts: [number, number][]) => starts;
    const recording = recorded('deleted', {
      alice: {
        times: times([0, 1], [10, 50]),
        traces: [connect(), emit('late', [60], { ack: [], changes: [{ update: 'doc', key: { id: 8 }, set: { title: 'new' } }] })],
      },
      bob: { times: times([0, 1], [20, 5]), traces: [connect(), emit('delete', [], { ack: [] })] },
    });
    const { traces } = await run(world, recording);
    expect(traces['0/alice/1']?.differences).toMatchObject([
      { path: 'changes.doc.update', class: 'removed', meanwhile: [{ op: 'delete', by: { session: 'bob', trace: 1, copy: 0 } }] },
    ]);
  });

  it('but nobody who wrote before or after, and nobody for a column that only this trace wrote', async () => {
    world = await documents();
    const wrong = emit('count', [], { ack: [], changes: [{ update: 'doc', key: { id: 7 }, set: { rev: delta(2) } }] });
    const recording = recorded('own', {
      alice: {
        times: [
          [0, 1],
          [10, 1],
          [30, 1],
        ],
        traces: [connect(), count, count],
      },
      bob: {
        times: [
          [0, 1],
          [20, 1],
        ],
        traces: [connect(), wrong],
      },
    });
    const { traces } = await run(world, recording);
    expect(differences(traces['0/bob/1'])).toEqual(['changes.doc.update.rev value']);
    expect(traces['0/bob/1']?.differences?.[0]?.meanwhile).toBeUndefined();
  });
});

describe('the noise of the application', () => {
  const visit = emit('visit', ['x'], { ack: [], changes: [{ insert: 'note', row: { id: id('n'), text: 'x' } }] });

  it('is neither required nor unexpected, and counted', async () => {
    world = await documents();
    const more = { insert: 'visit', row: { id: 1, who: 'somebody' } };
    const recording = recorded('noise', { alice: [connect(), visit, { ...visit, args: ['x'], changes: [...(visit.changes ?? []), more, more] }] });
    recording.recording.sessions[0]?.traces.splice(1, 1);
    const red = await run(world, recording);
    expect(red.end.verdict).toBe('failed');
    expect(differences(red.traces['0/alice/1'])).toContain('changes.doc.update added');
    const { end, traces } = await run(world, recording, { ignore: ignoreOf(['vis*', 'doc'], []) });
    expect(differences(traces['0/alice/1'])).toEqual([]);
    expect(end).toMatchObject({ verdict: 'finished', ignoredChanges: 2, unattributed: { changes: 0 } });
    expect(traces['0/alice/1']?.compared.ignored).toBeGreaterThanOrEqual(2);
  });

  it('may be single columns, in inserts and updates', async () => {
    world = await documents();
    const recording = recorded('columns', {
      alice: [
        connect(),
        emit('note', ['seen'], { ack: [], changes: [{ insert: 'note', row: { id: id('n'), text: 'another' } }] }),
        emit('rename', ['b'], { ack: [], changes: [{ update: 'doc', key: { id: 8 }, set: { title: 'b' } }] }),
        emit('count', [], { ack: [] }),
      ],
    });
    expect((await run(world, recording)).end.verdict).toBe('failed');
    const { end, traces } = await run(world, recording, { ignore: ignoreOf([], ['note.text', '*.rev']) });
    expect(Object.values(traces).flatMap(differences)).toEqual([]);
    expect(end).toMatchObject({ verdict: 'finished', ignoredChanges: 1 });
  });

  it('still makes the names that its rows hold', async () => {
    world = await documents();
    const recording = recorded('names', { alice: [connect(), note('a'), emit('note', [id('note-a')], { ack: [] }), goodbye()] });
    const { outcomes } = await run(world, recording, { ignore: ignoreOf(['note'], []) });
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
  });
});

describe('what was recorded without a cause', () => {
  it('is looked for among what has none, alone, and told', async () => {
    world = await documents();
    const timer = setInterval(() => stray(), 3);
    const entry = { insert: 'note', row: { id: 1, text: 'anything' } };
    const update = { update: 'doc', key: { id: 7 }, set: { title: 'cleaned' } };
    const recording = recorded('background', { alice: [connect(), emit('lose', [30], { ack: [] })] }, { unattributed: [entry, update] });
    recording.recording.sessions[0]?.traces.push(goodbye());
    const { end, notes } = await run(world, recording, { ignore: ignoreOf([], ['doc.rev']) });
    clearInterval(timer);
    expect(end).toMatchObject({ verdict: 'finished', recordedUnattributed: { recorded: 2, seen: 1 } });
    const messages = notes.filter(({ code }) => code.startsWith('UNATTRIBUTED')).map(({ message }) => message);
    expect(messages.filter((message) => message.endsWith('; it was recorded without one, too'))).toHaveLength(1);
    expect(messages).toContain('recorded without a cause, and not seen in this replay: 1 × update doc (title)');
  });
});
