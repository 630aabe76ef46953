/** What is done with the target before a replay: is it there and Socket.IO, back to its known state. */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Manager } from 'socket.io-client';
import { type Brought, reasonOf } from '../auth/identity.js';
import { recreateFromTemplate } from '../database/postgres.js';
import { undoRun } from '../database/undo.js';
import { ReplayError } from '../errors.js';
import { sentenceOf } from '../replay/handshake.js';
import type { Parser } from '../wire/parser.js';
import type { ReplayOptions } from './options.js';
import { currentRun } from './run.js';

/** How often a target that does not answer yet is asked again, ms. */
const AGAIN = 250;
/** A proxy says that what is behind it is not there. */
const STARTING = new Set([502, 503, 504]);
/** A target that has not answered for so long, in ms, may have lost the question. */
const ASK_AGAIN_AFTER = 1000;
/** Asks for somebody, or sends there: whether Socket.IO is behind it shows only to those who get in. */
const CLOSED = new Set([301, 302, 303, 307, 308, 400, 401, 403, 407]);

interface Answer {
  status: number;
  text: string;
}

/**
 * Throws REPLAY_TARGET_UNREACHABLE or REPLAY_NOT_SOCKET_IO. `wait`: an application that is still starting is given the connect timeout.
 * Nobody is brought along: a server that lets nobody in without a cookie is there all the same.
 */
export async function checkTarget({ baseURL, socketPath = '/socket.io', connectTimeout }: ReplayOptions, wait: boolean, signal: AbortSignal): Promise<void> {
  const url = new URL(`${socketPath.replace(/\/$/, '')}/?EIO=4&transport=polling`, baseURL);
  const until = performance.now() + connectTimeout;
  const left = (): number => Math.max(100, until - performance.now());
  const ask = async (): Promise<Answer | Error> => {
    try {
      return await askAgain(url, AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(left()))]));
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  let answer = await ask();
  if (wait && isStarting(answer)) console.log(`  waiting for ${baseURL}`);
  while (wait && isStarting(answer) && performance.now() + AGAIN < until && !signal.aborted) {
    await pause(AGAIN);
    answer = await ask();
  }
  if (answer instanceof Error)
    throw new ReplayError('REPLAY_TARGET_UNREACHABLE', `${baseURL} does not answer: ${reasonOf(answer)}`, undefined, adviceOn(answer));
  const { status, text } = answer;
  const sid = /^0\{.*"sid":"([^"]+)"/.exec(text)?.[1];
  // Closes the connection that the question opened; a server that refuses it (websocket only) says so in Engine.IO's words.
  if (sid !== undefined)
    await fetch(`${url.href}&sid=${encodeURIComponent(sid)}`, { method: 'POST', body: '1', signal: AbortSignal.timeout(connectTimeout) }).catch(() => {});
  else if (/^\d+:0\{"sid"/.test(text))
    throw new ReplayError(
      'REPLAY_NOT_SOCKET_IO',
      `${url.href} speaks Engine.IO 3, which is Socket.IO 2 or older; socket-replay speaks Engine.IO 4`,
      undefined,
      'Update the server to Socket.IO 3 or 4.',
    );
  else if (!/"code":\d/.test(text) && !CLOSED.has(status))
    throw new ReplayError('REPLAY_NOT_SOCKET_IO', `${url.href} answered ${status}, which is not Socket.IO`);
}

/** A primary of a cluster hands what comes first to workers that have not begun, where it is lost: who gets no answer asks again beside it. */
async function askAgain(url: URL, until: AbortSignal): Promise<Answer> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, until]);
  const ask = async (): Promise<Answer> => {
    const response = await fetch(url, { signal, redirect: 'manual' });
    return { status: response.status, text: await response.text() };
  };
  const asked: Promise<Answer>[] = [];
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

const isStarting = (answer: { status: number } | Error): boolean =>
  answer instanceof Error ? ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(codeOf(answer)) : STARTING.has(answer.status);

const codeOf = ({ cause }: Error): string => {
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return typeof inner === 'object' && inner !== null && 'code' in inner ? String(inner.code) : '';
};

const adviceOn = (error: Error): string | undefined =>
  /CERT|SIGNATURE/.test(codeOf(error))
    ? 'Give Node the certificate of the authority that signed it: NODE_EXTRA_CA_CERTS=FILE, and name the host as the certificate does.'
    : undefined;

type Place = Pick<ReplayOptions, 'baseURL' | 'socketPath' | 'connectTimeout' | 'transport'>;

/** As the clients of a replay connect. */
const managerFor = ({ baseURL, socketPath, connectTimeout, transport }: Place, { cookie, headers, query }: Brought, parser?: Parser): Manager =>
  new Manager(new URL(baseURL).origin, {
    autoConnect: false,
    reconnection: false,
    transports: [transport],
    timeout: connectTimeout,
    extraHeaders: { ...headers, ...(cookie === undefined ? {} : { cookie }) },
    ...(socketPath === undefined ? {} : { path: socketPath }),
    ...(query && { query }),
    ...(parser && { parser }),
  });

/** The handshake of Engine.IO, before any namespace: the application has no connection of it. Throws with a sentence that says why not. */
export function knock(place: Place, brought: Brought): Promise<{ maxPayload?: number }> {
  const manager = managerFor(place, brought);
  return new Promise((resolve, reject) => {
    let maxPayload: number | undefined;
    manager.open((error) => {
      if (error) return reject(new Error(sentenceOf(error)));
      manager.engine.close();
      resolve(maxPayload === undefined ? {} : { maxPayload });
    });
    // socket.io-client's types do not know the key, which servers have since 4.5.
    manager.engine.once('handshake', (data: { maxPayload?: number }) => {
      maxPayload = data.maxPayload;
    });
  });
}

/** A namespace that does not exist. */
export const NOWHERE = '/socket-replay-fence-0';

/** What a connection of its own is answered that asks for it. `refused`: as it must be, and the fence without a probe works here. */
export function firstAnswer(place: Place, brought: Brought, parser?: Parser): Promise<'refused' | 'accepted' | 'closed' | 'none'> {
  const socket = managerFor(place, brought, parser).socket(NOWHERE);
  return new Promise((resolve) => {
    const settle = (answer: Awaited<ReturnType<typeof firstAnswer>>): void => {
      clearTimeout(timer);
      resolve(answer);
      socket.disconnect();
      socket.io.engine?.close();
    };
    const timer = setTimeout(() => settle('none'), place.connectTimeout);
    socket.once('connect', () => settle('accepted'));
    // After a refusal the connection is closed first, and told of then.
    socket.io.once('close', () => queueMicrotask(() => settle('closed')));
    socket.once('connect_error', (error) => settle(/invalid namespace/i.test(error.message) ? 'refused' : 'none'));
    socket.connect();
  });
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
