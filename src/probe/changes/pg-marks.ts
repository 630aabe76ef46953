/**
 * Every statement of a measured client carries the trace that sent it, as a comment at its very end, where the triggers read it. Put there
 * on its way to the server: what the application sees of its queries, prepared statements and errors stays what it was. What a query calls
 * back runs in the context that it was asked in, because the socket's own is somebody else's.
 */
import { type Context, causeOf, currentContext, within } from '../context.js';
import type { AnyFunction } from '../foreign.js';
import { guarded } from '../guard.js';

export interface Connection {
  parsedStatements?: Record<string, unknown>;
  prependListener(event: string, listener: (message?: { status?: unknown }) => void): unknown;
}

/** What is known of one connection of the application. */
export interface Line {
  /** what its statements carry; undefined while nobody measures the database */
  mark(cause: string | null): string | undefined;
  /** a statement was answered, and no transaction is open */
  idle(changedSchema: boolean): void;
  /** sent and not answered yet */
  readonly sent: object[];
  inTransaction: boolean;
  /** a trace has sent something since the transaction began */
  traced: boolean;
  ddl: boolean;
}

interface Tag {
  readonly context: Context | undefined;
  readonly cause: string | null;
}

interface Sending {
  readonly mark: string;
  readonly line: Line;
  /** the named statement whose text was just sent without its name */
  parsed: string | undefined;
}

interface Statement {
  text?: unknown;
  name?: unknown;
}

const CALLED = [
  'handleRowDescription',
  'handleDataRow',
  'handlePortalSuspended',
  'handleCommandComplete',
  'handleEmptyQuery',
  'handleReadyForQuery',
  'handleCopyInResponse',
  'handleCopyData',
] as const;
const DDL = /\b(?:create|alter|drop|import)\b/i;
/** `SELECT … INTO` makes a table */
const [INTO, INSERT] = [/\binto\b/i, /\b(?:insert|merge)\b/i];
const MAX_LOOKED_AT = 10_000;

const patched = new WeakSet<object>();
const tags = new WeakMap<object, Tag>();
const marks = new WeakMap<object, string>();
const lines = new WeakMap<object, Line>();
const texts = new WeakMap<object, Map<string, Statement>>();
let entering: Tag | undefined;
let sending: Sending | undefined;

const isPatched = (target: object): boolean => patched.has(target);

export function once(target: object): boolean {
  if (patched.has(target)) return false;
  patched.add(target);
  return true;
}

export const lineOf = (connection: object): Line | undefined => lines.get(connection);

export function followLine(connection: Connection, line: Line): void {
  lines.set(connection, line);
  connection.prependListener('readyForQuery', (message) => guarded('pg', () => answered(line, message?.status)));
}

/** A query or what else can be submitted, as the application hands it over. */
export function tagQuery(query: object): void {
  const context = currentContext();
  tags.set(query, { context, cause: causeOf(context) });
  patchSubmittable(query);
}

/** Runs the client's own `query`, which makes a query object that nobody else sees. */
export function tagInside<T>(queue: readonly object[], run: () => T): T {
  const context = currentContext();
  const before = queue.at(-1);
  const outer = entering;
  const tag = { context, cause: causeOf(context) };
  // Submitted at once, if nothing stands in front of it.
  entering = before === undefined ? tag : undefined;
  try {
    return run();
  } finally {
    entering = outer;
    const last = queue.at(-1);
    if (last !== undefined && last !== before && !tags.has(last)) tags.set(last, tag);
  }
}

/** whether a trace waits for it */
export const isTraced = (query: object): boolean => typeof tags.get(query)?.cause === 'string';

/** The prototype, so that every query of its kind is reached; one that has a method of its own is changed itself. */
export function patchSubmittable(query: object): void {
  const owner = ownerOf(query, 'submit');
  if (owner === undefined || !once(owner)) return;
  const methods = owner as Record<string, AnyFunction>;
  const submit = methods.submit as AnyFunction;
  methods.submit = function (...args: unknown[]) {
    return submitted(this as object, args, () => Reflect.apply(submit, this, args));
  };
  for (const name of CALLED) {
    const holder = ownerOf(query, name) as Record<string, AnyFunction> | undefined;
    const original = holder?.[name];
    if (holder === undefined || typeof original !== 'function' || isPatched(original)) continue;
    const replacement = inContext(original);
    once(replacement);
    holder[name] = replacement;
  }
  const holder = ownerOf(query, 'handleError') as Record<string, AnyFunction> | undefined;
  const original = holder?.handleError;
  if (holder === undefined || typeof original !== 'function' || isPatched(original)) return;
  const withError = inContext(original);
  const replacement: AnyFunction = function (...args: unknown[]) {
    const mark = marks.get(this as object);
    if (mark !== undefined) guarded('pg error', () => forgetMark(args[0], mark, (this as Statement).text));
    return Reflect.apply(withError, this, args);
  };
  once(replacement);
  holder.handleError = replacement;
}

