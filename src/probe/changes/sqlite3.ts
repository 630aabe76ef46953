/** node-sqlite3 and the forks with its API: prototypes patched in place. What writes runs alone on its connection while rows are measured. */
import type { Table, TableState } from '../../wire/messages.js';
import { type Context, currentCause, currentContext, isFollowing, within } from '../context.js';
import type { AnyFunction } from '../foreign.js';
import { guarded } from '../guard.js';
import { warn } from '../hub.js';
import { realSetTimeout } from '../timers.js';
import { announcer } from './announce.js';
import type { Driver } from './drivers.js';
import { onlyReads } from './sqlite-text.js';
import type { Gate, Rows } from './sqlite3-gate.js';
import { Sqlite3Log } from './sqlite3-log.js';

interface Database {
  readonly filename?: string;
  readonly open: boolean;
  emit(event: string, ...args: unknown[]): boolean;
}

interface Statement {
  readonly sql?: string;
  emit(event: string, ...args: unknown[]): boolean;
}

type StatementClass = { new (database: Database, sql: string, callback?: AnyFunction): Statement; prototype: Record<string, AnyFunction> };
type Exports = { Database?: { prototype: Record<string, AnyFunction> }; Statement?: StatementClass };

/** of a prepared statement */
interface Prepared {
  database: Database;
  /** calls that wait until they may begin: those that follow wait behind them */
  waiting: number;
}

const DATABASE_METHODS = ['run', 'get', 'all', 'each', 'map'] as const;
const STATEMENT_METHODS = ['run', 'get', 'all', 'each', 'bind', 'reset', 'finalize'] as const;
/** that execute the statement */
const EXECUTING = new Set<string>(['run', 'get', 'all', 'each']);
/** A database that never opens must not hold up a reader. */
const PATIENCE_MS = 2_000;

const patched = new WeakSet<object>();
const logs = new WeakMap<Database, Sqlite3Log>();
const known = new Set<WeakRef<Database>>();
const prepared = new WeakMap<Statement, Prepared>();
/** set while the driver's own code runs a statement of the call that we have in hand; `ended` where we want to know */
let inside: { ended?: () => void } | undefined;
let wanted = false;
let loaded = false;
const announce = announcer(() => tables());

function adopt(exports: unknown): void {
  const { Database, Statement } = (exports ?? {}) as Exports;
  if (Database === undefined || Statement === undefined || patched.has(Database)) return;
  patched.add(Database);
  const [database, statement] = [Database.prototype, Statement.prototype];
  const needed = [...DATABASE_METHODS, 'exec', 'prepare', 'close', 'serialize', 'wait'].filter((name) => typeof database[name] !== 'function');
  needed.push(...STATEMENT_METHODS.filter((name) => typeof statement[name] !== 'function'));
  if (needed.length > 0) {
    warn('changes-unmeasured', `Rows that the application writes through this version of sqlite3 are not measured: it has no ${needed.join(', ')}.`, 'sqlite3');
    return;
  }
  loaded = true;
  const raw = {
    ...pick(database, [...DATABASE_METHODS, 'exec', 'prepare', 'close', 'serialize', 'wait']),
    statement: pick(statement, STATEMENT_METHODS),
    Statement,
  };
  patchDatabase(database, raw as Raw);
  patchStatement(statement, raw as Raw);
}

type Raw = Record<(typeof DATABASE_METHODS)[number] | 'exec' | 'prepare' | 'close' | 'serialize' | 'wait', AnyFunction> & {
  statement: Record<(typeof STATEMENT_METHODS)[number], AnyFunction>;
  Statement: StatementClass;
};

