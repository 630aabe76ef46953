/** `npx playwright test --update-snapshots`: where a replay alone found something else than is recorded, the recording is written anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestInfo } from '@playwright/test';
import { ReplayError } from '../errors.js';
import { editFiles } from '../recording/edit-files.js';
import { editRecording } from '../recording/edit-recording.js';
import type { LoadedRecording } from '../recording/load.js';
import { applyRules, type Rule } from '../recording/rules.js';
import { sameValue, type Value } from '../recording/values.js';
import type { ReplaySummary } from '../replay/replay.js';
import type { Journal } from '../results/journal.js';
import type { Job } from './job.js';
import { currentRun, currentScale } from './run.js';

/** Only from `regression`, where nobody else is there, and only from a whole recording. Playwright says `default` or `missing` unless it was told to. */
export const isUpdating = ({ iteration, testInfo }: Pick<Job, 'iteration' | 'testInfo'>): boolean =>
  iteration === 0 && currentScale().only === undefined && ['all', 'changed'].includes(testInfo.config.updateSnapshots);

interface Writing {
  journal: Journal;
  testInfo: TestInfo;
  rules: readonly Rule[];
}

/** Writes the recording. The result is why it was not written; undefined: it was. */
export function writeUpdate(
  { recording, file }: LoadedRecording,
  { update, errors }: ReplaySummary,
  { journal, testInfo, rules }: Writing,
): string | undefined {
  if (!update || errors.length > 0) return 'the replay itself failed';
  if (update.refused !== undefined) return update.refused;
  if (update.edits.length === 0) return 'nothing that it says would be another one';
  if (!isFirst(recording.name)) return 'this run has written it already, and it differs again: see what of it is noise with `npx socket-replay learn`';
  try {
    const edited = editFiles(currentScale().recordings, [file], (text, reading) =>
      editRecording(text, reading, (read) => {
        if (!sameValue(applyRules(read.recording, rules) as unknown as Value, recording as unknown as Value))
          throw new ReplayError('REPLAY_EDIT_REFUSED', 'the file has changed since it was replayed', { file });
        return update.edits;
      }),
    );
    edited.write();
  } catch (error) {
    return error instanceof Error ? error.message.replace(/\s*\n\s*/g, ' ') : String(error);
  }
  journal.write({ type: 'updated', recording: recording.name, file, traces: update.traces });
  const description = `updated ${file}: ${update.traces.length} ${update.traces.length === 1 ? 'trace' : 'traces'}`;
  testInfo.annotations.push({ type: 'updated', description });
  console.log(`  ${description}`);
  return undefined;
}

/** One writer, once a file: also where several tests replay one recording. */
function isFirst(name: string): boolean {
  try {
    writeFileSync(join(currentRun().directory, `updated-${name}`), '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}
