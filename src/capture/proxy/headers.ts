/**
 * Headers on their way through the proxy, so that the application sees itself under its own address, and the client the
 * application under the proxy's. Raw lists of names and values, so that everything else stays as it was. Pure.
 */
import { normaliseTarget } from '../../wire/target-lock.js';
import { CLIENT_COOKIE } from './clients.js';

export interface Ends {
  /** the proxy's origin, as this client calls it */
  own: string;
  target: URL;
}

const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection']);

/** `tapped`: what is to be read must not be compressed; `upgrade` needs its `Connection` header. */
export function requestHeaders(raw: readonly string[], { own, target }: Ends, tapped: boolean, upgrade = false): string[] {
  return mapHeaders(raw, (name, value) => {
    if (name === 'host') return target.host;
    if (name === 'origin') return value === own ? target.origin : value;
    if (name === 'referer') return value.startsWith(`${own}/`) ? target.origin + value.slice(own.length) : value;
    if (name === 'cookie') return withoutOwn(value);
    if (tapped && (name === 'accept-encoding' || name === 'sec-websocket-extensions')) return undefined;
    return hopByHop.has(name) && !upgrade ? undefined : value;
  });
}

export function responseHeaders(raw: readonly string[], { own, target }: Ends, upgrade = false): string[] {
  return mapHeaders(raw, (name, value) => {
    if (name === 'location') return here(value, own, target);
    if (name === 'set-cookie') return cookieHere(value, target);
    return hopByHop.has(name) && !upgrade ? undefined : value;
  });
}

export const clientCookie = (id: string): string => `${CLIENT_COOKIE}=${id}; Path=/; HttpOnly; SameSite=Lax`;

/** The application's names for itself: `localhost` and 127.0.0.1 are one. */
function here(location: string, own: string, target: URL): string {
  if (!URL.canParse(location)) return location;
  const { protocol, origin, pathname, search, hash } = new URL(location);
  const same = protocol === target.protocol && normaliseTarget(origin) === normaliseTarget(target.origin);
  return same ? own + pathname + search + hash : location;
}

/** A cookie for whatever host the client calls us. Ours is plain HTTP, so that `Secure` would keep it away, but for names that require it. */
function cookieHere(cookie: string, target: URL): string {
  const [pair = '', ...attributes] = cookie.split(';');
  const kept = attributes.filter((attribute) => {
    const text = attribute.trim().toLowerCase();
    if (text.startsWith('domain=')) return false;
    return target.protocol !== 'https:' || /^\s*__(Host|Secure)-/.test(pair) || (text !== 'secure' && text !== 'samesite=none');
  });
  return [pair, ...kept].join(';');
}

function withoutOwn(header: string): string | undefined {
  if (!header.includes(CLIENT_COOKIE)) return header;
  const kept = header.split(';').filter((pair) => !pair.trim().startsWith(`${CLIENT_COOKIE}=`));
  return kept.length > 0 ? kept.join(';').trim() : undefined;
}

/** `change` gets the name in lower case; undefined leaves the header out. */
function mapHeaders(raw: readonly string[], change: (name: string, value: string) => string | undefined): string[] {
  const result: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = change(name.toLowerCase(), raw[i + 1] as string);
    if (value !== undefined) result.push(name, value);
  }
  return result;
}
