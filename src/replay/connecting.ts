/** A session's connect, before the start or in its place, and what follows when its connection ends. */
import { randomUUID } from 'node:crypto';
import PQueue from 'p-queue';
import type { Trace } from '../recording/schema.js';
import { resolve } from '../recording/scope.js';
import type { Value, ValueObject } from '../recording/values.js';
import { answersOf } from './answers.js';
import { type Client, createClient } from './client.js';
import { awaitNames, needsOf } from './names.js';
import { sessionRecord } from './records.js';
import { begin, expire, force } from './runs.js';
import { isLost, type Replaying, type SessionState, wake } from './state.js';

/** Handshakes are made in waves of this size. */
const CONNECTS = 200;

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
  const needed = [trace.connect?.auth ?? {}, trace.connect?.query ?? {}];
  const missing = await awaitNames(needed, session, input);
  if (input.signal.aborted) return;
  if (missing) {
    fail(missing.reason);
    return force(run, replaying, 'skipped', missing.reason, missing.name);
  }
  const client = clientOf(session, trace, replaying);
  session.client = client;
  try {
    const handshake = (): Promise<void> => {
      // Waiting in the queue is not the server's time.
      run.startedAt = performance.now();
      return input.signal.aborted ? Promise.reject(new Error('the run was aborted')) : client.connect();
    };
    await (queue ? queue.add(handshake) : handshake());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // Also a connection that was opened and never answered.
    await client.close();
    if (input.signal.aborted) return;
    fail(reason);
    return force(run, replaying, 'connect-failed', reason);
  }
  session.connect = run.latency = performance.now() - (run.startedAt ?? 0);
  register(session, replaying);
  input.write(sessionRecord(session, 'connected'));
  if (!run.settled) run.timer = setTimeout(() => expire(run, replaying), input.ackTimeout);
  run.connected = true;
  ledger.changed(run);
}

function clientOf(session: SessionState, trace: Trace, replaying: Replaying): Client {
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
  return createClient({
    target: input.target,
    namespace,
    ...(auth && { auth: made(auth) as ValueObject }),
    ...(query && { query: Object.fromEntries(Object.entries(made(query) as ValueObject).map(([key, value]) => [key, String(value)])) }),
    ...(session.identity?.cookie === undefined ? {} : { cookie: session.identity.cookie }),
    ...(session.identity?.headers && { headers: session.identity.headers }),
    ...(input.socketPath === undefined ? {} : { path: input.socketPath }),
    connectTimeout: input.connectTimeout,
    onPush(event, args, answer) {
      // A push may arrive in the same batch of packets as the CONNECT.
      register(session, replaying);
      effects.received(session, event, args);
      const recorded = answer && answers(event, args);
      if (answer && recorded) void reply(recorded, answer);
    },
    onDown: (reason) => wentDown(session, reason, replaying),
  });
}

function register(session: SessionState, { bySid, effects, progress }: Replaying): void {
  const sid = session.client?.sid();
  if (sid === undefined || session.sid !== undefined) return;
  session.sid = sid;
  bySid.set(sid, session);
  session.copy.scope.sockets.set(session.session.id, sid);
  progress.connected++;
  wake(session.copy);
  effects.connected(sid);
}

/** The server, or the network, ended the connection: what is under way can no longer be answered. */
function wentDown(session: SessionState, reason: string, replaying: Replaying): void {
  session.down ??= { outcome: 'disconnected', reason: `the connection ended: ${reason}`, byServer: reason === 'io server disconnect' };
  if (isLost(session)) replaying.input.write(sessionRecord(session, 'disconnected'));
  for (const run of [...session.running.values()])
    if (run.expected.disconnect !== undefined) replaying.ledger.changed(run);
    else if (!run.settled && run.startedAt !== null && run.expected.ack !== undefined && run.ack === undefined)
      force(run, replaying, 'disconnected', session.down.reason);
  wake(session.copy);
}
