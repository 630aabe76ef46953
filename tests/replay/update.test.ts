/** A recording updated by a replay: what changed is written, what holds stays, and the application as it was gives the first text again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editRecording } from '../../src/recording/edit-recording.js';
import type { LoadedRecording } from '../../src/recording/load.js';
import { readRecording } from '../../src/recording/read.js';
import { client, record } from './record.js';
import { closeAll, type Outcome, type ProbedWorld, run, serveProbed } from './world.js';

let bugs: readonly string[] = [];
const has = (name: string): boolean => bugs.includes(name);
let world: ProbedWorld;
let yaml: string;

const schema = `
  CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, rev INTEGER NOT NULL, shareKey TEXT NOT NULL, at TEXT NOT NULL);
  CREATE TABLE tag (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
  CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, noteId INTEGER REFERENCES note (id), what TEXT NOT NULL, at TEXT NOT NULL);
  INSERT INTO note (text, rev, shareKey, at) VALUES ('the first', 1, 'seed', '2020-01-01T00:00:00.000Z');
  INSERT INTO log (id, what, at) VALUES (1000, 'so that no two ids are the same by coincidence', '');
`;

beforeAll(async () => {
  world = await serveProbed(schema, (io, db) => {
    const log = (noteId: number, what: string): void =>
      void db.prepare('INSERT INTO log (noteId, what, at) VALUES (?, ?, ?)').run(noteId, what, new Date().toISOString());
    io.on('connection', (socket) => {
      socket.on('noteAdd', ({ text }, done) => {
        if (has('new broadcast')) {
          socket.broadcast.emit('hint', 'added');
        }
        // First: where the connection is busy it would be thrown away.
        if (has('new volatile')) socket.broadcast.volatile.emit('spark');
        const shareKey = `k${crypto.randomUUID().replaceAll('-', '').slice(0, 19)}X9z`;
        const at = new Date().toISOString();
        const id = Number(db.prepare('INSERT INTO note (text, rev, shareKey, at) VALUES (?, 1, ?, ?)').run(text, shareKey, at).lastInsertRowid);
        if (!has('no row')) log(id, 'added');
        if (has('row twice')) log(id, 'added');
        const note = { id: has('type') ? String(id) : id, text: has('value') ? text.toUpperCase() : text, shareKey, at, words: text.split(' ').length };
        const { id: _, ...headless } = note;
        const { text: __, ...textless } = note;
        if (!has('no push'))
          (has('not to the sender') ? socket.broadcast : io).emit('noteAdded', has('first field') ? headless : has('field') ? textless : note);
        if (has('new push')) io.emit('noteCounted', { noteId: id, key: shareKey, at: new Date().toISOString(), ticket: crypto.randomUUID() });
        io.emit('logged', { what: 'added' });
        done(
          has('refused')
            ? { success: false, message: 'no' }
            : {
                success: true,
                id,
                shareKey,
                ...(has('more in the ack') && { at }),
                ...(has('secret') && { token: 'a4KuGhO7lsajVdhORx9', via: 'Basic configured-secret' }),
              },
        );
      });
      socket.on('noteEdit', ({ id, text }, done) => {
        if (!has('no update')) db.prepare(`UPDATE note SET text = ?, rev = rev + ${has('counts by two') ? 2 : 1} WHERE id = ?`).run(text, id);
        if (has('new row')) log(id, 'edited');
        done({ success: true, said: `note ${text} is written` });
      });
      socket.on('tagAdd', ({ name }, done) => {
        const id = Number(db.prepare('INSERT INTO tag (name) VALUES (?)').run(name).lastInsertRowid);
        io.emit('tagAdded', { id, name, ...(has('unique text') && { title: `the tag ${name} is new`, slug: name }) });
        done({ success: true });
      });
      socket.on('list', (done) => {
        if (!has('volatile lost')) socket.volatile.emit('listing', 'now');
        done(has('list') ? ['a', 'new', 'c'] : ['a', 'b', 'c', 'd']);
      });
      socket.on('mark', (done) => {
        const rest = (): void => {
          socket.emit('mine', 1);
          io.emit('marked', 1);
          done();
        };
        if (!has('heard first by others')) return rest();
        socket.broadcast.emit('seen', 1);
        // The other one has it by then.
        return setTimeout(() => {
          socket.emit('seen', 1);
          rest();
        }, 50);
      });
      socket.on('silent', (done) => (has('silent') ? undefined : done(1)));
    });
  });
  yaml = (
    await record('notes', async () => {
      const alice = await client(world);
      const bob = await client(world);
      const { id } = await alice.emitWithAck('noteAdd', { text: 'buy some ink' });
      await bob.emitWithAck('noteEdit', { id: 1, text: 'the very first' });
      await bob.emitWithAck('noteEdit', { id, text: 'buy blue ink' });
      await alice.emitWithAck('tagAdd', { name: 'stationery' });
      await alice.emitWithAck('list');
      await bob.emitWithAck('silent');
      await alice.emitWithAck('mark');
      alice.disconnect();
      bob.disconnect();
    })
  ).yaml.replace('sessions:', '# who was there\nsessions:');
});
afterAll(async () => {
  await world.close();
  await closeAll();
});

function loaded(text: string): LoadedRecording {
  const { recording, errors } = readRecording(text, { file: 'r.yaml', readBinary: () => undefined });
  if (!recording) throw errors[0];
  return { recording, file: 'r.yaml', lineOf: () => 1 };
}

const reset = (): void => void world.db.exec("DELETE FROM log; DELETE FROM tag; DELETE FROM note WHERE id > 1; UPDATE note SET text = 'the first', rev = 1");

/** With the bugs of before. */
function inTwoCopies(text: string): Promise<Outcome> {
  reset();
  return run(world, loaded(text), { copies: 2 });
}

