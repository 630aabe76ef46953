/** A database of the user's, by the driver of the user's project: the few things that are done to it. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ReplayError } from '../errors.js';
import type { NetChange } from './net.js';

export interface Database {
  /** Runs `work` in one transaction, and takes it back if it throws or `commit` is false. */
  transaction<T>(commit: boolean, work: () => Promise<T>): Promise<T>;
  /** Whether the row is as the change left it; `gone`: the table is not there. */
  state(change: NetChange): Promise<'same' | 'other' | 'gone'>;
  /** Brings the row back; a reason where the database refuses it, or where other rows would change with it. */
  restore(change: NetChange): Promise<string | undefined>;
  close(): Promise<void>;
}

/** A package of the project that this process was started in. */
export function projectPackage(name: string, what: string): unknown {
  try {
    return createRequire(join(process.cwd(), 'package.json'))(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND')
      throw new ReplayError('REPLAY_NO_DRIVER', `${name}, by which ${what} is opened, is not installed in this project`, { file: process.cwd() });
    throw new ReplayError('REPLAY_DATABASE', `${name}, by which ${what} is opened, cannot be loaded: ${wordsOf(error).split('\n')[0]}`);
  }
}

export const ALONE = 'taking it back would change other rows as well, by a cascade or a trigger';

export const databaseError = (where: string, error: unknown): ReplayError =>
  error instanceof ReplayError ? error : new ReplayError('REPLAY_DATABASE', `${withoutPassword(where)}: ${wordsOf(error)}`);

/** A connection refused at several addresses is an error without words of its own. */
function wordsOf(error: unknown): string {
  const { message, code, errors } = error as { message?: unknown; code?: unknown; errors?: unknown[] };
  return String(message || (errors?.[0] as Error | undefined)?.message || code || error);
}

const withoutPassword = (where: string): string => where.replace(/^(\w+:\/\/[^:@/]*):[^@]*@/, '$1:…@');
