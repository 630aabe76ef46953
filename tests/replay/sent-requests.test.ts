import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Source } from '../../src/replay/causes.js';
import { createSentRequests, type SentRequests } from '../../src/replay/sent-requests.js';
import type { SessionState } from '../../src/replay/state.js';

/** What the probe would tell of each request, in the order in which they arrive. */
let seen: Parameters<SentRequests['begun']>[0][];
let bodies: string[];
let url = '';
let sent: SentRequests;
const server = createServer(async (request, response) => {
  const { method = '', url: path = '', socket } = request;
  seen.push({
    type: 'request',
    id: `http:${seen.length + 1}`,
    method,
    url: path,
    from: `${socket.remoteAddress}:${socket.remotePort}`,
    port: 0,
    cookies: [],
    at: 0,
  });
  const index = seen.length - 1;
  let body = '';
  for await (const piece of request) body += piece;
  bodies[index] = body;
  setTimeout(() => response.end(body), Number(body) % 5);
});

beforeEach(async () => {
  [seen, bodies] = [[], []];
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  sent = createSentRequests(true);
});
afterEach(async () => {
  sent.end();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const source = (number: number): Source => ({ session: {} as SessionState, number });
const post = async (number: number): Promise<string> => (await fetch(`${url}/todos`, { method: 'POST', body: String(number) })).text();

it('ties each of many equal requests to its own trace, on connections that are used again and again', async () => {
  for (let round = 0; round < 4; round++)
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const number = round * 50 + i;
        // Every third is no trace.
        expect(await (number % 3 === 0 ? post(number) : sent.sending(source(number), () => post(number)))).toBe(String(number));
      }),
    );
  expect(new Set(seen.map(({ from }) => from)).size).toBeLessThan(seen.length / 2);
  for (const message of seen) sent.begun(message);
  const tied = seen.map(({ id }) => sent.sourceOf(`${id}~`)?.number);
  expect(tied).toEqual(bodies.map((body) => (Number(body) % 3 === 0 ? undefined : Number(body))));
});

it('knows nothing of other clients, of requests that were sent before, and of what is no request', async () => {
  await sent.sending(source(1), () => post(1));
  const [ours] = seen as [(typeof seen)[number]];
  sent.begun({ ...ours, id: 'http:8', from: '127.0.0.1:1' });
  sent.begun({ ...ours, id: 'http:9', url: '/another' });
  sent.begun(ours);
  // There is no second one.
  sent.begun({ ...ours, id: 'http:10' });
  expect(['http:8', 'http:9', 'http:10', 'http:1', 'sid:1', null].map((cause) => sent.sourceOf(cause)?.number)).toEqual([
    ...[undefined, undefined, undefined],
    1,
    ...[undefined, undefined],
  ]);
  sent.end();
  await sent.sending(source(2), () => post(2));
  for (const message of seen.slice(1)) sent.begun(message);
  expect(sent.sourceOf('http:2')).toBeUndefined();
});
