/** What is done with the target before a replay: is it there and Socket.IO, where is its probe, back to its known state. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { reasonOf } from '../auth/identity.js';
import { recreateFromTemplate } from '../database/postgres.js';
import { undoRun } from '../database/undo.js';
import { ReplayError } from '../errors.js';
import { connectProbe, findProbes, type ProbeConnection } from '../wire/client.js';
import type { ReplayOptions } from './options.js';
import { currentRun } from './run.js';

/** Throws REPLAY_TARGET_UNREACHABLE or REPLAY_NOT_SOCKET_IO, within the connect timeout. */
export async function checkTarget({ baseURL, socketPath = '/socket.io', connectTimeout }: ReplayOptions): Promise<void> {
  const url = new URL(`${socketPath.replace(/\/$/, '')}/?EIO=4&transport=polling`, baseURL);
  let text: string;
  let status: number;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(connectTimeout), redirect: 'manual' });
    status = response.status;
    text = await response.text();
  } catch (error) {
    throw new ReplayError('REPLAY_TARGET_UNREACHABLE', `${baseURL} does not answer: ${reasonOf(error)}`);
  }
  const sid = /^0\{.*"sid":"([^"]+)"/.exec(text)?.[1];
  // Closes the connection that the question opened; a server that refuses it (websocket only) says so in Engine.IO's words.
  if (sid !== undefined)
    await fetch(`${url.href}&sid=${encodeURIComponent(sid)}`, { method: 'POST', body: '1', signal: AbortSignal.timeout(connectTimeout) }).catch(() => {});
  else if (!/"code":\d/.test(text)) throw new ReplayError('REPLAY_NOT_SOCKET_IO', `${url.href} answered ${status}, which is not Socket.IO`);
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

/** The probe in the process that listens on the target's port; undefined when there is none. */
export async function probeOf(baseURL: string): Promise<ProbeConnection | undefined> {
  const { REPLAY_PROBE, REPLAY_PROBE_TOKEN } = process.env;
  if (REPLAY_PROBE) {
    const { hostname, port } = new URL(`tcp://${REPLAY_PROBE}`);
    return connectProbe({ host: hostname, port: Number(port), token: REPLAY_PROBE_TOKEN ?? '', mode: 'replay' });
  }
  const { hostname, port, protocol } = new URL(baseURL);
  if (!['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return undefined;
  const wanted = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  // One probe of a cluster sees a part only: better none.
  const probes = findProbes().filter((probe) => probe.cluster === undefined && probe.listening.some((address) => address.endsWith(`:${wanted}`)));
  if (probes.length > 1)
    throw new ReplayError('REPLAY_PROBE_AMBIGUOUS', `processes ${probes.map((probe) => probe.pid).join(' and ')} both listen on port ${wanted} under a probe`);
  const probe = probes[0];
  return probe && connectProbe({ port: probe.port, token: probe.token, mode: 'replay' });
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
