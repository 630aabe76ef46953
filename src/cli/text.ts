/** What the commands say. Pure. */
import { basename } from 'node:path';
import type { CaptureResult, Counts } from '../capture/capture.js';
import type { ProbedApplication } from '../capture/choose.js';
import type { Saved } from '../capture/finish.js';
import type { SourceSocket } from '../capture/source.js';
import { inMegabytes, SIZE_WARNED } from '../recording/limits.js';
import { noiseLines, noiseTables } from '../recording/noise.js';
import type { Recording } from '../recording/schema.js';
import { plural, table } from './words.js';

export function sessionTable(sessions: readonly SourceSocket[], now: number): string[] {
  const rows = sessions.map(({ sid, user, namespace, transport, at }, i) => [`${i + 1}`, sid, user ?? '-', namespace, transport, `${seconds(now - at)} ago`]);
  return table([['', 'id', 'user', 'namespace', 'transport', 'since'], ...rows]);
}

export function progressLine(counts: Counts, elapsedMs: number): string {
  return `recording ${clock(elapsedMs)}  ${plural(counts.sessions, 'session')}, ${plural(counts.emits, 'emit')}, ${counts.requests > 0 ? `${plural(counts.requests, 'request')}, ` : ''}${plural(counts.pushes, 'push', 'pushes')}, ${changesText(counts.changes)}`;
}

/** What a saved recording holds, and everything that a reader of it should know is not in it. */
export function summary(
  { recording, names, unproven, lostNames, dropped, lost, people, file, bytes, measured }: Saved,
  result?: Pick<CaptureResult, 'open' | 'dropped'>,
): string[] {
  const has = contents(recording);
  const reason = recording.statusReason ? ` (${reasons[recording.statusReason] ?? recording.statusReason})` : '';
  const uncaptured = (result?.dropped.uncaptured ?? 0) + dropped.uncaptured;
  const unclaimed = (result?.dropped.unclaimed ?? 0) + dropped.unclaimed;
  const excluded = (result?.dropped.excluded ?? 0) + dropped.excluded;
  const before = recording.sessions.filter(({ traces }) => traces[0]?.connect?.before).map(({ id }) => id);
  const isLive = !['har', 'care'].includes(recording.recorded?.source ?? '');
  const open = result?.open ?? 0;
  return [
    `${file}: ${recording.status}${reason}`,
    `  ${plural(has.sessions, 'session')}, ${plural(has.traces, 'trace')}, ${plural(has.pushes, 'push', 'pushes')}, ${changesText(measured ? has.changes : null)}, ${plural(names.length, 'name')}`,
    ...names.slice(0, 20).map(({ tag, why, places }) => `    ${tag}: ${why} (${plural(places, 'place')})`),
    ...(names.length > 20 ? [`    and ${names.length - 20} more`] : []),
    ...unproven
      .slice(0, 5)
      .map(
        ({ value, event, key, like }) =>
          `    ${JSON.stringify(value)} in ${event}${key === '' ? '' : `, as ${key}`}, is left as it stands: ${like.join(', ')} had it too, and nothing proves that it is meant`,
      ),
    ...(unproven.length > 5 ? [`    and ${unproven.length - 5} more`] : []),
    ...lostNames.map(
      ({ name, value }) =>
        `    ${name}, given as ${JSON.stringify(value)}, is gone: the value does not stand where it stood. If it is another one: socket-replay give`,
    ),
    ...note(Math.max(0, bytes - SIZE_WARNED), `${inMegabytes(bytes)}: hard to review, shorter flows say more`),
    ...note(has.received, `${plural(has.received, 'push', 'pushes')} without a proven cause, under \`received\``),
    ...note(recording.unattributed?.length, `${plural(recording.unattributed?.length ?? 0, 'change')} without a proven cause, under \`unattributed\``),
    ...noiseLines(noiseTables(recording)).map((line) => `  ${line}`),
    ...note(recording.uncaptured?.length, `not captured: ${recording.uncaptured?.join(', ')}`),
    ...[...people].map(([alias, user]) => `  ${alias} is ${user}; another alias: --user '${user}=ALIAS'`),
    ...note(recording.missing, `${recording.missing} events before these were not kept`),
    ...note(recording.checkpoints?.length, `checkpoints: ${recording.checkpoints?.map(({ name }) => name).join(', ')}`),
    ...note(
      before.length,
      `connected before the recording began: ${before.join(', ')}. What the connect did was not seen${isLive ? '; reload the page to record it' : ''}.`,
    ),
    ...note(uncaptured, `${plural(uncaptured, 'event')} of connections that were not captured left out`),
    ...note(dropped.earlier, `${plural(dropped.earlier, 'effect')} of events from before the recording left out`),
    ...note(excluded, `${plural(excluded, 'event')} excluded`),
    ...note(unclaimed, `${plural(unclaimed, 'request')} left out: no connection of their client was there yet, or nothing proves whose they are`),
    ...note(lost, `${plural(lost, 'event')} lost, because they came faster than they could be read: the recording is not complete`),
    ...note(open, `${plural(open, 'handler')} had not ended when the recording was closed: what they did later is missing`),
  ];
}

const changesText = (changes: number | null): string => (changes === null ? 'changes not measured' : plural(changes, 'change'));

const reasons: Record<string, string> = {
  event_cap: 'the limit of events was reached',
  session_event_cap: 'the limit of events of one session was reached',
  byte_cap: 'the limit of size was reached',
  application_ended: 'the application ended',
  crashed: 'the recorder did not end it',
  aborted: 'aborted',
  events_lost: 'events were lost',
  head_missing: 'a flight recorder: the beginning was not kept',
  still_recording: 'it is still being recorded',
  participant_disconnected: 'somebody who was recorded lost the connection',
};

function contents(recording: Recording): { sessions: number; traces: number; pushes: number; changes: number; received: number } {
  const traces = recording.sessions.flatMap((session) => session.traces);
  return {
    sessions: recording.sessions.length,
    traces: traces.length,
    pushes: traces.reduce((sum, trace) => sum + (trace.pushes ?? []).reduce((n, { to }) => n + (Array.isArray(to) ? to.length : 1), 0), 0),
    changes: traces.reduce((sum, trace) => sum + (trace.changes?.length ?? 0), 0),
    received: recording.sessions.reduce((sum, session) => sum + (session.received?.length ?? 0), 0),
  };
}

const note = (count: number | undefined, text: string): string[] => (count ? [`  ${text}`] : []);

export function leftLogLines(left: readonly { name: string; crashed: boolean }[]): string[] {
  return left.map(
    ({ name, crashed }) => `${crashed ? 'A recording was interrupted' : 'A capture was never saved'}: ${name}. Save it with: npx socket-replay export ${name}`,
  );
}

export function targetName(application: ProbedApplication): string {
  const listening = [...new Set(application.flatMap((probe) => probe.listening))].join(', ') || 'not listening';
  const pids = application.map(({ pid }) => pid).join(', ');
  return `${basename(application[0].app)} (${listening}, ${application.length > 1 ? 'processes' : 'process'} ${pids})`;
}

const seconds = (ms: number): string => (ms < 60_000 ? `${Math.max(0, Math.round(ms / 1000))} s` : `${Math.round(ms / 60_000)} min`);
const clock = (ms: number): string => `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, '0')}`;
