/**
 * The recording, version 1: one YAML file in `recordings/`. These schemas are the types, and make `recording.schema.json`.
 * An observation of a replay has the type of a {@link Trace}, so that comparing, learning and updating share one model.
 */
import { z } from 'zod';
import { isObject, Tagged, type Value, type ValueObject } from './values.js';

export const VERSION = 1;

/** Any value, tags included. Tags may stand only where this stands. */
const value = z
  .custom<Value>((input) => input !== undefined, 'expected a value')
  .meta({ description: 'any value; tags such as !id, !any, !delta may stand here' });
const values = z.array(value);
// Not z.record: that loses a column named `__proto__`, and copies every row.
const row = z.custom<ValueObject>((input) => isObject(input), 'expected a mapping').meta({ type: 'object' });

const sessionId = z.string().regex(/^[A-Za-z0-9][\w.-]*$/, 'expected letters, digits, dots, dashes and underscores');
export const recordingName = z.string().regex(/^[A-Za-z0-9][\w.-]{0,99}$/, 'expected up to 100 letters, digits, dots, dashes and underscores');

/** One event that the server sent to one or more sessions. Never replayed. */
export const pushSchema = z.strictObject({
  /** the receiving sessions, none for a broadcast that reached nobody of this recording; a session that received it twice stands in two entries */
  to: z.union([sessionId, z.array(sessionId)]),
  event: z.string(),
  args: values.optional(),
  /** the sessions that the server left out of a broadcast, such as its sender: another copy's session of this id may receive it */
  except: z.union([sessionId, z.array(sessionId).min(1)]).optional(),
  /** the server may throw it away where the connection is busy: that it does not come is no difference */
  volatile: z.literal(true).optional(),
  /** what the client answered, where the server asked for an acknowledgement. Replayed. */
  answer: values.optional(),
});

/** A push whose cause is not known, in the session that received it. */
export const receivedSchema = z.strictObject({
  /** the number of the trace of this session it came after */
  after: z.int().nonnegative(),
  event: z.string(),
  args: values.optional(),
  answer: values.optional(),
});

/** One row inserted (`row`: every column), updated (`set`: the changed columns) or deleted. */
export const changeSchema = z
  .strictObject({
    insert: z.string().optional(),
    update: z.string().optional(),
    delete: z.string().optional(),
    key: row.optional(),
    row: row.optional(),
    set: row.optional(),
    /** the row before: observations carry it, recordings need not */
    was: row.optional(),
  })
  .superRefine((change, context) => {
    const kinds = (['insert', 'update', 'delete'] as const).filter((kind) => change[kind] !== undefined);
    const kind = kinds[0];
    if (kinds.length !== 1 || kind === undefined) return context.addIssue({ code: 'custom', message: 'a change has exactly one of insert, update, delete' });
    const needs = { insert: ['row'], update: ['key', 'set'], delete: ['key'] }[kind];
    for (const part of ['key', 'row', 'set'] as const)
      if ((change[part] !== undefined) !== needs.includes(part))
        context.addIssue({
          code: 'custom',
          message: `${kind} ${needs.includes(part) ? 'needs' : 'does not have'} \`${part}\``,
          path: change[part] === undefined ? [] : [part],
        });
  });

/** A known failure: reported, not gating, until it expires. */
export const quarantineSchema = z.strictObject({
  owner: z.string(),
  reason: z.string(),
  expires: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'expected YYYY-MM-DD'),
});

export const connectSchema = z.strictObject({
  namespace: z.string().startsWith('/'),
  auth: row.optional(),
  query: row.optional(),
  /** it was connected before the recording began: what the connect made happen was not seen, and is not compared */
  before: z.literal(true).optional(),
});
/** A text, or one with names or secrets in it. */
export const urlSchema = z
  .custom<string | Tagged>((input) => typeof input === 'string' || (input instanceof Tagged && ['text', 'secret'].includes(input.body.tag)), 'expected a text')
  .meta({ description: 'path and query; !text where a part is a name or a secret' });

export const httpSchema = z.strictObject({
  method: z.string(),
  url: urlSchema,
  headers: row.optional(),
  body: value.optional(),
  status: z.int().optional(),
  answer: value.optional(),
});

