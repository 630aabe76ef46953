/** A CSRF token: from a page, a JSON answer or a cookie, sent back as a field or a header. */
import type { CookieJar } from 'tough-cookie';
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { at } from './identity.js';

const name = z.string().min(1);

export const csrfSchema = z.strictObject({
  /** what is asked for it first, relative to the target. Default the `path` of the login */
  page: z.string().optional(),
  /** where it stands in the answer */
  from: z.union([z.strictObject({ input: name }), z.strictObject({ meta: name }), z.strictObject({ json: name }), z.strictObject({ cookie: name })]),
  /** how the login sends it */
  send: z.union([z.strictObject({ field: name }), z.strictObject({ header: name })]),
  /** asked again after the login, for servers that give a new token then: `{csrf}` in `bring` is that one */
  after: z.string().optional(),
});
export type Csrf = z.infer<typeof csrfSchema>;

/** Throws REPLAY_LOGIN_CSRF when it is not there. */
export async function csrfIn(text: string, url: string, jar: CookieJar, from: Csrf['from']): Promise<string> {
  const found = await find(text, url, jar, from);
  if (found !== undefined && found !== '') return found;
  const [[kind, what] = ['', '']] = Object.entries(from);
  throw new ReplayError('REPLAY_LOGIN_CSRF', `${url} has no CSRF token: there is no ${kind} ${what}`);
}

async function find(text: string, url: string, jar: CookieJar, from: Csrf['from']): Promise<string | undefined> {
  if ('input' in from) return attribute(text, 'input', from.input, 'value');
  if ('meta' in from) return attribute(text, 'meta', from.meta, 'content');
  if ('json' in from) {
    const value = at(parsed(text), from.json);
    return typeof value === 'string' ? value : undefined;
  }
  const cookie = (await jar.getCookies(url)).find(({ key }) => key === from.cookie)?.value;
  return cookie === undefined ? undefined : decoded(cookie);
}

/** Of the first such element of that name. */
function attribute(html: string, element: string, named: string, wanted: string): string | undefined {
  for (const [tag] of html.matchAll(new RegExp(`<${element}\\b[^>]*>`, 'gi'))) {
    const attributes = new Map(
      [...tag.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g)].map(([, key = '', a, b, c]) => [key.toLowerCase(), a ?? b ?? c ?? '']),
    );
    if (attributes.get('name') === named) return unescaped(attributes.get(wanted) ?? '');
  }
  return undefined;
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescaped = (text: string): string =>
  text.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex?: string, decimal?: string, entity = '') => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : (entities[entity] ?? whole);
  });

/** Frameworks encode the cookie that scripts are to read. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
