/**
 * A recording as YAML text: the same recording gives the same bytes, and reading gives the same recording.
 * Pure: large binary values are handed out by their sha256. Saving is in load.ts.
 */
import { createHash } from 'node:crypto';
import { ReplayError } from '../errors.js';
import { MAX_DEPTH } from './compose.js';
import { inOrder } from './key-order.js';
import { literal, spellKey, spellNumber, spellText } from './scalar.js';
import type { Recording } from './schema.js';
import { INLINE_BINARY, spellTag, type TagSpelling } from './tags.js';
import { isObject, Tagged, type Value, type ValueObject } from './values.js';

export interface Written {
  text: string;
  /** side files by the sha256 of their content */
  files: Map<string, Uint8Array>;
}

const HEADER = '# yaml-language-server: $schema=./recording.schema.json\n';
const WIDTH = 140;
/** Above, no person reads a diff: one trace a line, which programs read faster. */
const LARGE = 2_000;
/** YAML's limit of an implicit key, 1,024, less what quoting may add */
const LONG_KEY = 1_000;

/** Throws REPLAY_RECORDING_LIMITS for values nested so deeply that they could not be read back. */
export function writeRecording(recording: Recording): Written {
  const ordered = inOrder(recording);
  checkDepth(ordered, 0, recording.name);
  const files = new Map<string, Uint8Array>();
  const large = recording.sessions.reduce((sum, session) => sum + session.traces.length, 0) > LARGE;
  const lines: string[] = [];
  putEntries(ordered, { files, lines, large }, '', 0, 'recording');
  return { text: `${HEADER}${lines.join('\n')}\n`, files };
}

/** How a part of a recording is written, to put it into a text that is there already. */
export interface Part {
  value: Value;
  /** undefined: an item of a list */
  key?: string;
  /** column of the key or dash */
  column: number;
  /** where the mapping or the list stands */
  place: Place;
  /** a trace in one line, as in a large recording */
  line: boolean;
}

/** The lines of an entry or item, from its key or dash on. */
export function writePart({ value, key, column, place, line }: Part, files: Map<string, Uint8Array>): string[] {
  const lines: string[] = [];
  const sink: Sink = { files, lines, large: line };
  if (key === undefined) putItem(value, sink, column, place);
  else putEntries({ [key]: value }, sink, spaces(column), column, place);
  const [first = '', ...rest] = lines;
  return [first.slice(column), ...rest];
}

/** A value in one line, however long. */
export const writeInline = (value: Value, files: Map<string, Uint8Array>): string => inline(value, { files, lines: [], large: false });

/** Where the items of a list stand that is written one item a line; undefined for other values. */
export const placeOfItems = (place: Place, key: string): Place | undefined => blocks[place].get(key);

interface Sink {
  files: Map<string, Uint8Array>;
  lines: string[];
  large: boolean;
}

/** Where a value stands decides its layout: lists of `blocks` are always written one item a line, `line` always in one line. */
export type Place = 'recording' | 'session' | 'trace' | 'value';
const blocks: { [place in Place]: ReadonlyMap<string, Place> } = {
  recording: new Map<string, Place>([
    ['sessions', 'session'],
    ['checkpoints', 'value'],
    ['unattributed', 'value'],
  ]),
  session: new Map<string, Place>([
    ['traces', 'trace'],
    ['received', 'value'],
  ]),
  trace: new Map<string, Place>([
    ['pushes', 'value'],
    ['changes', 'value'],
  ]),
  value: new Map(),
};
const spaces = (count: number) => ' '.repeat(count);

/** The entries of a mapping, one a line; the first continues the line `first`. `indent` is the column of the keys. */
function putEntries(object: ValueObject, sink: Sink, first: string, indent: number, place: Place): void {
  let start = first;
  for (const [key, value] of Object.entries(object)) {
    const head = `${start}${spellKey(key)}:`;
    start = spaces(indent);
    const items = blocks[place].get(key);
    if (items !== undefined && Array.isArray(value) && value.length > 0) {
      sink.lines.push(head);
      for (const item of value) putItem(item, sink, indent + 2, items);
    } else if (place === 'session' && key === 'times') sink.lines.push(`${head} ${inline(value, sink)}`);
    else put(value, sink, head, indent + 2);
  }
}

