/** Checkpoints from code: a test, a script, or the application itself names a moment of the recording that runs. */
import { ask, chooseRecorder, findRecorders } from './recorders.js';

/**
 * Names this moment of a recording that runs, with what the tables hold. Resolves when it is in the capture.
 *
 * Throws REPLAY_NO_CAPTURE where nothing is recorded, or several are and `recording` does not say which; REPLAY_CHECKPOINT where
 * the name is taken.
 */
export async function checkpoint(name: string, { recording }: { recording?: string } = {}): Promise<void> {
  await ask(chooseRecorder(findRecorders(), recording), { do: 'checkpoint', name });
}
