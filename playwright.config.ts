import { defineReplayConfig } from 'socket-replay';

const port = Number(process.env.ANNOTATOR_PORT ?? 3300);
const baseURL = `http://127.0.0.1:${port}`;

// ANNOTATOR_NO_RESET=1 replays on whatever state earlier runs have left.
const reset = process.env.ANNOTATOR_NO_RESET ? undefined : { post: '/reset' };

export default defineReplayConfig({
  recordings: process.env.ANNOTATOR_RECORDINGS ?? 'recordings',
  use: {
    baseURL,
    login: {
      path: '/login',
      users: {
        alice: { username: 'alice', password: 'alice-pw' },
        bob: { username: 'bob', password: 'bob-pw' },
        admin: { username: 'admin', password: 'admin-pw' },
      },
    },
    reset,
  },
  webServer: { command: 'node --import tsx examples/annotator/server.ts', url: `${baseURL}/healthz`, env: { PORT: String(port) } },
});
