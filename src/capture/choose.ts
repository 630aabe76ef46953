/** Which application and which connections are captured. Pure. */
import { ReplayError } from '../errors.js';
import type { ProbeFile } from '../wire/messages.js';
import { normaliseTarget } from '../wire/target-lock.js';
import type { SourceSocket } from './source.js';

/** The probes of one application: one, or those of a cluster's workers and of its primary. */
export type ProbedApplication = readonly [ProbeFile, ...ProbeFile[]];

/** The applications that listen at `target`; all without one. */
export function applicationsAt(probes: readonly ProbeFile[], target: string | undefined): ProbedApplication[] {
  const byName = new Map<string, ProbedApplication>();
  for (const probe of probes) {
    const known = byName.get(applicationOf(probe));
    byName.set(applicationOf(probe), known ? [...known, probe] : [probe]);
  }
  const applications = [...byName.values()];
  if (target === undefined) return applications;
  const wanted = normaliseTarget(target);
  return applications.filter((application) => application.some(({ listening }) => listening.some((address) => normaliseTarget(address) === wanted)));
}

/** A process manager is the primary of many applications: the name counts too. */
export const applicationOf = ({ pid, cluster, app }: ProbeFile): string => (cluster === undefined ? `process ${pid}` : `cluster ${cluster} ${app}`);

/** Socket ids for what a person wrote: an id, the beginning of one, a user, or a number of the list (from 1). */
export function pickSessions(sessions: readonly SourceSocket[], wanted: readonly string[]): string[] {
  const picked = new Set<string>();
  for (const word of wanted) {
    const found = matching(sessions, word);
    if (found.length === 0)
      throw new ReplayError(
        'REPLAY_SESSION_NOT_FOUND',
        `there is no connection ${word}`,
        undefined,
        sessions.length > 0 ? `Connected: ${sessions.map(nameOf).join(', ')}` : 'Nobody is connected.',
      );
    for (const { sid } of found) picked.add(sid);
  }
  return [...picked];
}

function matching(sessions: readonly SourceSocket[], word: string): SourceSocket[] {
  const exact = sessions.filter(({ sid, user }) => sid === word || user === word);
  if (exact.length > 0) return exact;
  const numbered = /^\d+$/.test(word) ? sessions[Number(word) - 1] : undefined;
  if (numbered) return [numbered];
  const begins = sessions.filter(({ sid }) => word.length >= 4 && sid.startsWith(word));
  if (begins.length > 1)
    throw new ReplayError('REPLAY_SESSION_NOT_FOUND', `${word} is the beginning of ${begins.length} connections`, undefined, 'Write more of the id.');
  return begins;
}

const nameOf = ({ sid, user }: SourceSocket): string => (user ? `${sid} (${user})` : sid);

/** `SID=ALIAS` or `USER=ALIAS` pairs. */
export function parseAliases(pairs: readonly string[]): Record<string, string> {
  const aliases: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const pair of pairs) {
    const split = pair.lastIndexOf('=');
    if (split < 1 || split === pair.length - 1)
      throw new ReplayError('REPLAY_USAGE', `--user ${pair} is not SID=ALIAS`, undefined, 'For example: --user 7=alice');
    aliases[pair.slice(0, split)] = pair.slice(split + 1);
  }
  return aliases;
}

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `500ms`, `60s`, `5m`, `1h` in milliseconds. */
export function parseDuration(text: string, option = '--duration'): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const ms = match ? Number(match[1]) * units[match[2] as keyof typeof units] : 0;
  if (!(ms > 0 && ms < 2 ** 31)) throw new ReplayError('REPLAY_USAGE', `${option} ${text} is no duration`, undefined, 'Write for example 60s, 5m or 1h.');
  return ms;
}

/** The default name of a recording: `2026-11-21T08-30-00`, in local time. */
export function stamp(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const date = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-');
  return `${date}T${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join('-')}`;
}