export function patchConnection(prototype: object): void {
  if (!once(prototype)) return;
  const methods = prototype as Record<'query' | 'parse' | 'bind', AnyFunction>;
  const { query, parse, bind } = methods;
  methods.query = function (...args: unknown[]) {
    const [text, ...rest] = args;
    if (sending === undefined || typeof text !== 'string') return Reflect.apply(query, this, args);
    sending.line.ddl ||= isDdl(text);
    return Reflect.apply(query, this, [text + sending.mark, ...rest]);
  };
  methods.parse = function (...args: unknown[]) {
    const [statement, ...rest] = args as [Statement, ...unknown[]];
    const name = nameOf(statement?.name);
    if (name !== undefined) remember(this as object, name, statement);
    if (sending === undefined || typeof statement?.text !== 'string') return Reflect.apply(parse, this, args);
    sending.line.ddl ||= isDdl(statement.text);
    // Under its name the server keeps the text of now, with a trace that is not the next one's.
    if (name !== undefined) Reflect.apply(parse, this, args);
    sending.parsed = name;
    return Reflect.apply(parse, this, [{ ...statement, name: '', text: statement.text + sending.mark }, ...rest]);
  };
  methods.bind = function (...args: unknown[]) {
    const [config, ...rest] = args as [{ statement?: unknown } | undefined, ...unknown[]];
    const name = nameOf(config?.statement);
    if (sending === undefined || name === undefined) return Reflect.apply(bind, this, args);
    if (sending.parsed !== name) {
      const known = texts.get(this as object)?.get(name) ?? { text: (this as Connection).parsedStatements?.[name] };
      if (typeof known.text !== 'string') return Reflect.apply(bind, this, args);
      Reflect.apply(parse, this, [{ ...known, name: '', text: known.text + sending.mark }, ...rest]);
    }
    return Reflect.apply(bind, this, [{ ...config, statement: '' }, ...rest]);
  };
}

function submitted<T>(query: object, [connection]: unknown[], submit: () => T): T {
  const line = typeof connection === 'object' && connection !== null ? lines.get(connection) : undefined;
  // Inside of another one: a stream over a cursor.
  if (line === undefined || sending !== undefined) return submit();
  const tag = tags.get(query) ?? entering;
  if (tag !== undefined) tags.set(query, tag);
  const mark = line.mark(tag?.cause ?? null);
  if (mark !== undefined) {
    marks.set(query, mark);
    sending = { mark, line, parsed: undefined };
  }
  if (tag?.cause) line.traced = true;
  line.sent.push(query);
  try {
    const error = submit();
    if (error) line.sent.pop();
    return error;
  } finally {
    sending = undefined;
  }
}

function answered(line: Line, status: unknown): void {
  line.sent.shift();
  line.inTransaction = status === 'T' || status === 'E';
  if (line.inTransaction) return;
  const { ddl } = line;
  line.traced = line.sent.some(isTraced);
  line.ddl = false;
  line.idle(ddl);
}

function inContext(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const context = tags.get(this as object)?.context;
    return context === undefined ? Reflect.apply(original, this, args) : within(context, () => Reflect.apply(original, this, args));
  };
}

/** The end of the statement is where the application's text ends; so is what the server quotes. */
function forgetMark(given: unknown, mark: string, text: unknown): void {
  const error = given as Record<'message' | 'position' | 'length', unknown> | null | undefined;
  if (typeof error?.message !== 'string') return;
  const { message, position } = error;
  const told = message.replaceAll(mark, '');
  if (told !== message) error.message = told;
  if (typeof position === 'string' && typeof text === 'string' && Number(position) > text.length) {
    const end = [...text].length + 1;
    if (Number(position) > end) error.position = String(end);
  }
  // of the server's message, in bytes
  const less = message.length - told.length + (String(position).length - String(error.position).length);
  if (less > 0 && typeof error.length === 'number') error.length -= less;
}

function remember(connection: object, name: string, statement: Statement): void {
  let known = texts.get(connection);
  if (known === undefined) {
    known = new Map();
    texts.set(connection, known);
  }
  known.set(name, statement);
}

function ownerOf(object: object, method: string): object | undefined {
  let owner: object | null = object;
  while (owner !== null && !Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner);
  return owner ?? undefined;
}

const nameOf = (name: unknown): string | undefined => (typeof name === 'string' && name !== '' ? name : undefined);

function isDdl(text: string): boolean {
  const looked = text.length > MAX_LOOKED_AT ? text.slice(0, MAX_LOOKED_AT) : text;
  return DDL.test(looked) || (INTO.test(looked) && !INSERT.test(looked));
}
