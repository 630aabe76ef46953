/**
 * All clients get in before any connects (law 5): one login an account, its identity shared by all clients of that account. Where a
 * recording has requests, each of its copies logs in for itself, as another browser would: one of them may be the logout.
 * An account that is refused after a long while logs in once more.
 */
import PQueue from 'p-queue';
import type { Greeting, Identity } from '../auth/identity.js';
import type { Person } from '../auth/users.js';
import { ReplayError } from '../errors.js';
import type { Recording } from '../recording/schema.js';
import { type Success, successOf } from '../recording/success.js';
import { isObject, secretsOf, Tagged, type Value, walk } from '../recording/values.js';
import { refreshCookies } from './cookies.js';
import type { ReplayInput } from './input.js';
import type { Browser, SessionState } from './state.js';

/** At most so many logins at once: a login is expensive for the server, and not what is tested. */
const LOGINS = 4;
/** So old, in ms, is a login before a refusal is taken for its expiry; before that it is a failure. */
const RENEW_AFTER = 60_000;
/** What is cleaned up at the end may take so long, ms. */
const END_TIMEOUT = 5000;

export interface Logins {
  /** A login that fails is its sessions' failure; nothing is thrown. */
  logIn(sessions: SessionState[]): Promise<void>;
  /** What the user sends on the connection itself before anything else: undefined when that is done, or a sentence that says why not. */
  greet(session: SessionState): Promise<string | undefined>;
  /** After a refusal of what the session brought: whether it brings something else now. */
  renew(session: SessionState, refused: number): Promise<boolean>;
  /** Cleans up what logins left, also of those that are still under way. */
  end(): Promise<void>;
}

export function createLogins(input: Pick<ReplayInput, 'account' | 'login' | 'renewAfter' | 'signal' | 'success' | 'target' | 'write'>): Logins {
  const { signal } = input;
  const queue = new PQueue({ concurrency: LOGINS });
  const browsers = new Map<string, Browser>();
  const made: Identity[] = [];
  let over = false;
  const ended = async ({ end }: Identity): Promise<void> => {
    if (!end) return;
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no end in time')), END_TIMEOUT).unref());
    await Promise.race([Promise.resolve().then(end), late]).catch((error: unknown) => {
      input.write({ type: 'note', level: 'warning', code: 'LOGIN_END', message: `what a login left could not be cleaned up: ${reasonOf(error)}` });
    });
  };
  const login = (account: string): Promise<Identity> =>
    queue.add(async () => {
      if (signal.aborted) throw new Error('the run was aborted');
      const identity = await input.login(account, signal);
      if (over) await ended(identity);
      else made.push(identity);
      return identity;
    });
  const browserOf = (session: SessionState, user: string): { browser: Browser; first: boolean } => {
    const { copy } = session;
    const { recording } = copy.loaded;
    const account = input.account?.({ user, recording: recording.name, copy: copy.copy }) ?? user;
    const key = browserKey(account, recording, copy.copy, user);
    const known = browsers.get(key);
    if (known) return { browser: known, first: false };
    const browser: Browser = { account, identity: login(account), since: performance.now(), logins: 1, sessions: [] };
    browsers.set(key, browser);
    return { browser, first: true };
  };

  return {
    async logIn(sessions) {
      await Promise.all(
        sessions.map(async (session) => {
          const { user } = session.session;
          if (user === undefined) return;
          const { browser, first } = browserOf(session, user);
          session.browser = browser;
          browser.sessions.push(session);
          try {
            const identity = await browser.identity;
            bring(session, identity);
            session.login = first ? Math.round(identity.took * 100) / 100 : null;
          } catch (error) {
            session.down = { outcome: 'connect-failed', reason: reasonOf(error) };
          }
        }),
      );
    },
    async greet(session) {
      const { client, copy, identity } = session;
      const greeting = identity?.greeting;
      if (!client || !greeting || !isGreeted(session, greeting)) return undefined;
      copy.greeted = true;
      try {
        const answer = (await queue.add(() => client.greet(greeting))) as Value[];
        const no = refusalIn(answer, successOf(copy.loaded.recording, input.success));
        if (no !== undefined) return `${greeting.said} was refused: ${no}`;
        fillSecrets(session, greeting.secrets(answer));
        return undefined;
      } catch (error) {
        return reasonOf(error);
      }
    },
    async renew({ browser }, refused) {
      if (!browser || browser.hopeless) return false;
      if (browser.logins === refused) {
        if (performance.now() - browser.since < (input.renewAfter ?? RENEW_AFTER)) return false;
        browser.logins++;
        browser.since = performance.now();
        input.write({
          type: 'note',
          level: 'warning',
          code: 'LOGIN_RENEWED',
          message: `${browser.account} was refused after a while, and logged in once more`,
        });
        browser.identity = login(browser.account).then((identity) => {
          for (const session of browser.sessions) bring(session, identity);
          for (const session of browser.sessions) refreshCookies(session, identity, input.target);
          return identity;
        });
      }
      try {
        await browser.identity;
        return true;
      } catch {
        browser.hopeless = true;
        return false;
      }
    },
    async end() {
      over = true;
      await Promise.all(made.map(ended));
    },
  };
}

