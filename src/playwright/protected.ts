/** Law 15: a protected target is never replayed against unless scenario and environment both allow it. Replays write. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReplayError } from '../errors.js';
import { globPattern } from '../recording/glob.js';
import { allowedTargets } from './options.js';

interface Protection {
  target: string;
  /** hosts of the configuration */
  patterns: readonly string[];
  /** its own process says so */
  declared?: boolean;
  /** the scenario's word */
  allowed: boolean;
}

/** Whether the target is protected, and both allow it. Throws REPLAY_TARGET_PROTECTED. Sends nothing. */
export function checkProtected({ target, patterns, declared = false, allowed }: Protection, env: NodeJS.ProcessEnv = process.env): boolean {
  const why = declared ? 'its process runs with REPLAY_PROTECTED=1' : reasonOf(target, patterns);
  if (why === undefined) return false;
  const names = namesOf(target);
  const missing = [
    ...(allowed ? [] : ['the scenario does not say `allowProtected: true`']),
    ...(allowedTargets(env).some((host) => names.includes(host.toLowerCase())) ? [] : [`REPLAY_ALLOW_PROTECTED does not name ${names[0]}`]),
  ];
  if (missing.length > 0)
    throw new ReplayError('REPLAY_TARGET_PROTECTED', `${target} is protected: ${why}; nothing was sent, because ${missing.join(', and ')}`);
  return true;
}

const fileOf = (directory: string): string => join(directory, 'protected-target');

/** A run against a protected target is taken back only where the environment still allows it. */
export const markProtected = (directory: string, target: string): void => writeFileSync(fileOf(directory), target);

/** Throws REPLAY_TARGET_PROTECTED where the run was against a protected target; the scenario has given its word then. */
export function checkProtectedRun(directory: string): void {
  const file = fileOf(directory);
  if (existsSync(file)) checkProtected({ target: readFileSync(file, 'utf8'), patterns: ['*'], allowed: true });
}

function reasonOf(target: string, patterns: readonly string[]): string | undefined {
  const names = namesOf(target);
  const pattern = patterns.find((one) => names.some((name) => globPattern(one.toLowerCase()).test(name)));
  return pattern === undefined ? undefined : `\`protectedTargets\` has ${pattern}`;
}

/** `shop.example.com`, `shop.example.com:443`. */
function namesOf(target: string): [string, string] {
  const { hostname, port, protocol } = new URL(target);
  // A name may end with the dot of the root.
  const host = hostname.replace(/\.$/, '').toLowerCase();
  return [host, `${host}:${port || (protocol === 'https:' ? '443' : '80')}`];
}
