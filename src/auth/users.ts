/** Who gets in: users by the alias of the recording, and a pool from which every other user of every copy leases an account of its own. */
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import type { Recording } from '../recording/schema.js';

const fields = z.record(z.string(), z.string());

export const usersShape = {
  /** the fields of each user by the alias of the recording. `password` and `token` may come from `REPLAY_USER_ALIAS_PASSWORD` and `_TOKEN` */
  users: z.record(z.string(), fields).default({}),
  /** accounts for all other users: each user of each copy leases one */
  pool: z.array(fields).min(1).optional(),
  /** more users than accounts share them. Default false: the run is refused */
  reuse: z.boolean().default(false),
  /** milliseconds. Default 10,000 */
  timeout: z.int().min(100).max(120_000).default(10_000),
};
interface Users {
  users: Record<string, Record<string, string>>;
  pool?: Record<string, string>[] | undefined;
  reuse: boolean;
}

/** Whose copy it is: one user of one copy of one recording is one person. */
export interface Person {
  user: string;
  recording: string;
  copy: number;
}

const poolName = (index: number): string => `pool-${index + 1}`;

/** The fields of a user; undefined for one that nobody configured. The environment stands above the configuration. */
export function fieldsOf(user: string, { users, pool }: Omit<Users, 'reuse'>, env: NodeJS.ProcessEnv = process.env): Record<string, string> | undefined {
  const leased = pool?.[Number(/^pool-(\d+)$/.exec(user)?.[1] ?? 0) - 1];
  const configured = Object.hasOwn(users, user) ? users[user] : leased;
  const set = fromEnvironment(user, env);
  return configured || Object.keys(set).length > 0 ? { ...configured, ...set } : undefined;
}

function fromEnvironment(user: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const prefix = `REPLAY_USER_${user.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_`;
  return Object.fromEntries(
    ['password', 'token'].flatMap((field) => {
      const value = env[`${prefix}${field.toUpperCase()}`];
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

/** The same, or REPLAY_LOGIN_UNKNOWN_USER. */
export function knownFieldsOf(user: string, users: Omit<Users, 'reuse'>, env?: NodeJS.ProcessEnv): Record<string, string> {
  const found = fieldsOf(user, users, env);
  if (found) return found;
  throw new ReplayError(
    'REPLAY_LOGIN_UNKNOWN_USER',
    `a recording needs the user ${user}, and \`use.login.users\` has only ${Object.keys(users.users).join(', ') || 'none'}`,
  );
}

/** Which account each person has, settled before anybody logs in. Throws REPLAY_USERS_MISSING. */
export function leaseAccounts(login: Users | undefined, recordings: readonly Recording[], copies: number): (person: Person) => string {
  const { pool, users = {}, reuse = false } = login ?? {};
  if (!pool) return ({ user }) => user;
  const leases = new Map<string, string>();
  for (let copy = 0; copy < copies; copy++)
    for (const recording of recordings)
      for (const { user } of recording.sessions) {
        if (user === undefined || Object.hasOwn(users, user)) continue;
        const key = keyOf({ user, recording: recording.name, copy });
        if (!leases.has(key)) leases.set(key, poolName(leases.size % pool.length));
      }
  const missing = leases.size - pool.length;
  if (missing > 0 && !reuse)
    throw new ReplayError(
      'REPLAY_USERS_MISSING',
      `the replay needs ${leases.size} accounts, and \`use.login.pool\` has ${pool.length}: ${missing} ${missing === 1 ? 'is' : 'are'} missing`,
    );
  return (person) => leases.get(keyOf(person)) ?? person.user;
}

const keyOf = ({ user, recording, copy }: Person): string => JSON.stringify([recording, copy, user]);
