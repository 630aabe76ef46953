// No Socket.IO: an HTTP server, a child process and a worker, all with the probe preloaded through NODE_OPTIONS.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';

const file = fileURLToPath(import.meta.url);
const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
await once(server, 'listening');
await (await fetch(`http://127.0.0.1:${server.address().port}`)).text();
server.close();
if (isMainThread && process.argv[2] !== 'child') {
  const [code] = await once(fork(file, ['child']), 'exit');
  const [workerCode] = await once(new Worker(file), 'exit');
  process.send({ port: 1, codes: [code, workerCode], handles: process.getActiveResourcesInfo().filter((name) => /TCP|Server/.test(name)) });
  process.disconnect();
}
