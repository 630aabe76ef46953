/** Who listens, and what each listener is told. Nothing is encoded or hashed that no reader wants. */
import { type ArgsText, encode, hashText, textOfArgs } from '../wire/encode.js';
import type { FromProbe, SocketInfo } from '../wire/messages.js';
import { currentCause, followTraces } from './context.js';
import type { Reader } from './reader.js';
import { followWork } from './work.js';

type Message<T extends FromProbe['type']> = Extract<FromProbe, { type: T }>;

/** One emission; its receivers are added while the application's call runs, its line is written when the turn ends. */
export interface Emission {
  readonly push: number;
  readonly to: string[];
  /** it was a broadcast that left sockets out: told also if it reached nobody */
  readonly leavesOut: boolean;
  /** it may get lost on purpose; known only after it began */
  volatile?: true;
  /** who did not get it because of that */
  lost?: string[];
  /** its line up to the receivers */
  readonly head: string;
  /** JSON of the arguments, for readers that record */
  readonly args: string | undefined;
  /** of the arguments, for readers that replay */
  readonly hash: string;
  sent: boolean;
}

const readers = new Set<Reader>();
const warnings = new Map<string, Message<'warning'>>();
let wanted = false;
let valuesWanted = false;
let hashesWanted = false;
let pushes = 0;
let textOf = { ms: 0, text: '0' };

export const isWanted = (): boolean => wanted;
/** somebody wants values */
export const isRecorded = (): boolean => valuesWanted;
/** somebody waits for what is told */
export const isReplayed = (): boolean => hashesWanted;
export const currentReaders = (): Iterable<Reader> => readers;
export const knownWarnings = (): Iterable<Message<'warning'>> => warnings.values();
const { timeOrigin } = performance;
export const now = (): number => Math.round((timeOrigin + performance.now()) * 1000) / 1000;
/** The same as JSON, at less: turning a fraction into text is dear, and a millisecond has many messages. */
export function nowText(): string {
  const at = timeOrigin + performance.now();
  const whole = Math.floor(at);
  if (whole !== textOf.ms) textOf = { ms: whole, text: String(whole) };
  return `${textOf.text}.${String(1000 + Math.floor((at - whole) * 1000)).slice(1)}`;
}
/** How long lines wait for company, a system call being the dearest part. A replay waits for them, a recorder does not. */
export const patience = (): number => (hashesWanted ? 2 : 10);
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
  if (!valuesWanted) return;
  tellRecorders(`{"type":"emit","sid":${JSON.stringify(sid)},"n":${n},"event":${JSON.stringify(event)},"asks":${asks}${argsPart(args)},"at":${nowText()}}\n`);
}

export function reportAck(sid: string, n: number, args: readonly unknown[]): void {
  if (valuesWanted) tellRecorders(`{"type":"ack","sid":${JSON.stringify(sid)},"n":${n}${argsPart(args)},"at":${nowText()}}\n`);
}

export function reportAnswer(push: number, sid: string, args: readonly unknown[]): void {
  if (valuesWanted)
    tellRecorders(`{"type":"answer","push":${push},"sid":${JSON.stringify(sid)},"args":${tryEncode(args, false)?.text ?? '[]'},"at":${nowText()}}\n`);
}

export const reportRequest = (message: Omit<Message<'request'>, 'type'>): void => tellBoth(lineOf({ type: 'request', ...message }));
export const reportAnswered = (message: Omit<Message<'answered'>, 'type'>): void => tellRecorders(lineOf({ type: 'answered', ...message }));
export const reportChange = (line: string): void => tellBoth(line);
export const reportTables = (tables: Message<'tables'>['tables']): void => tellBoth(lineOf({ type: 'tables', tables }));
export const reportLost = (count: number): void => tellBoth(lineOf({ type: 'lost', count }));

/** Numbers grow also while nobody listens. The arguments are written down at once: afterwards the application may change them. */
export function beginEmission(event: string, args: readonly unknown[], asks: boolean, more: Pick<Message<'push'>, 'except' | 'offset'> = {}): Emission {
  pushes += 1;
  const encoded = wanted ? tryEncode(args, hashesWanted) : undefined;
  const { except, offset } = more;
  const extra = `${except === undefined ? '' : `,"except":${JSON.stringify(except)}`}${offset ? ',"offset":true' : ''}`;
  const head = `{"type":"push","push":${pushes},"cause":${JSON.stringify(currentCause())},"event":${JSON.stringify(event)},"asks":${asks}${extra},"at":${nowText()},"to":`;
  const hash = hashesWanted && encoded !== undefined ? hashText(encoded.hashed) : '';
  const leavesOut = except !== undefined;
  const emission: Emission = { push: pushes, to: [], leavesOut, head, args: valuesWanted ? encoded?.text : undefined, hash, sent: false };
  for (const reader of readers) if (reader.mode !== 'list') reader.push(emission);
  return emission;
}

/** `sent` as soon as one reader has the line: a receiver that comes later needs a line of its own. */
export function lineOfEmission(emission: Emission, values: boolean): string {
  emission.sent = true;
  const { head, to, args, hash, lost } = emission;
  // Thrown away, because it was volatile.
  if (to.length === 0 && !emission.leavesOut && !(values && lost)) return '';
  const lossy = `${emission.volatile ? ',"volatile":true' : ''}${values && lost ? `,"lost":${JSON.stringify(lost)}` : ''}`;
  return `${head}${JSON.stringify(to)}${lossy},"hash":"${values ? '' : hash}"${values && args !== undefined ? `,"args":${args}` : ''}}\n`;
}

/** What clients see by themselves is told only to who records: a replay has it already, and it is most of what there is. */
function tellRecorders(line: string): void {
  for (const reader of readers) if (reader.mode === 'record') reader.push(line);
}

function tellBoth(line: string): void {
  for (const reader of readers) if (reader.mode !== 'list') reader.push(line);
}

function recount(): void {
  wanted = [...readers].some(({ mode }) => mode !== 'list');
  valuesWanted = [...readers].some(({ mode }) => mode === 'record');
  hashesWanted = [...readers].some(({ mode }) => mode === 'replay');
  followTraces(wanted);
  followWork(wanted);
}

/** Values that cannot be told (cyclic, a `toJSON` that throws) leave `args` out, and have the empty hash. */
function tryEncode(args: readonly unknown[], hashing: boolean): ArgsText | undefined {
  try {
    return textOfArgs(args, hashing);
  } catch (error) {
    warn('not-encodable', `Values could not be reported: ${String(error)}`, 'values');
    return undefined;
  }
}

function argsPart(args: readonly unknown[]): string {
  const encoded = tryEncode(args, false);
  return encoded === undefined ? '' : `,"args":${encoded.text}`;
}

export const encodeOrNull = (value: unknown): ReturnType<typeof encode> => {
  try {
    return encode(value ?? null);
  } catch {
    return null;
  }
};
