/** What a client answers where the server asks: recorded with the push, replayed here. */
import { type Push, type Received, receivers } from '../recording/schema.js';
import { looksLike, type Scope } from '../recording/scope.js';
import type { Value } from '../recording/values.js';
import type { SessionState } from './state.js';

/** The answer to the next push of this event: that of the recorded push that looks like it, each in turn, the last one again for what asks more often. */
export type Answers = (event: string, args: Value[]) => Value[] | undefined;

export function answersOf({ session, copy }: SessionState): Answers {
  const recorded: (Push | Received)[] = [
    ...copy.loaded.recording.sessions.flatMap((other) =>
      other.traces.flatMap(({ pushes = [] }) => pushes.filter((push) => receivers(push).includes(session.id))),
    ),
    ...(session.received ?? []),
  ].filter((push) => push.answer !== undefined);
  if (recorded.length === 0) return () => undefined;
  const used = new Set<Push | Received>();
  return (event, args) => {
    const all = recorded.filter((push) => push.event === event);
    const fresh = all.filter((push) => !used.has(push));
    const meant = fresh.find((push) => isMeant(push, args, copy.scope)) ?? fresh[0] ?? all.find((push) => isMeant(push, args, copy.scope)) ?? all.at(-1);
    if (meant) used.add(meant);
    return meant?.answer;
  };
}

const isMeant = (push: Push | Received, args: Value[], scope: Scope): boolean => looksLike(push.args ?? [], args, scope);
