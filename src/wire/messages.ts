/**
 * What the probe and its readers (harness, recorder) say to each other: one JSON object a line over a loopback connection.
 * The probe only imports these types; readers validate with the schemas. Values are in the JSON form of `encode.ts`.
 *
 * A trace is `SID:N`: the socket id and the number of the event on that connection as the server counts, from 1;
 * `SID:0` is the connect, `SID:x` the disconnect, `http:N` a request. A cause that ends in `~` came through a timer.
 */
import { z } from 'zod';

export const PROTOCOL = 2;
/** The event a harness sends on a connection to learn that nothing more comes; answered in front of the application. */
export const FENCE_EVENT = '$socket-replay:fence';
/** The event that tells a client, where the recorder was asked to, whether it is being recorded: `{ recording: true }`. Never recorded itself. */
export const RECORDING_EVENT = 'socket-replay:recording';

const json = z.unknown();
const cause = z.string().nullable();
/** milliseconds since the epoch, with fractions */
const at = z.number();

/** A table as the database declares it: evidence for names. */
export const tableSchema = z.object({
  name: z.string(),
  key: z.array(z.string()),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  foreignKeys: z.array(z.object({ column: z.string(), table: z.string(), references: z.string() })),
  /** columns that are unique alone, the key aside */
  unique: z.array(z.string()),
});
export type Table = z.infer<typeof tableSchema>;

/** What a table held at one moment: `hash` over all rows in the order of their keys; null: too large to be read. */
export const tableStateSchema = z.object({ table: z.string(), rows: z.number(), hash: z.string().nullable() });
export type TableState = z.infer<typeof tableStateSchema>;

const socket = z.object({
  sid: z.string(),
  namespace: z.string(),
  /** what the probe could tell of the user: `socket.request.session`, `socket.data`; a name or an id, for the list of sessions */
  user: z.string().nullable(),
  transport: z.string(),
  address: z.string(),
  handshake: z.object({ auth: json, query: json }),
  /** of the application, where it was connected to */
  port: z.number().optional(),
  /** hashes of the cookies of its handshake that are somebody's alone */
  cookies: z.array(z.string()).optional(),
  at,
});
export type SocketInfo = z.infer<typeof socket>;

const values = z.array(json).nullable();
/** On the wire the names of the columns stand once, and rows are lists: an update repeats nothing. `key` names columns, or there is a `rowid`. */
const change = z
  .object({
    type: z.literal('change'),
    cause,
    op: z.enum(['insert', 'update', 'delete']),
    table: z.string(),
    columns: z.array(z.string()),
    key: z.array(z.string()),
    rowid: json.optional(),
    before: values,
    after: values,
    at,
  })
  .refine(({ columns, before, after }) => [before, after].every((row) => row === null || row.length === columns.length), 'a row has other columns')
  .transform(({ columns, key, rowid, ...message }) => {
    const [before, after] = [message.before, message.after].map((row) => row && Object.fromEntries(columns.map((column, index) => [column, row[index]])));
    const row = before ?? after ?? {};
    return {
      ...message,
      key: rowid === undefined ? Object.fromEntries(key.map((column) => [column, row[column]])) : { rowid },
      before: before ?? null,
      after: after ?? null,
    };
  });

