/** Rows of an application without a probe, seen in its database from outside. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Socket } from 'socket.io';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoadedRecording } from '../../src/recording/load.js';
import { Tagged } from '../../src/recording/values.js';
import type { ReplayInput } from '../../src/replay/replay.js';
import { openWatch } from '../../src/watch/open.js';
import { closeAll, connect, differences, emit, goodbye, id, type Outcome, recorded, run, serve } from './world.js';

const SCHEMA = 'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT, edits INTEGER DEFAULT 0); CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT)';
type Handlers = Record<string, (db: Database.Database, args: unknown[], socket: Socket) => unknown>;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await closeAll();
});

/** An application that does as told at an event, and acknowledges; its file is watched while the recordings are replayed. */
async function replayed(handlers: Handlers, recordings: LoadedRecording | LoadedRecording[], copies = 1, more: Partial<ReplayInput> = {}): Promise<Outcome> {
  const file = join(mkdtempSync(join(tmpdir(), 'socket-replay-watch-')), 'app.db');
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.exec(`${SCHEMA}; INSERT INTO note VALUES (1, 'seeded', 0)`);
  const world = await serve((io) =>
    io.on('connection', (socket) => {
      for (const [event, handle] of Object.entries(handlers))
        socket.on(event, async (...args: unknown[]) => {
          const reply = args.pop() as (answer: unknown) => void;
          reply((await handle(db, args, socket)) ?? null);
        });
    }),
  );
  const watch = await openWatch(file);
  closers.push(
    () => watch.close(),
    () => db.close(),
  );
  return run(world, recordings, { copies, watch, measures: { acks: true, pushes: true, changes: true }, ...more });
}

const insert = (db: Database.Database, text: unknown): number => Number(db.prepare('INSERT INTO note (text) VALUES (?)').run(text).lastInsertRowid);
const add: Handlers = { add: (db, [text]) => ({ id: insert(db, text) }) };
const added = (text: string, name: string) =>
  emit('add', [text], { ack: [{ id: id(name) }], changes: [{ insert: 'note', row: { id: id(name), text, edits: 0 } }] });

