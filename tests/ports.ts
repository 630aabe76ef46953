import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port for a server that is started later.
 *
 * Below those that the system gives to whoever listens on port 0 (from 32,768 on Linux, 49,152 elsewhere): the probe
 * of the very server that is started takes such a one, and now and then it took the one that was free a moment ago.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
