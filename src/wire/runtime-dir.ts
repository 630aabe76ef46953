import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Where probes that run leave their addresses and targets their locks: one directory a user, mode 0700. `REPLAY_RUNTIME_DIR` moves it. */
export const runtimeDir = (): string => process.env.REPLAY_RUNTIME_DIR ?? join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `socket-replay-${userInfo().username}`);
