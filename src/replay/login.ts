/**
 * All clients get in before any connects (law 5): one login a user, its identity shared by all clients of that user. Where a recording
 * has requests, each of its copies logs in for itself, as another browser would: one of them may be the logout.
 */
import PQueue from 'p-queue';
import type { Identity } from '../auth/http-login.js';
import { ReplayError } from '../errors.js';
import type { ReplayInput } from './input.js';
import type { SessionState } from './state.js';

/** At most so many logins at once: a login is expensive for the server, and not what is tested. */
const LOGINS = 4;

/** A login that fails is its sessions' failure; nothing is thrown. */
export async function logIn(sessions: SessionState[], { login, signal }: Pick<ReplayInput, 'login' | 'signal'>): Promise<void> {
  const queue = new PQueue({ concurrency: LOGINS });
  const identities = new Map<string, Promise<Identity>>();
  await Promise.all(
    sessions.map(async (session) => {
      const { user } = session.session;
      if (user === undefined) return;
      const browser = browserOf(session, user);
      const shared = identities.get(browser);
      const identity = shared ?? queue.add(() => (signal.aborted ? Promise.reject(new Error('the run was aborted')) : login(user, signal)));
      identities.set(browser, identity);
      try {
        session.identity = await identity;
        session.login = shared ? null : Math.round(session.identity.took * 100) / 100;
      } catch (error) {
        session.down = {
          outcome: 'connect-failed',
          reason: error instanceof ReplayError ? error.what : error instanceof Error ? error.message : String(error),
        };
      }
    }),
  );
}

const browserOf = ({ copy }: SessionState, user: string): string =>
  copy.loaded.recording.sessions.some(({ traces }) => traces.some((trace) => trace.http && !trace.disabled))
    ? `${user} of ${copy.loaded.recording.name}, copy ${copy.copy}`
    : user;
