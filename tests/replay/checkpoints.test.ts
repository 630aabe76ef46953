import { afterEach, describe, expect, it } from 'vitest';
import { ignoreOf } from '../../src/replay/ignore.js';
import { differenceWords } from '../../src/results/headline.js';
import { closeAll, connect, differences, emit, goodbye, id, type ProbedWorld, recorded, run, serveProbed } from './world.js';

let world: ProbedWorld;
afterEach(async () => {
  await world.close();
  await closeAll();
});

const notes = () =>
  serveProbed('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT); CREATE TABLE "my doc" (id INTEGER PRIMARY KEY, rev INTEGER)', (io, db) => {
    io.on('connection', (socket) => {
      socket.on('note', (text: string, reply: () => void) => {
        db.prepare('INSERT INTO note (text) VALUES (?)').run(text);
        reply();
      });
      socket.on('later', (ms: number, reply: () => void) => {
        setTimeout(() => db.prepare('INSERT INTO "my doc" (rev) VALUES (1)').run(), ms);
        reply();
      });
      socket.on('disconnect', () => db.open && db.prepare('DELETE FROM note').run());
    });
  });
const note = (text: string) => emit('note', [text], { ack: [], changes: [{ insert: 'note', row: { id: id(text), text } }] });
const held = (note: number, doc: number, hash?: string) => [
  { table: 'note', rows: note, ...(hash !== undefined && { hash }) },
  { table: 'my doc', rows: doc, ...(hash !== undefined && { hash }) },
];
const times = (count: number): [number, number][] => Array.from({ length: count }, (_, i) => [i * 10, 1]);
const extra = { delete: 'note', key: { id: id('a') } };

describe('checkpoints', () => {
  const story = (counts: [number, number][]) =>
    recorded(
      'story',
      {
        alice: { times: times(4), traces: [connect(), note('a'), note('b'), goodbye({ changes: [extra, { delete: 'note', key: { id: id('b') } }] })] },
        bob: { times: [[5, 1]], traces: [connect()] },
      },
      {
        checkpoints: [
          { name: 'one', next: { alice: 2, bob: 1 }, tables: held(...(counts[0] as [number, number])) },
          { name: 'two notes', next: { alice: 3, bob: 1 }, tables: held(...(counts[1] as [number, number])) },
          { name: 'end', next: { alice: 4, bob: 1 }, tables: held(...(counts[2] as [number, number])) },
        ],
      },
    );

  it('are compared where they stand, in the middle and at the end', async () => {
    world = await notes();
    const { end, traces } = await run(
      world,
      story([
        [1, 0],
        [2, 0],
        [0, 0],
      ]),
    );
    expect(Object.values(traces).flatMap(differences)).toEqual([]);
    expect(end).toMatchObject({ verdict: 'finished', checkpoints: { compared: 3, notCompared: 0 } });
  });

  it('that differ are told at the last trace before, table by table', async () => {
    world = await notes();
    const { end, traces } = await run(
      world,
      story([
        [1, 0],
        [3, 1],
        [1, 0],
      ]),
    );
    expect(end.verdict).toBe('failed');
    expect(differences(traces['0/alice/1'])).toEqual([]);
    expect(traces['0/alice/2']?.differences?.map(differenceWords)).toEqual([
      'the table note has 2 rows at the checkpoint two notes, recorded 3',
      'the table my doc has 0 rows at the checkpoint two notes, recorded 1',
    ]);
    expect(differences(traces['0/alice/3'])).toEqual(['checkpoints.end.note value']);
  });

  it('compare the rows themselves where nothing in the table may vary', async () => {
    world = await notes();
    const [before] = await world.probe.state();
    const recording = recorded(
      'hashes',
      { alice: { times: times(2), traces: [connect(), note('a')] } },
      { checkpoints: [{ name: 'c', next: { alice: 2 }, tables: held(1, 0, '0'.repeat(16)) }] },
    );
    const { traces } = await run(world, recording);
    // `note` has a name in it; `my doc` is empty as recorded, but its hash is another one.
    expect(traces['0/alice/1']?.differences?.map(differenceWords)).toEqual([
      expect.stringMatching(/^the table my doc does not hold what it held at the checkpoint c \(as many rows, but not the same/),
    ]);
    recording.recording.checkpoints = [
      { name: 'c', next: { alice: 2 }, tables: [{ table: 'my doc', rows: 0, hash: before?.table === 'my doc' ? (before.hash ?? '') : '' }] },
    ];
    const again = await run(world, recording);
    expect(Object.values(again.traces).flatMap(differences)).toEqual([]);
  });

  it('wait for what the traces before started', async () => {
    world = await notes();
    const later = emit('later', [60], { ack: [], changes: [{ insert: 'my doc', row: { id: id('d'), rev: 1 } }] });
    const recording = recorded(
      'later',
      {
        alice: {
          times: [
            [0, 1],
            [10, 70],
            [90, 1],
          ],
          traces: [connect(), later, note('a')],
        },
      },
      { checkpoints: [{ name: 'c', next: { alice: 2 }, tables: held(0, 1) }] },
    );
    expect((await run(world, recording)).end).toMatchObject({ verdict: 'finished', checkpoints: { compared: 1, notCompared: 0 } });
  });

  it('are not compared among others, and where a trace was under way', async () => {
    world = await notes();
    const wrong = story([
      [9, 9],
      [9, 9],
      [9, 9],
    ]);
    const shared = await run(world, wrong, { copies: 2 });
    expect(shared.end.checkpoints).toEqual({ compared: 0, notCompared: 6 });
    expect(
      Object.values(shared.traces)
        .flatMap(differences)
        .filter((path) => path.startsWith('checkpoints')),
    ).toEqual([]);
    const overlapping = recorded(
      'overlapping',
      {
        alice: {
          times: [
            [0, 1],
            [10, 50],
          ],
          traces: [connect(), note('a')],
        },
        bob: {
          times: [
            [0, 1],
            [20, 5],
          ],
          traces: [connect(), note('b')],
        },
      },
      { checkpoints: [{ name: 'c', next: { alice: 2, bob: 1 }, tables: held(9, 9) }] },
    );
    expect((await run(world, overlapping)).end).toMatchObject({ verdict: 'finished', checkpoints: { compared: 0, notCompared: 1 } });
  });

  it('leave out tables that are ignored', async () => {
    world = await notes();
    const { end } = await run(
      world,
      story([
        [9, 0],
        [9, 0],
        [9, 0],
      ]),
      { ignore: ignoreOf(['note'], []) },
    );
    expect(end).toMatchObject({ verdict: 'finished', checkpoints: { compared: 3 } });
  });
});
