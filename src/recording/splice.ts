/**
 * Edits of a text that people may have written in: only what is edited changes, every other byte stays, comments too. What is
 * written as the recorder writes it is written so again, with the lines that belong together; everything else is cut to measure.
 * So a text of our own comes out as if the edited recording were written anew; only the layout of large recordings, one trace a
 * line, is kept when they get smaller.
 */
import { applySplices, applyTree, type Edit, type EditTree, editTree, type Splice } from './edit.js';
import { keyOrder } from './key-order.js';
import { spellKey } from './scalar.js';
import { type SourceEntry, type SourceNode, sourceOf } from './source.js';
import { field, isObject, Tagged, type Value } from './values.js';
import { type Place, placeOfItems, writeInline, writePart } from './write.js';

export interface EditedText {
  text: string;
  splices: Splice[];
  /** large binary values in what was written, by their sha256 */
  files: Map<string, Uint8Array>;
}

/** `value` is what the text says. Whether the result says what it should is for the caller to prove, by reading it. */
export function editText(text: string, value: Value, edits: readonly Edit[]): EditedText {
  const files = new Map<string, Uint8Array>();
  const splices = findSplices(text, value, edits, files);
  return { text: applySplices(text, splices), splices, files };
}

/** In the order of the text, none over another. */
function findSplices(text: string, value: Value, edits: readonly Edit[], files: Map<string, Uint8Array>): Splice[] {
  const source = sourceOf(text);
  const found: Splice[] = [];
  const eol = /\r\n/.test(text) ? '\r\n' : '\n';
  if (source) spliceNode({ text, files, found, eol }, source, value, editTree(edits), 'recording');
  const splices: Splice[] = [];
  for (const splice of found.sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = splices.at(-1);
    if (last && splice.start < last.end) {
      // Lines of two neighbours that are both taken out share a line break.
      last.end = Math.max(last.end, splice.end);
      // A line that is added behind one that is taken out comes before its line break, which goes.
      if (splice.text.startsWith(eol)) last.text += splice.text.slice(eol.length) + eol;
    } else splices.push({ ...splice });
  }
  return splices;
}

interface Draft {
  text: string;
  files: Map<string, Uint8Array>;
  found: Splice[];
  eol: string;
}

/** One collection, some of whose parts change. */
function spliceNode(draft: Draft, node: SourceNode, value: Value, tree: EditTree, place: Place): void {
  const entries = node.entries();
  const keyOf = (entry: SourceEntry, index: number): string | number => (node.kind === 'map' ? (entry.key ?? '') : index);
  const kept = entries.filter((entry, index) => !tree.parts.get(keyOf(entry, index))?.removed);
  for (const [index, entry] of entries.entries()) {
    const part = tree.parts.get(keyOf(entry, index));
    if (part && !part.removed) spliceEntry(draft, node, entry, part, valueAt(value, keyOf(entry, index)), place);
  }
  takeOut(draft, node, entries, kept);
  for (const [part, { set }] of tree.parts)
    if (node.kind === 'map' && set && !entries.some(({ key }) => key === part)) addKey(draft, node, kept, String(part), set, place);
  for (const [index, { before }] of tree.parts)
    if (node.kind === 'list') for (const item of before) addItem(draft, node, entries, kept, Number(index), item, place);
}

function spliceEntry(draft: Draft, node: SourceNode, entry: SourceEntry, part: EditTree, value: Value, place: Place): void {
  if (part.key !== undefined) draft.found.push({ start: entry.keyStart, end: entry.keyEnd, text: spellKey(part.key) });
  if (!part.set && part.parts.size === 0) return;
  const inner = entry.key === undefined ? place : (placeOfItems(place, entry.key) ?? 'value');
  // Where the recorder writes a block, whatever its length, its entries are looked at one by one.
  const isBlock = !node.flow && !entry.node.flow && (inner !== 'value' || (entry.key !== undefined && placeOfItems(place, entry.key) !== undefined));
  const cannot = part.set !== undefined || entry.node.kind === 'one' || isEmptied(entry.node, part);
  if (cannot || (!isBlock && isOurs(draft, node, entry, value, place))) replace(draft, node, entry, applyTree(value, part), place);
  else spliceNode(draft, entry.node, value, part, inner);
}

/** A collection that had nothing, or keeps nothing of what it had: it is written anew. */
function isEmptied(node: SourceNode, tree: EditTree): boolean {
  const entries = node.entries();
  return entries.every((entry, index) => tree.parts.get(node.kind === 'map' ? (entry.key ?? '') : index)?.removed);
}

/** Whether a value stands there as the recorder writes it. */
const isOurs = (draft: Draft, node: SourceNode, entry: SourceEntry, value: Value, place: Place): boolean =>
  rendered(draft, node, entry, value, place) === draft.text.slice(entry.after, entry.end);

