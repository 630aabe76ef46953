/** The probe behind a reset: one that starts the application anew leaves another process, with a probe of its own. */
import type { ProbeConnection } from '../wire/client.js';
import { mayReplay } from './first-look.js';
import type { Job } from './job.js';
import { probeOf } from './probe-of.js';
import { checkTarget } from './target.js';

/** The same probe when all that the reset did has ended, or that of the process that took the place of its own. */
export async function probeAfterReset(
  probe: ProbeConnection | undefined,
  { options, signal }: Pick<Job, 'options' | 'signal'>,
): Promise<ProbeConnection | undefined> {
  if (!probe) return undefined;
  const isThere = await probe.drain(options.ackTimeout).then(
    () => true,
    () => false,
  );
  if (isThere) return probe;
  probe.close();
  await checkTarget(options, true, signal);
  await mayReplay(options, true);
  return probeOf(options.baseURL);
}
