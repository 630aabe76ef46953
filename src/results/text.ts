/**
 * Values and texts in a form that is safe and short to show: terminal, annotations and HTML alike. Pure, also runs in a browser.
 * What is shown comes from other people's applications: it may carry control characters, terminal escapes and text that runs
 * backwards, so that a reader would see something else than what was sent.
 */
import type { Json } from '../recording/json.js';

// Controls, invisible and direction-changing characters, and halves of surrogate pairs.
const hidden = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;
const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text with every character that cannot be seen written as an escape. */
export const visible = (text: string): string =>
  text.replace(hidden, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return short[character] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`);
  });

/** A string as it stands in a value: quoted, so that "1" and 1 look different. */
export const quote = (text: string): string => visible(JSON.stringify(text));

export const formatKey = (key: string): string => (/^[A-Za-z_$][\w$-]*$/.test(key) ? key : quote(key));

export const isJsonObject = (json: Json | undefined): json is { [key: string]: Json } => typeof json === 'object' && json !== null && !Array.isArray(json);

/** What a tagged value of recording/json.ts says: its words, and the list that `!some` and `!unordered` carry, or the object of `!keys`. */
export interface TagText {
  text: string;
  items?: Json[] | { [key: string]: Json };
}

export function tagOf(json: Json): TagText | undefined {
  if (!isJsonObject(json)) return undefined;
  const keys = Object.keys(json);
  const key = keys[0];
  if (keys.length !== 1 || key === undefined || !key.startsWith('!') || key === '!') return undefined;
  const body = json[key];
  if (key === '!binary') return { text: `!!binary (${bytes(base64Length(String(body)))})` };
  if (key === '!bytes') return { text: `!!binary (${bytes(Number(body))}, not kept)` };
  if (!isJsonObject(body)) return { text: `${visible(key)} ${formatValue(body ?? null)}` };
  if (Array.isArray(body.items)) return { text: key, items: body.items };
  if (key === '!keys' && isJsonObject(body.entries)) return { text: key, items: body.entries };
  if (key === '!timestamp') return { text: `!timestamp ±${milliseconds(Number(body.within))}` };
  if (key === '!regex') return { text: `!regex /${visible(String(body.source))}/` };
  const words = Object.values(body).map((item) => (typeof item === 'string' && (key === '!text' || key === '!unique') ? quote(item) : visible(String(item))));
  return { text: visible([key, ...words].join(' ')) };
}

/** An object of the application whose first key begins with `!` stands wrapped. */
export const unwrap = (json: Json): Json => (isJsonObject(json) && Object.keys(json).length === 1 && isJsonObject(json['!']) ? json['!'] : json);

/** A value on one line, as YAML in flow style would have it: `{ id: !id annotation1, text: "agreed" }`. */
export function formatValue(json: Json | undefined): string {
  if (json === undefined) return 'nothing';
  if (typeof json === 'string') return quote(json);
  if (typeof json !== 'object' || json === null) return String(json);
  if (Array.isArray(json)) return `[${json.map(formatValue).join(', ')}]`;
  const tag = tagOf(json);
  if (tag) return tag.items ? `${tag.text} ${formatValue(tag.items)}` : tag.text;
  const entries = Object.entries(unwrap(json) as { [key: string]: Json });
  return entries.length === 0 ? '{}' : `{ ${entries.map(([key, item]) => `${formatKey(key)}: ${formatValue(item)}`).join(', ')} }`;
}

export const shorten = (text: string, limit: number): string => (text.length > limit ? `${text.slice(0, limit - 1)}…` : text);

/** The type of a value in the words of the report. */
export function typeName(json: Json | undefined): string {
  if (json === undefined) return 'missing';
  if (json === null) return 'null';
  if (Array.isArray(json)) return 'list';
  return typeof json;
}

const base64Length = (text: string): number => Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);

const bytes = (count: number): string => (count < 1024 ? plural(count, 'byte') : `${(count / 1024).toFixed(1)} KiB`);

/** A duration as people say it: `0.4 ms`, `12 ms`, `1.53 s`, `2 min 05 s`. */
export function milliseconds(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${Number((ms / 1000).toFixed(ms < 9_995 ? 2 : 1))} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

export const plural = (count: number, word: string, many = `${word}s`): string => `${count.toLocaleString('en')} ${count === 1 ? word : many}`;
