import type { Server } from 'socket.io';
import { afterEach, expect, it } from 'vitest';
import { client, record } from './record.js';
import { closeAll, differences, type ProbedWorld, run, serveProbed } from './world.js';

let world: ProbedWorld;
afterEach(async () => {
  await world.close();
  await closeAll();
});

/** Every push ends with an offset that nobody wrote, and that is another one every time. */
const recovering = (setup: (io: Server) => void): Promise<ProbedWorld> =>
  serveProbed('CREATE TABLE note (id INTEGER PRIMARY KEY)', setup, { connectionStateRecovery: {} });

const talk = (io: Server): void =>
  void io.on('connection', (socket) => {
    socket.emit('hello', { text: 'welcome' });
    socket.on('say', (text: string, reply: (...args: unknown[]) => void) => {
      io.emit('said', text, 'at once');
      socket.broadcast.emit('others', text);
      socket.emit('asks', text, (answer: string) => {
        socket.emit('answered', answer);
        reply(text, 'said');
      });
    });
  });

it('a recording of a server that recovers connections replays: the hidden offset is not compared, everything beside it is', async () => {
  world = await recovering(talk);
  const { loaded, yaml } = await record('offsets', async () => {
    const alice = await client(world);
    const bob = await client(world);
    alice.on('asks', (text: string, answer: (text: string) => void) => answer(`${text}?`));
    await alice.emitWithAck('say', 'one');
    await alice.emitWithAck('say', 'two');
    alice.disconnect();
    bob.disconnect();
  });
  // What asks for an answer is not sent again, and has none.
  expect(yaml.match(/!any string/g)).toHaveLength(8);
  expect(yaml).toMatch(/event: asks, args: \[ ?one ?\], answer: \[ ?one\? ?\]/);
  for (const copies of [1, 3]) {
    const { outcomes, end } = await run(world, loaded, { copies });
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
    expect(end).toMatchObject({ verdict: 'finished', unattributed: { pushes: 0 } });
  }
});

it('what stands beside the offset is compared', async () => {
  let text = 'welcome';
  world = await recovering((io) => {
    io.on('connection', (socket) => {
      socket.on('greet', (reply: () => void) => {
        socket.emit('hello', text);
        reply();
      });
    });
  });
  const { loaded } = await record('beside', async () => {
    const alice = await client(world);
    await alice.emitWithAck('greet');
    alice.disconnect();
  });
  text = 'go away';
  const { traces } = await run(world, loaded);
  expect(Object.values(traces).flatMap(differences)).toEqual(['pushes.anonymous.hello[0] value']);
});