export type HttpRequest = z.infer<typeof httpSchema>;

const traceKinds = ['connect', 'emit', 'http', 'disconnect'] as const;
export type TraceKind = (typeof traceKinds)[number];

/** One step of a session and what it made happen. */
export const traceSchema = z
  .strictObject({
    connect: connectSchema.optional(),
    /** the name of the event that the client sent */
    emit: z.string().optional(),
    http: httpSchema.optional(),
    /** Socket.IO's reason, e.g. `client namespace disconnect` */
    disconnect: z.string().optional(),
    args: values.optional(),
    /** absent: the client asked for none; `never`: asked and not answered */
    ack: z.union([values, z.literal('never')]).optional(),
    pushes: z.array(pushSchema).optional(),
    changes: z.array(changeSchema).optional(),
    disabled: z.literal(true).optional(),
    quarantine: quarantineSchema.optional(),
    independent: z.literal(true).optional(),
  })
  .superRefine((trace, context) => {
    const kinds = traceKinds.filter((kind) => trace[kind] !== undefined);
    if (kinds.length !== 1) context.addIssue({ code: 'custom', message: 'a trace is exactly one of connect, emit, http, disconnect' });
    else if (kinds[0] !== 'emit')
      for (const part of ['args', 'ack'] as const)
        if (trace[part] !== undefined) context.addIssue({ code: 'custom', message: `only an emit has \`${part}\``, path: [part] });
  });

/** One socket connection's life. Two tabs of one user are two sessions. */
export const sessionSchema = z
  .strictObject({
    id: sessionId,
    /** an alias; its credentials are configuration. Absent: not logged in */
    user: z.string().optional(),
    status: z.enum(['finished', 'disconnected']).optional(),
    /**
     * start and duration of each trace, milliseconds since the recording began; a trace lasts until its last effect. A third number, when its
     * acknowledgement came after the start, stands where the client went on then, and other effects came later
     */
    times: z.array(z.tuple([z.number().nonnegative(), z.number().nonnegative(), z.number().nonnegative().optional()])).optional(),
    traces: z.array(traceSchema),
    received: z.array(receivedSchema).optional(),
  })
  .superRefine((session, context) => {
    if (session.times && session.times.length !== session.traces.length)
      context.addIssue({
        code: 'custom',
        path: ['times'],
        message: `${session.times.length} times for ${session.traces.length} traces: each trace has one entry; add or remove that of the trace that you added or removed`,
      });
    session.traces.forEach((trace, number) => {
      if (trace.connect && number > 0)
        context.addIssue({ code: 'custom', path: ['traces', number], message: 'connect can only be the first trace of a session' });
    });
  });

/** A moment that the person who recorded named, and what the tables held then. */
export const checkpointSchema = z.strictObject({
  name: z.string().min(1).max(100),
  /** for each session that had begun, the number of its next trace */
  next: z.record(sessionId, z.int().nonnegative()),
  /** rows of each table, and a hash over all of them in the order of their keys; without: too large to be read */
  tables: z.array(z.strictObject({ table: z.string(), rows: z.int().nonnegative(), hash: z.string().optional() })).optional(),
});

export const statuses = ['finished', 'truncated', 'interrupted', 'disconnected', 'failed'] as const;
export const sources = ['probe', 'proxy', 'page', 'har', 'care', 'hand'] as const;

