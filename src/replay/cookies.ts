/** The cookies of one user in one copy, which is one browser: what the login set, and what every answer sets, also that to a handshake. */
import { CookieJar } from 'tough-cookie';
import type { Identity } from '../auth/identity.js';
import type { ReplayInput } from './input.js';
import type { SessionState } from './state.js';

type Place = Pick<ReplayInput, 'target' | 'socketPath'>;

/** Somebody without a user has a jar of their own. */
export function jarOf(session: SessionState, target: string): CookieJar {
  const { jars } = session.copy;
  const owner = ownerOf(session);
  const known = jars.get(owner);
  if (known) return known;
  const jar = new CookieJar(undefined, { looseMode: true });
  if (session.identity) fill(jar, session.identity, target);
  jars.set(owner, jar);
  return jar;
}

/**
 * What an answer sets, to a request as to a handshake: a connect that comes later brings it. What the Cookie header of a handshake is from now on;
 * undefined: as before.
 */
export function keepCookies(session: SessionState, set: readonly string[], href: string, { target, socketPath = '/socket.io' }: Place): string | undefined {
  if (set.length === 0) return undefined;
  const jar = jarOf(session, target);
  for (const cookie of set) jar.setCookieSync(cookie, href, { ignoreError: true });
  // Cookies may be for the path of Socket.IO only.
  const cookie = jar.getCookieStringSync(new URL(socketPath, target).href);
  for (const other of session.copy.sessions) if (ownerOf(other) === ownerOf(session)) other.identity = { took: 0, ...other.identity, cookie };
  return cookie;
}

/** Another login: its cookies replace those of the same name. */
export function refreshCookies(session: SessionState, identity: Identity, target: string): void {
  const jar = session.copy.jars.get(ownerOf(session));
  if (jar) fill(jar, identity, target);
}

const ownerOf = ({ session }: SessionState): string => (session.user === undefined ? `session ${session.id}` : `user ${session.user}`);

function fill(jar: CookieJar, { jar: given, cookie }: Identity, target: string): void {
  if (given) for (const one of given.getCookiesSync(target, { allPaths: true })) jar.setCookieSync(one.clone() ?? one, target, { ignoreError: true });
  else for (const pair of cookie?.split('; ') ?? []) jar.setCookieSync(`${pair}; Path=/`, target, { ignoreError: true });
}
