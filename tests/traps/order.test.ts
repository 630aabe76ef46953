/** Traps of order and time: 1, 2, 8, 12, 14, 19. The table in docs/architecture.md says where each of the twenty is. */
import { text } from 'node:stream/consumers';
import type { Server, Socket } from 'socket.io';
import { afterEach, describe, expect, it } from 'vitest';
import { end, expectGreen, faults, person, type Reply, recordByProxy, recordTrap, replayed, sleep, trap } from './trap.js';

afterEach(end);

describe('trap 1: ack and push come in another order each time', () => {
  it('is green in every order', async () => {
    let turn = 0;
    const world = await trap((io) =>
      io.on('connection', (socket) => {
        void socket.join('room');
        socket.on('say', async (words: string, reply: Reply) => {
          const steps = [() => reply({ success: true }), () => socket.emit('said', words), () => socket.to('room').emit('said', words)];
          const first = turn++ % 3;
          const order = [...steps.slice(first), ...steps.slice(0, first)];
          for (const step of turn % 2 === 0 ? order : order.reverse()) {
            step();
            await sleep(1);
          }
        });
      }),
    );
    const { loaded } = await recordTrap('order', async () => {
      const [alice, bob] = [await person(world.url), await person(world.url)];
      for (let i = 0; i < 4; i++) await Promise.all([alice.ask('say', `alice ${i}`), alice.next('said'), bob.next('said')]);
      await Promise.all([bob.ask('say', 'bye'), alice.next('said'), bob.next('said')]);
    });
    await expectGreen(world, loaded);
    turn++;
    await expectGreen(world, loaded);
  });
});

describe('trap 2: replaying faster than a person', () => {
  const SCHEMA = 'CREATE TABLE annotation (id INTEGER PRIMARY KEY, text TEXT)';

  it('sends nothing into the transaction of what the person had waited for, with or without an answer', async () => {
    const world = await trap((io, db) => {
      io.on('connection', (socket) => {
        // One transaction for all events of a socket.
        const annotate = async (words: string, reply?: Reply): Promise<void> => {
          if (socket.data.busy) {
            reply?.({ success: false, message: 'current transaction is aborted' });
            socket.emit('failed', words);
            return;
          }
          socket.data.busy = true;
          await sleep(15);
          db.prepare('INSERT INTO annotation (text) VALUES (?)').run(words);
          socket.data.busy = false;
          reply?.({ success: true });
          socket.emit('annotated', words);
        };
        socket.on('annotationUpdate', annotate);
        socket.on('annotationSave', (words: string) => annotate(words));
      });
    }, SCHEMA);
    const { loaded } = await recordTrap('person', async () => {
      const alice = await person(world.url);
      for (const words of ['one', 'two', 'three']) await Promise.all([alice.ask('annotationUpdate', words), alice.next('annotated')]);
      for (const words of ['four', 'five', 'six']) {
        const seen = alice.next('annotated');
        alice.socket.emit('annotationSave', words);
        await seen;
      }
    });
    await expectGreen(world, loaded);
  });

  // By the clock, which a busy machine stops now and then.
  it('keeps the recorded gaps where a server throws out who floods it', { retry: 2 }, async () => {
    const world = await trap((io) =>
      io.on('connection', (socket) => {
        let recent: number[] = [];
        socket.on('edit', () => {
          recent = [...recent, performance.now()].filter((at) => at > performance.now() - 30);
          if (recent.length > 3) socket.disconnect(true);
        });
        socket.on('bye', (reply: Reply) => reply('bye'));
      }),
    );
    const { loaded } = await recordTrap('flood', async () => {
      const alice = await person(world.url);
      for (let i = 0; i < 6; i++) {
        alice.socket.emit('edit', i);
        await sleep(60);
      }
      await alice.ask('bye');
    });
    await expectGreen(world, loaded, { speed: 1 });
    expect((await replayed(world, loaded)).end.verdict).toBe('disconnected');
  });
});

