/**
 * Before the first client of a run, once for each target: does everybody get in, does the fence work, is no message too large. What was found lies in the
 * folder of the run, because its tests run in several processes. What is wrong fails the tests that it concerns before they send anything.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { z } from 'zod';
import { getIn } from '../auth/get-in.js';
import type { Brought, Identity } from '../auth/identity.js';
import { leaseAccounts, type Person } from '../auth/users.js';
import { catalogue, type ErrorCode, ReplayError } from '../errors.js';
import type { LoadedRecording } from '../recording/load.js';
import type { Session } from '../recording/schema.js';
import { neededNames, resolve, type Scope } from '../recording/scope.js';
import { largestMessage } from '../replay/payload.js';
import { plural } from '../results/text.js';
import type { Parser } from '../wire/parser.js';
import { secretsFor } from './known.js';
import type { ReplayOptions } from './options.js';
import { spokenInstead } from './other-parser.js';
import { firstAnswer, knock } from './target.js';

/** As many as a replay logs in at once. */
const LOGINS = 4;
/** Cleaning up after a login may take so long, ms. */
const END_TIMEOUT = 5000;

const foundSchema = z.object({
  /** without a probe: whether the double CONNECT works */
  fence: z.boolean(),
  /** somebody has logged in, which may have left rows */
  loggedIn: z.boolean(),
  problems: z.array(
    z.object({
      code: z.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(catalogue, code)),
      what: z.string(),
      advice: z.string(),
      /** whom it concerns; neither: everybody */
      account: z.string().optional(),
      recording: z.string().optional(),
    }),
  ),
  /** what there is to say of the target, in words */
  said: z.array(z.string()),
});
export type Found = z.infer<typeof foundSchema>;
type Problem = Found['problems'][number];

interface Flight {
  options: ReplayOptions;
  /** all that are selected */
  recordings: readonly LoadedRecording[];
  /** the folder of the run */
  directory: string;
  probed: boolean;
  parser?: Parser | undefined;
  signal: AbortSignal;
}

/** What an earlier test of the run has found. */
export function foundBefore(directory: string, options: ReplayOptions): Found | undefined {
  const file = fileOf(directory, options);
  return existsSync(file) ? foundSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}

