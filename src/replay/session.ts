/** One session of one copy: its traces one after another, each when its turn has come. */
import { randomUUID } from 'node:crypto';
import type { Trace } from '../recording/schema.js';
import { bind, resolve } from '../recording/scope.js';
import type { Value } from '../recording/values.js';
import { connectSession } from './connecting.js';
import { awaitNames, needsOf } from './names.js';
import { partsOf, request } from './request.js';
import { begin, expire, force, patienceOf } from './runs.js';
import { deferred, endedAsRecorded, isByServer, lacksOwn, type Replaying, type SessionState, type TraceRun, wake } from './state.js';

export async function runSession(session: SessionState, replaying: Replaying): Promise<void> {
  const { copy } = session;
  const { signal } = replaying.input;
  const { traces } = session.session;
  while (session.next < traces.length) {
    const trace = traces[session.next] as Trace;
    const place = copy.order.places[session.index]?.[session.next];
    if (!place) {
      session.next++;
      continue;
    }
    if (place.final) {
      session.beforeFinal.resolve();
      await replaying.final.promise;
    }
    await copy.gate.ready(place);
    await Promise.all(place.answers.map((number) => answerTo(session.running.get(number))));
    await replaying.checkpoints.before(session, session.next);
    await untilDue(copy.startsAt + (copy.due.get(place.start) ?? 0), replaying);
    if (signal.aborted) return;
    await startTrace(session, trace, replaying);
  }
  session.beforeFinal.resolve();
}

/** A client that had waited for an answer waits for it now, whatever else the trace still makes happen. */
function answerTo(run: TraceRun | undefined): Promise<void> | undefined {
  if (!run || run.settled || (run.expected.ack === undefined ? !lacksOwn(run) : run.ack !== undefined)) return undefined;
  run.answered ??= deferred();
  return run.answered.promise;
}

/** An absolute deadline, so that waits do not add up to a drift. */
async function untilDue(due: number, { input: { signal }, origin }: Replaying): Promise<void> {
  const wait = origin + due - performance.now();
  if (wait <= 0 || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, wait);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Begins a trace; it settles by itself when its effects have come, or at the ack timeout. */
async function startTrace(session: SessionState, trace: Trace, replaying: Replaying): Promise<void> {
  const { input } = replaying;
  if (trace.connect) return connectSession(session, trace, replaying);
  const run = begin(session, trace, replaying);
  if (isOver(session, run, replaying)) return;
  if (!session.client) return force(run, replaying, 'aborted', 'the session was never connected');
  const missing = await awaitNames(trace.http ? partsOf(trace.http, session.identity) : (trace.args ?? []), session, input);
  if (input.signal.aborted || isOver(session, run, replaying)) return;
  if (missing) return force(run, replaying, 'skipped', missing.reason, missing.name);
  run.startedAt = performance.now();
  run.timer = setTimeout(() => expire(run, replaying), patienceOf(run, input));
  try {
    if (trace.disconnect !== undefined) disconnect(session, run, trace.disconnect, replaying);
    else if (trace.http) void request(session, run, trace.http, replaying);
    else send(session, run, trace, replaying);
  } catch (error) {
    // A reserved event name, for one.
    force(run, replaying, 'skipped', `it cannot be sent: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whether there is no connection any more; a disconnect that the server has made as recorded is only judged. */
function isOver(session: SessionState, run: TraceRun, replaying: Replaying): boolean {
  const { down } = session;
  const { disconnect: reason } = run.expected;
  if (!down || (reason !== undefined && isByServer(reason) && endedAsRecorded(session, reason))) return false;
  force(run, replaying, down.outcome === 'connect-failed' ? 'aborted' : down.outcome, down.reason);
  return true;
}

function send(session: SessionState, run: TraceRun, trace: Trace, replaying: Replaying): void {
  const { copy, client } = session;
  const args = trace.args ?? [];
  run.args = needsOf(args).plain ? args : args.map((arg) => resolve(arg, copy.scope, session.session.id, Date.now(), randomUUID));
  const onAck = (answer: Value[]): void => {
    // An answer that comes after the timeout is a timeout.
    if (run.settled) return;
    run.ack = answer;
    run.answered?.resolve();
    run.latency = performance.now() - (run.startedAt ?? 0);
    if (Array.isArray(trace.ack) && !needsOf(trace.ack).plain && bind(trace.ack, answer, copy.scope).length > 0) wake(copy);
    replaying.ledger.changed(run);
  };
  const n = client?.emit(trace.emit ?? '', run.args, trace.ack === undefined ? undefined : onAck) ?? 0;
  if (n === 0) {
    force(run, replaying, 'disconnected', 'the event could not leave: the connection is gone');
    return;
  }
  session.sent[n] = run.number;
  // It may have made names of its own.
  if (run.args !== args) wake(copy);
  replaying.ledger.changed(run);
}

/** A disconnect that the server made is awaited, every other one is made. */
function disconnect(session: SessionState, run: TraceRun, reason: string, { ledger }: Replaying): void {
  if (!isByServer(reason)) {
    session.left = true;
    session.client?.disconnect(reason);
  }
  ledger.changed(run);
}
