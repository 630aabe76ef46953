/**
 * Rows as PostgreSQL's `row_to_json` writes them, as the values of our JSON form. A number stays one where JavaScript's prints the same
 * digits (zeros at the end of a fraction aside), else it is told as a string of its digits: `numeric` and `bigint` alike, also inside of
 * JSON columns. A timestamptz is told as `toISOString` would, with microseconds where there are any; bytea as binary.
 */
import { type Encoded, encode } from '../../wire/encode.js';

export type Kind = 'bytea' | 'timestamptz' | 'json' | 'other';

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** what could be changed by reading it as a number: many digits, or an exponent */
const SUSPECT = /\d[\d.]{15}|\d[eE]/;

/** The row's columns; those of the layout first, in its order. */
export function readRow(text: string): Record<string, unknown> {
  return JSON.parse(SUSPECT.test(text) ? text.replace(TOKEN, keepDigits) : text) as Record<string, unknown>;
}

export function encodeValue(value: unknown, kind: Kind | undefined): Encoded {
  if (typeof value === 'string') {
    if (kind === 'bytea') return { '!binary': Buffer.from(value.slice(2), 'hex').toString('base64') };
    return kind === 'timestamptz' ? utc(value) : value;
  }
  return encode(value);
}

function keepDigits(token: string): string {
  if (token.startsWith('"') || isSame(token)) return token;
  return `"${token}"`;
}

function isSame(token: string): boolean {
  const number = Number(token);
  if (/^-?\d+$/.test(token)) return Number.isSafeInteger(number);
  return Number.isFinite(number) && digits(token) === digits(String(number));
}

/** `-12.50` and `-1.25e1`: sign, significant digits, place of the point. */
function digits(text: string): string {
  const [, sign, whole = '', fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = whole + fraction;
  const significant = all.replace(/^0+/, '');
  const place = whole.length + Number(exponent ?? 0) - (all.length - significant.length);
  const short = significant.replace(/0+$/, '');
  return short === '' ? '0' : `${sign}${short}@${place}`;
}

/** `2026-01-02T03:04:05.12+01:00`, in whatever zone the session had; `infinity`, years before Christ and of five digits stay as they are. */
function utc(text: string): string {
  const [, time, fraction = '', offset = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?([+-]\d\d(?::\d\d){0,2})$/.exec(text) ?? [];
  if (time === undefined) return text;
  const moved = /^.(?:00:?)+$/.test(offset) ? time : shifted(time, offset);
  return `${moved}.${fraction.length > 3 ? fraction.padEnd(6, '0') : fraction.padEnd(3, '0')}Z`;
}

function shifted(time: string, offset: string): string {
  const [hours = 0, minutes = 0, seconds = 0] = offset.slice(1).split(':').map(Number);
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000;
  return new Date(Date.parse(`${time}Z`) - (offset.startsWith('-') ? -ms : ms)).toISOString().slice(0, -5);
}
