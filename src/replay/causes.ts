/** What a cause of the probe means here: `SID:n`, `SID:0` (connect), `SID:x` (disconnect); a `~` says that a timer lay between. */
import type { SessionState } from './state.js';

const CAUSE = /^(.+):(\d+|x)~?$/;

export interface Source {
  session: SessionState;
  number: number;
}

/** The socket of a cause; undefined for requests and for none. */
export const sidOf = (cause: string | null): string | undefined => (cause === null || cause.startsWith('http:') ? undefined : CAUSE.exec(cause)?.[1]);

/** The trace that a cause names; undefined where it is none of ours. */
export function sourceOf(cause: string | null, bySid: ReadonlyMap<string, SessionState>): Source | undefined {
  const [, sid, n] = (cause === null ? null : CAUSE.exec(cause)) ?? [];
  const session = sid === undefined ? undefined : bySid.get(sid);
  if (!session) return undefined;
  const { traces } = session.session;
  const number =
    n === 'x'
      ? traces.findIndex((trace) => trace.disconnect !== undefined && !trace.disabled)
      : n === '0'
        ? traces[0]?.connect
          ? 0
          : -1
        : (session.sent[Number(n)] ?? -1);
  return number < 0 ? undefined : { session, number };
}
