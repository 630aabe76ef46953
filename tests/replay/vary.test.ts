/** Given names: different data per copy, so that not all of them sit in one room. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { checkVary } from '../../src/playwright/known.js';
import { editRecording } from '../../src/recording/edit-recording.js';
import { give } from '../../src/recording/give.js';
import type { LoadedRecording } from '../../src/recording/load.js';
import { readRecording } from '../../src/recording/read.js';
import { createCopies } from '../../src/replay/copies.js';
import fc from '../fast-check.js';
import { end, faults, person, type Reply, recordTrap, replayed, trap } from '../traps/trap.js';
import { connect, emit, id, inputOf, recorded, serve } from './world.js';

afterEach(end);

const SCHEMA = `CREATE TABLE document (id INTEGER PRIMARY KEY, title TEXT, rev INTEGER);
  CREATE TABLE note (id INTEGER PRIMARY KEY, documentId INTEGER REFERENCES document (id), text TEXT);
  INSERT INTO document VALUES (7, 'Introduction', 3), (8, 'Methods', 30), (9, 'Results', 300)`;

const given = (loaded: LoadedRecording, ...keys: string[]): LoadedRecording => {
  const options = { file: loaded.file, readBinary: () => undefined };
  const edited = editRecording(readFileSync(loaded.file, 'utf8'), options, ({ recording }) => give(recording, 'document1', 7, keys));
  const read = readRecording('text' in edited ? edited.text : '', options);
  if (read.errors) throw read.errors[0];
  return { ...loaded, recording: read.recording };
};

describe('a value that was there before, given to each copy', () => {
  it('is another one in each, alone the recorded one; its contents are not what was recorded, and a wrong room is still red', async () => {
    const opened: number[] = [];
    let leaks = false;
    const world = await trap((io, db) => {
      io.on('connection', (socket) => {
        socket.on('documentOpen', ({ documentId }: { documentId: number }, reply: Reply) => {
          opened.push(documentId);
          void socket.join(`document-${documentId}`);
          reply({ success: true, data: db.prepare('SELECT * FROM document WHERE id = ?').get(documentId) });
        });
        socket.on('noteAdd', ({ documentId, text }: { documentId: number; text: string }, reply: Reply) => {
          const note = Number(db.prepare('INSERT INTO note (documentId, text) VALUES (?, ?)').run(documentId, text).lastInsertRowid);
          db.prepare('UPDATE document SET rev = rev + 1 WHERE id = ?').run(documentId);
          io.to(leaks ? 'document-7' : `document-${documentId}`).emit('noteRefresh', { documentId, noteId: note, text });
          reply({ success: true });
        });
      });
    }, SCHEMA);
    const { loaded } = await recordTrap('rooms', async () => {
      const [alice, bob] = [await person(world.url), await person(world.url)];
      for (const one of [alice, bob]) await one.ask('documentOpen', { documentId: 7 });
      await Promise.all([alice.next('noteRefresh'), bob.next('noteRefresh'), alice.ask('noteAdd', { documentId: 7, text: 'hello' })]);
    });
    const varied = given(loaded, 'documentId', 'document.id', 'id');
    expect(varied.recording.given).toEqual({ document1: 7 });
    const replays = async (copies: number) => {
      opened.length = 0;
      const outcome = await replayed(world, varied, { copies, level: 'shared', vary: { document1: [7, 8, 9] } });
      return { faults: faults(outcome), opened: [...new Set(opened)].sort() };
    };
    expect(await replays(1)).toEqual({ faults: [], opened: [7] });
    expect(await replays(2)).toEqual({ faults: [], opened: [7, 8] });
    expect(await replays(4)).toEqual({ faults: [], opened: [7, 8, 9] });
    leaks = true;
    const { faults: found } = await replays(2);
    expect(found.join()).toMatch(/1\/anonymous\/2 mismatch {2}pushes\.anonymous.*noteRefresh removed/);
  });
});

describe('copy i', () => {
  it('has entry i mod n, alone what was recorded', async () => {
    const world = await serve(() => {});
    const recording = recorded('given', { alice: [connect(), emit('open', [id('document1')])] }, { given: { document1: 7, other: 'x' } });
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 12 }), (values, copies) => {
        const made = createCopies(inputOf(world, recording, { copies, vary: { document1: values } })).map(({ scope }) => scope.names);
        expect(made.map((names) => names.get('document1'))).toEqual(copies === 1 ? [7] : made.map((_, copy) => values[copy % values.length]));
        expect(made.every((names) => names.get('other') === 'x')).toBe(true);
      }),
    );
  });
});

it('a name that nobody gives, and a value of another type, are refused', () => {
  const recording = recorded('given', { alice: [connect()] }, { given: { document1: 7 } });
  expect(() => checkVary({ document1: [7, 8] }, [recording])).not.toThrow();
  expect(() => checkVary({ documnt1: [7] }, [recording])).toThrow('`use.vary.documnt1`: no recording has it under `given`');
  expect(() => checkVary({ document1: [7, '8'] }, [recording])).toThrow('`use.vary.document1`: "8" is no number, as it was recorded');
});
