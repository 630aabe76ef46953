/** pg (node-postgres 8): its prototypes patched in place. One log for each database that the application talks to. */
import type { Table, TableState } from '../../wire/messages.js';
import { currentContext, outside, within } from '../context.js';
import { type AnyFunction, isObject } from '../foreign.js';
import { guarded } from '../guard.js';
import { warn } from '../hub.js';
import { announcer } from './announce.js';
import type { Driver } from './drivers.js';
import { type Own, PgLog } from './pg-log.js';
import { type Connection, followLine, isTraced, type Line, lineOf, once, patchConnection, patchSubmittable, tagInside, tagQuery } from './pg-marks.js';

/** What we touch of a client; older versions name the queue without the underscore. */
interface Client {
  connection?: Connection & { stream?: { ref?(): unknown; unref?(): unknown } };
  connectionParameters?: Record<string, unknown>;
  host?: unknown;
  port?: unknown;
  database?: unknown;
  password?: unknown;
  processID?: unknown;
  _queryQueue?: object[];
  on(event: string, listener: () => void): unknown;
}

interface Pool {
  options?: Record<string, unknown>;
  ending?: unknown;
}

type ClientClass = (new (config: Record<string, unknown>) => Client) & { Query?: { prototype: object } };
type Methods = Record<'connect' | 'query' | 'end', AnyFunction>;

const CONNECT_MS = 5_000;

/** a database that the application talks to, or did */
interface Database {
  readonly log: PgLog;
  /** how each of the application's users gets in */
  readonly ways: Map<string, () => Promise<Own>>;
  readonly clients: Set<WeakRef<Client>>;
  /** they may have no client at the moment */
  readonly pools: Set<WeakRef<Pool>>;
}

const databases = new Map<string, Database>();
const followed = new WeakMap<object, PgLog>();
let loaded = false;
let wanted = false;
/** the pool that makes a client right now */
let creating: Pool | undefined;
/** traces that wait for a pool to give them a client */
let waiting = 0;

function adopt(exports: unknown): void {
  if (!isObject(exports) || typeof exports.Client !== 'function' || !once(exports)) return;
  const {
    Client: ClientClass,
    Connection: ConnectionClass,
    Pool,
  } = exports as { Client: ClientClass; Connection?: { prototype: object }; Pool?: { prototype: object } };
  const prototype = ClientClass.prototype as unknown as Methods;
  const queries = ClientClass.Query?.prototype as Partial<Methods & { submit: AnyFunction }> | undefined;
  const isKnown =
    typeof prototype.connect === 'function' &&
    typeof prototype.query === 'function' &&
    typeof queries?.submit === 'function' &&
    ['query', 'parse', 'bind'].every((name) => typeof (ConnectionClass?.prototype as Record<string, unknown> | undefined)?.[name] === 'function');
  if (!isKnown || queries === undefined || ConnectionClass === undefined) {
    warn('changes-unmeasured', 'Rows that the application writes through pg are not measured: this version of it (or pg-native) is not known.', 'pg');
    return;
  }
  if (!loaded) process.on('beforeExit', () => guarded('pg', leave));
  loaded = true;
  patchConnection(ConnectionClass.prototype);
  patchSubmittable(queries);
  if (Pool !== undefined) patchPool(Object.getPrototypeOf(Pool.prototype) as object);
  if (once(prototype)) patchClient(prototype, ClientClass);
}

function patchClient(prototype: Methods, ClientClass: ClientClass): void {
  const raw = { connect: prototype.connect, query: prototype.query, end: prototype.end };
  prototype.connect = function connect(this: Client, ...args: unknown[]) {
    const log = guarded('pg', () => follow(this, ClientClass, raw));
    const context = currentContext();
    const [callback, ...rest] = args;
    if (typeof callback === 'function' && context !== undefined) args = [bound(callback as AnyFunction, context), ...rest];
    // Outside of any trace: what the socket brings later is nobody's by itself.
    const run = (): unknown => outside(() => Reflect.apply(raw.connect, this, args));
    const starting = log?.starting;
    if (starting === undefined) return run();
    // Whoever waits for a client writes rows next.
    const begun = starting.then(run);
    if (typeof callback === 'function') return undefined;
    return begun;
  } as AnyFunction;
  prototype.query = function query(this: Client, ...args: unknown[]) {
    const log = guarded('pg', () => follow(this, ClientClass, raw));
    if (!log?.isOn) return Reflect.apply(raw.query, this, args);
    const [config] = args;
    if (isObject(config) && typeof config.submit === 'function') {
      guarded('pg', () => tagQuery(config));
      return Reflect.apply(raw.query, this, args);
    }
    return tagInside(queueOf(this), () => Reflect.apply(raw.query, this, args));
  } as AnyFunction;
}

