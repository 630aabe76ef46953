/**
 * Pushes without a probe: nobody says who caused them. One belongs to the trace of its own copy that still expects it and
 * whose content fits; what nobody expects is judged only where the recording leaves no room for it.
 */
import { looksLike } from '../recording/scope.js';
import type { Value } from '../recording/values.js';
import { bindPush, expectedPushes } from './binding.js';
import type { EffectsOptions } from './effects.js';
import { addLeak } from './leak.js';
import { addPush, effectsKnown, type SessionState, type TraceRun, wants } from './state.js';
import { hasReceived } from './uncaused.js';

export interface Unproven {
  received(session: SessionState, event: string, args: Value[]): void;
  handOut(): void;
}

/** Of what does not fit so many are kept a session: one of them may be the recorded push with another content. */
const PARKED = 50;

export function createUnproven(options: EffectsOptions, unattributed: (session: SessionState, event: string, args: Value[]) => void): Unproven {
  const parked = new Map<SessionState, { event: string; args: Value[] }[]>();

  const give = (run: TraceRun, to: string, event: string, args: Value[]): void => {
    addPush(run, { to, event, args });
    if (bindPush(run, to, event, args)) options.bound(run.session);
    options.changed(run);
  };
  const unexpected = (session: SessionState, event: string, args: Value[]): void => {
    // Among others it may be theirs: see other-copies.ts.
    const run = options.alone && !isUnknown(session, event) ? options.runOf(session, session.next - 1) : undefined;
    if (!run) {
      unattributed(session, event, args);
      return;
    }
    const { id } = session.session;
    addLeak(
      run,
      session,
      event,
      args,
      `${id} received ${event}, which was not recorded for it, or not so often; it came after this trace, its cause is not known without the probe`,
    );
    options.changed(run);
  };

  return {
    received(session, event, args) {
      const to = session.session.id;
      const open = session.copy.sessions.flatMap((other) => [...other.running.values()]).filter((run) => wants(run, to, event));
      const fitting = open.find((run) => expectedPushes(run.expected, to, event).some((push) => looksLike(push.args ?? [], args, session.copy.scope)));
      // Alone there is nobody else who could have caused it.
      const run = fitting ?? (options.alone ? open[0] : undefined);
      if (run) return give(run, to, event, args);
      if (open.length === 0) return unexpected(session, event, args);
      const kept = parked.get(session) ?? [];
      parked.set(session, kept);
      if (kept.length < PARKED) kept.push({ event, args });
      else unattributed(session, event, args);
    },
    handOut() {
      for (const [session, pushes] of parked)
        for (const { event, args } of pushes) {
          const to = session.session.id;
          const run = session.copy.sessions.flatMap((other) => [...other.running.values()]).find((candidate) => wants(candidate, to, event));
          if (run) give(run, to, event, args);
          else unattributed(session, event, args);
        }
      parked.clear();
    },
  };
}

/** Whether nobody can say how often the event comes: it came without a cause, or connects or logins that may cause it were not seen. */
const isUnknown = (session: SessionState, event: string): boolean =>
  session.copy.greeted === true ||
  hasReceived(session, event) ||
  session.copy.loaded.recording.sessions.some(({ traces }) => traces[0] !== undefined && !effectsKnown(traces[0]));