describe('one copy alone', () => {
  it('does not hold the rows of a login on the connection against its connect', async () => {
    const login: Handlers = { login: (db) => db.prepare("INSERT INTO log (what) VALUES ('in')").run().changes };
    const greeting = { namespace: '/', event: 'login', args: [], timeout: 500, said: 'the login', secrets: () => ({}) };
    const recording = recorded('notes', { alice: { user: 'alice', traces: [connect(), added('one', 'note1'), goodbye()] } });
    const { end, outcomes } = await replayed({ ...add, ...login }, recording, 1, { login: async () => ({ greeting, took: 0 }) });
    expect([end.verdict, outcomes['0/alice/0'], end.unattributed.changes]).toEqual(['finished', 'passed', 1]);
  });

  it('passes where the rows are as recorded: inserted, updated, deleted', async () => {
    const outcome = await replayed(
      {
        ...add,
        edit: (db, [row]) => db.prepare('UPDATE note SET edits = edits + 1 WHERE id = ?').run(row).changes,
        remove: (db, [row]) => db.prepare('DELETE FROM note WHERE id = ?').run(row).changes,
      },
      recorded('notes', {
        alice: [
          connect(),
          added('one', 'note1'),
          emit('edit', [id('note1')], {
            ack: [1],
            changes: [{ update: 'note', key: { id: id('note1') }, set: { edits: new Tagged({ tag: 'delta', n: 1 }) } }],
          }),
          emit('edit', [1], { ack: [1], changes: [{ update: 'note', key: { id: 1 }, set: { edits: 1 } }] }),
          emit('remove', [id('note1')], { ack: [1], changes: [{ delete: 'note', key: { id: id('note1') } }] }),
          goodbye(),
        ],
      }),
    );
    expect(new Set(Object.values(outcome.outcomes))).toEqual(new Set(['passed']));
    expect(outcome.end).toMatchObject({ verdict: 'finished', unattributed: { changes: 0 } });
  });

  it('fails at the trace whose row was not written', async () => {
    const { outcomes, traces } = await replayed({ add: () => ({ id: 2 }) }, recorded('notes', { alice: [connect(), added('one', 'note1'), goodbye()] }));
    expect(outcomes['0/alice/1']).toBe('mismatch');
    expect(differences(traces['0/alice/1'])).toEqual(['changes.note.insert removed']);
  });

  it('fails at the column that has another value', async () => {
    const { traces } = await replayed(
      { add: (db, [text]) => ({ id: insert(db, `${text}!`) }) },
      recorded('notes', { alice: [connect(), added('one', 'note1'), goodbye()] }),
    );
    expect(differences(traces['0/alice/1'])).toEqual(['changes.note.insert.text value']);
  });

  it('fails at the trace after which a row came that was not recorded', async () => {
    const { outcomes, traces } = await replayed(
      {
        ...add,
        quiet(db) {
          db.exec("INSERT INTO log (what) VALUES ('quiet')");
        },
      },
      recorded('notes', { alice: [connect(), added('one', 'note1'), emit('quiet', [], { ack: [null] }), goodbye()] }),
    );
    expect(outcomes['0/alice/1']).toBe('passed');
    expect(differences(traces['0/alice/2'])).toEqual(['changes.log.insert added']);
  });

  it('counts, and does not judge, what the recording saw without a trace', async () => {
    const { outcomes, end } = await replayed(
      {
        quiet(db) {
          db.exec("INSERT INTO log (what) VALUES ('quiet')");
        },
      },
      recorded(
        'notes',
        { alice: [connect(), emit('quiet', [], { ack: [null] }), goodbye()] },
        { unattributed: [{ insert: 'log', row: { id: 1, what: 'tick' } }] },
      ),
    );
    expect(outcomes['0/alice/1']).toBe('passed');
    expect(end.unattributed.changes).toBe(1);
  });

  it('takes several writes of one row for what they add up to, however the looks fall', async () => {
    const twice: Handlers = {
      async add(db, [text]) {
        const row = insert(db, 'draft');
        await new Promise((done) => setTimeout(done, 80));
        db.prepare('UPDATE note SET text = ?, edits = 1 WHERE id = ?').run(text, row);
        return { id: row };
      },
    };
    const net = emit('add', ['one'], { ack: [{ id: id('note1') }], changes: [{ insert: 'note', row: { id: id('note1'), text: 'one', edits: 1 } }] });
    const each = emit('add', ['one'], {
      ack: [{ id: id('note1') }],
      changes: [
        { insert: 'note', row: { id: id('note1'), text: 'draft', edits: 0 } },
        { update: 'note', key: { id: id('note1') }, set: { text: 'one', edits: 1 } },
      ],
    });
    for (const trace of [net, each]) {
      const { outcomes, traces } = await replayed(twice, recorded('notes', { alice: [connect(), trace, goodbye()] }));
      expect(outcomes['0/alice/1'], JSON.stringify(traces['0/alice/1'])).toBe('passed');
    }
  });
});

describe('several copies', () => {
  const flow = recorded('notes', { alice: [connect(), added('one', 'note1'), added('two', 'note2'), goodbye()] });

  it('pass where the rows of all of them add up', async () => {
    const { summary, notes } = await replayed(add, flow, 5);
    expect(summary.verdict).toBe('finished');
    expect(notes.find(({ code }) => code === 'ROWS')?.detail).toMatchObject({ note: { insert: 10, recorded: { insert: 10 } } });
  });

  it('fail where one is missing, or too many, by table', async () => {
    let calls = 0;
    const { summary } = await replayed(
      {
        add(db, [text]) {
          calls++;
          if (calls === 3) {
            db.exec("INSERT INTO log (what) VALUES ('odd')");
            return { id: 1000 };
          }
          return { id: insert(db, text) };
        },
      },
      flow,
      5,
    );
    expect(summary.verdict).toBe('failed');
    expect(summary.errors).toEqual([
      { code: 'REPLAY_ROWS_DIFFER', message: 'log: 1 more rows than before, recorded 0' },
      { code: 'REPLAY_ROWS_DIFFER', message: 'note: 9 more rows than before, recorded 10' },
    ]);
  });
});
