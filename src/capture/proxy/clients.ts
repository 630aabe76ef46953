/** Which client a request and a connection come from: proven by cookies, never guessed. Pure. */
import { longCookies } from '../../wire/cookies.js';

/** Set by the proxy on its answers, and taken off again before anything is forwarded. */
export const CLIENT_COOKIE = 'socket-replay-client';

export interface Identity {
  /** the browser, by our own cookie */
  client: string | undefined;
  /** cookies that are long enough to be somebody's alone, as `name=value`, or hashes of them */
  secrets: readonly string[];
}

export function identityOf(cookies: string | undefined): Identity {
  const pairs = (cookies ?? '').split(';').map((pair) => pair.trim());
  const own = `${CLIENT_COOKIE}=`;
  return {
    client: pairs.find((pair) => pair.startsWith(own))?.slice(own.length),
    secrets: longCookies(cookies).filter((pair) => !pair.startsWith(own)),
  };
}

export interface Owned {
  identity: Identity;
  sid: string;
}

/** The connection of the same client that was active last; `connections` are in that order. */
export function ownerOf(identity: Identity, connections: readonly Owned[]): string | null {
  const same = connections.findLast(({ identity: { client } }) => client !== undefined && client === identity.client);
  const shared = same ?? connections.findLast(({ identity: { secrets } }) => secrets.some((secret) => identity.secrets.includes(secret)));
  return shared?.sid ?? null;
}

/** `http://alice.localhost:4000` is how alice opens the proxy: browsers know such hosts, and keep their cookies apart. */
export const userOfHost = (host: string | undefined): string | null => /^([^:]+)\.localhost(:\d+)?$/i.exec(host ?? '')?.[1] ?? null;