/** True once a run and target: only the first test waits for an application that is still starting. */
export function mayWait(directory: string, options: ReplayOptions): boolean {
  try {
    writeFileSync(`${fileOf(directory, options)}.asked`, '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

export async function preflight(flight: Flight): Promise<Found> {
  const { options, recordings, directory, parser, signal } = flight;
  const people = peopleOf(recordings, options);
  const queue = new PQueue({ concurrency: LOGINS });
  const problems: Problem[] = [];
  const identities: Identity[] = [];
  const limits: number[] = [];
  let inside: Brought | undefined;
  const come = async ({ session, account, recording }: Comer): Promise<void> => {
    const whom = account === undefined ? { recording } : { account };
    try {
      const identity = account === undefined ? undefined : await loginWith(options, parser)(account, signal);
      if (identity) identities.push(identity);
      const brought = { ...identity, query: { ...recordedQuery(session, recordings, options), ...identity?.query } };
      const { maxPayload } = await knock(options, brought).catch((error: Error) => {
        throw new ReplayError('REPLAY_CONNECT_FAILED', error.message);
      });
      inside ??= brought;
      if (maxPayload !== undefined) limits.push(maxPayload);
    } catch (error) {
      if (signal.aborted) return;
      const { code, what, advice } = error instanceof ReplayError ? error : new ReplayError('REPLAY_LOGIN_FUNCTION', String(error));
      problems.push({ code, what: `${account ?? `a session of ${recording}, without a user,`} does not get in: ${what}`, advice, ...whom });
    }
  };
  try {
    await queue.addAll(people.map((comer) => () => come(comer)));
    const limit = limits.length > 0 ? Math.min(...limits) : undefined;
    problems.push(...tooLarge(recordings, limit, parser));
    const answer = flight.probed || inside === undefined ? undefined : await firstAnswer(options, inside, parser);
    const fence = answer === 'refused';
    const instead = answer === 'closed' && inside !== undefined ? await spokenInstead(options, inside) : undefined;
    if (instead !== undefined)
      problems.push({ code: 'REPLAY_PARSER', what: `${options.baseURL} hangs up at the first packet: ${instead}`, advice: catalogue.REPLAY_PARSER });
    const said = [
      ...(inside
        ? [`Socket.IO 3 or 4 (Engine.IO 4)${limit === undefined ? ', which tells no limit of a message' : `, messages up to ${plural(limit, 'byte')}`}`]
        : []),
      ...(identities.length > 0 ? [`${plural(identities.length, 'user')} got in`] : []),
    ];
    const found: Found = { fence, loggedIn: identities.length > 0, problems, said };
    if (!signal.aborted) keep(fileOf(directory, options), found);
    return found;
  } finally {
    await Promise.all(identities.map(({ end }) => end && Promise.race([Promise.resolve().then(end), later(END_TIMEOUT)]).catch(() => undefined)));
  }
}

/** Those that concern a test: of nobody in particular, of its recordings, of its people. */
export const problemsOf = ({ problems }: Found, recordings: readonly string[], accounts: ReadonlySet<string>): ReplayError[] =>
  problems
    .filter(({ recording, account }) => (recording === undefined || recordings.includes(recording)) && (account === undefined || accounts.has(account)))
    .map(({ code, what, advice }) => new ReplayError(code, what, undefined, advice));

/** How an account of the configuration gets in. */
export const loginWith =
  ({ login, baseURL, socketPath, transport }: ReplayOptions, parser: Parser | undefined) =>
  (user: string, signal: AbortSignal): Promise<Identity> =>
    login
      ? getIn({ target: baseURL, socketPath, transport, parser, user, signal }, login)
      : Promise.reject(new ReplayError('REPLAY_LOGIN_UNKNOWN_USER', `a recording needs the user ${user}, and there is no \`use.login\``));

interface Comer {
  session: Session;
  recording: string;
  /** absent: it comes without a user */
  account?: string;
}

/** Each account once, and for each recording one session that has no user. */
function peopleOf(recordings: readonly LoadedRecording[], { login }: ReplayOptions): Comer[] {
  const all = recordings.map(({ recording }) => recording);
  const accountOf: (person: Person) => string = leaseAccounts(login && { ...login, reuse: true }, all, 1);
  const people = new Map<string, Comer>();
  for (const { name, sessions } of all)
    for (const session of sessions) {
      const account = session.user === undefined ? undefined : accountOf({ user: session.user, recording: name, copy: 0 });
      const key = JSON.stringify(account === undefined ? { name } : { account });
      if (!people.has(key)) people.set(key, { session, recording: name, ...(account !== undefined && { account }) });
    }
  return [...people.values()];
}

/** What was recorded in the address of the handshake, as far as it can be known before anything is replayed. */
function recordedQuery({ id, traces }: Session, recordings: readonly LoadedRecording[], { secrets }: ReplayOptions): Record<string, string> {
  const scope: Scope = {
    level: 'shared',
    names: new Map(),
    suffix: 'preflight',
    sockets: new Map(),
    secrets: secretsFor([...recordings], secrets),
    own: new Set(),
    mutable: new Set(),
  };
  return Object.fromEntries(
    Object.entries(traces[0]?.connect?.query ?? {}).flatMap(([key, value]) => {
      const made = neededNames(value).length > 0 ? null : resolve(value, scope, id, Date.now(), randomUUID);
      return made === null ? [] : [[key, String(made)]];
    }),
  );
}

const tooLarge = (recordings: readonly LoadedRecording[], limit: number | undefined, parser: Parser | undefined): Problem[] =>
  recordings.flatMap(({ recording, file, lineOf }): Problem[] => {
    const largest = limit === undefined ? undefined : largestMessage(recording, parser);
    if (!largest || largest.bytes <= (limit ?? 0)) return [];
    const line = lineOf(
      recording.sessions.findIndex(({ id }) => id === largest.session),
      largest.trace,
    );
    const what = `${largest.session}'s ${largest.label} (${file}:${line}) has ${plural(largest.bytes, 'byte')}, and the server takes ${(limit ?? 0).toLocaleString('en')}`;
    return [{ code: 'REPLAY_PAYLOAD_TOO_LARGE', what, advice: catalogue.REPLAY_PAYLOAD_TOO_LARGE, recording: recording.name }];
  });

/** A file of scenarios may have a target, or a login, of its own. */
function fileOf(directory: string, { baseURL, socketPath, transport, parser, login }: ReplayOptions): string {
  const key = createHash('sha256')
    .update(JSON.stringify([baseURL, socketPath, transport, parser, login]))
    .digest('hex');
  return join(directory, `preflight-${key.slice(0, 12)}.json`);
}

/** Another process sees all of it or nothing. It holds no secret: errors of a login have none. */
function keep(file: string, found: Found): void {
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(found), { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

const later = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms).unref());