export const recordingSchema = z
  .strictObject({
    version: z.literal(VERSION),
    name: recordingName,
    recorded: z.strictObject({ source: z.enum(sources), app: z.string().optional(), took: z.number().nonnegative().optional() }).optional(),
    status: z.enum(statuses),
    /** why the capture did not finish */
    statusReason: z.string().optional(),
    /** 1: replayed alone only, never in the pool; `reason` says why */
    copies: z.literal(1).optional(),
    reason: z.string().optional(),
    disabled: z.literal(true).optional(),
    quarantine: quarantineSchema.optional(),
    /** names that nobody makes, and their recorded values: one copy alone has those, among others `use.vary` says which */
    given: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    sessions: z.array(sessionSchema).min(1),
    checkpoints: z.array(checkpointSchema).optional(),
    /** events at the beginning that a flight recorder did not keep */
    missing: z.int().positive().optional(),
    /** changes whose cause is not proven */
    unattributed: z.array(changeSchema).optional(),
    /** connections that were made while recording and not captured */
    uncaptured: z.array(z.string()).optional(),
  })
  .superRefine((recording, context) => {
    if (recording.copies && !recording.reason) context.addIssue({ code: 'custom', path: ['copies'], message: '`copies: 1` needs a `reason`' });
    const ids = new Set<string>();
    recording.sessions.forEach((session, index) => {
      if (ids.has(session.id)) context.addIssue({ code: 'custom', path: ['sessions', index, 'id'], message: `two sessions have the id ${session.id}` });
      ids.add(session.id);
    });
    const traces = new Map(recording.sessions.map((session) => [session.id, session.traces.length]));
    const named = new Set<string>();
    recording.checkpoints?.forEach(({ name, next }, c) => {
      if (named.has(name)) context.addIssue({ code: 'custom', path: ['checkpoints', c, 'name'], message: `two checkpoints have the name ${name}` });
      named.add(name);
      for (const [id, number] of Object.entries(next))
        if (number > (traces.get(id) ?? -1))
          context.addIssue({
            code: 'custom',
            path: ['checkpoints', c, 'next', id],
            message: traces.has(id) ? `${id} has only ${traces.get(id)} traces` : `there is no session ${id} in this recording`,
          });
    });
    recording.sessions.forEach((session, s) => {
      session.traces.forEach((trace, t) => {
        trace.pushes?.forEach((push, p) => {
          for (const to of [...receivers(push), ...leftOut(push)])
            if (!ids.has(to))
              context.addIssue({
                code: 'custom',
                path: ['sessions', s, 'traces', t, 'pushes', p, 'to'],
                message: `there is no session ${to} in this recording`,
              });
        });
      });
    });
  });

export type Checkpoint = z.infer<typeof checkpointSchema>;
export type Push = z.infer<typeof pushSchema>;
export type Received = z.infer<typeof receivedSchema>;
export type ChangeEntry = z.infer<typeof changeSchema>;
export type Trace = z.infer<typeof traceSchema>;
export type Session = z.infer<typeof sessionSchema>;
export type Recording = z.infer<typeof recordingSchema>;

export const receivers = (push: Push): string[] => listOf(push.to);
/** The sessions that a broadcast left out. */
export const leftOut = (push: Push): string[] => listOf(push.except ?? []);
const listOf = (ids: string | string[]): string[] => (Array.isArray(ids) ? ids : [ids]);

type Operation = 'insert' | 'update' | 'delete';

/** A change in one shape for all operations: `values` is the row of an insert and the set columns of an update. */
export interface Change {
  op: Operation;
  table: string;
  key: ValueObject;
  values: ValueObject;
  was?: ValueObject;
}

export function changeOf(entry: ChangeEntry): Change {
  if (entry.insert !== undefined) return { op: 'insert', table: entry.insert, key: {}, values: entry.row ?? {} };
  if (entry.update !== undefined) return { op: 'update', table: entry.update, key: entry.key ?? {}, values: entry.set ?? {}, was: entry.was };
  return { op: 'delete', table: entry.delete ?? '', key: entry.key ?? {}, values: {}, was: entry.was };
}

export const kindOf = (trace: Trace): TraceKind => traceKinds.find((kind) => trace[kind] !== undefined) ?? 'emit';

/** A trace in one or two words, for people: `connect /`, `annotationUpdate`, `POST /login`. */
export function labelOf(trace: Trace): string {
  if (trace.connect) return `connect ${trace.connect.namespace}`;
  if (trace.http) return `${trace.http.method} ${urlText(trace.http.url)}`;
  return trace.emit ?? 'disconnect';
}

/** A URL for people, its names and secrets as they are spelled. */
export const urlText = (url: string | Tagged): string => (typeof url === 'string' ? url : url.body.tag === 'text' ? url.body.template : `!${url.body.tag}`);