function patchDatabase(prototype: Record<string, AnyFunction>, raw: Raw): void {
  for (const name of DATABASE_METHODS) {
    patch(prototype, name, function (this: Database, ...given: unknown[]) {
      const args = bound(given);
      const log = logOf(this, raw);
      const sql = args[0];
      if (!log?.isActive || typeof sql !== 'string' || onlyReads(sql)) return within2({}, () => Reflect.apply(raw[name], this, args));
      const cause = currentCause();
      const ended = (): void => void guarded('rows', () => log.after(sql, cause));
      const begin = (values: unknown[]): unknown => serialized(raw, this, () => within2({ ended }, () => Reflect.apply(raw[name], this, values)));
      if (!log.needsWork(sql)) return begin(args);
      const values = copied(args);
      alone(raw, this, () => log.before(sql, () => begin(values)));
      return this;
    });
  }
  patch(prototype, 'exec', function (this: Database, ...given: unknown[]) {
    const args = bound(given);
    const log = logOf(this, raw);
    const [sql, callback] = args;
    if (!log?.isActive || typeof sql !== 'string' || onlyOne(sql) || !(callback === undefined || typeof callback === 'function'))
      return Reflect.apply(raw.exec, this, args);
    const cause = currentCause();
    const done = (...answer: unknown[]): void => {
      guarded('rows', () => log.after(sql, cause));
      if (typeof callback === 'function') Reflect.apply(callback as AnyFunction, this, answer);
      else if (answer[0]) this.emit('error', answer[0]);
    };
    if (!log.needsWork(sql)) return Reflect.apply(raw.exec, this, [sql, done]);
    alone(raw, this, () => log.before(sql, () => Reflect.apply(raw.exec, this, [sql, done])));
    return this;
  });
  patch(prototype, 'prepare', function (this: Database, ...given: unknown[]) {
    logOf(this, raw);
    const statement = within2({}, () => Reflect.apply(raw.prepare, this, bound(given))) as Statement;
    if (typeof statement === 'object' && statement !== null) prepared.set(statement, { database: this, waiting: 0 });
    return statement;
  });
  patch(prototype, 'close', function (this: Database, ...given: unknown[]) {
    const args = bound(given);
    const log = logs.get(this);
    if (!log?.isActive) return Reflect.apply(raw.close, this, args);
    alone(raw, this, () => log.closing(() => Reflect.apply(raw.close, this, args)));
    return this;
  });
  patch(prototype, 'wait', function (this: Database, ...given: unknown[]) {
    return Reflect.apply(raw.wait, this, bound(given));
  });
}

/** The driver runs a prepared statement beside everything else: while rows are measured it waits for its turn. */
function patchStatement(prototype: Record<string, AnyFunction>, raw: Raw): void {
  for (const name of STATEMENT_METHODS) {
    const original = raw.statement[name];
    patch(prototype, name, function (this: Statement, ...given: unknown[]) {
      if (inside !== undefined) {
        const { ended } = inside;
        return Reflect.apply(original, this, name === 'finalize' && ended !== undefined && given.length === 0 ? [ended] : given);
      }
      const args = bound(given);
      const own = prepared.get(this);
      const log = own && logOf(own.database, raw);
      if (own === undefined || !log?.isActive) return Reflect.apply(original, this, args);
      const sql = String(this.sql);
      const writes = EXECUTING.has(name) && !onlyReads(sql);
      if (!writes && own.waiting === 0 && !log.isWorking) return Reflect.apply(original, this, args);
      const cause = currentCause();
      const values = copied(args);
      const ended = (): void => void guarded('rows', () => log.afterPrepared(sql, cause));
      own.waiting += 1;
      const begin = (): void => {
        own.waiting -= 1;
        try {
          if (!writes) Reflect.apply(original, this, values);
          else if (name === 'each') Reflect.apply(raw.statement.all, this, oneByOne(this, values, ended));
          else Reflect.apply(original, this, endingWith(this, values, ended));
        } catch (error) {
          const callback = values.find((value) => typeof value === 'function') as AnyFunction | undefined;
          if (callback === undefined) this.emit('error', error);
          else Reflect.apply(callback, this, [error]);
        }
      };
      alone(raw, own.database, () => (writes && log.needsWork(sql) ? log.before(sql, begin) : begin()));
      return name === 'finalize' ? own.database : this;
    });
  }
}