function putItem(item: Value, sink: Sink, indent: number, place: Place): void {
  const dash = `${spaces(indent)}-`;
  if (place === 'value' || !isObject(item) || Object.keys(item).length === 0) put(item, sink, dash, indent + 2);
  else if (place === 'trace' && sink.large) sink.lines.push(`${dash} ${inline(item, sink)}`);
  else putEntries(item as ValueObject, sink, `${dash} `, indent + 2, place);
}

/** A value after `head`, which ends in `:` or `-`: in one line when it fits and has no text that reads better as a block. */
function put(value: Value, sink: Sink, head: string, indent: number): void {
  const spelling = value instanceof Tagged ? spellTag(value.body) : undefined;
  const block = literal(spelling?.text ?? (typeof value === 'string' ? value : ''));
  if (block) {
    sink.lines.push(`${head}${spelling ? ` !${spelling.tag}` : ''} ${block.header}`);
    for (const line of block.lines) sink.lines.push(line === '' ? '' : spaces(indent) + line);
    return;
  }
  const content = spelling ? spelling.items : value;
  if (!isCollection(content) || Object.keys(content).length === 0) {
    sink.lines.push(`${head} ${inline(value, sink)}`);
    return;
  }
  if (!hasLiteral(content)) {
    const line = `${head} ${inline(value, sink)}`;
    if (line.length <= WIDTH || hasLongKey(content)) {
      sink.lines.push(line);
      return;
    }
  }
  // A list in a list begins on the same line: `- - a`.
  const compact = head.endsWith('-') && !spelling;
  if (!compact) sink.lines.push(head + (spelling ? ` !${spelling.tag}` : ''));
  const first = compact ? `${head} ` : spaces(indent);
  if (Array.isArray(content)) for (const [i, item] of content.entries()) put(item, sink, `${i === 0 ? first : spaces(indent)}-`, indent + 2);
  else putEntries(content, sink, first, indent, 'value');
}

/** A value in one line, however long. */
function inline(value: Value, sink: Sink): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return spellText(value);
  if (typeof value === 'number') return spellNumber(value);
  if (typeof value === 'boolean') return String(value);
  if (value instanceof Uint8Array) return inlineBinary(value, sink);
  if (value instanceof Tagged) return inlineTag(spellTag(value.body), sink);
  if (Array.isArray(value)) return `[${value.map((item) => inline(item, sink)).join(', ')}]`;
  const entries = Object.entries(value).map(([key, item]) => `${spellKey(key)}: ${inline(item, sink)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function inlineTag({ tag, text, number, items }: TagSpelling, sink: Sink): string {
  if (text !== undefined) return `!${tag} ${spellText(text)}`;
  if (number !== undefined) return `!${tag} ${spellNumber(number)}`;
  return items === undefined ? `!${tag}` : `!${tag} ${inline(items, sink)}`;
}

function inlineBinary(bytes: Uint8Array, sink: Sink): string {
  if (bytes.length <= INLINE_BINARY) return `!!binary ${bytes.length === 0 ? '""' : Buffer.from(bytes).toString('base64')}`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  sink.files.set(sha256, bytes);
  return `!file ${sha256}`;
}

const isCollection = (value: Value | undefined): value is Value[] | ValueObject =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && !(value instanceof Tagged);

function hasLiteral(value: Value): boolean {
  if (typeof value === 'string') return literal(value) !== undefined;
  if (value instanceof Tagged) {
    const { text, items } = spellTag(value.body);
    return items !== undefined ? hasLiteral(items) : text !== undefined && hasLiteral(text);
  }
  return isCollection(value) && !hasLongKey(value) && Object.values(value).some(hasLiteral);
}

/** Such a mapping is written in one line: in a block its key would need another form. */
const hasLongKey = (value: Value[] | ValueObject): boolean => !Array.isArray(value) && Object.keys(value).some((key) => spellKey(key).length > LONG_KEY);

function checkDepth(value: Value, depth: number, name: string): void {
  const items = value instanceof Tagged ? spellTag(value.body).items : value;
  if (!isCollection(items)) return;
  if (depth + 1 > MAX_DEPTH) throw new ReplayError('REPLAY_RECORDING_LIMITS', `a value of the recording ${name} is nested deeper than ${MAX_DEPTH} levels`);
  for (const item of Object.values(items)) checkDepth(item, depth + 1, name);
}
