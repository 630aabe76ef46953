/** Options of `use` that say how clients speak, from the configuration to the wire. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server } from 'socket.io';
import msgpack from 'socket.io-msgpack-parser';
import { expect } from 'vitest';
import { slow } from '../slow.js';
import { playwrightCli, root, run, temporary } from './support.js';

const recording = `version: 1
name: spoken
status: finished
given: { room1: 7 }
sessions:
  - id: alice
    traces:
      - connect: { namespace: / }
      - emit: how
        args: [!id room1]
        ack: [polling, !id room1, !!binary AQI=]
`;

slow('`parser`, `transport` and `vary` of `use` reach the clients', { timeout: 60_000 }, async () => {
  const http = createServer();
  const rooms = new Set<number>();
  const io = new Server(http, { parser: msgpack });
  io.on('connection', (socket) =>
    socket.on('how', (room, answer) => {
      rooms.add(room);
      answer(socket.conn.transport.name, room, Buffer.from([1, 2]));
    }),
  );
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  // Below the checkout, so that `socket-replay` is found.
  const folder = join(root, '.socket-replay', 'e2e', `ways-${temporary('x').slice(-6)}`);
  for (const part of ['recordings', 'scenarios']) mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'scenarios/recordings.spec.ts'), readFileSync(join(root, 'scenarios/recordings.spec.ts')));
  writeFileSync(join(folder, 'recordings/spoken.yaml'), recording);
  const replay = async (parser: string): Promise<{ code: number | null; output: string }> => {
    writeFileSync(
      join(folder, 'playwright.config.ts'),
      `import { defineReplayConfig } from 'socket-replay';
export default defineReplayConfig({
  iterations: 2,
  use: {
    baseURL: 'http://127.0.0.1:${(http.address() as AddressInfo).port}',
    ${parser}
    transport: 'polling',
    vary: { room1: [8, 9] },
    measure: ['acks', 'pushes'],
  },
});
`,
    );
    return run(process.execPath, [playwrightCli, 'test', '--project=regression', '--project=iteration-2', '--no-deps'], {
      cwd: folder,
      env: { REPLAY_RUNTIME_DIR: join(folder, '.runtime'), REPLAY_REPORT_DIR: join(folder, 'report') },
    }).ended;
  };
  try {
    const right = await replay("parser: 'socket.io-msgpack-parser',");
    expect(right.code, right.output).toBe(0);
    expect([...rooms].sort()).toEqual([7, 8, 9]);
    const without = await replay('');
    expect(without.code).toBe(1);
    expect(without.output).toMatch(/REPLAY_PARSER: http:\S+ hangs up at the first packet: it speaks msgpack, and not Socket\.IO's own parser/);
    expect(without.output).not.toMatch(/connect-failed/);
  } finally {
    await io.close();
  }
});
