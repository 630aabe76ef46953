/** Whether a recording tells a whole story: it begins, something happens, and it ends after the last answer. */
import { stepsOf } from '../places.js';
import type { Trace } from '../schema.js';
import type { Finding, Subject } from './rules.js';

/** Milliseconds between the last emit and the end of the connection: a page that is left at once. */
const AT_ONCE = 100;
const cut = new Set(['transport close', 'transport error', 'ping timeout', 'parse error']);

export function ends({ recording }: Subject): Finding[] {
  const findings: Finding[] = [];
  if (recording.status !== 'finished')
    findings.push({
      rule: 'mid-flow',
      path: ['status'],
      what: `the capture did not finish: ${recording.status}${recording.statusReason ? ` (${recording.statusReason})` : ''}`,
    });
  if (recording.missing !== undefined)
    findings.push({ rule: 'missing-head', path: ['missing'], what: `${recording.missing} events at the beginning were not kept` });
  recording.sessions.forEach((session, s) => {
    const at = (trace: number) => ['sessions', s, 'traces', trace];
    const number = session.traces.findLastIndex((trace) => !trace.disabled && trace.emit !== undefined);
    const last = session.traces[number];
    const end = session.traces[number + 1];
    if (session.traces[0]?.connect?.before)
      findings.push({ rule: 'missing-head', path: at(0), what: `${session.id} was connected before the recording began` });
    if (!last || last.quarantine) return;
    const receives = session.received?.some(({ after }) => after === number) === true;
    const open = last.ack === 'never' || (last.ack === undefined && !hasEffects(last) && !receives);
    const gap = (session.times?.[number + 1]?.[0] ?? Number.POSITIVE_INFINITY) - (session.times?.[number]?.[0] ?? 0);
    if (end?.disconnect !== undefined && cut.has(end.disconnect) && open && (last.ack === 'never' || gap <= AT_ONCE))
      findings.push({
        rule: 'mid-flow',
        path: at(number),
        what: `${session.id} ends with ${last.emit}, ${last.ack === 'never' ? 'which was not answered any more' : `and left ${Math.round(gap)} ms later`} (${end.disconnect}): the page may have been left before all was done`,
      });
    session.traces.forEach((trace, t) => {
      if (trace.ack === 'never' && !trace.disabled && !trace.quarantine && (t !== number || end === undefined || !cut.has(end.disconnect ?? '')))
        findings.push({ rule: 'never-acked', path: at(t), key: 'ack', what: `${trace.emit} asked for an acknowledgement and got none` });
    });
  });
  return findings;
}

export function happens({ recording }: Subject): Finding[] {
  const actions = stepsOf(recording)
    .map(({ trace }) => trace)
    .filter((trace) => !trace.disabled && (trace.emit !== undefined || trace.http !== undefined));
  if (actions.length === 0) return [{ rule: 'changes-nothing', path: ['sessions'], what: 'nobody sends anything: there are only connections' }];
  if (actions.some((trace) => hasEffects(trace) || Array.isArray(trace.ack) || trace.http !== undefined)) return [];
  if (recording.sessions.some(({ traces, received }) => received?.some(({ after }) => traces.slice(0, after + 1).some(({ emit }) => emit !== undefined))))
    return [
      {
        rule: 'compares-nothing',
        path: ['sessions'],
        what: 'nothing that is sent has an answer, and what was received has no known cause: a replay compares nothing',
      },
    ];
  return [{ rule: 'changes-nothing', path: ['sessions'], what: 'nothing that is sent has an answer, a push or a change: there is only telemetry' }];
}

const hasEffects = (trace: Trace): boolean => (trace.pushes ?? []).length > 0 || (trace.changes ?? []).length > 0;
