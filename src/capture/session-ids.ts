/** Who a connection belongs to, and what its session is called in the recording. Pure. */
import type { SourceSocket } from './source.js';

/** Users who stand in the recording under an alias that nobody chose: by the alias, what the application calls them. */
export type People = Map<string, string>;

/**
 * The alias of the user, by the choice of the person who records (`--user`), else as the source tells it; undefined: not logged in.
 * A recording is committed: a mail address or a full name becomes `user1`, and `people` remembers who that is.
 */
export function userOf({ sid, user }: SourceSocket, aliases: Readonly<Record<string, string>>, people: People): string | undefined {
  const chosen = own(aliases, sid) ?? (user === null ? undefined : own(aliases, user));
  if (chosen !== undefined || !user) return chosen;
  if (!/[@\s]/.test(user)) return user;
  const known = [...people].find(([, name]) => name === user)?.[0];
  const alias = known ?? `user${people.size + 1}`;
  people.set(alias, user);
  return alias;
}

/** `alice`, the second connection `alice-2`; `taken` grows. */
export function sessionId(user: string | undefined, taken: Set<string>): string {
  const base = idFrom(user);
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
  taken.add(id);
  return id;
}

/** A user that the application knows by a number only becomes `user-7`: a bare 7 says nothing in a file. */
function idFrom(user: string | undefined): string {
  if (user === undefined) return 'anonymous';
  const clean = user.replace(/[^\w.-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');
  if (clean === '') return 'user';
  return /^\d+$/.test(clean) ? `user-${clean}` : clean;
}

const own = (object: Readonly<Record<string, string>>, key: string): string | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);
