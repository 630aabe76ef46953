/** better-sqlite3: its prototypes patched in place, so that a connection is known from its first statement on. */
import type { Table, TableState } from '../../wire/messages.js';
import { outside } from '../context.js';
import type { AnyFunction } from '../foreign.js';
import { guarded } from '../guard.js';
import { announcer } from './announce.js';
import type { Driver } from './drivers.js';
import { type Connection, SqliteLog } from './sqlite-log.js';
import { PREFIX } from './sqlite-schema.js';
import { isDdl, replacesRows, rollsBack } from './sqlite-text.js';

interface Statement {
  run(...args: unknown[]): unknown;
  all(...args: unknown[]): unknown[];
  safeIntegers(on: boolean): Statement;
  readonly database: Database;
  readonly reader: boolean;
  readonly source: string;
}

interface Database {
  readonly name: string;
  readonly open: boolean;
  readonly readonly: boolean;
  readonly memory: boolean;
  readonly inTransaction: boolean;
}

type Methods = Record<'prepare' | 'exec' | 'function' | 'close', AnyFunction>;

/** what SQLite says when a trigger of ours no longer fits its table */
const STALE = new RegExp(`^no such column: (?:NEW|OLD)\\.|\\b${PREFIX}`, 'i');
const STATEMENT_METHODS = ['run', 'get', 'all', 'iterate'] as const;

const patched = new WeakSet<object>();
const logs = new WeakMap<Database, SqliteLog>();
/** weak: an application may forget a connection without closing it */
const known = new Set<WeakRef<Database>>();
let wanted = false;
const announceTables = announcer(() => tables());

let loaded = false;
/** what our own statements run by, by the prototype of statements */
const unpatched = new WeakMap<object, AnyFunction>();

function adopt(exports: unknown): void {
  if (typeof exports !== 'function' || patched.has(exports)) return;
  patched.add(exports);
  loaded = true;
  const prototype = exports.prototype as Methods;
  const raw: Methods = { prepare: prototype.prepare, exec: prototype.exec, function: prototype.function, close: prototype.close };
  prototype.exec = function exec(this: Database, sql: unknown, ...rest: unknown[]) {
    const log = logOf(this, raw);
    const given = [sql, ...rest];
    if (log?.isOn && replacesRows(sql)) guarded('replace', () => log.replacing());
    if (log !== undefined && isDdl(sql)) return changingSchema(this, log, sql as string, () => Reflect.apply(raw.exec, this, given));
    if (!log?.isOn) return Reflect.apply(raw.exec, this, given);
    const result = healing(log, raw.exec, this, given);
    if (rollsBack(sql)) guarded('rollback', () => log.rolledBack());
    return result;
  } as AnyFunction;
  prototype.prepare = function prepare(this: Database, sql: unknown, ...rest: unknown[]) {
    const log = logOf(this, raw);
    if (log === undefined) return Reflect.apply(raw.prepare, this, [sql, ...rest]);
    const given = [sql, ...rest];
    if (log.isOn && replacesRows(sql)) guarded('replace', () => log.replacing());
    const statement = (log.isOn ? healing(log, raw.prepare, this, given) : Reflect.apply(raw.prepare, this, given)) as Statement;
    if (!patched.has(Object.getPrototypeOf(statement) as object)) guarded('prepare', () => patchStatements(statement));
    if (isDdl(sql)) guarded('prepare', () => watchDdl(statement, log));
    return statement;
  } as AnyFunction;
  prototype.close = function close(this: Database, ...args: unknown[]) {
    const log = logs.get(this);
    if (log !== undefined) guarded('close', () => outside(() => log.flush()));
    return Reflect.apply(raw.close, this, args);
  } as AnyFunction;
}

function measure(on: boolean): void {
  wanted = on;
  for (const log of openLogs()) guarded('changes', () => outside(() => log.want(on)));
}

const tables = (): Table[] => [...new Map(openLogs().flatMap((log) => log.tables.map((table) => [table.name, table] as const))).values()];

/** Of the databases that are open; where several have a table of one name, the first is told. */
function states(): TableState[] {
  const found = new Map<string, TableState>();
  for (const log of openLogs()) for (const state of log.states()) if (!found.has(state.table)) found.set(state.table, state);
  return [...found.values()];
}

const flush = (): number => openLogs().filter((log) => !log.flush()).length;

