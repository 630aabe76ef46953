/** A user's project with an application of its own, in which the documentation's commands are run as they stand there. */
import { chmodSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { io } from 'socket.io-client';
import { type Newcomer, newcomer } from '../e2e/newcomer.js';
import { type Running, root, run, temporary } from '../e2e/support.js';

export interface Scratch extends Newcomer {
  /** runs a line of a shell block; its port 3000 is the project's own; `real` by the npx of npm, which takes longer than most of them */
  shell(command: string, npx?: 'real'): Running;
  /** somebody at work in the application */
  use(): Promise<void>;
}

const packages = ['@playwright/test', 'playwright', 'playwright-core', 'socket.io', 'socket.io-client', 'tsx'];

/** Linked, not installed: tests/e2e/package.test.ts installs the packed package. */
export async function createScratch(): Promise<Scratch> {
  if (!existsSync(join(root, 'dist/src/cli/main.js'))) throw new Error('socket-replay is not built: npm run build');
  const folder = temporary('docs');
  for (const name of packages) link(join(folder, 'node_modules', name), join(root, 'node_modules', name));
  link(join(folder, 'node_modules/socket-replay'), root);
  bin(folder, 'socket-replay', join(root, 'dist/src/cli/main.js'));
  bin(folder, 'playwright', join(root, 'node_modules/@playwright/test/cli.js'));
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  bin(folder, 'tsx', join(root, 'node_modules/tsx/dist/cli.mjs'));
  const quick = npxOf(folder);
  const project = await newcomer(folder);
  const own = (text: string): string => text.replaceAll(':3000', `:${project.port}`);
  return {
    ...project,
    shell: (command, npx) =>
      run('sh', ['-c', own(command)], {
        cwd: folder,
        stdin: 'pipe',
        env: {
          PORT: String(project.port),
          REPLAY_RUNTIME_DIR: join(folder, '.runtime'),
          REPLAY_ITERATIONS: '1',
          REPLAY_USER_ALICE_PASSWORD: 'alice-pw',
          NODE_OPTIONS: '',
          ...(npx !== 'real' && { PATH: `${quick}:${process.env.PATH}` }),
        },
      }),
    async use() {
      const url = `http://127.0.0.1:${project.port}`;
      const login = await fetch(`${url}/login`, { method: 'POST', body: JSON.stringify({ username: 'alice', password: 'alice-pw' }) });
      const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const socket = io(url, { forceNew: true, transports: ['websocket'], extraHeaders: { cookie } });
      await socket.emitWithAck('note:add', { text: 'Buy ink' });
      socket.disconnect();
    },
  };
}

function link(from: string, to: string): void {
  mkdirSync(dirname(from), { recursive: true });
  symlinkSync(to, from);
}

/** Runs what is installed in the folder, and nothing else. */
function npxOf(folder: string): string {
  const own = join(folder, '.npx');
  mkdirSync(own);
  writeFileSync(join(own, 'npx'), '#!/bin/sh\nname="$1"\nshift\nexec "./node_modules/.bin/$name" "$@"\n');
  chmodSync(join(own, 'npx'), 0o755);
  return own;
}

/** npm makes these when it installs. */
function bin(folder: string, name: string, script: string): void {
  const file = join(folder, 'node_modules/.bin', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(script)} "$@"\n`);
  chmodSync(file, 0o755);
}
