/** The proof that nothing more comes (law 10): the probe has drained what the traces started, and every connection has answered the fence. */
import PQueue from 'p-queue';
import { ReplayError } from '../errors.js';
import type { ReplayFailure, ReplayInput } from './input.js';
import type { SessionState } from './state.js';

const FENCES = 200;

/** Without a probe nothing is known of what the application still does. */
export async function drain({ probe, ackTimeout, write, signal }: ReplayInput, errors: ReplayFailure[]): Promise<void> {
  if (!probe || signal.aborted || errors.some(({ code }) => code === 'REPLAY_PROBE_LOST')) return;
  try {
    const { open } = await probe.drain(ackTimeout);
    if (open > 0 && !signal.aborted)
      write({
        type: 'note',
        level: 'warning',
        code: 'NOT_DRAINED',
        message: `${open} pieces of work were still open in the application after ${ackTimeout} ms`,
      });
  } catch (error) {
    errors.push({ code: 'REPLAY_PROBE_LOST', message: `the probe was lost while it was drained: ${error instanceof Error ? error.message : String(error)}` });
  }
}

/** Every row that has been committed until now is known. */
export async function lookAtRows({ watch, signal }: ReplayInput, errors: ReplayFailure[]): Promise<void> {
  if (!watch || signal.aborted || errors.some(({ code }) => code === 'REPLAY_WATCH_FAILED')) return;
  try {
    await watch.flush();
  } catch (error) {
    errors.push({ code: 'REPLAY_WATCH_FAILED', message: error instanceof ReplayError ? error.what : String(error) });
  }
}

export async function fenceAll(sessions: SessionState[], { probe, namespaceFence, ackTimeout, write, signal }: ReplayInput): Promise<void> {
  const queue = new PQueue({ concurrency: FENCES });
  const connected = sessions.filter(({ client, down, left }) => client && !down && !left);
  let open = 0;
  await Promise.all(
    connected.map((session) =>
      queue.add(async () => {
        const fenced =
          !signal.aborted && (probe ? await session.client?.fence(ackTimeout) : namespaceFence && (await session.client?.fenceByNamespace(ackTimeout)));
        if (!fenced && !session.down) open++;
      }),
    ),
  );
  if (open > 0 && !signal.aborted)
    write({
      type: 'note',
      level: 'warning',
      code: 'NOT_FENCED',
      message: `${open} of ${sessions.length} connections did not answer the fence: that they receive nothing more is not measured`,
    });
}
