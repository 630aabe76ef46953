/** The probe inside the application and the proxy before it see the same of one flow; causes only the probe. */
import { rmSync } from 'node:fs';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { SourceEvent, TraceSource } from '../../../src/capture/source.js';
import { probeSource } from '../../../src/capture/sources/probe.js';
import { type ProxySource, proxySource } from '../../../src/capture/sources/proxy.js';
import { App, bundlePreload, emitAck, temporary } from '../../probe/helper.js';
import { plain } from './proxied.js';

const directory = temporary();
let preload: string;
let app: App;
let proxy: ProxySource;
let probe: TraceSource;
const clients: Socket[] = [];
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  proxy.source.stop();
  probe.stop();
  await app.stop();
});

const follow = (source: TraceSource): SourceEvent[] => {
  const told: SourceEvent[] = [];
  source.start((event) => told.push(event));
  return told;
};

async function client(transports: string[]): Promise<Socket> {
  const socket = io(`http://127.0.0.1:${proxy.port}`, { transports, forceNew: true, reconnection: false, auth: { who: transports[0] as string } });
  clients.push(socket);
  socket.on('question', (id, answer) => answer(`answer to ${id}`));
  await new Promise((resolve, reject) => socket.once('welcome', resolve).once('connect_error', reject));
  return socket;
}

/** What was told of one socket, in the source's order, by kind: what two observers at different places can agree on. */
function seenOf(told: readonly SourceEvent[], sid: string, hidden: number): unknown {
  const sorted = (list: unknown[]) => list.map((item) => JSON.stringify(plain(item))).sort();
  return {
    connect: told.flatMap((event) => (event.type === 'connect' && event.socket.sid === sid ? [[event.socket.namespace, event.socket.handshake.auth]] : [])),
    emits: told.flatMap((event) => (event.type === 'emit' && event.sid === sid ? [plain([event.n, event.event, event.args, event.asks])] : [])),
    acks: sorted(told.flatMap((event) => (event.type === 'ack' && event.sid === sid ? [[event.n, event.args]] : []))),
    pushes: sorted(
      told.flatMap((event) =>
        event.type === 'push' && event.to.includes(sid)
          ? [[event.event, event.asks ? event.args : event.args.slice(0, event.args.length - hidden), event.asks]]
          : [],
      ),
    ),
    answers: sorted(told.flatMap((event) => (event.type === 'answer' && event.sid === sid ? [event.args] : []))),
    ends: told.flatMap((event) => (event.type === 'disconnect' && event.sid === sid ? [event.reason] : [])),
  };
}

test.each([
  ['websocket', ['websocket'], ''],
  ['polling', ['polling'], ''],
  ['an upgrade', ['polling', 'websocket'], ''],
  ['an upgrade, with recovery', ['polling', 'websocket'], '1'],
])('over %s', async (_, transports, recovery) => {
  app = await App.start('app.mjs', preload, { env: recovery ? { APP_RECOVERY: recovery } : {} });
  probe = probeSource((await app.reader()).connection);
  proxy = await proxySource(new URL(`http://127.0.0.1:${app.port}`), 0);
  const [byProbe, byProxy] = [follow(probe), follow(proxy.source)];
  const [a, b] = [await client(transports), await client(transports)];
  const sids = [a.id ?? '', b.id ?? ''];
  await emitAck(a, 'echo', 1, { deep: [null, 'ü'] }, Buffer.from([1, 2]), new Uint8Array(0));
  await emitAck(b, 'ackNothing');
  await emitAck(a, 'ackTwice');
  a.emit('plain');
  a.emit('never', 'x', () => undefined);
  await emitAck(a, 'broadcast', 'all', { n: 1 });
  b.emit('asks', 5);
  a.emit('asksAll', 6);
  await new Promise((resolve) => a.once('allThanks', resolve));
  await Promise.all(Array.from({ length: 30 }, (__, i) => emitAck(i % 2 === 0 ? a : b, 'slow', i, [i % 3])));
  await emitAck(b, 'later', 7, 5);
  const received = (told: readonly SourceEvent[]): number => told.reduce((sum, event) => sum + (event.type === 'push' ? event.to.length : 0), 0);
  await expect.poll(() => [byProbe, byProxy].map(received), { timeout: 10_000 }).toEqual([42, 42]);
  // Whatever is too much; `never` never ends, so both take all of the time.
  await probe.drain(200);
  await proxy.source.drain(200);
  a.disconnect();
  b.io.engine.close();
  const ended = () => [byProbe, byProxy].every((told) => told.filter(({ type }) => type === 'disconnect').length === 2);
  await expect.poll(ended, { timeout: 10_000 }).toBe(true);
  // the last argument is the offset of recovery, which both leave out in their own way
  const hidden = recovery ? 1 : 0;
  for (const sid of sids) expect(seenOf(byProxy, sid, hidden)).toEqual(seenOf(byProbe, sid, hidden));
  const counts = { emits: byProxy.filter(({ type }) => type === 'emit').length, pushes: byProxy.filter(({ type }) => type === 'push').length };
  expect(counts).toEqual({ emits: 39, pushes: 42 });
  expect(byProxy.every((event) => event.type !== 'push' || event.cause === null)).toBe(true);
});
