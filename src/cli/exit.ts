/** How a command ends: its exit code, and its error as one message without a stack. */
import { type ErrorCode, ReplayError, ReplayErrors } from '../errors.js';

export const exitCodes = { good: 0, regression: 1, usage: 2, environment: 3, aborted: 130 } as const;

const environment = new Set<ErrorCode>([
  'REPLAY_TARGET_BUSY',
  'REPLAY_NO_PROBE',
  'REPLAY_COMMAND_FAILED',
  'REPLAY_TARGET_UNREACHABLE',
  'REPLAY_CAPTURE_FAILED',
  'REPLAY_DATABASE',
  'REPLAY_NO_DRIVER',
  'REPLAY_PROBE_UNREACHABLE',
  'REPLAY_PROBE_REFUSED',
  'REPLAY_PROBE_PROTOCOL',
]);

/** Errors of the system (a full disk, a refused connection) are the environment's too. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ReplayErrors) return error.all[0] ? exitCodeOf(error.all[0]) : exitCodes.usage;
  if (error instanceof ReplayError) return environment.has(error.code) ? exitCodes.environment : exitCodes.usage;
  return exitCodes.environment;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
