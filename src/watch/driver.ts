/** The database drivers of the project that is tested: whoever has no such database needs no driver. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ReplayError } from '../errors.js';

export function driverOf(name: 'better-sqlite3' | 'pg', database: string): unknown {
  try {
    return createRequire(join(process.cwd(), 'package.json'))(name);
  } catch (error) {
    const missing = (error as { code?: unknown }).code === 'MODULE_NOT_FOUND';
    throw new ReplayError(
      'REPLAY_WATCH_DRIVER',
      `${name}, through which ${database} is watched, ${missing ? 'is not installed here' : `cannot be loaded: ${(error as Error).message}`}`,
      undefined,
      `Install it: npm install --save-dev ${name}`,
    );
  }
}
