/** Which recordings a test replays, and where it must not. */
import type { TestInfo } from '@playwright/test';
import { ReplayError } from '../errors.js';
import { type LoadedRecording, loadRecordings } from '../recording/load.js';
import { sliceOf, type Wanted } from '../recording/slice.js';
import { poolOf } from '../replay/plan.js';
import { type Mode, modes } from '../results/outcome.js';
import { currentScale } from './run.js';

/** The mode whose project the test runs in. */
export const modeOf = ({ project }: TestInfo): Mode | undefined => modes.find((mode) => mode === project.metadata.mode);

/** A scaling project is a measurement: repeated or split it would be another one. */
export function refuseScaling({ project, config, repeatEachIndex }: TestInfo): void {
  const refused = [
    project.retries > 0 && '--retries',
    (repeatEachIndex > 0 || project.repeatEach > 1) && '--repeat-each',
    config.shard !== null && '--shard',
  ].filter((flag) => flag !== false);
  if (refused.length > 0) throw new ReplayError('REPLAY_SCALING_REFUSED', `${refused.join(' and ')} cannot be used with the project ${project.name}`);
}

export interface Selected {
  recordings: LoadedRecording[];
  /** of `REPLAY_ONLY`: what is replayed, in words */
  only?: string;
  /** why there is nothing to replay, which is as it should be */
  skip?: string;
}

export function selectRecordings(names: string[] | undefined, iteration: number): Selected {
  const scale = currentScale();
  const { recordings, errors } = loadRecordings(scale.recordings, names ?? scale.select);
  const [first] = errors;
  if (first) throw first;
  const chosen = iteration === 0 ? recordings : [...new Set(poolOf(recordings).map((entry) => entry.recording))];
  if (iteration === 0 && chosen.length !== 1)
    throw new ReplayError(
      'REPLAY_OPTION_INVALID',
      `in the project regression a test replays one recording, alone; this one asked for ${chosen.length}`,
      undefined,
      'Give `replay` one name, or tag the test @pool.',
    );
  if (enabledTraces(chosen) === 0) {
    // They have been replayed, in `regression`.
    if (enabledTraces(recordings) > 0) return { recordings: [], skip: 'every recording is replayed alone only (`copies: 1`)' };
    throw new ReplayError('REPLAY_NOTHING_REPLAYED', iteration === 0 ? 'the recording has no enabled trace' : 'the pool is empty: every recording is disabled');
  }
  return scale.only ? partOf(chosen, scale.only) : { recordings: chosen };
}

const enabledTraces = (recordings: readonly LoadedRecording[]): number =>
  recordings.reduce(
    (sum, { recording }) => sum + recording.sessions.reduce((count, session) => count + session.traces.filter((trace) => !trace.disabled).length, 0),
    0,
  );

/** Of a test that does not replay the recording nothing is left. */
function partOf(chosen: readonly LoadedRecording[], only: Wanted): Selected {
  const loaded = chosen.find(({ recording }) => recording.name === only.recording);
  if (!loaded) return { recordings: [], skip: 'only a part of another recording is replayed' };
  const { recording, positions, words } = sliceOf(loaded.recording, only);
  const lineOf: LoadedRecording['lineOf'] = (session, trace) => loaded.lineOf(positions[session] ?? session, trace);
  return { recordings: [{ recording, file: loaded.file, lineOf }], only: `${recording.name}: ${words}` };
}
