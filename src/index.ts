/** What scenarios and configurations import. */
export { checkpoint } from './capture/checkpoint.js';
export { defineReplayConfig, type ReplayConfig } from './playwright/config.js';
export { type AckWanted, type ChangeWanted, expect, type TraceWanted } from './playwright/expect.js';
export { type Replay, recordings, test } from './playwright/fixture.js';
export type { ReplayUse } from './playwright/options.js';
export type { PageRecording, RecordPages } from './playwright/record.js';
export type { ReplayResult } from './playwright/replay-test.js';
