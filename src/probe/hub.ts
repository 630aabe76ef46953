/** Who listens, and what each listener is told. Nothing is encoded or hashed that no reader wants. */
import { encode, encodeArgs, hashArgs } from '../wire/encode.js';
import type { FromProbe, SocketInfo } from '../wire/messages.js';
import { currentCause } from './context.js';
import type { Reader } from './reader.js';
import { followWork } from './work.js';

type Message<T extends FromProbe['type']> = Extract<FromProbe, { type: T }>;

/** A row change, its rows as JSON already. */
interface ChangeText {
  cause: string | null;
  op: string;
  table: string;
  key: string;
  before: string;
  after: string;
  at: number;
}

/** One emission; its receivers are added while the application's call runs, its line is written when the turn ends. */
export interface Emission {
  readonly message: Message<'push'>;
  /** JSON of the arguments, for readers that record */
  readonly args: string | undefined;
  sent: boolean;
}

const readers = new Set<Reader>();
const warnings = new Map<string, Message<'warning'>>();
let wanted = false;
let valuesWanted = false;
let pushes = 0;

export const isWanted = (): boolean => wanted;
export const currentReaders = (): Iterable<Reader> => readers;
export const knownWarnings = (): Iterable<Message<'warning'>> => warnings.values();
export const now = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;
export const lineOf = (message: FromProbe): string => `${JSON.stringify(message)}\n`;

export function addReader(reader: Reader): void {
  readers.add(reader);
  recount();
}

export function removeReader(reader: Reader): void {
  readers.delete(reader);
  recount();
}

/** Each problem once (`key` tells them apart), also to readers that come later. */
export function warn(code: string, message: string, key: string = message): void {
  if (warnings.has(`${code} ${key}`) || warnings.size > 100) return;
  const warning = { type: 'warning', code, message } as const;
  warnings.set(`${code} ${key}`, warning);
  for (const reader of readers) reader.push(lineOf(warning));
}

export function reportConnect(socket: SocketInfo): void {
  if (readers.size === 0) return;
  const line = lineOf({ type: 'connect', socket });
  for (const reader of readers) reader.push(line);
}

export function reportDisconnect(sid: string, reason: string): void {
  if (readers.size === 0) return;
  const line = lineOf({ type: 'disconnect', sid, reason, at: now() });
  for (const reader of readers) reader.push(line);
}

export function reportEmit(sid: string, n: number, event: string, args: readonly unknown[], asks: boolean): void {
  if (valuesWanted) tell({ type: 'emit', sid, n, event, asks, at: now() }, args);
}

export function reportAck(sid: string, n: number, args: readonly unknown[]): void {
  if (valuesWanted) tell({ type: 'ack', sid, n, at: now() }, args);
}

export function reportAnswer(push: number, sid: string, args: readonly unknown[]): void {
  if (valuesWanted) tellRecorders(lineOf({ type: 'answer', push, sid, args: tryEncode(args) ?? [], at: now() }));
}

export const lineOfChange = ({ cause, op, table, key, before, after, at }: ChangeText): string =>
  `{"type":"change","cause":${JSON.stringify(cause)},"op":"${op}","table":${JSON.stringify(table)},"key":${key},"before":${before},"after":${after},"at":${at}}\n`;

export const reportChange = (line: string): void => tellBoth(line);
export const reportTables = (tables: Message<'tables'>['tables']): void => tellBoth(lineOf({ type: 'tables', tables }));
export const reportLost = (count: number): void => tellBoth(lineOf({ type: 'lost', count }));

/** Numbers grow also while nobody listens. */
export function beginEmission(event: string, args: readonly unknown[], asks: boolean, except?: string[]): Emission {
  pushes += 1;
  const hash = wanted ? hashOf(args) : '';
  const values = valuesWanted ? tryEncode(args) : undefined;
  const message: Message<'push'> = { type: 'push', push: pushes, cause: currentCause(), event, hash, to: [], ...(except && { except }), asks, at: now() };
  const emission: Emission = { message, args: values && JSON.stringify(values), sent: false };
  for (const reader of readers) if (reader.mode !== 'list') reader.push(emission);
  return emission;
}

/** `sent` as soon as one reader has the line: a receiver that comes later needs a line of its own. */
export function lineOfEmission(emission: Emission, values: boolean): string {
  emission.sent = true;
  const text = JSON.stringify(emission.message);
  return values && emission.args !== undefined ? `${text.slice(0, -1)},"args":${emission.args}}\n` : `${text}\n`;
}

/** What clients see by themselves is told only to who records: a replay has it already, and it is most of what there is. */
function tell(message: Message<'emit' | 'ack'>, args: readonly unknown[]): void {
  const values = tryEncode(args);
  tellRecorders(lineOf(values === undefined ? message : { ...message, args: values }));
}

function tellRecorders(line: string): void {
  for (const reader of readers) if (reader.mode === 'record') reader.push(line);
}

function tellBoth(line: string): void {
  for (const reader of readers) if (reader.mode !== 'list') reader.push(line);
}

function recount(): void {
  wanted = [...readers].some(({ mode }) => mode !== 'list');
  valuesWanted = [...readers].some(({ mode }) => mode === 'record');
  followWork(wanted);
}

/** Values that cannot be told (cyclic, a `toJSON` that throws) leave `args` out. */
function tryEncode(args: readonly unknown[]): ReturnType<typeof encodeArgs> | undefined {
  try {
    return encodeArgs(args);
  } catch (error) {
    warn('not-encodable', `Values could not be reported: ${String(error)}`, 'values');
    return undefined;
  }
}

function hashOf(args: readonly unknown[]): string {
  try {
    return hashArgs(args);
  } catch (error) {
    warn('not-encodable', `Values could not be reported: ${String(error)}`, 'values');
    return '';
  }
}

export const encodeOrNull = (value: unknown): ReturnType<typeof encode> => {
  try {
    return encode(value ?? null);
  } catch {
    return null;
  }
};