export const fromProbeSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.literal(PROTOCOL),
    pid: z.number(),
    app: z.string(),
    node: z.string(),
    at,
    listening: z.array(z.string()),
    sockets: z.array(socket),
    changes: z.enum(['measured', 'none']),
    /** its environment says REPLAY_PROTECTED=1 */
    protected: z.literal(true).optional(),
    /** its environment says NODE_ENV=production */
    production: z.literal(true).optional(),
  }),
  z.object({ type: z.literal('tables'), tables: z.array(tableSchema) }),
  z.object({ type: z.literal('connect'), socket }),
  /** `emit`, `ack` and `answer` only for a reader that records: a replay sees them itself. Without `args`: they could not be encoded */
  z.object({ type: z.literal('emit'), sid: z.string(), n: z.number(), event: z.string(), args: z.array(json).optional(), asks: z.boolean(), at }),
  z.object({ type: z.literal('ack'), sid: z.string(), n: z.number(), args: z.array(json).optional(), at }),
  /** one emission, however many receivers; `push` numbers grow; `args` only for a reader that records, `hash` only for one that replays (else empty) */
  z.object({
    type: z.literal('push'),
    push: z.number(),
    cause,
    event: z.string(),
    hash: z.string(),
    args: z.array(json).optional(),
    to: z.array(z.string()),
    /** sockets that the server left out on purpose: the sender of `socket.broadcast` and `socket.to` */ except: z.array(z.string()).optional(),
    /** the last argument is the offset that connection state recovery hides there */
    offset: z.literal(true).optional(),
    /** the server may throw it away where the connection is busy */
    volatile: z.literal(true).optional(),
    /** who did not get it because of that; only for a reader that records */
    lost: z.array(z.string()).optional(),
    asks: z.boolean(),
    at,
  }),
  /** A request to the application's own server has begun; those of Socket.IO's transport are not told. `from`: address and port of the client's end; `port`: of the application's */
  z.object({
    type: z.literal('request'),
    id: z.string(),
    method: z.string(),
    url: z.string(),
    from: z.string(),
    port: z.number(),
    cookies: z.array(z.string()),
    at,
  }),
  /** It is over; only for a reader that records. Without `status`: it was not answered as a whole. Bodies are in base64, null where they are larger than 5 MB */
  z.object({
    type: z.literal('answered'),
    id: z.string(),
    /** of the request, without its cookies */
    headers: z.record(z.string(), z.string()),
    body: z.string().nullable().optional(),
    status: z.number().optional(),
    answerHeaders: z.record(z.string(), z.string()),
    /** of JSON and plain text */
    answer: z.string().nullable().optional(),
    at,
  }),
  z.object({ type: z.literal('answer'), push: z.number(), sid: z.string(), args: z.array(json), at }),
  change,
  z.object({ type: z.literal('disconnect'), sid: z.string(), reason: z.string(), at }),
  /** the answer to `drain`: everything reported before it had happened before it; `open` counts what had not ended in time; `rss`: the application's memory, bytes */
  z.object({ type: z.literal('drained'), id: z.number(), open: z.number(), waited: z.number(), rss: z.number().optional() }),
  /** the answer to `state`; changes that it holds were told before it */
  z.object({ type: z.literal('state'), id: z.number(), tables: z.array(tableStateSchema) }),
  /** messages were thrown away because this reader was too slow */
  z.object({ type: z.literal('lost'), count: z.number() }),
  z.object({ type: z.literal('warning'), code: z.string(), message: z.string() }),
  z.object({ type: z.literal('refused'), message: z.string() }),
]);
export type FromProbe = z.infer<typeof fromProbeSchema>;

const toProbeSchema = z.discriminatedUnion('type', [
  /** the first line; `record` gets everything, `replay` pushes (as hashes) and changes */
  z.object({ type: z.literal('subscribe'), protocol: z.literal(PROTOCOL), token: z.string(), mode: z.enum(['record', 'replay', 'list']) }),
  /** answer `drained` when what the traces started has ended, at most after `timeout` ms */
  z.object({ type: z.literal('drain'), id: z.number(), timeout: z.number() }),
  /** answer `state` with what the tables hold now */
  z.object({ type: z.literal('state'), id: z.number() }),
  /** send these clients `RECORDING_EVENT` */
  z.object({ type: z.literal('notify'), sids: z.array(z.string()), recording: z.boolean() }),
]);
export type ToProbe = z.infer<typeof toProbeSchema>;

/** What a probe that runs leaves in the runtime directory (mode 0600), so that readers of the same user find it. */
export const probeFileSchema = z.object({
  protocol: z.literal(PROTOCOL),
  pid: z.number(),
  /** when that process began, where the system tells: a process that was killed leaves its file, and its id comes back */
  began: z.string().nullish(),
  port: z.number(),
  token: z.string(),
  app: z.string(),
  listening: z.array(z.string()),
  /** the primary of a cluster, and its workers: the process id of the primary */
  cluster: z.number().optional(),
  /** how many workers the primary has now, of which some may not have begun yet */
  workers: z.number().optional(),
  /** of a worker: it listens, or takes connections that its primary hands over */
  serving: z.boolean().optional(),
  /** what `record` calls the command that it started (REPLAY_PROBE_RUN) */
  run: z.string().optional(),
  /** as in `hello`: it must be known before anybody subscribes */
  protected: z.literal(true).optional(),
  at,
});
export type ProbeFile = z.infer<typeof probeFileSchema>;