function replace(draft: Draft, node: SourceNode, entry: SourceEntry, value: Value, place: Place): void {
  const text = rendered(draft, node, entry, value, place);
  // A comment behind the old value would be lost among the lines of the new one.
  const behind = node.flow || !text.includes('\n') ? undefined : /^[ \t]+(#[^\r\n]*)/.exec(draft.text.slice(entry.end, lineEnd(draft.text, entry.end)));
  const comments = [...entry.comments, ...(behind?.[1] ? [behind[1]] : [])];
  const [first = '', ...rest] = text.split(draft.eol);
  const noted = comments.length === 0 ? text : [`${first} ${comments.join(' ')}`, ...rest].join(draft.eol);
  draft.found.push({ start: entry.after, end: entry.end + (behind?.[0].length ?? 0), text: noted });
}

/** What stands behind the `:` or `-`, or in a list in brackets. */
function rendered(draft: Draft, node: SourceNode, entry: SourceEntry, value: Value, place: Place): string {
  if (node.flow) return `${entry.bare ? ': ' : node.kind === 'map' ? ' ' : ''}${writeInline(value, draft.files)}`;
  const line = place === 'trace' && entry.key === undefined && entry.node.flow;
  const lines = writePart({ value, key: entry.key, column: node.column, place, line }, draft.files);
  return lines.join(draft.eol).slice(entry.key === undefined ? 1 : spellKey(entry.key).length + 1);
}

function takeOut(draft: Draft, node: SourceNode, entries: readonly SourceEntry[], kept: readonly SourceEntry[]): void {
  const { text, found } = draft;
  const isKept = new Set(kept);
  const next = (index: number): SourceEntry | undefined => entries.slice(index).find((entry) => isKept.has(entry));
  let covered = 0;
  entries.forEach((entry, index) => {
    if (isKept.has(entry) || entry.start < covered) return;
    const after = next(index);
    const from = lineStart(text, entry.start);
    let range: { start: number; end: number };
    if (node.flow && after) range = { start: entry.start, end: after.start };
    else if (node.flow) range = { start: kept.at(-1)?.end ?? entry.start, end: entries.at(-1)?.end ?? entry.end };
    else if (text.slice(from, entry.start).trim() === '') {
      const to = lineEnd(text, entry.end);
      // The last line of a file without a line break at its end takes the one before it.
      range = to === text.length ? { start: Math.max(0, from - draft.eol.length), end: to } : { start: from, end: nextLine(text, to) };
    } else range = { start: entry.start, end: after && !hasComment(text, entry, after) ? after.start : lineEnd(text, entry.end) };
    if (node.flow && /#/.test(gaps(text, entries, range))) range = { start: entry.start, end: commaAfter(text, entry.end) };
    covered = range.end;
    found.push({ ...range, text: '' });
  });
}

/** What of a range is between the entries. */
function gaps(text: string, entries: readonly SourceEntry[], range: { start: number; end: number }): string {
  let at = range.start;
  const parts: string[] = [];
  for (const { start, end } of entries)
    if (end > range.start && start < range.end) {
      parts.push(text.slice(at, Math.max(at, start)));
      at = Math.max(at, end);
    }
  return parts.join('') + text.slice(at, Math.max(at, range.end));
}

const hasComment = (text: string, entry: SourceEntry, next: SourceEntry): boolean => {
  const line = text.slice(entry.end, next.start);
  // What stands behind an entry on its own line goes with it.
  return line.slice(line.indexOf('\n') + 1).includes('#');
};

const commaAfter = (text: string, offset: number): number => offset + (/^\s*,/.exec(text.slice(offset, offset + 100))?.[0].length ?? 0);

/** At the place that the schema gives it among the keys that are there, or the edit. */
function addKey(draft: Draft, node: SourceNode, kept: readonly SourceEntry[], key: string, { value, after }: NonNullable<EditTree['set']>, place: Place): void {
  const order = keyOrder[place];
  const rank = (name: string | undefined): number => (order.includes(name ?? '') ? order.indexOf(name ?? '') : -1);
  const behind = after === undefined ? kept.at(-1) : kept.find((entry) => entry.key === after);
  const before = rank(key) < 0 ? behind : kept.findLast((entry) => rank(entry.key) < rank(key));
  const lines = node.flow
    ? [`${spellKey(key)}: ${writeInline(value, draft.files)}`]
    : writePart({ value, key, column: node.column, place, line: false }, draft.files);
  add(draft, node, kept, before, lines);
}

function addItem(
  draft: Draft,
  node: SourceNode,
  entries: readonly SourceEntry[],
  kept: readonly SourceEntry[],
  index: number,
  value: Value,
  place: Place,
): void {
  const before = entries.slice(0, index).findLast((entry) => kept.includes(entry));
  const line = kept[0]?.node.flow === true;
  add(draft, node, kept, before, node.flow ? [writeInline(value, draft.files)] : writePart({ value, column: node.column, place, line }, draft.files));
}

/** Behind one of the entries that stay, or before the first of them. */
function add(draft: Draft, node: SourceNode, kept: readonly SourceEntry[], before: SourceEntry | undefined, lines: readonly string[]): void {
  const { text, found, eol } = draft;
  const first = kept[0]?.start ?? 0;
  const added = lines.join(eol);
  const indent = ' '.repeat(node.column);
  if (node.flow) found.push(before ? { start: before.end, end: before.end, text: `, ${added}` } : { start: first, end: first, text: `${added}, ` });
  else if (before) {
    const at = lineEnd(text, before.end);
    found.push({ start: at, end: at, text: `${eol}${indent}${added}` });
  } else found.push({ start: first, end: first, text: `${added}${eol}${indent}` });
}

function valueAt(value: Value, key: string | number): Value {
  if (value instanceof Tagged && (value.body.tag === 'some' || value.body.tag === 'unordered')) return value.body.items[Number(key)] ?? null;
  if (value instanceof Tagged && value.body.tag === 'keys') return field(value.body.entries, String(key)) ?? null;
  if (Array.isArray(value)) return value[Number(key)] ?? null;
  return isObject(value) ? (field(value, String(key)) ?? null) : null;
}

const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;
function lineEnd(text: string, offset: number): number {
  const found = text.indexOf('\n', offset);
  const end = found < 0 ? text.length : found;
  return found > offset && text[end - 1] === '\r' ? end - 1 : end;
}
const nextLine = (text: string, end: number): number => end + (text.startsWith('\r\n', end) ? 2 : 1);
