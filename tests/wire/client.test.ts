import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectProbe, findProbes } from '../../src/wire/client.js';

const hello = { type: 'hello', protocol: 2, pid: 1, app: 'a', node: 'v20', at: 1, listening: [], sockets: [], changes: 'none' };
let directory = '';
let server: Server;
let port = 0;
let onSocket: (socket: Socket) => void = () => undefined;
const sockets: Socket[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'socket-replay-client-'));
  process.env.REPLAY_RUNTIME_DIR = directory;
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
});
afterEach(() => {
  delete process.env.REPLAY_RUNTIME_DIR;
  rmSync(directory, { recursive: true, force: true });
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

const connect = (): ReturnType<typeof connectProbe> => connectProbe({ port, token: 't', mode: 'replay' });
const lines = (...messages: unknown[]): string => messages.map((message) => `${typeof message === 'string' ? message : JSON.stringify(message)}\n`).join('');

it('finds the probes that run, and only those', () => {
  const file = { protocol: 2, pid: process.pid, port: 1, token: 't', app: 'a', listening: ['*:3000'], at: 5 };
  expect(findProbes()).toEqual([]);
  writeFileSync(join(directory, `probe-${process.pid}.json`), JSON.stringify(file));
  writeFileSync(join(directory, 'probe-4194999.json'), JSON.stringify({ ...file, pid: 4194999 }));
  // Killed, and its id belongs to another now.
  writeFileSync(join(directory, `probe-${process.pid}-2.json`), JSON.stringify({ ...file, began: '1' }));
  writeFileSync(join(directory, 'probe-1.json'), '{"protocol":1}');
  writeFileSync(join(directory, 'probe-2.json'), 'not JSON');
  writeFileSync(join(directory, 'target.lock'), '');
  mkdirSync(join(directory, 'probe-3.json'));
  expect(findProbes()).toEqual([file]);
  process.env.REPLAY_RUNTIME_DIR = join(directory, 'missing');
  expect(findProbes()).toEqual([]);
});

it('hands on everything from the hello on, in order, however the bytes are cut', async () => {
  onSocket = (socket) => {
    const text = Buffer.from(lines(hello, { type: 'warning', code: 'c', message: 'ä€😀' }, { type: 'lost', count: 1 }));
    let at = 0;
    const next = (): void => {
      if (at < text.length) socket.write(text.subarray(at, (at += 1)), () => setImmediate(next));
    };
    next();
  };
  const connection = await connect();
  expect(connection.hello).toEqual(hello);
  const got: unknown[] = [];
  await new Promise<void>((resolve) => {
    connection.onMessage((message) => {
      got.push(message);
      if (message.type === 'lost') resolve();
    });
  });
  expect(got).toEqual([hello, { type: 'warning', code: 'c', message: 'ä€😀' }, { type: 'lost', count: 1 }]);
  connection.close();
  await connection.closed;
  expect(connection.error).toBeUndefined();
});

it('answers drains by their number, and fails them when the connection ends', async () => {
  const asked: { id: number }[] = [];
  onSocket = (socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        const message = JSON.parse(line) as { type: string; id: number };
        if (message.type === 'subscribe') socket.write(lines(hello));
        else asked.push(message);
      }
      if (asked.length === 2) socket.write(lines({ type: 'drained', id: 2, open: 1, waited: 5 }, { type: 'drained', id: 1, open: 0, waited: 6 }));
      if (asked.length === 3) socket.destroy();
    });
  };
  const connection = await connect();
  expect(await Promise.all([connection.drain(10), connection.drain(20)])).toEqual([
    { open: 0, waited: 6 },
    { open: 1, waited: 5 },
  ]);
  expect(asked).toEqual([
    { type: 'drain', id: 1, timeout: 10 },
    { type: 'drain', id: 2, timeout: 20 },
  ]);
  await expect(connection.drain(30)).rejects.toMatchObject({ code: 'REPLAY_PROBE_UNREACHABLE' });
  await connection.closed;
  expect(connection.error).toMatchObject({ code: 'REPLAY_PROBE_UNREACHABLE' });
  await expect(connection.drain(30)).rejects.toMatchObject({ code: 'REPLAY_PROBE_UNREACHABLE' });
});

it('says clearly why it does not get in', async () => {
  onSocket = (socket) => socket.end(lines({ type: 'refused', message: 'the token is not the one of this probe' }));
  await expect(connect()).rejects.toMatchObject({ code: 'REPLAY_PROBE_REFUSED', message: expect.stringContaining(`127.0.0.1:${port} refused: the token`) });
  onSocket = (socket) => socket.write(lines('HTTP/1.1 400 Bad Request'));
  await expect(connect()).rejects.toMatchObject({ code: 'REPLAY_PROBE_PROTOCOL' });
  onSocket = (socket) => socket.write(lines({ ...hello, protocol: 1 }));
  await expect(connect()).rejects.toMatchObject({ code: 'REPLAY_PROBE_PROTOCOL' });
  onSocket = (socket) => socket.write(lines({ type: 'lost', count: 1 }));
  await expect(connect()).rejects.toMatchObject({ code: 'REPLAY_PROBE_PROTOCOL' });
  onSocket = (socket) => socket.destroy();
  await expect(connect()).rejects.toMatchObject({ code: 'REPLAY_PROBE_UNREACHABLE' });
  const free = port;
  server.close();
  await expect(connectProbe({ port: free, token: 't', mode: 'list' })).rejects.toMatchObject({
    code: 'REPLAY_PROBE_UNREACHABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

it('ends with an error at a line that no probe says', async () => {
  onSocket = (socket) => socket.write(lines(hello, { type: 'emit', sid: 1 }));
  const connection = await connect();
  await connection.closed;
  expect(connection.error).toMatchObject({ code: 'REPLAY_PROBE_PROTOCOL' });
});
