/**
 * What a capture is fed with. The probe is one source; a proxy, a page or a HAR file tell the same events with less in them: a
 * source that cannot see causes gives `cause: null`, one that cannot see rows gives no changes.
 */
import { z } from 'zod';
import { type sources, statuses, urlSchema } from '../recording/schema.js';
import { isObject, type Value, type ValueObject } from '../recording/values.js';
import { type TableState, tableSchema, tableStateSchema } from '../wire/messages.js';

const value = z.custom<Value>((input) => input !== undefined, 'expected a value');
const row = z.custom<ValueObject>(isObject, 'expected an object');
const args = z.array(value).default([]);
const at = z.number();
const cause = z.string().nullable();

const socketSchema = z.object({
  sid: z.string(),
  namespace: z.string(),
  user: z.string().nullable(),
  transport: z.string(),
  address: z.string(),
  handshake: z.object({ auth: value.optional(), query: value.optional() }),
  /** the server keeps its state for a while: it puts an offset behind the arguments of pushes, and the socket id may come back */
  recovery: z.literal(true).optional(),
  at,
});
/** One connection, as the server knows it. */
export type SourceSocket = z.infer<typeof socketSchema>;

/**
 * The probe's messages with their values decoded, see `wire/messages.ts`. On a connect, `before` says that it was there when the
 * capture began, `uncaptured` that the capture leaves it out.
 */
export const sourceEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('connect'), socket: socketSchema, before: z.literal(true).optional(), uncaptured: z.literal(true).optional() }),
  z.object({ type: z.literal('emit'), sid: z.string(), n: z.number(), event: z.string(), args, asks: z.boolean(), at }),
  z.object({ type: z.literal('ack'), sid: z.string(), n: z.number(), args, at }),
  z.object({
    type: z.literal('push'),
    push: z.number(),
    cause,
    event: z.string(),
    args,
    to: z.array(z.string()),
    except: z.array(z.string()).optional(),
    volatile: z.literal(true).optional(),
    asks: z.boolean(),
    at,
  }),
  z.object({ type: z.literal('answer'), push: z.number(), sid: z.string(), args, at }),
  z.object({
    type: z.literal('change'),
    cause,
    op: z.enum(['insert', 'update', 'delete']),
    table: z.string(),
    key: row,
    before: row.nullable(),
    after: row.nullable(),
    at,
  }),
  /** One request of the client that has this connection; `sid` null: whose it is cannot be told. `id` is what causes call it, `http:N`. */
  z.object({
    type: z.literal('http'),
    sid: z.string().nullable(),
    id: z.string(),
    method: z.string(),
    /** path and query, without the origin */
    url: urlSchema,
    headers: row.optional(),
    body: value.optional(),
    status: z.number(),
    answer: value.optional(),
    at,
    end: at,
  }),
  z.object({ type: z.literal('disconnect'), sid: z.string(), reason: z.string(), at }),
  /** named by the person who records; it stands between what was before and what came after */
  z.object({ type: z.literal('checkpoint'), name: z.string(), tables: z.array(tableStateSchema).optional(), at }),
  z.object({ type: z.literal('tables'), tables: z.array(tableSchema) }),
  z.object({ type: z.literal('lost'), count: z.number() }),
  z.object({ type: z.literal('warning'), code: z.string(), message: z.string() }),
]);
export type SourceEvent = z.infer<typeof sourceEventSchema>;

export type SourceKind = (typeof sources)[number];

export interface TraceSource {
  readonly kind: SourceKind;
  readonly app: string;
  /** what it records, for the lock: addresses of the application */
  readonly targets: readonly string[];
  /** whether it sees row changes */
  readonly changes: 'measured' | 'none';
  /** the connections that are open now */
  sessions(): SourceSocket[];
  /** From here on every event goes to `listener`, synchronously and in order; `sessions()` read just before misses none. */
  start(listener: (event: SourceEvent) => void): void;
  /** Resolves when what the traces have started has ended and was told, at most after `timeoutMs`; `open` counts what had not ended. */
  drain(timeoutMs: number): Promise<{ open: number }>;
  /** what the tables hold now, after the changes that led there were told; absent where it sees none */
  state?(): Promise<TableState[]>;
  /** tells clients whether they are being recorded; absent where it cannot */
  notify?(sids: readonly string[], recording: boolean): void;
  /** resolves when the source ends by itself: the application did, or a file has been read to its end */
  readonly closed: Promise<CaptureEnd>;
  stop(): void;
}

/** What a capture hands to `buildRecording`, and what its log says. */
export const capturedHeadSchema = z.object({
  name: z.string(),
  source: z.custom<SourceKind>((input) => typeof input === 'string'),
  app: z.string().optional(),
  /** user aliases by socket id or by the user that the source reports */
  aliases: z.record(z.string(), z.string()),
});
export type CapturedHead = z.infer<typeof capturedHeadSchema>;

export const endSchema = z.object({ status: z.enum(statuses), reason: z.string().optional() });
export type CaptureEnd = z.infer<typeof endSchema>;

export interface Captured extends CapturedHead {
  events: SourceEvent[];
  /** how many events before these a flight recorder did not keep */
  missing?: number;
  end: CaptureEnd;
}
