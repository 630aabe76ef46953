/** What a replay is given, and what it answers. */
import type { Identity } from '../auth/identity.js';
import type { Person } from '../auth/users.js';
import type { ErrorCode } from '../errors.js';
import type { LoadedRecording } from '../recording/load.js';
import type { Convention, OwnConvention } from '../recording/success.js';
import type { JournalRecord, Outcome, Verdict } from '../results/schema.js';
import type { Watch } from '../watch/watch.js';
import type { ProbeConnection } from '../wire/client.js';
import type { FromProbe } from '../wire/messages.js';
import type { Parser } from '../wire/parser.js';
import type { Ignore } from './ignore.js';
import type { OrderMode } from './order.js';
import type { Update } from './update.js';

/** What is measured: acks, pushes and changes, or less. */
export interface Measures {
  acks: boolean;
  pushes: boolean;
  changes: boolean;
}

export interface ReplayInput {
  recordings: LoadedRecording[];
  /** how many copies of each */
  copies: number;
  level: 'exact' | 'shared';
  target: string;
  socketPath?: string;
  transport?: 'websocket' | 'polling';
  /** where the server has another than Socket.IO's own */
  parser?: Parser;
  ackTimeout: number;
  connectTimeout: number;
  /** 0: no gaps; 1: as recorded; 2: twice as fast */
  speed: number;
  /** longer recorded pauses are cut to this, ms */
  maxGapMs?: number;
  /** the copies start over this time, evenly, instead of together, ms. Default 0 */
  spreadMs?: number;
  /** connects keep their place and time, also those before everything else (behavioural) */
  connectInPlace?: boolean;
  order: OrderMode;
  measures: Measures;
  ignore: Ignore;
  /** what says that an acknowledgement refuses. Default: learnt from the recording */
  success?: Convention | OwnConvention;
  secrets: ReadonlyMap<string, string | number>;
  /** the values of given names: copy i has entry i mod n; one copy alone has what was recorded */
  vary?: Readonly<Record<string, readonly (string | number)[]>>;
  /** columns that any recording of the folder updates */
  mutable: ReadonlySet<string>;
  /** the account that a user of a copy gets in with. Default: the user */
  account?(person: Person): string;
  /** once an account, however many clients; the signal ends a login that nobody waits for any more */
  login(account: string, signal: AbortSignal): Promise<Identity>;
  /** milliseconds after which a refusal is taken for an expired login. Default 60,000 */
  renewAfter?: number;
  /** what it said before is not of this replay, and ignored */
  probe?: ProbeConnection;
  /** row changes seen from outside, where no probe tells them */
  watch?: Watch;
  /** without a probe: whether the double CONNECT works on this target */
  namespaceFence: boolean;
  /** what is wrong before it begins, and fails it: not measured */
  errors: ReplayFailure[];
  /** a row that a trace or the goodbye of one of our sockets wrote, as the probe told it */
  wrote?(change: Extract<FromProbe, { type: 'change' }>): void;
  /** what is seen is kept, so that the summary can say how the recording would have to change */
  update?: boolean;
  /** everything that is seen is written, also of traces that passed in several copies, and every push as it is received */
  observe?: boolean;
  write(record: JournalRecord): void;
  signal: AbortSignal;
  progress(state: Progress): void;
}

export interface ReplayFailure {
  code: ErrorCode;
  message: string;
}

export interface Progress {
  connected: number;
  clients: number;
  settled: number;
  traces: number;
  failed: number;
}

export interface ReplaySummary {
  verdict: Verdict;
  counts: Record<Outcome, number>;
  errors: ReplayFailure[];
  /** where that was asked for, and something differs */
  update?: Update;
}
