/** What `inspect` says. Pure. */

import type { Coincidence } from '../recording/coincidences.js';
import type { Inspection, NameInfo } from '../recording/inspect.js';
import { inMegabytes } from '../recording/limits.js';
import type { LintFinding } from '../recording/lint/index.js';
import { noiseLines } from '../recording/noise.js';
import type { Place } from '../recording/places.js';
import { plural, table } from './words.js';

export interface FileInfo {
  file: string;
  bytes: number;
  sideFiles: readonly { sha256: string; bytes: number }[];
  /** the line (from 1) of a place */
  lineOf(place: Place): number;
  /** what `lint` says */
  notes: readonly LintFinding[];
}

export function inspectionLines(inspection: Inspection, info: FileInfo): string[] {
  const { recording, sessions, events, tables, matchers, secrets, stops, noise } = inspection;
  const source = recording.recorded ? `, recorded by ${recording.recorded.source}${recording.recorded.app ? ` from ${recording.recorded.app}` : ''}` : '';
  return [
    `${recording.name}  (${info.file}, ${size(info.bytes)})`,
    `  ${recording.status}${recording.statusReason ? ` (${recording.statusReason})` : ''}${source}, ${seconds(Math.max(0, ...sessions.map(({ to }) => to)))}`,
    ...section('Sessions', [
      ['session', 'user', 'namespace', 'from', 'to', 'emits', 'received'],
      ...sessions.map(({ session, emits, received, from, to }) => [
        session.id,
        session.user ?? '-',
        session.traces[0]?.connect?.namespace ?? '-',
        seconds(from),
        seconds(to),
        `${emits}`,
        `${received}`,
      ]),
    ]),
    ...section('Events', [
      ['event', 'count', 'acks', 'pushes', 'changes'],
      ...events.map(({ event, count, acks, pushes, changes }) => [shortened(event, 40), `${count}`, `${acks}`, `${pushes}`, `${changes}`]),
    ]),
    ...section('Tables', [
      ['table', 'inserted', 'updated', 'deleted'],
      ...tables.map((row) => [shortened(row.table, 40), `${row.insert}`, `${row.update}`, `${row.delete}`]),
    ]),
    ...nameLines(inspection, info),
    ...section('Matchers', [['tag', 'places'], ...matchers.map(({ tag, count }) => [tag, `${count}`])]),
    ...section('Secrets', [
      ['name', 'supplied by', 'sent', 'seen'],
      ...secrets.map(({ name, sent, seen }) => [
        name,
        sent.length > 0 ? `use.secrets.${name} or REPLAY_SECRET_${name.toUpperCase()}` : 'not needed: nobody sends it',
        lines(sent, info),
        lines(seen, info),
      ]),
    ]),
    ...section('Checkpoints', [
      ['checkpoint', 'rows'],
      ...(recording.checkpoints ?? []).map(({ name, tables: held = [] }) => [
        shortened(name, 40),
        held.map(({ table: of, rows }) => `${of} ${rows}`).join(', ') || '-',
      ]),
    ]),
    ...section('Side files', [['sha256', 'size'], ...info.sideFiles.map(({ sha256, bytes }) => [sha256, size(bytes)])]),
    ...list('Not captured', recording.uncaptured ?? []),
    ...list('Before a replay', stops),
    ...list('Noise', noiseLines(noise)),
    ...list(
      'Notes',
      info.notes.map(({ where, what }) => `line ${where.line ?? 1}: ${what}`),
    ),
  ];
}

/** Each name: where it is made, why it is one, where it is sent, and where it is seen again. */
export function nameLines({ names, literals, days }: Inspection, info: FileInfo): string[] {
  return [
    ...list(
      'Names',
      names.flatMap((name) => oneName(name, info)),
    ),
    ...list(
      'Left as they stand',
      literals.flatMap((literal) => oneLiteral(literal, info)),
    ),
    ...list(
      'Days',
      days.flatMap((place) => [
        `${String(place.value)}: chosen, or so many days from now? \`!now date +7d\` would follow the calendar`,
        `    sent ${placed(place, info)}`,
      ]),
    ),
  ];
}

function oneLiteral({ value, seen, sent, why }: Coincidence, info: FileInfo): string[] {
  return [
    `${shortened(JSON.stringify(value), 30)} is no name: ${why}`,
    `    seen ${placed(seen, info)}${seen.key === '' ? '' : `, as ${seen.key}`}`,
    `    sent ${uses(sent, info)}${sent[0]?.key ? `, as ${sent[0].key}` : ''}`,
  ];
}

function oneName({ name, kind, made, sent, why }: NameInfo, info: FileInfo): string[] {
  const [first, ...again] = made;
  return [
    `!${kind} ${shortened(name, 60)}: ${why}`,
    `    made ${first ? placed(first, info) : 'nowhere'}`,
    ...(sent.length > 0 ? [`    sent ${uses(sent, info)}`] : []),
    ...(again.length > 0 ? [`    seen in ${plural(again.length, 'more place')}: ${numbered(again, info)}`] : []),
  ];
}

const uses = (places: readonly Place[], info: FileInfo): string => {
  const [first, ...more] = places;
  return `${first ? placed(first, info) : ''}${more.length > 0 ? ` and in ${numbered(more, info)}` : ''}`;
};

const words: Record<Place['part'], string> = {
  handshake: 'in the handshake of',
  args: 'in the arguments of',
  request: 'in the request',
  ack: 'in the acknowledgement of',
  answer: 'in the answer to',
  push: 'in the push',
  row: 'in the row of',
};

const placed = (place: Place, info: FileInfo): string =>
  `in line ${info.lineOf(place)}, ${words[place.part]} ${shortened(place.of, 40)}${(place.step ?? place.after) ? ` (${(place.step ?? place.after)?.session})` : ''}`;

const MANY = 8;
function lines(places: readonly Place[], info: FileInfo): string {
  const all = [...new Set(places.map((place) => info.lineOf(place)))].sort((a, b) => a - b);
  return all.length === 0 ? '-' : `${all.slice(0, MANY).join(', ')}${all.length > MANY ? ` and ${all.length - MANY} more` : ''}`;
}

const numbered = (places: readonly Place[], info: FileInfo): string => {
  const text = lines(places, info);
  return `${/\D/.test(text) ? 'lines' : 'line'} ${text}`;
};

const section = (title: string, rows: readonly string[][]): string[] => (rows.length > 1 ? ['', title, ...table(rows).map((line) => `  ${line}`)] : []);
const list = (title: string, items: readonly string[]): string[] => (items.length > 0 ? ['', title, ...items.map((item) => `  ${item}`)] : []);
const size = (bytes: number): string => (bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : inMegabytes(bytes));
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const shortened = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
