/** A session's connect, before the start or in its place, and what follows when its connection ends. */
import { randomUUID } from 'node:crypto';
import PQueue from 'p-queue';
import type { Trace } from '../recording/schema.js';
import { resolve } from '../recording/scope.js';
import type { Value, ValueObject } from '../recording/values.js';
import { answersOf } from './answers.js';
import { type Client, createClient } from './client.js';
import { keepCookies } from './cookies.js';
import { isSilence } from './handshake.js';
import { awaitNames, needsOf } from './names.js';
import { receivedRecord, sessionRecord } from './records.js';
import { begin, expire, force, patienceOf } from './runs.js';
import { isLost, type Replaying, type SessionState, type TraceRun, wake } from './state.js';

/** Handshakes are made in waves of this size. */
const CONNECTS = 200;
/** Who is thrown out so soon after the handshake, in ms, was not let in. */
const YOUNG = 1000;

/** Law 5: those that had connected before anything else of their recording, in their recorded order within a copy. */
export async function connectEarly(replaying: Replaying): Promise<void> {
  const queue = new PQueue({ concurrency: CONNECTS });
  await Promise.all(
    replaying.sessions.map(async (session) => {
      const place = session.copy.order.places[session.index]?.[0];
      const trace = session.session.traces[0];
      if (!place?.early || !trace) return;
      await session.copy.gate.ready(place);
      await replaying.checkpoints.before(session, 0);
      if (!replaying.input.signal.aborted) await connectSession(session, trace, replaying, queue);
    }),
  );
}

/** Resolves when the handshake is over; who must wait for its effects does so at the gate. */
export async function connectSession(session: SessionState, trace: Trace, replaying: Replaying, queue?: PQueue): Promise<void> {
  const { input, ledger } = replaying;
  const run = begin(session, trace, replaying);
  const fail = (reason: string): void => {
    session.down = { outcome: 'connect-failed', reason };
    input.write(sessionRecord(session, 'connect-failed'));
    wake(session.copy);
  };
  if (session.down) {
    fail(session.down.reason);
    return force(run, replaying, 'connect-failed', session.down.reason);
  }
  const { auth, query } = trace.connect ?? {};
  // What the login brings need not be known otherwise.
  const needed = [without(auth, session.identity?.auth), without(query, session.identity?.query)];
  const missing = await awaitNames(needed, session, input);
  if (input.signal.aborted) return;
  if (missing) {
    fail(missing.reason);
    return force(run, replaying, 'skipped', missing.reason, missing.name);
  }
  const handshake = async (gently: boolean): Promise<string | undefined> => {
    const client = clientOf(session, trace, run, replaying);
    session.client = client;
    // Waiting in the queue is not the server's time.
    run.startedAt = performance.now();
    try {
      if (input.signal.aborted) return 'the run was aborted';
      await client.connect(gently);
      return undefined;
    } catch (error) {
      // Also a connection that was opened and never answered.
      await client.close();
      return error instanceof Error ? error.message : String(error);
    }
  };
  const attempt = (gently = false): Promise<string | undefined> => (queue ? queue.add(() => handshake(gently)) : handshake(gently));
  const { browser } = session;
  const login = browser?.logins ?? 0;
  let reason = await attempt();
  if (reason !== undefined && isSilence(reason) && !input.signal.aborted) {
    const again = await attempt(true);
    if (again === undefined)
      input.write({
        type: 'note',
        level: 'warning',
        code: 'HANDSHAKE_REPEATED',
        message: `the first handshake of ${session.session.id} in copy ${session.copy.copy} got no answer at all, the second did`,
      });
    reason = again;
  }
  if (reason !== undefined && !input.signal.aborted && (await replaying.logins.renew(session, login))) {
    reason = await attempt();
    if (browser && reason !== undefined) browser.hopeless = true;
  }
  reason ??= await greet(session, replaying);
  if (reason !== undefined) {
    if (input.signal.aborted) return;
    fail(reason);
    return force(run, replaying, 'connect-failed', reason);
  }
  if (!run.settled) run.timer = setTimeout(() => expire(run, replaying), patienceOf(run, input));
  run.connected = true;
  ledger.changed(run);
}

