/**
 * Whose turn it is on a target (laws 2 and 12). Another run, or a capture, is a clear error at once. Replays of the same run
 * wait for each other, lower iterations first, however many workers there are; under `schedule: parallel` they share.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mode, modes } from '../results/outcome.js';
import { isAlive } from '../wire/process.js';
import { holderOf, lockTarget } from '../wire/target-lock.js';
import type { Run } from './run.js';

/** Tickets of regression tests: what is replayed alone is alone. */
const REGRESSION = 'turn-0000-';
/** Tickets of modes begin here, above all iterations: they come last, and nothing runs beside them. */
const MODES = 9001;

export const turnOf = (iteration: number, mode?: Mode): number => (mode === undefined ? iteration : MODES + modes.indexOf(mode));

/** How often a waiting replay looks whether its turn has come, ms. */
const LOOK = 50;

export interface Turn {
  end(): void;
}

export async function takeTurn(run: Run, target: string, iteration: number, shared: boolean, signal: AbortSignal): Promise<Turn> {
  const ticket = `turn-${String(iteration).padStart(4, '0')}-${process.pid}`;
  const path = join(run.directory, ticket);
  writeFileSync(path, '');
  try {
    for (;;) {
      const holder = holderOf(target);
      const ours = holder?.owner === run.id && holder.pid !== process.pid;
      const first = shared || waitingTickets(run.directory)[0] === ticket;
      const alone = waitingTickets(run.directory).some((name) => name.startsWith(REGRESSION) || (isMode(name) && pidOf(name) === holder?.pid));
      if (ours && shared && !alone) return { end: () => rmSync(path, { force: true }) };
      const lock = !ours && first ? take(target, run) : undefined;
      if (lock)
        return {
          end() {
            lock.release();
            rmSync(path, { force: true });
          },
        };
      await later(LOOK, signal);
      if (signal.aborted) throw new Error('aborted while it waited for its turn');
    }
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** undefined: another replay of this run was faster. Throws REPLAY_TARGET_BUSY for every other holder. */
function take(target: string, run: Run): { release(): void } | undefined {
  try {
    return lockTarget(target, 'replay', run.id);
  } catch (error) {
    if (holderOf(target)?.owner === run.id) return undefined;
    throw error;
  }
}

/** Tickets of processes that live, lowest iteration first. */
const waitingTickets = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith('turn-') && isAlive(pidOf(name)))
    .sort();

const pidOf = (ticket: string): number => Number(ticket.split('-')[2]);
const isMode = (ticket: string): boolean => Number(ticket.split('-')[1]) >= MODES;

function later(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
