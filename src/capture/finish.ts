/** The last step of a capture: build, find names, save. */
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ReplayError } from '../errors.js';
import { keepGiven, type LostName } from '../recording/keep-given.js';
import { SIZE_REFUSED } from '../recording/limits.js';
import { loadRecordings, saveRecording } from '../recording/load.js';
import { findNames, type Named } from '../recording/names/index.js';
import { keepNames } from '../recording/names/keep.js';
import type { Recording } from '../recording/schema.js';
import { type Built, buildRecording, isEmpty } from './build.js';
import { logFile } from './log.js';
import type { Captured } from './source.js';

export interface Saved extends Omit<Built, 'evidence'>, Pick<Named, 'names' | 'unproven'> {
  file: string;
  /** of the file itself */
  bytes: number;
  /** given names of the recording that it replaces, for which it has no place */
  lostNames: LostName[];
}

export interface SaveOptions {
  /** where recordings lie */
  out: string;
  /** where the capture's log lies; it is removed when the recording is safe */
  captures: string;
  force?: boolean;
  /** texts that each copy must have for itself */
  uniques?: readonly string[];
  /** the log stays */
  keepLog?: boolean;
  /** the name of the log, where it is not that of the recording */
  log?: string;
}

export const recordingFile = (out: string, name: string): string => join(out, `${name}.yaml`);

/** Throws when a recording of this name exists: asked before capturing, so that nobody records for nothing. */
export function refuseExisting(out: string, name: string, force: boolean): void {
  const file = recordingFile(out, name);
  if (!force && existsSync(file)) throw new ReplayError('REPLAY_RECORDING_EXISTS', `there is a recording of the name ${name}`, { file });
}

const failures: Record<string, { cause: string; advice: string }> = {
  chunk_write_failed: { cause: 'its log could not be written (chunk_write_failed)', advice: 'Make room on the disk and record again.' },
  event_failed: {
    cause: 'an event could not be read or redacted (event_failed)',
    advice: 'Leave that event out with --exclude, or report it; then record again.',
  },
};

/** The one that is replaced, where it can be read. */
const knownRecording = (out: string, name: string): Recording | undefined =>
  existsSync(recordingFile(out, name)) ? loadRecordings(out, [name]).recordings[0]?.recording : undefined;

/** Nothing is written of an empty or failed capture. */
export const saveCapture = (captured: Captured, options: SaveOptions): Saved => prepareCapture(captured, options)();

/** Everything but writing, and then how to write it: of several captures none is written until all can be. */
export function prepareCapture(
  captured: Captured,
  { out, captures, force = false, uniques = [], keepLog = false, log: logName = captured.name }: SaveOptions,
): () => Saved {
  const log = logFile(captures, logName);
  if (captured.end.status === 'failed') {
    const { cause, advice } = failures[captured.end.reason ?? ''] ?? { cause: captured.end.reason ?? 'unknown', advice: 'Record again.' };
    throw new ReplayError(
      'REPLAY_CAPTURE_FAILED',
      `the capture failed: ${cause}`,
      { file: log },
      `${advice} What was written so far: npx socket-replay export ${captured.name}`,
    );
  }
  const { recording, evidence, ...rest } = buildRecording(captured);
  if (isEmpty(recording)) {
    if (!keepLog) rmSync(log, { force: true });
    throw new ReplayError('REPLAY_CAPTURE_EMPTY', 'nothing was captured: no connection was made and no event was sent');
  }
  refuseExisting(out, captured.name, force);
  const found = findNames(recording, { ...evidence, uniques });
  const known = knownRecording(out, captured.name);
  const named = known ? keepNames(found, known) : found;
  const given = known ? keepGiven(named.recording, known) : { recording: named.recording, lost: [] };
  return () => {
    const file = saveRecording(out, given.recording, force ? undefined : SIZE_REFUSED);
    if (!keepLog) rmSync(log, { force: true });
    return { ...named, ...rest, recording: given.recording, lostNames: given.lost, file, bytes: statSync(file).size };
  };
}
