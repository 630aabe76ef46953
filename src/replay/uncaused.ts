/** Pushes of which the recording does not know the cause (a proxy sees none): whoever causes them at replay, they cannot be held against a trace. */
import type { LoadedRecording } from '../recording/load.js';
import { receivers } from '../recording/schema.js';
import type { SessionState } from './state.js';

const known = new WeakMap<LoadedRecording, Set<string>>();

/** Whether the event stands under `received` and reaches nobody as the push of a trace. */
export function isUncaused({ loaded }: SessionState['copy'], event: string): boolean {
  let events = known.get(loaded);
  if (!events) {
    const { sessions } = loaded.recording;
    const caused = new Set(
      sessions.flatMap(({ traces }) => traces.flatMap(({ pushes }) => (pushes ?? []).filter((push) => receivers(push).length > 0).map((push) => push.event))),
    );
    events = new Set(sessions.flatMap(({ received }) => (received ?? []).map((push) => push.event)).filter((name) => !caused.has(name)));
    known.set(loaded, events);
  }
  return events.has(event);
}

export const hasReceived = ({ session }: SessionState, event: string): boolean => session.received?.some((push) => push.event === event) === true;
