/** What `init` writes. */

export interface Hints {
  /** the command that starts the application */
  start: string;
  port: number;
}

export const playwrightConfig = ({ start, port }: Hints): string => `import { defineReplayConfig } from 'socket-replay';

export default defineReplayConfig({
  iterations: 3,
  use: {
    baseURL: 'http://127.0.0.1:${port}',
    // How a client gets in. Passwords come from the environment in real projects: REPLAY_USER_ALICE_PASSWORD.
    login: { path: '/login', users: { alice: { username: 'alice', password: 'alice-pw' } } },
    // Brings the application back to a known state before each replay; without it results are compared less strictly.
    // reset: { post: '/reset' },
  },
  webServer: { command: '${start}', url: 'http://127.0.0.1:${port}' },
});
`;

export const recordingsSpec = `import { recordings, test } from 'socket-replay';

// Project \`regression\`: every recording alone, compared exactly.
for (const name of recordings())
  test(name, async ({ replay }) => {
    await replay(name);
  });

// Projects \`iteration-1\` … \`iteration-M\`: all recordings together, at growing scale.
test('pool', { tag: '@pool' }, async ({ replay }) => {
  await replay();
});
`;

export const ignored = ['.socket-replay/', 'replay-report/', 'test-results/', 'playwright-report/'];

/** The start script and its port, where package.json says them plainly. */
export function hintsFrom(scripts: Readonly<Record<string, unknown>>): Hints {
  const name = ['start', 'dev'].find((key) => typeof scripts[key] === 'string') ?? 'start';
  const port = /(?:\bPORT=|--port[= ])(\d{2,5})\b/.exec(String(scripts[name] ?? ''))?.[1];
  return { start: name === 'start' ? 'npm start' : `npm run ${name}`, port: port === undefined ? 3000 : Number(port) };
}
