/** What is done with the target before a replay: is it there and Socket.IO, where is its probe, back to its known state. */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { reasonOf } from '../auth/identity.js';
import { applicationsAt, type ProbedApplication } from '../capture/choose.js';
import { recreateFromTemplate } from '../database/postgres.js';
import { undoRun } from '../database/undo.js';
import { ReplayError } from '../errors.js';
import { connectProbe, findProbes, type ProbeConnection } from '../wire/client.js';
import { mergeProbes } from '../wire/merged.js';
import type { ReplayOptions } from './options.js';
import { currentRun } from './run.js';

/** So old, in ms, is the newest worker of a cluster before those without a probe are taken to have none. */
const WORKERS_TIMEOUT = 10_000;
const WORKERS_PAUSE = 50;
/** A target that has not answered for so long, in ms, may have lost the question. */
const ASK_AGAIN_AFTER = 1000;

/** Throws REPLAY_TARGET_UNREACHABLE or REPLAY_NOT_SOCKET_IO, within the connect timeout. */
export async function checkTarget({ baseURL, socketPath = '/socket.io', connectTimeout }: ReplayOptions): Promise<void> {
  const url = new URL(`${socketPath.replace(/\/$/, '')}/?EIO=4&transport=polling`, baseURL);
  let text: string;
  let status: number;
  try {
    ({ status, text } = await askAgain(url, connectTimeout));
  } catch (error) {
    throw new ReplayError('REPLAY_TARGET_UNREACHABLE', `${baseURL} does not answer: ${reasonOf(error)}`);
  }
  const sid = /^0\{.*"sid":"([^"]+)"/.exec(text)?.[1];
  // Closes the connection that the question opened; a server that refuses it (websocket only) says so in Engine.IO's words.
  if (sid !== undefined)
    await fetch(`${url.href}&sid=${encodeURIComponent(sid)}`, { method: 'POST', body: '1', signal: AbortSignal.timeout(connectTimeout) }).catch(() => {});
  // Who is not logged in may be refused before Socket.IO is asked; the clients of the replay will say whether they are let in.
  else if (!/"code":\d/.test(text) && ![401, 403].includes(status)) throw new ReplayError('REPLAY_NOT_SOCKET_IO', `${url.href} answered ${status}, which is not Socket.IO`);
}

/** A primary of a cluster hands what comes first to workers that have not begun, where it is lost: who gets no answer asks again beside it. */
async function askAgain(url: URL, timeout: number): Promise<{ status: number; text: string }> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(timeout)]);
  const ask = async (): Promise<{ status: number; text: string }> => {
    const response = await fetch(url, { signal, redirect: 'manual' });
    return { status: response.status, text: await response.text() };
  };
  const asked: Promise<{ status: number; text: string }>[] = [];
  try {
    for (;;) {
      asked.push(ask());
      const answer = await Promise.race([...asked, pause(ASK_AGAIN_AFTER, undefined, { ref: false })]);
      if (answer) return answer;
    }
  } finally {
    over.abort();
    await Promise.allSettled(asked);
  }
}

/** Whether the fence without a probe works here: a namespace that does not exist must be refused. Tried on a connection of its own. */
export function canFence({ baseURL, socketPath, connectTimeout }: ReplayOptions): Promise<boolean> {
  const socket = io(new URL('/socket-replay-fence-0', baseURL).href, {
    forceNew: true,
    reconnection: false,
    transports: ['websocket'],
    timeout: connectTimeout,
    ...(socketPath === undefined ? {} : { path: socketPath }),
  });
  return new Promise((resolve) => {
    const settle = (works: boolean): void => {
      clearTimeout(timer);
      socket.disconnect();
      resolve(works);
    };
    const timer = setTimeout(() => settle(false), connectTimeout);
    socket.once('connect', () => settle(false));
    socket.once('connect_error', (error) => settle(/invalid namespace/i.test(error.message)));
  });
}

/** The probe in the process that listens on the target's port, or those of its cluster; undefined when there is none. */
export async function probeOf(baseURL: string): Promise<ProbeConnection | undefined> {
  const { REPLAY_PROBE, REPLAY_PROBE_TOKEN } = process.env;
  if (REPLAY_PROBE) {
    const { hostname, port } = new URL(`tcp://${REPLAY_PROBE}`);
    return connectProbe({ host: hostname, port: Number(port), token: REPLAY_PROBE_TOKEN ?? '', mode: 'replay' });
  }
  if (!['localhost', '127.0.0.1', '[::1]'].includes(new URL(baseURL).hostname)) return undefined;
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
    if (!application || !primary || application.length > (primary.workers ?? 0) || Date.now() - primary.at > WORKERS_TIMEOUT) return application;
    await pause(WORKERS_PAUSE);
  }
}

/** What the replays of this run wrote; throws where something cannot be brought back. */
export async function undoAll(database: string): Promise<void> {
  const { left } = await undoRun(currentRun().directory, database, true);
  const [first] = left;
  if (first)
    throw new Error(`${left.length} rows cannot be brought back, the first in ${first.change.table} ${JSON.stringify(first.change.key)}: ${first.why}`);
}

/** Brings the application to its known state. False when no `reset` is configured. */
export async function resetTarget({ baseURL, reset, connectTimeout }: ReplayOptions): Promise<boolean> {
  if (reset === undefined) return false;
  try {
    if (typeof reset === 'function') await reset();
    else if ('call' in reset) await reset.call();
    else if ('undo' in reset) await undoAll(reset.undo);
    else if ('postgres' in reset) await recreateFromTemplate(reset.postgres);
    else if ('command' in reset) await promisify(execFile)('sh', ['-c', reset.command]);
    else {
      const response = await fetch(new URL(reset.post, baseURL), {
        method: 'POST',
        signal: AbortSignal.timeout(connectTimeout),
        ...(reset.headers && { headers: reset.headers }),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`POST ${reset.post} was answered with ${response.status}`);
    }
  } catch (error) {
    throw new ReplayError('REPLAY_RESET_FAILED', reasonOf(error));
  }
  return true;
}