/** Where the driver has no callback it tells an error by an event: so do we then. */
function endingWith(statement: Statement, args: unknown[], ended: () => void): unknown[] {
  const callback = args.at(-1);
  const values = typeof callback === 'function' ? args.slice(0, -1) : args;
  const done = (...answer: unknown[]): void => {
    ended();
    if (typeof callback === 'function') Reflect.apply(callback as AnyFunction, statement, answer);
    else if (answer[0]) statement.emit('error', answer[0]);
  };
  return [...values, done];
}

/** The driver's `each` does not say when its statement has ended: what writes gives few rows, and they come together. */
function oneByOne(statement: Statement, args: unknown[], ended: () => void): unknown[] {
  const [row, complete] = args.filter((arg) => typeof arg === 'function') as AnyFunction[];
  const each = (error: unknown, rows: unknown): void => {
    if (error) {
      if (row === undefined) statement.emit('error', error);
      else Reflect.apply(row, statement, [error]);
      return;
    }
    for (const value of rows as unknown[]) if (row !== undefined) Reflect.apply(row, statement, [null, value]);
    if (complete !== undefined) Reflect.apply(complete, statement, [null, (rows as unknown[]).length]);
  };
  return endingWith(statement, [...args.filter((arg) => typeof arg !== 'function'), each], ended);
}

async function measure(on: boolean): Promise<void> {
  wanted = on;
  const open = openLogs();
  if (open.length === 0) return;
  const late = new Promise<void>((resolve) => realSetTimeout(resolve, PATIENCE_MS).unref());
  await Promise.race([Promise.all(open.map((log) => log.want(on))), late]);
}

const tables = (): Table[] => [...new Map(openLogs().flatMap((log) => log.tables.map((table) => [table.name, table] as const))).values()];

async function states(): Promise<TableState[]> {
  const all = await Promise.all(openLogs().map((log) => log.states()));
  return [
    ...new Map(
      all
        .flat()
        .reverse()
        .map((state) => [state.table, state]),
    ).values(),
  ].reverse();
}

function flush(): number | Promise<number> {
  const counts = openLogs().map((log) => log.flush());
  if (counts.every((count) => count === 0)) return 0;
  return Promise.all(counts).then((all) => all.reduce((sum, count) => sum + count, 0));
}

