/** The probes of the application that a replay is sent to. */
import { setTimeout as pause } from 'node:timers/promises';
import { applicationsAt, type ProbedApplication } from '../capture/choose.js';
import { ReplayError } from '../errors.js';
import { connectProbe, findProbes, type ProbeConnection } from '../wire/client.js';
import { mergeProbes } from '../wire/merged.js';

/** So old, in ms, is the newest worker of a cluster before those without a probe are taken to have none. */
const WORKERS_TIMEOUT = 10_000;
const WORKERS_PAUSE = 50;

/** `REPLAY_PROBE`: where it is, and its token. */
function givenProbe(): { host: string; port: number; token: string } | undefined {
  const { REPLAY_PROBE, REPLAY_PROBE_TOKEN } = process.env;
  if (!REPLAY_PROBE) return undefined;
  const { hostname, port } = new URL(`tcp://${REPLAY_PROBE}`);
  return { host: hostname, port: Number(port), token: REPLAY_PROBE_TOKEN ?? '' };
}

const isHere = (baseURL: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(new URL(baseURL).hostname);

/** Whether a process of the target says that it is protected. Asked before anybody subscribes: that would put triggers into its database. */
export async function declaresProtected(baseURL: string): Promise<boolean> {
  const given = givenProbe();
  if (!given) return isHere(baseURL) && applicationsAt(findProbes(), baseURL).some((application) => application.some((probe) => probe.protected));
  const visitor = await connectProbe({ ...given, mode: 'list' });
  visitor.close();
  return visitor.hello.protected === true;
}

/** The probe in the process that listens on the target's port, or those of its cluster; undefined when there is none. */
export async function probeOf(baseURL: string): Promise<ProbeConnection | undefined> {
  const given = givenProbe();
  if (given) return connectProbe({ ...given, mode: 'replay' });
  if (!isHere(baseURL)) return undefined;
  const application = await wholeApplication(baseURL);
  if (!application) return undefined;
  const connections = await Promise.allSettled(application.map(({ port, token }) => connectProbe({ port, token, mode: 'replay' })));
  const [first, ...others] = connections.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = connections.find((one) => one.status === 'rejected');
  if (first && !refused) return mergeProbes(first, others);
  for (const connection of [first, ...others]) connection?.close();
  throw refused?.reason;
}

/** A primary listens before its workers have begun: they are waited for, as far as they come in time. */
async function wholeApplication(baseURL: string): Promise<ProbedApplication | undefined> {
  for (;;) {
    const found = applicationsAt(findProbes(), baseURL);
    if (found.length > 1)
      throw new ReplayError('REPLAY_PROBE_AMBIGUOUS', `processes ${found.map(([{ pid }]) => pid).join(' and ')} both listen at ${baseURL} under a probe`);
    const [application] = found;
    const primary = application?.find(({ pid, cluster }) => pid === cluster);
    if (!application || !primary || servingIn(application) >= (primary.workers ?? 0) || Date.now() - primary.at > WORKERS_TIMEOUT) return application;
    await pause(WORKERS_PAUSE);
  }
}

const servingIn = (application: ProbedApplication): number => application.filter(({ pid, cluster, serving }) => pid !== cluster && serving !== false).length;