/** The callback runs when somebody else gives a client back, in that one's context. */
function patchPool(prototype: object): void {
  if (!once(prototype)) return;
  const methods = prototype as Record<'connect' | 'newClient' | '_release', AnyFunction>;
  const { connect, newClient, _release: release } = methods;
  methods.connect = function (this: unknown, ...args: unknown[]) {
    const [callback, ...rest] = args;
    const context = wanted ? currentContext() : undefined;
    if (context === undefined || typeof callback !== 'function') return Reflect.apply(connect, this, args);
    waiting += 1;
    const then = bound(callback as AnyFunction, context);
    const given = function (this: unknown, ...results: unknown[]): unknown {
      waiting -= 1;
      return Reflect.apply(then, this, results);
    };
    return Reflect.apply(connect, this, [given, ...rest]);
  };
  // The timer of an idle client is nobody's work that would have to be waited for.
  if (typeof release === 'function')
    methods._release = function (this: unknown, ...args: unknown[]) {
      return outside(() => Reflect.apply(release, this, args));
    };
  if (typeof newClient !== 'function') return;
  methods.newClient = function (this: unknown, ...args: unknown[]) {
    const outer = creating;
    creating = isObject(this) ? this : undefined;
    try {
      return Reflect.apply(newClient, this, args);
    } finally {
      creating = outer;
    }
  };
}

function follow(client: Client, ClientClass: ClientClass, raw: Methods): PgLog | undefined {
  const { connection, connectionParameters: parameters } = client;
  if (connection === undefined || parameters === undefined || parameters.replication) return undefined;
  const known = followed.get(connection);
  if (known !== undefined && creating === undefined) return known;
  const database = databaseOf(client, ClientClass, raw);
  const { log } = database;
  followed.set(connection, log);
  if (creating !== undefined && ![...database.pools].some((known) => known.deref() === creating)) database.pools.add(new WeakRef(creating));
  if (lineOf(connection) !== undefined) return log;
  const line: Line = {
    mark: (cause) => log.mark(cause),
    idle: (changedSchema) => {
      if (!log.isOn) return;
      log.schedule();
      if (changedSchema) log.look();
    },
    sent: [],
    inTransaction: false,
    traced: false,
    ddl: false,
  };
  followLine(connection, line);
  const reference = new WeakRef(client);
  database.clients.add(reference);
  connection.prependListener('end', () => {
    database.clients.delete(reference);
    line.sent.length = 0;
    line.inTransaction = false;
    guarded('pg', () => settle(database));
  });
  settle(database);
  return log;
}

/** Measured while the application uses it: a database that we hold open cannot be dropped, nor be copied. */
function settle(database: Database): void {
  const isMeasured = wanted && isUsed(database);
  if (isMeasured !== database.log.isWanted) void outside(() => database.log.want(isMeasured));
}

function isUsed({ clients, pools }: Database): boolean {
  for (const reference of clients) if (reference.deref() === undefined) clients.delete(reference);
  for (const reference of pools) if (reference.deref()?.ending !== false) pools.delete(reference);
  return clients.size > 0 || pools.size > 0;
}

function databaseOf(client: Client, ClientClass: ClientClass, raw: Methods): Database {
  const name = `${String(client.host)}:${String(client.port)}/${String(client.database)}`;
  let database = databases.get(name);
  if (database === undefined) {
    const ways = new Map<string, () => Promise<Own>>();
    const log = new PgLog(name, () => [...ways.values()], announce);
    database = { log, ways, clients: new Set(), pools: new Set() };
    databases.set(name, database);
  }
  const user = String(client.connectionParameters?.user);
  if (!database.ways.has(user)) {
    const config = configOf(client, creating?.options);
    database.ways.set(user, () => connectOwn(ClientClass, raw, config));
  }
  return database;
}