export const sqlite3: Driver = {
  module: /[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?sqlite3[^\\/]*[\\/]lib[\\/]sqlite3\.js$/,
  adopt,
  measured: () => loaded,
  measure,
  tables,
  states,
  flush,
};

function openLogs(): Sqlite3Log[] {
  const open: Sqlite3Log[] = [];
  for (const reference of known) {
    const database = reference.deref();
    const log = database === undefined ? undefined : logs.get(database);
    if (log === undefined) known.delete(reference);
    else if (database?.open) open.push(log);
  }
  return open;
}

function logOf(database: Database, raw: Raw): Sqlite3Log | undefined {
  return logs.get(database) ?? guarded('database', () => register(database, raw));
}

/** In front of the statement that made us see it: the driver keeps what comes behind. */
function register(database: Database, raw: Raw): Sqlite3Log {
  const log = new Sqlite3Log(gateOf(database, raw), tellOthers, announce);
  logs.set(database, log);
  known.add(new WeakRef(database));
  if (wanted) void log.want(true);
  return log;
}

/** Other connections to the same file have to learn of a new schema as well. */
function tellOthers(changed: Sqlite3Log): void {
  if (changed.name === ':memory:' || changed.name === '') return;
  for (const log of openLogs()) if (log !== changed && log.name === changed.name) log.refreshLater();
}

function gateOf(database: Database, raw: Raw): Gate {
  const { run: _, ...statement } = raw.statement;
  return {
    get name() {
      return database.filename ?? '';
    },
    get open() {
      return database.open;
    },
    alone: (start) => alone(raw, database, start),
    exec: (sql, done) => void Reflect.apply(raw.exec, database, [sql, done]),
    query(sql, done) {
      let rows: Rows = [];
      let failure: unknown;
      serialized(raw, database, () => {
        const failed = (error: unknown): void => {
          if (error) done([], error);
        };
        const one = new raw.Statement(database, sql, failed as AnyFunction);
        const keep = (error: unknown, found: unknown): void => {
          failure = error ?? undefined;
          rows = (found ?? []) as Rows;
        };
        Reflect.apply(statement.all, one, [keep]);
        Reflect.apply(statement.finalize, one, [() => done(rows, failure)]);
      });
    },
    prepare(sql, done) {
      serialized(raw, database, () => {
        const ready = (error: unknown): void => {
          if (!error) done(reader);
        };
        const one = new raw.Statement(database, sql, ready as AnyFunction);
        const reader = {
          all: (after: number, read: (rows: Rows) => void) =>
            void Reflect.apply(statement.all, one, [after, (error: unknown, rows: unknown) => (error ? undefined : read(rows as Rows))]),
          finalize: (then: () => void = () => undefined) => void Reflect.apply(statement.finalize, one, [() => then()]),
        };
      });
    },
  };
}

/** The driver's own barrier: its callback runs where nothing else does. */
function alone(raw: Raw, database: Database, start: (error: unknown) => void): void {
  Reflect.apply(raw.wait, database, [(error: unknown) => start(error ?? undefined)]);
}

/** Exceptions of the arguments would be lost in the driver's callback. */
function serialized<T>(raw: Raw, database: Database, run: () => T): T {
  let outcome: { value: T } | { error: unknown } | undefined;
  const call = (): void => {
    try {
      outcome = { value: run() };
    } catch (error) {
      outcome = { error };
    }
  };
  Reflect.apply(raw.serialize, database, [call]);
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  return (outcome as { value: T } | undefined)?.value as T;
}

function within2<T>(call: { ended?: () => void }, run: () => T): T {
  const before = inside;
  inside = call;
  try {
    return run();
  } finally {
    inside = before;
  }
}

/** The driver calls back from wherever it has finished: callbacks run in the trace that gave them. */
function bound(args: unknown[]): unknown[] {
  if (!isFollowing()) return args;
  const context = currentContext();
  return args.map((arg) => (typeof arg === 'function' ? inContext(context, arg as AnyFunction) : arg));
}

const inContext = (context: Context | undefined, callback: AnyFunction): AnyFunction =>
  function (this: unknown, ...given: unknown[]) {
    return within(context, () => Reflect.apply(callback, this, given));
  };

/** The driver reads values at once; those of a call that waits must not change until then. */
const copied = (args: unknown[]): unknown[] => args.map((arg) => (Array.isArray(arg) ? arg.map(copy) : isPlain(arg) ? mapped(arg) : copy(arg)));
const copy = (value: unknown): unknown => (Buffer.isBuffer(value) ? Buffer.from(value) : value);
const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Buffer.isBuffer(value) && !(value instanceof Date) && !(value instanceof RegExp);
const mapped = (values: object): object => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, copy(value)]));
/** exec may have several statements: what begins by reading may go on by writing */
const onlyOne = (sql: string): boolean => onlyReads(sql) && !sql.trim().slice(0, -1).includes(';');

function pick(prototype: Record<string, AnyFunction>, names: readonly string[]): Record<string, AnyFunction> {
  return Object.fromEntries(names.map((name) => [name, prototype[name] as AnyFunction]));
}

function patch(prototype: Record<string, AnyFunction>, name: string, method: (this: never, ...args: unknown[]) => unknown): void {
  const value = method as unknown as AnyFunction;
  Object.defineProperty(value, 'name', { value: name, configurable: true });
  Object.defineProperty(prototype, name, {
    value,
    configurable: true,
    writable: true,
    enumerable: Object.getOwnPropertyDescriptor(prototype, name)?.enumerable ?? true,
  });
}