/** Who is not let in by it has no connection either. */
async function greet(session: SessionState, { logins }: Replaying): Promise<string | undefined> {
  const reason = await logins.greet(session);
  if (reason !== undefined) await session.client?.close();
  return reason;
}

function clientOf(session: SessionState, trace: Trace, run: TraceRun, replaying: Replaying): Client {
  const { input, effects } = replaying;
  const { scope } = session.copy;
  const made = (values: Value): Value => resolve(values, scope, session.session.id, Date.now(), randomUUID);
  const { namespace = '/', auth, query } = trace.connect ?? {};
  const answers = answersOf(session);
  const reply = async (values: Value[], answer: (args: Value[]) => void): Promise<void> => {
    // It may contain what this very push has made known.
    if (!needsOf(values).plain) await awaitNames(values, session, input);
    answer(values.map(made));
  };
  const { identity } = session;
  const sentQuery = { ...(made(without(query, identity?.query)) as ValueObject), ...identity?.query };
  let last: string | undefined;
  return createClient({
    target: input.target,
    namespace,
    ...((auth || identity?.auth) && { auth: { ...(made(without(auth, identity?.auth)) as ValueObject), ...identity?.auth } }),
    ...((query || identity?.query) && { query: Object.fromEntries(Object.entries(sentQuery).map(([key, value]) => [key, String(value)])) }),
    ...(identity?.cookie === undefined ? {} : { cookie: identity.cookie }),
    ...(identity?.headers && { headers: identity.headers }),
    ...(input.socketPath === undefined ? {} : { path: input.socketPath }),
    ...(input.transport && { transport: input.transport }),
    ...(input.parser && { parser: input.parser }),
    connectTimeout: input.connectTimeout,
    onPush(event, args, answer) {
      last = event;
      // A push may arrive in the same batch of packets as the CONNECT.
      register(session, replaying);
      effects.received(session, event, args);
      if (input.observe) input.write(receivedRecord(session, event, args));
      const recorded = answer && answers(event, args);
      if (answer && recorded) void reply(recorded, answer);
    },
    onUp() {
      session.connect = run.latency = performance.now() - (run.startedAt ?? 0);
      register(session, replaying);
      input.write(sessionRecord(session, 'connected'));
    },
    onCookies: (set) => keepCookies(session, set, new URL(`${input.socketPath ?? '/socket.io'}/`, input.target).href, input),
    onDown: (reason) => wentDown(session, reason, last, replaying),
  });
}

/** What was recorded and is not brought. */
const without = (recorded: ValueObject = {}, brought: Record<string, Value> = {}): ValueObject =>
  Object.fromEntries(Object.entries(recorded).filter(([key]) => !Object.hasOwn(brought, key)));

function register(session: SessionState, { bySid, effects, progress }: Replaying): void {
  const sid = session.client?.sid();
  if (sid === undefined || session.sid !== undefined) return;
  session.sid = sid;
  session.connectedAt = performance.now();
  bySid.set(sid, session);
  session.copy.scope.sockets.set(session.session.id, sid);
  progress.connected++;
  wake(session.copy);
  effects.connected(sid);
}

/** The server, or the network, ended the connection: what is under way can no longer be answered. */
function wentDown(session: SessionState, reason: string, last: string | undefined, replaying: Replaying): void {
  const byServer = reason === 'io server disconnect';
  // Let in and thrown out: the last event says why.
  const young = byServer && performance.now() - (session.connectedAt ?? 0) < YOUNG;
  const hint = young ? `; right after the handshake${last === undefined ? '' : `, after the event ${last}`}` : '';
  session.down ??= { outcome: 'disconnected', reason: `the connection ended: ${reason}${hint}`, byServer };
  if (isLost(session)) replaying.input.write(sessionRecord(session, 'disconnected'));
  for (const run of [...session.running.values()])
    if (run.expected.disconnect !== undefined) replaying.ledger.changed(run);
    else if (!run.settled && run.startedAt !== null && run.expected.ack !== undefined && run.ack === undefined)
      force(run, replaying, 'disconnected', session.down.reason);
  wake(session.copy);
}
