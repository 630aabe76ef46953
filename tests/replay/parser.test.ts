/** Servers with another parser: recorded by the probe, replayed by clients that speak it too. */
import msgpack from 'socket.io-msgpack-parser';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { replayOptions } from '../../src/playwright/options.js';
import { preflight } from '../../src/playwright/preflight.js';
import { encode } from '../../src/wire/encode.js';
import type { Parser } from '../../src/wire/parser.js';
import { temporary } from '../e2e/support.js';
import { client, record } from './record.js';
import { closeAll, connect, differences, emit, type ProbedWorld, recorded, run, serve, serveProbed } from './world.js';

const parser = msgpack as unknown as Parser;

describe('a recording of a server with msgpack', () => {
  const got: unknown[] = [];
  let world: ProbedWorld;
  let at = new Date(86_400_000);
  beforeAll(async () => {
    world = await serveProbed(
      'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)',
      (io, db) => {
        io.on('connection', (socket) => {
          socket.on('note', (note: { text: string; image: Buffer }, answer) => {
            got.push(note);
            const { lastInsertRowid } = db.prepare('INSERT INTO note (text) VALUES (?)').run(note.text);
            // What JSON has not, and a view into a larger memory.
            const made = { id: Number(lastInsertRowid), at, gone: undefined, few: Buffer.from('0123456789').subarray(2, 4), list: [undefined, Number.NaN] };
            io.emit('noted', { ...made, image: note.image }, undefined);
            answer(null, undefined, made);
          });
          socket.emit('question', { asked: at }, (answer: unknown) => got.push(answer));
        });
      },
      { parser },
    );
  });
  afterAll(async () => {
    await world.close();
    await closeAll();
  });

  it('is green alone and in three copies, and red where a value differs', async () => {
    const { loaded, yaml } = await record('packed', async () => {
      const socket = await client(world, { parser });
      socket.on('question', (_, answer) => answer({ bytes: Buffer.from([1, 2]), when: new Date(0) }));
      // A view: what msgpack itself sends of it is all of its memory.
      await socket.emitWithAck('note', { text: 'first', image: Buffer.from([7, 8, 9]), at: new Date(5), none: undefined });
      socket.disconnect();
    });
    expect(yaml).toContain('image: !!binary BwgJ');
    const first = got.splice(0);
    const anew = (): void => void world.db.exec('DELETE FROM note');
    anew();
    const alone = await run(world, loaded, { parser });
    expect(alone.end.verdict).toBe('finished');
    expect(new Set(Object.values(alone.outcomes))).toEqual(new Set(['passed']));
    expect(alone.end.unattributed.pushes).toBe(0);
    const second = got.splice(0);
    expect(encode(second)).toEqual(encode(first));
    expect((second.find((value) => typeof value === 'object' && value !== null && 'image' in value) as { image: unknown }).image).toBeInstanceOf(Buffer);
    expect((await run(world, loaded, { parser, copies: 3 })).end.verdict).toBe('finished');
    at = new Date(172_800_000);
    anew();
    const { traces } = await run(world, loaded, { parser });
    expect(differences(traces['0/anonymous/1']).sort()).toEqual(['ack[2].at value', 'pushes.anonymous.noted[0].at value']);
  });
});

describe('the wrong parser', () => {
  afterEach(closeAll);
  const recording = recorded('any', { a: [connect(), emit('hello', [], { ack: ['hello'] })] });

  it.each([
    ["a server with another parser than Socket.IO's own", { parser }, {}],
    ["a server with Socket.IO's own parser, and clients with another", {}, { parser }],
  ])('%s: one sentence', async (_, server, clients) => {
    const world = await serve((io) => io.on('connection', (socket) => socket.on('hello', (answer) => answer('hello'))), server);
    const { sessions } = await run(world, recording, clients);
    expect(sessions.at(-1)?.reason).toBe(
      'the server closed the connection before it answered the handshake (transport close): does it speak another parser (`use.parser`)?',
    );
    const options = replayOptions({ baseURL: world.url, connectTimeout: 2000, ...('parser' in clients && { parser: 'socket.io-msgpack-parser' }) }, {});
    const flight = { options, recordings: [recording], probed: false, signal: new AbortController().signal };
    const began = performance.now();
    const { problems, fence } = await preflight({ ...flight, directory: temporary('parser'), ...clients });
    const own = "Socket.IO's own parser";
    const instead = 'parser' in clients ? `${own}, and not socket.io-msgpack-parser` : `msgpack, and not ${own}`;
    expect(problems).toMatchObject([{ code: 'REPLAY_PARSER', what: `${world.url} hangs up at the first packet: it speaks ${instead}` }]);
    expect(fence).toBe(false);
    expect(performance.now() - began).toBeLessThan(1500);
    // The right one, without a probe: the fence works with it too.
    const right = 'parser' in clients ? {} : { parser };
    expect(await preflight({ ...flight, directory: temporary('parser'), ...right })).toMatchObject({ problems: [], fence: true });
    const { outcomes, notes } = await run(world, recording, right);
    expect([outcomes, notes]).toEqual([{ '0/a/0': 'passed', '0/a/1': 'passed' }, []]);
  });

  it('is not said of a server that hangs up for another reason', async () => {
    interface Connection {
      prependListener(event: 'data', listener: () => void): void;
      transport: { socket: { terminate(): void } };
    }
    const world = await serve((io) => io.engine.on('connection', (conn: Connection) => conn.prependListener('data', () => conn.transport.socket.terminate())));
    const options = replayOptions({ baseURL: world.url, connectTimeout: 2000 }, {});
    const { problems, fence } = await preflight({
      options,
      recordings: [recording],
      directory: temporary('parser'),
      probed: false,
      signal: new AbortController().signal,
    });
    expect([problems, fence]).toEqual([[], false]);
  });

  it('messages are measured as the parser makes them', async () => {
    const world = await serve(() => {}, { parser, maxHttpBufferSize: 2000 });
    const numbers = recorded('numbers', { a: [connect(), emit('take', [Array.from({ length: 450 }, () => 1000)])] });
    const problems = async (by: { parser?: Parser }): Promise<string[]> =>
      (
        await preflight({
          options: replayOptions({ baseURL: world.url }, {}),
          recordings: [numbers],
          directory: temporary('parser'),
          probed: true,
          signal: new AbortController().signal,
          ...by,
        })
      ).problems.map(({ code }) => code);
    // 1000 is five bytes in JSON, and three in msgpack.
    expect([await problems({}), await problems({ parser })]).toEqual([['REPLAY_PAYLOAD_TOO_LARGE'], []]);
  });
});