/** As the application's, with its password, which a copy of the object would leave behind. */
function configOf(client: Client, options: Record<string, unknown> | undefined): Record<string, unknown> {
  const { user, database, host, port, ssl, options: flags } = client.connectionParameters as Record<string, unknown>;
  const password = options !== undefined && 'password' in options ? options.password : client.password;
  return {
    ...(typeof options?.stream === 'function' ? { stream: options.stream } : {}),
    ...{ user, database, host, port, ssl, password, options: flags },
    application_name: 'socket-replay',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  };
}

async function connectOwn(ClientClass: ClientClass, raw: Methods, config: Record<string, unknown>): Promise<Own> {
  const client = new ClientClass(config);
  const connecting = Reflect.apply(raw.connect, client, []) as Promise<unknown>;
  let lost = (): void => undefined;
  let ended = false;
  const gone = (): void => {
    if (!ended) lost();
  };
  client.on('error', gone);
  client.on('end', gone);
  await connecting;
  client.connection?.stream?.unref?.();
  return {
    query: async (sql, values) => {
      const result = (await Reflect.apply(raw.query, client, values === undefined ? [sql] : [sql, values])) as { rows?: Record<string, unknown>[] };
      return result.rows ?? [];
    },
    processId: client.processID ?? null,
    onLost: (listener) => {
      lost = listener;
    },
    ref: () => void client.connection?.stream?.ref?.(),
    end: async () => {
      ended = true;
      await Reflect.apply(raw.end, client, []);
    },
  };
}

async function measure(on: boolean): Promise<void> {
  wanted = on;
  const all = [...databases.values()];
  await outside(() => Promise.all(all.map((database) => database.log.want(on && isUsed(database)))));
}

/** The application has ended by itself: nothing is left behind. */
function leave(): void {
  if (logs().some((log) => log.isOn)) void measure(false);
}

const logs = (): PgLog[] => [...databases.values()].map(({ log }) => log);
const announce = announcer(() => tables());
const tables = (): Table[] => [...new Map(logs().flatMap((log) => log.tables.map((table) => [table.name, table] as const))).values()];

/** Where several databases have a table of one name, the first is told. */
async function states(): Promise<TableState[]> {
  const found = new Map<string, TableState>();
  for (const log of logs()) for (const state of await log.states()) if (!found.has(state.table)) found.set(state.table, state);
  return [...found.values()];
}

/** What traces have sent and not seen the end of is open work; so is a transaction that one of them writes in. */
async function flush(): Promise<number> {
  let open = waiting;
  for (const { clients } of databases.values()) for (const reference of clients) open += openOf(reference.deref());
  await Promise.all(logs().map((log) => log.flush()));
  return open;
}

function openOf(client: Client | undefined): number {
  const line = client?.connection && lineOf(client.connection);
  if (client === undefined || line === undefined) return 0;
  return line.sent.filter(isTraced).length + queueOf(client).filter(isTraced).length + (line.inTransaction && line.traced ? 1 : 0);
}

export const pg: Driver = {
  module: /[\\/]node_modules[\\/]pg[^\\/]*[\\/]lib[\\/]index\.js$/,
  adopt,
  measured: () => loaded && !(databases.size > 0 && logs().every((log) => log.hasFailed)),
  measure,
  tables,
  states,
  flush,
};

const bound = (callback: AnyFunction, context: ReturnType<typeof currentContext>): AnyFunction =>
  function (this: unknown, ...args: unknown[]) {
    return within(context, () => Reflect.apply(callback, this, args));
  };

/** The one without the underscore warns of itself where there is one with it. */
function queueOf(client: Client): object[] {
  if (Array.isArray(client._queryQueue)) return client._queryQueue;
  const own = Object.getOwnPropertyDescriptor(client, 'queryQueue')?.value as unknown;
  return Array.isArray(own) ? (own as object[]) : [];
}
