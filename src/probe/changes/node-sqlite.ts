/** node:sqlite, where Node has it. Loaded at once, because no hook sees every way to load it; its warning is held back until it is used. */
import type { Table, TableState } from '../../wire/messages.js';
import { outside } from '../context.js';
import type { AnyFunction } from '../foreign.js';
import { guarded } from '../guard.js';
import { warn } from '../hub.js';
import { announcer } from './announce.js';
import type { Driver } from './drivers.js';
import { type Connection, SqliteLog } from './sqlite-log.js';
import { isDdl, replacesRows, rollsBack } from './sqlite-text.js';

interface Database {
  readonly isOpen?: boolean;
  readonly isTransaction?: boolean;
}
type Class = { prototype: Record<string | symbol, AnyFunction> };
type Exports = { DatabaseSync?: Class; StatementSync?: Class };

const STATEMENT_METHODS = ['run', 'get', 'all', 'iterate'] as const;

const logs = new WeakMap<Database, SqliteLog>();
const known = new Set<WeakRef<Database>>();
const statements = new WeakMap<object, { database: Database; sql: string }>();
let wanted = false;
let used = false;
const announceTables = announcer(() => nodeSqlite.tables());
let held: unknown[] | undefined;

/** At the start of the process. */
export function adoptNodeSqlite(): void {
  const { getBuiltinModule, emitWarning } = process as { getBuiltinModule?: (name: string) => unknown; emitWarning: AnyFunction };
  if (getBuiltinModule === undefined) return;
  process.emitWarning = ((...args: unknown[]) => {
    if (String(args[0]).includes('SQLite') && args[1] === 'ExperimentalWarning') held = args;
    else Reflect.apply(emitWarning, process, args);
  }) as typeof process.emitWarning;
  try {
    adopt(getBuiltinModule.call(process, 'node:sqlite'));
  } finally {
    process.emitWarning = emitWarning as typeof process.emitWarning;
  }
}

function adopt(exports: unknown): void {
  const { DatabaseSync, StatementSync } = (exports ?? {}) as Exports;
  if (DatabaseSync === undefined || StatementSync === undefined) return;
  const raw = { ...DatabaseSync.prototype };
  for (const name of ['prepare', 'exec', 'close', 'function', 'location'])
    if (DatabaseSync.prototype[name]) raw[name] = DatabaseSync.prototype[name] as AnyFunction;
  const all = StatementSync.prototype.all as AnyFunction;
  patch(DatabaseSync, 'exec', (original, self, args) => {
    const log = logOf(self as Database, raw, all);
    return measured(log, args[0], () => Reflect.apply(original, self, args));
  });
  patch(DatabaseSync, 'prepare', (original, self, args) => {
    const log = logOf(self as Database, raw, all);
    if (log?.isOn && replacesRows(args[0])) guarded('replace', () => log.replacing());
    const statement = Reflect.apply(original, self, args);
    statements.set(statement as object, { database: self as Database, sql: String(args[0]) });
    return statement;
  });
  for (const name of ['createTagStore', 'applyChangeset'])
    patch(DatabaseSync, name, (original, self, args) => {
      logOf(self as Database, raw, all);
      return Reflect.apply(original, self, args);
    });
  for (const name of ['close', Symbol.dispose] as const)
    if (name !== undefined)
      patch(DatabaseSync, name, (original, self, args) => {
        const log = logs.get(self as Database);
        if (log !== undefined) guarded('close', () => outside(() => log.flush()));
        return Reflect.apply(original, self, args);
      });
  for (const name of STATEMENT_METHODS)
    patch(StatementSync, name, (original, self, args) => {
      const own = wanted ? statements.get(self as object) : undefined;
      const log = own && logs.get(own.database);
      return measured(log, own?.sql, () => Reflect.apply(original, self, args));
    });
}

function measured(log: SqliteLog | undefined, sql: unknown, run: () => unknown): unknown {
  if (!log?.isOn || typeof sql !== 'string') return run();
  if (replacesRows(sql)) guarded('replace', () => log.replacing());
  if (isDdl(sql)) return log.aroundDdl(sql, run);
  const result = run();
  if (rollsBack(sql)) guarded('rollback', () => log.rolledBack());
  return result;
}

function measure(on: boolean): void {
  wanted = on;
  for (const log of openLogs()) guarded('changes', () => outside(() => log.want(on)));
}

export const nodeSqlite: Driver = {
  // a part of Node: see adoptNodeSqlite
  module: /$^/,
  adopt,
  measured: () => used,
  measure,
  tables: () => [...new Map(openLogs().flatMap((log) => log.tables.map((table): [string, Table] => [table.name, table]))).values()],
  states: () => [...new Map(openLogs().flatMap((log) => log.states().map((state): [string, TableState] => [state.table, state]))).values()],
  flush: () => openLogs().filter((log) => !log.flush()).length,
};

function openLogs(): SqliteLog[] {
  const open: SqliteLog[] = [];
  for (const reference of known) {
    const database = reference.deref();
    const log = database === undefined ? undefined : logs.get(database);
    if (log === undefined || log.isClosed) known.delete(reference);
    else open.push(log);
  }
  return open;
}

function logOf(database: Database, raw: Record<string, AnyFunction>, all: AnyFunction): SqliteLog | undefined {
  return logs.get(database) ?? guarded('database', () => register(database, raw, all));
}

function register(database: Database, raw: Record<string, AnyFunction>, all: AnyFunction): SqliteLog | undefined {
  if (held !== undefined) {
    const [message, ...more] = held as [string, ...never[]];
    held = undefined;
    process.emitWarning(message, ...more);
  }
  if (raw.function === undefined || !('isTransaction' in database)) {
    warn('changes-unmeasured', 'Rows that the application writes through node:sqlite are not measured: that needs Node 22.16 or 24.', 'node:sqlite');
    return undefined;
  }
  used = true;
  if (!database.isOpen) return undefined;
  const log = new SqliteLog(connect(database, raw, all), announceTables);
  logs.set(database, log);
  known.add(new WeakRef(database));
  if (wanted) outside(() => log.want(true));
  return log;
}

function connect(database: Database, raw: Record<string, AnyFunction>, all: AnyFunction): Connection {
  const prepared = new Map<string, unknown>();
  const call = (name: string, ...args: unknown[]): unknown => Reflect.apply(raw[name] as AnyFunction, database, args);
  return {
    name: String((raw.location && guarded('location', () => call('location'))) ?? ':memory:'),
    get open() {
      return database.isOpen === true;
    },
    readonly: false,
    get inTransaction() {
      return database.isTransaction === true;
    },
    exec: (sql) => void call('exec', sql),
    query(sql, ...params) {
      if (!prepared.has(sql)) prepared.set(sql, call('prepare', sql));
      return Reflect.apply(all, prepared.get(sql), params) as Record<string, unknown>[];
    },
    define: (name, run) => void call('function', name, { varargs: true, useBigIntArguments: true }, run),
  };
}

function patch({ prototype }: Class, name: string | symbol, run: (original: AnyFunction, self: unknown, args: unknown[]) => unknown): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  if (typeof descriptor?.value !== 'function') return;
  const original = descriptor.value as AnyFunction;
  const value = function (this: unknown, ...args: unknown[]): unknown {
    return run(original, this, args);
  };
  Object.defineProperties(value, { name: { value: original.name, configurable: true }, length: { value: original.length, configurable: true } });
  Object.defineProperty(prototype, name, { ...descriptor, value });
}
