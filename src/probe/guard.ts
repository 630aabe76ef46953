import { warn } from './hub.js';

/** Runs code of ours in the application's way: what it throws becomes a warning, never the application's error. */
export function guarded<T>(what: string, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    try {
      warn('probe-failed', `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, what);
    } catch {
      // nothing is left to try
    }
    return undefined;
  }
}