describe('trap 8: acks that are missing', () => {
  it('a handler that forgets its callback is a timeout, until it is quarantined', async () => {
    const world = await trap((io) =>
      io.on('connection', (socket) => {
        // Called without data, the callback is taken for the data.
        socket.on('list', (data: unknown, reply?: Reply) => reply?.({ success: true, data }));
        socket.on('bye', (reply: Reply) => reply('bye'));
      }),
    );
    const { loaded, yaml } = await recordTrap('forgotten', async () => {
      const alice = await person(world.url);
      void alice.ask('list');
      await alice.ask('list', {});
      await alice.ask('bye');
    });
    expect(yaml).toContain('ack: never');
    const trace = loaded.recording.sessions[0]?.traces.find(({ ack }) => ack === 'never');
    const { outcomes } = await replayed(world, loaded, { ackTimeout: 200 });
    expect(Object.values(outcomes).filter((outcome) => outcome !== 'passed')).toEqual(['timeout']);
    Object.assign(trace ?? {}, { quarantine: { owner: 'ana', reason: 'the handler forgets its callback', expires: '9999-12-31' } });
    expect((await replayed(world, loaded, { ackTimeout: 200, copies: 2 })).end.verdict).toBe('finished');
  });

  it('a handler that is there only some time after the connect gets what the person sent when the server was ready', async () => {
    const world = await trap((io) =>
      io.on('connection', async (socket) => {
        await sleep(20);
        socket.on('open', (reply: Reply) => reply({ success: true }));
        socket.emit('ready');
      }),
    );
    const { loaded } = await recordTrap('ready', async () => {
      const alice = await person(world.url, {}, false);
      await alice.next('ready');
      await alice.ask('open');
    });
    await expectGreen(world, loaded);
    await expectGreen(world, loaded);
  });
});

describe('trap 12: causes outside of the socket', () => {
  it('a request of the same client causes the push', async () => {
    const world = await trap((io) => io.on('connection', (socket) => void socket.on('seen', (note: number, reply: Reply) => reply({ note }))));
    let notes = 40;
    world.http.on('request', async (request, response) => {
      if (request.url?.startsWith('/socket.io')) return;
      const body = JSON.parse((await text(request)) || '{}') as { text?: string };
      if (request.method !== 'POST') return void response.end('page');
      world.io.emit('noteRefresh', [{ noteKey: `n.${(++notes).toString(36)}x7Qk2Zp9Lw4`, text: body.text }]);
      response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true }));
    });
    const loaded = await recordByProxy('request', world, async (url) => {
      const cookie = (await fetch(url)).headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const alice = await person(url, { extraHeaders: { cookie } });
      const refreshed = alice.next('noteRefresh');
      await fetch(`${url}/notes`, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify({ text: 'milk' }) });
      const [[note]] = (await refreshed) as [[{ noteKey: string }]];
      await alice.ask('seen', note.noteKey);
    });
    expect(loaded.recording.sessions[0]?.traces.map((trace) => trace.http?.url ?? trace.emit)).toContain('/notes');
    const measures = { acks: true, pushes: true, changes: false };
    await expectGreen(world, loaded, { measures });
    const { probe: _, ...bare } = world;
    await expectGreen(bare, loaded);
  });

  it('timers push every now and then: set aside, and counted', async () => {
    let timer: NodeJS.Timeout | undefined;
    const world = await trap((io) => {
      timer = setInterval(() => io.emit('serverTime', Date.now()), 15);
      io.on('connection', (socket) => void socket.on('work', (reply: Reply) => setTimeout(() => reply('done'), 40)));
    });
    const { loaded } = await recordTrap('timers', async () => {
      const alice = await person(world.url);
      await alice.ask('work');
      await alice.ask('work');
    });
    expect(loaded.recording.sessions[0]?.received?.length).toBeGreaterThan(1);
    await expectGreen(world, loaded);
    const { end: last } = await replayed(world, loaded);
    clearInterval(timer);
    expect(last.unattributed.pushes).toBeGreaterThan(0);
    // That they do not come is no failure either.
    await expectGreen(world, loaded);
  });

  it('a service that is not there: what took long when it was recorded may take as long again', async () => {
    const world = await trap((io) =>
      io.on('connection', (socket) => void socket.on('upload', (reply: Reply) => setTimeout(() => reply({ success: true }), 350))),
    );
    const { loaded } = await recordTrap('slow', async () => void (await (await person(world.url)).ask('upload')));
    await expectGreen(world, loaded, { ackTimeout: 200 });
  });
});

