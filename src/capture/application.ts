/** The application under test as a process of ours: started with the probe preloaded, stopped as a group. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ReplayError } from '../errors.js';
import { findProbes } from '../wire/client.js';
import type { ProbeFile } from '../wire/messages.js';
import { nodeOptions } from '../wire/preload.js';
import { applicationsAt } from './choose.js';

const STOP_MS = 5_000;
const POLL_MS = 100;
/** A server often listens shortly after Socket.IO was attached to it, and some listen at several ports, one after the other. */
const LISTEN_MS = 3_000;
const SETTLED_MS = 500;

export interface Application {
  readonly command: string;
  /** what its probes know it by */
  readonly run: string;
  readonly exited: Promise<string>;
  /** how it exited, or undefined while it runs */
  ended(): string | undefined;
  /** SIGTERM, after 5 s SIGKILL; resolves when its servers have ended */
  stop(): Promise<void>;
}

/**
 * Its output goes where ours goes. It gets a process group of its own: Ctrl-C at the terminal is for the recorder, which still has
 * to drain the application, and stopping `npm start` must reach the server behind it.
 */
export function startApplication(command: readonly string[], preload: string): Application {
  const [file = '', ...args] = command;
  const run = randomUUID();
  const env = { ...process.env, REPLAY_PROBE_RUN: run, NODE_OPTIONS: nodeOptions(process.env.NODE_OPTIONS, preload) };
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], env, detached: process.platform !== 'win32' });
  let how: string | undefined;
  const exited = new Promise<string>((resolve) => {
    const settle = (text: string) => {
      how ??= text;
      resolve(how);
    };
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, signal) => settle(signal ? `signal ${signal}` : `exit code ${code}`));
  });
  const killGroup = () => signalGroup(child, 'SIGKILL');
  process.once('exit', killGroup);
  return {
    command: command.join(' '),
    run,
    exited,
    ended: () => how,
    async stop() {
      signalGroup(child, 'SIGTERM');
      const timer = setTimeout(killGroup, STOP_MS);
      await exited;
      // npm or a shell has gone; the server behind it may still be cleaning up
      while (findProbes().some((probe) => probe.run === run)) await delay(POLL_MS);
      clearTimeout(timer);
      process.removeListener('exit', killGroup);
      killGroup();
    },
  };
}

/**
 * Waits until a probe of the application is there and listens where it is wanted, or wherever it has come to listen; rejects when
 * the application exits first or shows none in time. The primary of a cluster serves nobody itself: its workers are waited for.
 */
export async function waitForProbe(application: Application, find: () => ProbeFile[], timeoutMs: number, target?: string): Promise<ProbeFile[]> {
  const begin = Date.now();
  let seen = '';
  let since = begin;
  for (;;) {
    const found = find().filter(({ run }) => run === application.run);
    const serves = found.some(({ pid, cluster }) => cluster !== pid);
    const now = JSON.stringify(found.map(({ pid, listening }) => [pid, listening]));
    if (now !== seen) since = Date.now();
    seen = now;
    const settle = found.some(({ listening }) => listening.length > 0) ? SETTLED_MS : LISTEN_MS;
    if (serves && Date.now() - since >= settle && (target === undefined || applicationsAt(found, target).length > 0)) return found;
    if (application.ended() !== undefined)
      throw new ReplayError('REPLAY_COMMAND_FAILED', `\`${application.command}\` ended before it served Socket.IO (${application.ended()})`);
    if (Date.now() - begin > timeoutMs)
      throw new ReplayError(
        'REPLAY_NO_PROBE',
        `\`${application.command}\` shows no Socket.IO server${target === undefined ? '' : ` at ${target}`} after ${timeoutMs / 1000} s`,
        undefined,
        'Check that the command starts the server itself with Node.js 20 or newer, and not one that runs already or in a container.',
      );
    await Promise.race([delay(POLL_MS), application.exited]);
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // the group is gone
  }
}
