/** What one test replays, and what was found out about its target. */
import type { TestInfo } from '@playwright/test';
import type { leaseAccounts } from '../auth/users.js';
import type { LoadedRecording } from '../recording/load.js';
import type { BeginRecord, Mode } from '../results/schema.js';
import type { Watch } from '../watch/watch.js';
import type { ProbeConnection } from '../wire/client.js';
import type { Parser } from '../wire/parser.js';
import type { notMeasured } from './known.js';
import type { ReplayOptions } from './options.js';
import type { Turn } from './turn.js';

/** What one test replays, and under which conditions. */
export interface Job {
  recordings: LoadedRecording[];
  /** 0: `regression` */
  iteration: number;
  mode?: Mode;
  copies: number;
  clients: number;
  /** other iterations run at the same time, on purpose */
  beside: boolean;
  options: ReplayOptions;
  testInfo: TestInfo;
  signal: AbortSignal;
}

/** What was found out about the target. */
export interface Ready {
  turn: Turn;
  probe?: ProbeConnection;
  watch?: Watch;
  parser?: Parser;
  fence: boolean;
  level: BeginRecord['level'];
  levelReason?: string;
  unmeasured: ReturnType<typeof notMeasured>;
  accountOf: ReturnType<typeof leaseAccounts>;
}

export const sessionsOf = (recordings: LoadedRecording[]): number => recordings.reduce((sum, { recording }) => sum + recording.sessions.length, 0);
