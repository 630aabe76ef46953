/** A reset that ends the application, which somebody starts anew, as for all whose state is in memory: the probe of the new process goes on. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort } from '../ports.js';
import { slow } from '../slow.js';
import { playwrightCli, root, run, temporary } from './support.js';

const keeper = `import { spawn } from 'node:child_process';
let child;
const start = () => {
  child = spawn(process.execPath, ['server.mjs'], { stdio: 'inherit' }).once('exit', start);
};
start();
process.once('SIGTERM', () => {
  child.kill('SIGKILL');
  process.exit();
});
`;

const server = `import { createServer } from 'node:http';
import { Server } from 'socket.io';
const http = createServer((request, response) => {
  if (request.method === 'POST') response.once('finish', () => process.exit());
  response.end('here');
});
let count = 0;
const io = new Server(http);
io.on('connection', (socket) => socket.on('count', () => socket.emit('counted', ++count)));
http.listen(process.env.PORT, '127.0.0.1');
`;

const recording = `version: 1
name: counted
status: finished
sessions:
  - id: alice
    traces:
      - connect: { namespace: / }
      - emit: count
        args: []
        pushes:
          - { to: alice, event: counted, args: [1] }
`;

slow('a reset may start the application anew', { timeout: 120_000 }, async () => {
  const folder = join(root, '.socket-replay', 'e2e', `restart-${temporary('x').slice(-6)}`);
  for (const part of ['recordings', 'scenarios']) mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'scenarios/recordings.spec.ts'), readFileSync(join(root, 'scenarios/recordings.spec.ts')));
  writeFileSync(join(folder, 'recordings/counted.yaml'), recording);
  writeFileSync(join(folder, 'server.mjs'), server);
  writeFileSync(join(folder, 'keeper.mjs'), keeper);
  const port = await freePort();
  writeFileSync(
    join(folder, 'playwright.config.ts'),
    `import { defineReplayConfig } from 'socket-replay';
export default defineReplayConfig({
  iterations: 2,
  ceiling: { step: 1, max: 2 },
  use: { baseURL: 'http://127.0.0.1:${port}', reset: { post: '/reset' }, measure: ['acks', 'pushes'] },
  webServer: { command: 'node keeper.mjs', url: 'http://127.0.0.1:${port}' },
});
`,
  );
  const { code, output } = await run(process.execPath, [playwrightCli, 'test'], {
    cwd: folder,
    env: { PORT: String(port), REPLAY_RUNTIME_DIR: join(folder, '.runtime'), REPLAY_REPORT_DIR: join(folder, 'report') },
  }).ended;
  expect(code, output).toBe(0);
  expect(output).toContain('the probe of');
});
