/**
 * An export of CARE's recorder (`schemaVersion: 1`) as a source. It holds the first argument of each event and nothing of
 * acknowledgements, causes and rows; who was connected had connected before.
 */
import { z } from 'zod';
import { globPattern } from '../../recording/glob.js';
import { isObject, mapValue, type Value } from '../../recording/values.js';
import type { CaptureEnd, SourceEvent } from '../source.js';
import { fileSource } from './file.js';
import { fromJsonFile, type ImportFile, invalid, readBytes } from './import-file.js';

/** Telemetry of the page, and the recorder's own events: nothing that a user did. */
const leftOut: Record<string, string> = { stats: 'telemetry', recorderStart: "the recorder's own", recorderStop: "the recorder's own" };
const SUBSCRIBE = 'subscribeAppData';
const closing = new Set(['disconnecting', 'disconnect']);

const time = z.string().transform((text, context) => {
  const at = Date.parse(text);
  if (Number.isNaN(at)) context.addIssue({ code: 'custom', message: `${text} is no date` });
  return at;
});
const traceSchema = z.looseObject({
  action: z.string(),
  /** true: from the client to the server */
  direction: z.boolean(),
  payload: z.custom<Value>().optional(),
  userId: z.int().nullish(),
  socketId: z.string().nullish(),
  startTime: time,
});
const exportSchema = z.looseObject({
  traceCount: z.int(),
  recording: z.looseObject({
    name: z.string(),
    status: z.enum(['recording', 'finished', 'disconnected', 'interrupted']),
    participantSocketIds: z.array(z.string()).nullish(),
    excludeEvents: z.array(z.string()).nullish(),
  }),
  traces: z.array(traceSchema),
});
type CareExport = z.infer<typeof exportSchema>;
type CareTrace = z.infer<typeof traceSchema>;

/** The user of the file's `userId: 3` is called `user-3`; `--user 3=guest` names it as the file does. */
export const careAliases = (given: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).flatMap(([key, alias]) => (/^\d+$/.test(key) ? [key, userName(Number(key))] : [key]).map((k) => [k, alias])));

export const readCare = (file: string, exclude: readonly string[] = []): ImportFile =>
  fromJsonFile(file, readBytes(file), (json) => {
    const { recording, traces } = validated(file, json);
    const kept = traces.filter((trace) => keyOf(trace) !== undefined && !Object.hasOwn(leftOut, trace.action)).sort((a, b) => a.startTime - b.startTime);
    return {
      file,
      name: recording.name,
      source: fileSource('care', eventsOf(kept), endOf(recording.status)),
      notes: [...notesOf(recording, traces, kept), ...cautions([...(recording.excludeEvents ?? []), ...exclude])],
    };
  });

/** In the words of CARE's own import, where it has some. */
function validated(file: string, json: unknown): CareExport {
  const top = isObject(json) ? json : {};
  if (top.schemaVersion !== 1) throw invalid(file, `Unsupported schemaVersion: ${String(top.schemaVersion)}. Expected 1.`);
  if (!isObject(top.recording)) throw invalid(file, `Missing 'recording' object`);
  if (!Array.isArray(top.traces)) throw invalid(file, `Missing 'traces' array`);
  const parsed = exportSchema.parse(json);
  const { traceCount, traces } = parsed;
  if (traceCount !== traces.length) throw invalid(file, `traceCount is ${traceCount}, but there are ${traces.length} traces: the file is not complete`);
  const lost = traces.findIndex(({ direction, payload }) => direction && payload === undefined);
  if (lost >= 0) throw invalid(file, `traces.${lost}.payload is missing: it was lost when the file was exported`);
  return parsed;
}

/** `recording`: it was exported while it still ran. */
function endOf(status: CareExport['recording']['status']): CaptureEnd {
  switch (status) {
    case 'finished':
      return { status };
    case 'disconnected':
      return { status, reason: 'participant_disconnected' };
    case 'interrupted':
      return { status, reason: 'application_ended' };
    case 'recording':
      return { status: 'interrupted', reason: 'still_recording' };
  }
}