async function replayed(text: string, ...withBugs: string[]): Promise<Outcome & { text: string }> {
  bugs = withBugs;
  reset();
  const outcome = await run(world, loaded(text), { update: true, secrets: new Map([['pin', 'configured-secret']]) });
  const { update } = outcome.summary;
  if (!update || update.refused !== undefined) return { ...outcome, text };
  const edited = editRecording(text, { file: 'r.yaml', readBinary: () => undefined }, () => update.edits);
  if ('errors' in edited) throw edited.errors[0];
  return { ...outcome, text: edited.text };
}

const changedLines = (before: string, after: string): string[] => {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `- ${line.trim()}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+ ${line.trim()}`),
  ];
};

describe('updated', () => {
  it('is nothing where nothing differs', async () => {
    const { summary, text } = await replayed(yaml);
    expect(summary).toMatchObject({ verdict: 'finished' });
    expect(summary.update).toBeUndefined();
    expect(text).toBe(yaml);
  });

  const note = (args: string): string => `args: [${args}]`;
  const added = note('{ id: !id note1, text: buy some ink, shareKey: !id shareKey1, at: !any timestamp, words: 3 }');
  const answered = 'ack: [{ success: true, id: !id note1, shareKey: !id shareKey1 }]';
  const noRow = '- { insert: log, row: { id: !id log1, noteId: !id note1, what: added, at: !any timestamp } }';
  it.each([
    [
      ['no row', 'field', 'list', 'counts by two'],
      [
        `- ${noRow}`,
        `- ${added}`,
        '- ack: [[a, b, c, d]]',
        '- - { update: note, key: { id: 1 }, set: { text: the very first, rev: !delta 1 } }',
        '- - { update: note, key: { id: !id note1 }, set: { text: buy blue ink, rev: 2 } }',
        `+ ${note('{ id: !id note1, shareKey: !id shareKey1, at: !any timestamp, words: 3 }')}`,
        '+ ack: [[a, new, c]]',
        '+ - { update: note, key: { id: 1 }, set: { text: the very first, rev: !delta 2 } }',
        '+ - { update: note, key: { id: !id note1 }, set: { text: buy blue ink, rev: 3 } }',
      ],
    ],
    [
      ['row twice', 'first field', 'new row', 'more in the ack', 'unique text'],
      [
        `- ${added}`,
        `- ${answered}`,
        '- - { to: [anonymous, anonymous-2], event: tagAdded, args: [{ id: !id tag1, name: !unique stationery }] }',
        `+ ${note('{ text: buy some ink, shareKey: !id shareKey1, at: !any timestamp, words: 3 }')}`,
        '+ - { insert: log, row: { id: !id log2, noteId: !id note1, what: added, at: !any timestamp } }',
        '+ ack: [{ success: true, id: !id note1, shareKey: !id shareKey1, at: !any timestamp }]',
        '+ - { insert: log, row: { id: !id log3, noteId: 1, what: edited, at: !any timestamp } }',
        '+ - { insert: log, row: { id: !id log4, noteId: !id note1, what: edited, at: !any timestamp } }',
        '+ event: tagAdded',
        `+ ${note('{ id: !id tag1, name: !unique stationery, title: !text "the tag ${stationery} is new", slug: !unique stationery }')}`,
      ],
    ],
    [
      ['type', 'no update'],
      [
        `- ${added}`,
        '- - { update: note, key: { id: 1 }, set: { text: the very first, rev: !delta 1 } }',
        '- - { update: note, key: { id: !id note1 }, set: { text: buy blue ink, rev: 2 } }',
        `+ ${note('{ id: !text "${note1}", text: buy some ink, shareKey: !id shareKey1, at: !any timestamp, words: 3 }')}`,
      ],
    ],
    [
      ['no push', 'refused'],
      ['- - to: [anonymous, anonymous-2]', '- event: noteAdded', `- ${added}`, `- ${answered}`, '+ ack: [{ success: false, message: "no" }]'],
    ],
    [
      ['value', 'new push'],
      [
        `- ${added}`,
        `+ ${note('{ id: !id note1, text: BUY SOME INK, shareKey: !id shareKey1, at: !any timestamp, words: 3 }')}`,
        '+ event: noteCounted',
        `+ ${note('{ noteId: !id note1, key: !id shareKey1, at: !any timestamp, ticket: !id ticket1 }')}`,
      ],
    ],
    [
      ['list', 'volatile lost'],
      ['- ack: [[a, b, c, d]]', '+ ack: [[a, new, c]]'],
    ],
    [
      ['secret'],
      [`- ${answered}`, '+ ack: [{ success: true, id: !id note1, shareKey: !id shareKey1, token: !secret token1, via: !text "Basic ${!secret pin}" }]'],
    ],
    [['not to the sender'], ['- - to: [anonymous, anonymous-2]', '+ - to: anonymous-2', '+ except: anonymous']],
    [['new broadcast'], ['+ - { to: anonymous-2, event: hint, args: [added], except: anonymous }']],
  ])('%j: red, then green, and with the application as it was the text of before', async (names, lines) => {
    const red = await replayed(yaml, ...names);
    expect(red.summary.verdict).toBe('failed');
    expect(red.summary.update?.refused).toBeUndefined();
    expect(changedLines(yaml, red.text).sort()).toEqual(lines.sort());
    const green = await replayed(red.text, ...names);
    expect(green.summary.verdict, JSON.stringify(green.records.filter((one) => one.type === 'trace' && one.differences))).toBe('finished');
    // Whom a broadcast leaves out is told too: their twins in the other copy may receive it.
    const together = names.some((name) => /broadcast|sender/.test(name)) ? await inTwoCopies(red.text) : undefined;
    expect(together?.summary.verdict ?? 'finished', JSON.stringify(together?.records.filter((one) => one.type === 'trace' && one.differences))).toBe(
      'finished',
    );
    const back = await replayed(red.text);
    expect(back.summary.update?.refused).toBeUndefined();
    expect(back.text).toBe(yaml);
  });

  it('says of a new push that it may get lost, and keeps it where it does not come: it may only have got lost', async () => {
    const red = await replayed(yaml, 'new volatile');
    expect(changedLines(yaml, red.text)).toEqual(['+ - { to: anonymous-2, event: spark, except: anonymous, volatile: true }']);
    const without = await replayed(red.text);
    expect(without.summary.verdict).toBe('finished');
    expect(without.text).toBe(red.text);
  });

  it('puts a new push where its connections have it, whoever hears of it first', async () => {
    const { text } = await replayed(yaml, 'heard first by others');
    expect(text.slice(text.indexOf('- emit: mark'))).toMatch(/event: seen.*event: mine.*event: marked/s);
    expect((await replayed(text)).text).toBe(yaml);
  });

  it('is nothing where a trace was not answered', async () => {
    const { summary, text } = await replayed(yaml, 'silent');
    expect(summary.update).toMatchObject({ edits: [], refused: expect.stringContaining('ended as timeout') });
    expect(text).toBe(yaml);
  });
});