/** Who has the same key shares a login. */
const browserKey = (account: string, recording: Recording, copy: number, user: string): string =>
  hasRequests(recording) ? JSON.stringify([account, recording.name, copy, user]) : account;

const hasRequests = ({ sessions }: Recording): boolean => sessions.some(({ traces }) => traces.some((trace) => trace.http && !trace.disabled));

/** How many logins a replay makes. */
export function countLogins(recordings: readonly Recording[], copies: number, account: (person: Person) => string): number {
  const keys = new Set<string>();
  for (let copy = 0; copy < copies; copy++)
    for (const recording of recordings)
      for (const { user } of recording.sessions)
        if (user !== undefined) keys.add(browserKey(account({ user, recording: recording.name, copy }), recording, copy, user));
  return keys.size;
}

/** What the session sends from now on. A secret that stands where a token is brought is that token, wherever else the copy sends it. */
function bring(session: SessionState, identity: Identity): void {
  session.identity = identity;
  const { secrets } = session.copy.scope;
  const { auth, query } = session.session.traces[0]?.connect ?? {};
  for (const [recorded, brought] of [
    [auth, identity.auth],
    [query, identity.query],
  ])
    for (const [key, value] of Object.entries(brought ?? {})) {
      const place = recorded && Object.hasOwn(recorded, key) ? recorded[key] : undefined;
      if (place instanceof Tagged && place.body.tag === 'secret' && (typeof value === 'string' || typeof value === 'number'))
        secrets.set(place.body.name, value);
    }
  fillSecrets(session, identity.secrets);
}

function fillSecrets(session: SessionState, given: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries(given))
    for (const used of secretsIn(session)) if (used.replace(/\d+$/, '') === name || used === name) session.copy.scope.secrets.set(used, value);
}

/** Not where the recording has it: then it is a trace like any other. */
const isGreeted = ({ session: { traces } }: SessionState, { namespace, event }: Greeting): boolean =>
  traces[0]?.connect?.namespace === namespace && !traces.some((trace) => trace.emit === event && !trace.disabled);

function refusalIn(answer: Value[], says: Success): string | undefined {
  const no = says(answer);
  const [first] = answer;
  if (no) return no.message;
  if (first === false) return 'false';
  return isObject(first) && typeof first.error === 'string' && first.error !== '' ? first.error : undefined;
}

function secretsIn({ session }: SessionState): Set<string> {
  const names = new Set<string>();
  walk(session as unknown as Value, (node) => {
    if (node instanceof Tagged) for (const name of secretsOf(node.body)) names.add(name);
  });
  return names;
}

const reasonOf = (error: unknown): string => (error instanceof ReplayError ? error.what : error instanceof Error ? error.message : String(error));
