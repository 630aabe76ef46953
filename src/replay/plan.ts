/** Which client replays what: law 2's pool and iterations. Pure. */
import type { LoadedRecording } from '../recording/load.js';

/** One session of the pool. */
export interface PoolEntry {
  recording: LoadedRecording;
  session: number;
}

export interface Slot extends PoolEntry {
  /** from 0 */
  copy: number;
}

/** The sessions of all recordings, in order. Recordings that are replayed alone only are left out. */
export const poolOf = (recordings: readonly LoadedRecording[]): PoolEntry[] =>
  recordings
    .filter(({ recording }) => recording.copies !== 1)
    .flatMap((recording) => recording.recording.sessions.map((_, session) => ({ recording, session })));

/** K x N clients; slot i replays pool[i mod N] in copy floor(i / N). */
export const slotsOf = (pool: readonly PoolEntry[], iteration: number): Slot[] =>
  Array.from({ length: iteration * pool.length }, (_, i) => ({ ...(pool[i % pool.length] as PoolEntry), copy: Math.floor(i / pool.length) }));

/** What a run of iterations 1..M adds up to. */
export const loadOf = (pool: readonly PoolEntry[], iterations: number): { pool: number; peak: number; total: number } => ({
  pool: pool.length,
  peak: iterations * pool.length,
  total: (pool.length * iterations * (iterations + 1)) / 2,
});
