/** Who a connection belongs to, and what its session is called in the recording. Pure. */
import type { SourceSocket } from './source.js';

/** The alias of the user, by the choice of the person who records (`--user`), else as the source tells it; undefined: not logged in. */
export function userOf(socket: SourceSocket, aliases: Readonly<Record<string, string>>): string | undefined {
  const chosen = own(aliases, socket.sid) ?? (socket.user === null ? undefined : own(aliases, socket.user));
  return chosen ?? (socket.user || undefined);
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