/** Two tabs of one user are two sockets; recordings of older versions know users only. */
function keyOf({ socketId, userId }: CareTrace): string | undefined {
  return socketId || (typeof userId === 'number' ? userName(userId) : undefined);
}

const userName = (userId: number): string => `user-${userId}`;

function eventsOf(traces: readonly CareTrace[]): SourceEvent[] {
  const connects = new Map<string, SourceEvent>();
  const numbers = new Map<string, number>();
  const gone = new Set<string>();
  const events: SourceEvent[] = [];
  let pushes = 0;
  for (const trace of traces) {
    const { action: event, startTime: at, direction, payload } = trace;
    const sid = keyOf(trace) as string;
    if (!connects.has(sid)) connects.set(sid, connectOf(sid, trace, traces));
    const args = payload === undefined ? [] : [revived(payload)];
    if (direction && closing.has(event)) {
      if (!gone.has(sid)) events.push({ type: 'disconnect', sid, reason: typeof payload === 'string' ? payload : 'transport close', at });
      gone.add(sid);
    } else if (direction) {
      const n = (numbers.get(sid) ?? 0) + 1;
      numbers.set(sid, n);
      events.push({ type: 'emit', sid, n, event, args, asks: false, at });
    } else events.push({ type: 'push', push: ++pushes, cause: null, event, args, to: [sid], asks: false, at });
  }
  return [...connects.values(), ...events];
}

function connectOf(sid: string, first: CareTrace, traces: readonly CareTrace[]): SourceEvent {
  const known = traces.find((trace) => keyOf(trace) === sid && typeof trace.userId === 'number')?.userId;
  const user = typeof known === 'number' ? userName(known) : null;
  return { type: 'connect', before: true, socket: { sid, namespace: '/', user, transport: 'unknown', address: '', handshake: {}, at: first.startTime } };
}

/** The database made `{type: 'Buffer', data: […]}` of every Buffer. */
const revived = (payload: Value): Value =>
  mapValue(payload, (value) => {
    if (!isObject(value) || value.type !== 'Buffer' || !Array.isArray(value.data) || Object.keys(value).length !== 2) return undefined;
    const bytes = value.data;
    return bytes.every((byte) => Number.isInteger(byte) && (byte as number) >= 0 && (byte as number) < 256) ? Uint8Array.from(bytes as number[]) : undefined;
  });

function notesOf(recording: CareExport['recording'], traces: readonly CareTrace[], kept: readonly CareTrace[]): string[] {
  const nobody = traces.filter((trace) => keyOf(trace) === undefined).length;
  const empty = kept.filter(({ direction, payload, action }) => direction && payload === null && !closing.has(action)).length;
  const silent = (recording.participantSocketIds ?? []).filter((sid) => !kept.some((trace) => keyOf(trace) === sid));
  const emits = kept.some(({ direction }) => direction);
  return [
    ...Object.entries(leftOut).flatMap(([name, why]) =>
      counted(traces.filter(({ action }) => action === name).length, `of the event ${name} left out: ${why}`),
    ),
    ...counted(nobody, 'left out: neither socketId nor userId'),
    ...(silent.length > 0 ? [`recorded, but without any event, and therefore left out: ${silent.join(', ')}`] : []),
    ...(emits ? ['the export holds no acknowledgements and only the first argument of each event: no emit asks for an acknowledgement'] : []),
    ...counted(empty, 'with the payload null, which may have been 0, false, an empty text or no argument: they send null'),
  ];
}

const cautions = (excluded: readonly string[]): string[] =>
  excluded.some((glob) => globPattern(glob).test(SUBSCRIBE))
    ? [`caution: ${SUBSCRIBE} was excluded; the server sends the changes of a table (*Refresh) only to clients that have subscribed to it`]
    : [];

const counted = (count: number, text: string): string[] => (count > 0 ? [`${count} ${count === 1 ? 'trace' : 'traces'} ${text}`] : []);