describe('trap 14: rows after the last ack', () => {
  const SCHEMA = `CREATE TABLE statistic (id INTEGER PRIMARY KEY, clicks INTEGER);
    CREATE TABLE document (id INTEGER PRIMARY KEY, text TEXT, saves INTEGER);
    CREATE TABLE log (id INTEGER PRIMARY KEY, line TEXT, at TEXT);
    CREATE TABLE user (id INTEGER PRIMARY KEY, hash TEXT);
    INSERT INTO document VALUES (1, '', 5);
    INSERT INTO user VALUES (1, 'old')`;
  let saves = true;
  const setup = (io: Server, db: Parameters<Parameters<typeof trap>[0]>[1]): void => {
    const log = (line: string): void => void db.prepare('INSERT INTO log (line, at) VALUES (?, ?)').run(line, new Date().toISOString());
    io.on('connection', (socket: Socket) => {
      let [clicks, open] = [0, ''];
      socket.on('click', () => void clicks++);
      socket.on('write', (words: string, reply: Reply) => {
        open = words;
        reply({ success: true });
        setTimeout(() => log(`wrote ${words}`), 20);
      });
      socket.on('disconnect', async () => {
        await sleep(10);
        if (!saves) return;
        db.prepare('INSERT INTO statistic (clicks) VALUES (?)').run(clicks);
        db.prepare('UPDATE document SET text = ?, saves = saves + 1 WHERE id = 1').run(open);
      });
    });
  };

  it('are awaited, under the disconnect that wrote them; a login that writes is no trace', async () => {
    saves = true;
    const world = await trap(setup, SCHEMA);
    world.http.on('request', (request, response) => {
      if (request.url !== '/login') return;
      world.db.prepare("UPDATE user SET hash = hash || '+' WHERE id = 1").run();
      response.end();
    });
    const { loaded, yaml } = await recordTrap('late', async () => {
      await fetch(`${world.url}/login`);
      const alice = await person(world.url);
      alice.socket.emit('click');
      alice.socket.emit('click');
      await alice.ask('write', 'hello');
      await sleep(40);
    });
    expect(yaml).toMatch(/disconnect: client namespace disconnect\n\s+changes:\n\s+- \{ insert: statistic/);
    for (const session of loaded.recording.sessions) session.user = 'alice';
    const login = async () => {
      await fetch(`${world.url}/login`);
      return { cookie: 'a=b', took: 1 };
    };
    await expectGreen(world, loaded, { login });
    saves = false;
    expect(faults(await replayed(world, loaded, { login })).join()).toMatch(
      /changes\.document\.update removed.*changes\.statistic\.insert removed|changes\.statistic\.insert removed.*changes\.document\.update removed/,
    );
  });
});

describe('trap 19: a reset under a running server', () => {
  const SCHEMA = "CREATE TABLE document (id INTEGER PRIMARY KEY, title TEXT); INSERT INTO document VALUES (1, 'seeded')";

  it('that leaves its cache behind is told as the value that is stale; through the application it is green', async () => {
    const cache = new Map<number, string>();
    const world = await trap((io, db) => {
      const titleOf = (id: number): string => {
        const known = cache.get(id) ?? (db.prepare('SELECT title FROM document WHERE id = ?').get(id) as { title: string }).title;
        cache.set(id, known);
        return known;
      };
      io.on('connection', (socket) => {
        socket.on('open', (id: number, reply: Reply) => reply({ success: true, title: titleOf(id) }));
        socket.on('rename', (id: number, title: string, reply: Reply) => {
          db.prepare('UPDATE document SET title = ? WHERE id = ?').run(title, id);
          cache.set(id, title);
          reply({ success: true });
        });
      });
    }, SCHEMA);
    const reset = (): void => void world.db.prepare("UPDATE document SET title = 'seeded'").run();
    const { loaded } = await recordTrap('cache', async () => {
      const alice = await person(world.url);
      await alice.ask('open', 1);
      await alice.ask('rename', 1, 'mine');
    });
    reset();
    await world.probe.drain(500);
    expect(faults(await replayed(world, loaded))).toEqual(['0/anonymous/1 mismatch  ack[0].title value']);
    reset();
    cache.clear();
    await world.probe.drain(500);
    expect(faults(await replayed(world, loaded))).toEqual([]);
  });
});
