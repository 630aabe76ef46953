/** What a journal begins with: the test, its settings, and the recordings as the report shows them. */
import { relative } from 'node:path';
import type { TestInfo } from '@playwright/test';
import { toJson } from '../recording/json.js';
import type { LoadedRecording } from '../recording/load.js';
import { kindOf, labelOf } from '../recording/schema.js';
import type { Value } from '../recording/values.js';
import { quarantineOf } from '../replay/records.js';
import { type BeginRecord, RESULTS_VERSION, type Recorded } from '../results/schema.js';
import { modeOf } from './selection.js';

/** Recorded binary values keep only their length above this many bytes. */
const SHOWN_BYTES = 1024;

export function recordedOf(loaded: LoadedRecording): Recorded {
  return {
    name: loaded.recording.name,
    file: loaded.file,
    sessions: loaded.recording.sessions.map((session, s) => ({
      id: session.id,
      user: session.user ?? null,
      line: loaded.lineOf(s),
      traces: session.traces.map((trace, t) => ({
        label: labelOf(trace),
        kind: kindOf(trace),
        line: loaded.lineOf(s, t),
        ...(trace.disabled && { disabled: true as const }),
        ...(quarantineOf(loaded, trace) && { quarantine: quarantineOf(loaded, trace) }),
        expected: toJson(trace as unknown as Value, SHOWN_BYTES),
      })),
    })),
  };
}

export const beginRecord = (testInfo: TestInfo, settings: Omit<BeginRecord, 'type' | 'version' | 'test' | 'kind' | 'at'>): BeginRecord => ({
  type: 'begin',
  version: RESULTS_VERSION,
  test: { title: testInfo.title, project: testInfo.project.name, file: relative(process.cwd(), testInfo.file), line: testInfo.line },
  kind: modeOf(testInfo) ?? (settings.iteration === 0 ? 'regression' : 'iteration'),
  at: Date.now(),
  ...settings,
});
