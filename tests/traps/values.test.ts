/** Traps of values: 3, 4, 5, 9, 15, 18. The table in docs/architecture.md says where each of the twenty is. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { end, expectGreen, faults, person, type Reply, recordTrap, replayed, trap } from './trap.js';

afterEach(end);

const random = (length: number): string => randomBytes(length).toString('base64url').replace(/[-_]/g, 'x').slice(0, length);

describe('trap 3: the id is not in the ack', () => {
  const SCHEMA = `CREATE TABLE annotation (id INTEGER PRIMARY KEY, text TEXT);
    CREATE TABLE comment (id INTEGER PRIMARY KEY, annotationId INTEGER REFERENCES annotation (id), text TEXT);
    CREATE TABLE collab (id INTEGER PRIMARY KEY, collabHash TEXT, annotationId INTEGER REFERENCES annotation (id))`;

  it('but in a push, or in one that is keyed by a value of the client', async () => {
    const world = await trap((io, db) => {
      io.on('connection', (socket) => {
        socket.on('annotationUpdate', ({ text }: { text: string }, reply: Reply) => {
          const annotation = Number(db.prepare('INSERT INTO annotation (text) VALUES (?)').run(text).lastInsertRowid);
          const comment = Number(db.prepare("INSERT INTO comment (annotationId, text) VALUES (?, '')").run(annotation).lastInsertRowid);
          reply({ success: true });
          io.emit('annotationRefresh', [{ id: annotation, text }]);
          io.emit('commentRefresh', [{ id: comment, annotationId: annotation, text: '' }]);
        });
        socket.on('commentUpdate', ({ id, annotationId, text }: { id: number; annotationId: number; text: string }, reply: Reply) => {
          const { changes } = db.prepare('UPDATE comment SET text = ? WHERE id = ? AND annotationId = ?').run(text, id, annotationId);
          reply(changes === 1 ? { success: true } : { success: false, message: 'no such comment' });
        });
        socket.on('collabUpdate', ({ collabHash, annotationId }: { collabHash: string; annotationId: number }) => {
          const collab = Number(db.prepare('INSERT INTO collab (collabHash, annotationId) VALUES (?, ?)').run(collabHash, annotationId).lastInsertRowid);
          socket.emit('collabStart', { collabId: collab, collabHash });
        });
        socket.on('collabEdit', ({ collabId }: { collabId: number }, reply: Reply) =>
          reply({ success: db.prepare('SELECT 1 FROM collab WHERE id = ?').get(collabId) !== undefined }),
        );
      });
    }, SCHEMA);
    const { loaded, yaml } = await recordTrap('pushed', async () => {
      const [alice, bob] = [await person(world.url), await person(world.url)];
      const came = Promise.all([alice.next('annotationRefresh'), bob.next('commentRefresh')]);
      await alice.ask('annotationUpdate', { text: 'a lack of data' });
      const [[[annotation]], [[comment]]] = (await came) as [[[{ id: number }]], [[{ id: number }]]];
      await bob.ask('commentUpdate', { id: comment.id, annotationId: annotation.id, text: 'agreed' });
      const started = alice.next('collabStart');
      alice.socket.emit('collabUpdate', { collabHash: 'm6uf', annotationId: annotation.id });
      const [{ collabId }] = (await started) as [{ collabId: number }];
      await alice.ask('collabEdit', { collabId });
    });
    expect(yaml).toMatch(/emit: commentUpdate\n\s+args: \[\{ id: !id comment1, annotationId: !id annotation1, text: agreed \}\]/);
    expect(yaml).toMatch(/args: \[\{ collabId: !id collab1 \}\]/);
    await expectGreen(world, loaded);
    await expectGreen(world, loaded);
  });
});

describe('trap 4: small ids collide', () => {
  const SCHEMA = `CREATE TABLE project (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE tag_set (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE document (id INTEGER PRIMARY KEY, projectId INTEGER REFERENCES project (id), tagSetId INTEGER REFERENCES tag_set (id), title TEXT);
    CREATE TABLE message (id INTEGER PRIMARY KEY, owner TEXT, text TEXT, seen INTEGER);
    INSERT INTO project VALUES (1, 'seeded');
    INSERT INTO tag_set VALUES (1, 'seeded');
    INSERT INTO document VALUES (1, 1, 1, 'seeded')`;

  it('one number is three rows, one message has two ids, and later each number is another', async () => {
    const world = await trap((io, db) => {
      const insert = (sql: string, ...values: unknown[]): number => Number(db.prepare(sql).run(...values).lastInsertRowid);
      io.on('connection', (socket) => {
        socket.on('projectCreate', ({ name }: { name: string }, reply: Reply) =>
          reply({ success: true, id: insert('INSERT INTO project (name) VALUES (?)', name) }),
        );
        socket.on('tagSetCreate', ({ name }: { name: string }, reply: Reply) =>
          reply({ success: true, id: insert('INSERT INTO tag_set (name) VALUES (?)', name) }),
        );
        socket.on('documentCreate', ({ projectId, tagSetId, title }: Record<string, unknown>, reply: Reply) =>
          reply({ success: true, id: insert('INSERT INTO document (projectId, tagSetId, title) VALUES (?, ?, ?)', projectId, tagSetId, title) }),
        );
        socket.on('documentOpen', ({ documentId, projectId, tagSetId }: Record<string, unknown>, reply: Reply) => {
          const row = db.prepare('SELECT * FROM document WHERE id = ? AND projectId = ? AND tagSetId = ?').get(documentId, projectId, tagSetId);
          reply(row ? { success: true, document: row } : { success: false, message: 'not found' });
        });
        socket.on('say', (text: string, reply: Reply) => {
          reply({ success: true });
          // Bob's is older.
          const others = [...io.of('/').sockets.values()].filter((other) => other !== socket);
          for (const one of [...others, socket]) one.emit('message', { id: insert("INSERT INTO message (owner, text, seen) VALUES ('x', ?, 0)", text), text });
        });
        socket.on('messageRead', ({ id }: { id: number }, reply: Reply) =>
          reply({ success: db.prepare('UPDATE message SET seen = seen + 1 WHERE id = ? AND seen = 0').run(id).changes === 1 }),
        );
      });
    }, SCHEMA);
    const { loaded, yaml } = await recordTrap('small', async () => {
      const [alice, bob] = [await person(world.url), await person(world.url)];
      const created = async (event: string, data: object): Promise<number> => ((await alice.ask(event, data)) as [{ id: number }])[0].id;
      const projectId = await created('projectCreate', { name: 'ours' });
      const tagSetId = await created('tagSetCreate', { name: 'colours' });
      const documentId = await created('documentCreate', { projectId, tagSetId, title: 'first' });
      expect([projectId, tagSetId, documentId]).toEqual([2, 2, 2]);
      await bob.ask('documentOpen', { documentId, projectId, tagSetId });
      const heard = Promise.all([alice.next('message'), bob.next('message')]);
      await alice.ask('say', 'hello');
      const [[hers], [his]] = (await heard) as [[{ id: number }], [{ id: number }]];
      expect(hers.id).not.toBe(his.id);
      await bob.ask('messageRead', { id: his.id });
      await alice.ask('messageRead', { id: hers.id });
    });
    expect(yaml).toMatch(/args: \[\{ documentId: !id document1, projectId: !id project1, tagSetId: !id tag_set1 \}\]/);
    world.db.exec("INSERT INTO project (id, name) VALUES (40, 'x'); INSERT INTO tag_set (id, name) VALUES (7, 'x')");
    // Alone they speak only to each other; among others everybody is told, and that is another matter.
    const { end: last, ...outcome } = await replayed(world, loaded);
    expect(faults({ ...outcome, end: last })).toEqual([]);
  });
});

describe('trap 5: ids hide', () => {
  const SCHEMA = `CREATE TABLE list (id TEXT PRIMARY KEY, name TEXT);
    CREATE TABLE monitor (id INTEGER PRIMARY KEY, active INTEGER);
    CREATE TABLE tag (id INTEGER PRIMARY KEY, label TEXT);
    CREATE TABLE topic (id INTEGER PRIMARY KEY, title TEXT);
    CREATE TABLE room (id INTEGER PRIMARY KEY, title TEXT)`;

  it('in URLs, keys, room names, nested lists, under other names and with other types', async () => {
    let lists = 1912745442265793549n;
    const world = await trap((io, db) => {
      const insert = (sql: string, ...values: unknown[]): number => Number(db.prepare(sql).run(...values).lastInsertRowid);
      const has = (table: string, id: unknown): boolean => db.prepare(`SELECT 1 FROM ${table} WHERE id = ?`).get(id) !== undefined;
      const authors = new Set<string>();
      io.on('connection', (socket) => {
        const on = (event: string, answer: (data: never) => unknown): void => {
          socket.on(event, (data: unknown, reply: Reply) => reply(answer(data as never)));
        };
        on('listCreate', (name: string) => {
          const list = String((lists += BigInt(1 + Math.floor(Math.random() * 1e6))));
          insert('INSERT INTO list VALUES (?, ?)', list, name);
          return { item: { id: list, name } };
        });
        on('post', ({ url }: { url: string }) => ({ ok: has('list', /^\/api\/lists\/(\d+)\/cards$/.exec(url)?.[1]), url }));
        let mine: number[] = [];
        on('monitorAdd', () => {
          mine = [...mine, insert('INSERT INTO monitor (active) VALUES (1)')];
          return { ok: true, monitorID: mine.at(-1) };
        });
        on('monitorPause', (id: number) => ({ ok: has('monitor', id) }));
        on('monitorList', () => ({ monitors: Object.fromEntries(mine.map((monitor) => [monitor, true])) }));
        on('monitorChoose', ({ monitors }: { monitors: Record<string, boolean> }) => ({ ok: Object.keys(monitors).every((id) => has('monitor', Number(id))) }));
        on('tagAdd', ({ label }: { label: string }) => ({ ok: true, tag: { id: insert('INSERT INTO tag (label) VALUES (?)', label), label } }));
        on('tagUse', ({ tag }: { tag: { id: number } }) => ({ ok: has('tag', tag.id) }));
        on('topicAdd', (title: string) => ({ ok: true, topicId: insert('INSERT INTO topic (title) VALUES (?)', title) }));
        on('join', (room: string) => {
          socket.emit('joined', { room });
          return { ok: has('topic', Number(/^topic_(\d+)$/.exec(room)?.[1])) };
        });
        on('roomAdd', (title: string) => ({ ok: true, roomId: insert('INSERT INTO room (title) VALUES (?)', title) }));
        on('roomEnter', ({ roomId }: { roomId: number }) => {
          socket.emit('entered', { roomId: String(roomId) });
          return { ok: typeof roomId === 'number' && has('room', roomId) };
        });
        on('author', () => {
          // Of letters alone some would read as words, which are never names.
          const author = `a.${random(5)}7${random(5)}3${random(4)}`;
          authors.add(author);
          return { author, colours: { [author]: 3 } };
        });
        on('attribute', (attributes: [string, string][]) => ({ ok: attributes.every(([, author]) => authors.has(author)) }));
        on('colour', (colours: Record<string, number>) => ({ ok: Object.keys(colours).every((author) => authors.has(author)) }));
      });
    }, SCHEMA);
    const { loaded, yaml } = await recordTrap('hidden', async () => {
      const alice = await person(world.url);
      const ask = async <T>(event: string, data: unknown = {}): Promise<T> => (await alice.ask(event, data))[0] as T;
      const { item } = await ask<{ item: { id: string } }>('listCreate', 'groceries');
      await ask('post', { url: `/api/lists/${item.id}/cards` });
      const { monitorID } = await ask<{ monitorID: number }>('monitorAdd');
      await ask('monitorPause', monitorID);
      await ask('monitorList');
      await ask('monitorChoose', { monitors: { [monitorID]: true } });
      const { tag } = await ask<{ tag: { id: number } }>('tagAdd', { label: 'urgent' });
      await ask('tagUse', { tag: { id: tag.id } });
      const { topicId } = await ask<{ topicId: number }>('topicAdd', 'news');
      await ask('join', `topic_${topicId}`);
      const { roomId } = await ask<{ roomId: number }>('roomAdd', 'hall');
      await ask('roomEnter', { roomId });
      const { author } = await ask<{ author: string }>('author');
      await ask('attribute', [['author', author]]);
      await ask('colour', { [author]: 4 });
    });
    for (const spelled of [
      '!text "/api/lists/${list1}/cards"',
      'args: [!id monitor1]',
      'monitors: !keys { "${monitor1}": true }',
      'tag: { id: !id tag1 }',
      '!text "topic_${topic1}"',
      'args: [{ roomId: !text "${room1}" }]',
      'args: [[[author, !id author1]]]',
      'args: [!keys { "${author1}": 4 }]',
    ])
      expect(yaml.replaceAll("'", '"')).toContain(spelled);
    world.db.exec("INSERT INTO monitor VALUES (20, 1); INSERT INTO tag VALUES (30, 'x'); INSERT INTO topic VALUES (5, 'x'); INSERT INTO room VALUES (9, 'x')");
    await expectGreen(world, loaded);
  });
});

describe('trap 9: arity', () => {
  it('is kept: how many arguments are sent, whether an answer is asked for, and what it consists of', async () => {
    const killed: string[] = [];
    const world = await trap((io) => {
      io.on('connection', (socket) => {
        const on = (event: string, arity: number, ...answer: unknown[]): void => {
          socket.on(event, (...args: unknown[]) => {
            const callback = args[arity];
            if (args.length !== arity + 1 || typeof callback !== 'function') killed.push(`${event}: callback is not a function`);
            else (callback as Reply)(...answer);
          });
        };
        on('none', 0);
        on('two', 2, { success: true, data: null });
        on('msg', 1, { ok: true, msg: 'saved' });
        on('node', 1, null, { id: 7 });
        on('http', 1, { body: '[]', headers: {}, statusCode: 200 });
        on('bare', 1, true);
        on('several', 3, 'a', undefined, ['b']);
        socket.on('quiet', (...args: unknown[]) => {
          if (args.length !== 1) killed.push('quiet');
        });
        socket.on('refused', (_: unknown, reply: Reply) => reply(new Error('x').message, null));
      });
    });
    const { loaded } = await recordTrap('arity', async () => {
      const alice = await person(world.url);
      await alice.ask('none');
      await alice.ask('two', 1, null);
      await alice.ask('msg', {});
      await alice.ask('node', 'a');
      await alice.ask('http', 'GET /');
      await alice.ask('bare', false);
      alice.socket.emit('quiet', [undefined]);
      await alice.ask('several', 0, '', undefined);
      await alice.ask('refused', {});
    });
    await expectGreen(world, loaded);
    expect(killed).toEqual([]);
  });
});

describe('trap 15: the client sends volatile values too', () => {
  const SCHEMA = 'CREATE TABLE consent (id INTEGER PRIMARY KEY, requestKey TEXT, acceptedAt TEXT, dueAt TEXT)';

  it('its time, its socket id, its uuids and dates are made anew, and relative dates stay relative', async () => {
    const seen = new Set<string>();
    const world = await trap((io, db) => {
      const isNow = (at: number): boolean => Math.abs(Date.now() - at) < 5000;
      io.on('connection', (socket) => {
        socket.on('ping', (at: number, reply: Reply) => reply({ ok: isNow(at) }));
        socket.on('whoami', ({ sender }: { sender: string }, reply: Reply) => reply({ ok: sender === socket.id }));
        socket.on('accept', ({ requestKey, acceptedAt, dueAt }: Record<string, string>, reply: Reply) => {
          const week = Date.parse(dueAt ?? '') - Date.now();
          const ok = isNow(Date.parse(acceptedAt ?? '')) && !seen.has(requestKey ?? '') && Math.abs(week - 7 * 86_400_000) < 5000;
          seen.add(requestKey ?? '');
          db.prepare('INSERT INTO consent (requestKey, acceptedAt, dueAt) VALUES (?, ?, ?)').run(requestKey, acceptedAt, dueAt);
          reply({ ok, requestKey, dueAt });
        });
      });
    }, SCHEMA);
    const { loaded, yaml } = await recordTrap('volatile', async () => {
      const alice = await person(world.url);
      await alice.ask('ping', Date.now());
      await alice.ask('whoami', { sender: alice.socket.id });
      const acceptedAt = new Date().toISOString();
      await alice.ask('accept', { requestKey: randomUUID(), acceptedAt, dueAt: new Date(Date.now() + 7 * 86_400_000).toISOString() });
    });
    expect(yaml).toMatch(/args: \[!now ?\]/);
    expect(yaml).toContain('args: [{ sender: !socket }]');
    expect(yaml).toContain('args: [{ requestKey: !uuid requestKey1, acceptedAt: !now iso, dueAt: !now iso +7d dueAt1 }]');
    await expectGreen(world, loaded);
    expect(seen.size).toBe(4);
  });
});

describe('trap 18: JSON columns reorder keys', () => {
  it('which is no difference, in answers, pushes and lists', async () => {
    let turn = 0;
    const reordered = <T extends object>(value: T): T => (turn++ % 2 === 0 ? value : (Object.fromEntries(Object.entries(value).reverse()) as T));
    const world = await trap((io) => {
      io.on('connection', (socket) => {
        socket.on('select', (range: object, reply: Reply) => {
          socket.emit('selected', [reordered(range)], { ranges: reordered({ a: range, b: [range] }) });
          reply(reordered({ success: true, range: reordered(range) }));
        });
      });
    });
    const { loaded } = await recordTrap('keys', async () => {
      const alice = await person(world.url);
      await alice.ask('select', { type: 'text', start: 1, end: 5 });
    });
    await expectGreen(world, loaded);
    turn++;
    await expectGreen(world, loaded);
  });
});