export const betterSqlite3: Driver = {
  module: /[\\/]better-sqlite3[^\\/]*[\\/]lib[\\/]index\.js$/,
  adopt,
  measured: () => loaded,
  measure,
  tables,
  states,
  flush,
};

function openLogs(): SqliteLog[] {
  const open: SqliteLog[] = [];
  for (const reference of known) {
    const database = reference.deref();
    const log = database?.open ? logs.get(database) : undefined;
    if (log === undefined) known.delete(reference);
    else open.push(log);
  }
  return open;
}

function logOf(database: Database, raw: Methods): SqliteLog | undefined {
  return logs.get(database) ?? guarded('database', () => register(database, raw));
}

function register(database: Database, raw: Methods): SqliteLog | undefined {
  if (database.open !== true) return undefined;
  const log = new SqliteLog(connect(database, raw), announceTables);
  logs.set(database, log);
  known.add(new WeakRef(database));
  if (wanted) outside(() => log.want(true));
  return log;
}

function connect(database: Database, raw: Methods): Connection {
  /** a handful of constant texts */
  const prepared = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    const statement = prepared.get(sql) ?? (Reflect.apply(raw.prepare, database, [sql]) as Statement).safeIntegers(false);
    prepared.set(sql, statement);
    return statement;
  };
  return {
    get name() {
      return database.name;
    },
    get open() {
      return database.open;
    },
    get readonly() {
      return database.readonly;
    },
    get inTransaction() {
      return database.inTransaction;
    },
    exec: (sql) => void Reflect.apply(raw.exec, database, [sql]),
    query: (sql, ...params) => {
      const statement = prepare(sql);
      return Reflect.apply(unpatched.get(Object.getPrototypeOf(statement) as object) ?? statement.all, statement, params) as Record<string, unknown>[];
    },
    define: (name, run) => void Reflect.apply(raw.function, database, [name, { varargs: true, safeIntegers: true }, run]),
  };
}

/** Other connections to the same file have to learn of the new tables as well. */
function changingSchema<T>(database: Database, log: SqliteLog, sql: string, run: () => T): T {
  try {
    return log.aroundDdl(sql, run);
  } finally {
    if (log.isOn) guarded('ddl', () => refreshPeers(database));
  }
}

function refreshPeers(database: Database): void {
  if (database.memory || known.size < 2) return;
  for (const reference of known) {
    const peer = reference.deref();
    if (peer !== undefined && peer !== database && peer.open && peer.name === database.name && !peer.inTransaction) logs.get(peer)?.refresh();
  }
}

/** A statement that no longer compiles because the schema changed under our triggers has done nothing yet: once more with new ones. */
function healing(log: SqliteLog, method: AnyFunction, self: unknown, args: unknown[]): unknown {
  try {
    return Reflect.apply(method, self, args);
  } catch (error) {
    if (STALE.test(String((error as { message?: unknown } | null)?.message)) && log.refresh()) return Reflect.apply(method, self, args);
    throw error;
  }
}

function patchStatements(statement: Statement): void {
  const prototype = Object.getPrototypeOf(statement) as Record<string, AnyFunction>;
  patched.add(prototype);
  if (prototype.all !== undefined) unpatched.set(prototype, prototype.all);
  for (const name of STATEMENT_METHODS) {
    const original = prototype[name];
    if (typeof original !== 'function') continue;
    prototype[name] = function (this: Statement, ...args: unknown[]) {
      const log = wanted ? logs.get(this.database) : undefined;
      if (log?.isOn && replacesRows(this.source)) guarded('replace', () => log.replacing());
      if (!log?.isOn) return Reflect.apply(original, this, args);
      const result = healing(log, original, this, args);
      if (rollsBack(this.source)) guarded('rollback', () => log.rolledBack());
      return result;
    } as AnyFunction;
  }
}

function watchDdl(statement: Statement, log: SqliteLog): void {
  for (const name of STATEMENT_METHODS) {
    const original = (statement as unknown as Record<string, AnyFunction>)[name];
    if (typeof original !== 'function') continue;
    const value = (...args: unknown[]): unknown => changingSchema(statement.database, log, statement.source, () => Reflect.apply(original, statement, args));
    Object.defineProperty(statement, name, { value, configurable: true, writable: true, enumerable: false });
  }
}
