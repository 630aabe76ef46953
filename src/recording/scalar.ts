/** Scalars as YAML: plain where nobody can mistake them, else quoted. Every parser of YAML 1.1 and 1.2 reads the same value. */

// A letter first, so that no number, date or indicator is possible; inside, only characters without a meaning anywhere.
const plain = /^[\p{L}_/][\p{L}\p{M}\p{N} _./@+=()%$^~;?!&*|<>-]*(?::[\p{L}\p{N}_/.][\p{L}\p{M}\p{N} _./@+=()%$^~;?!&*|<>-]*)*$/u;
// What YAML 1.1 or 1.2 reads as a boolean or null; not `y` and `n`, which hardly any parser does, and which are coordinates.
const reserved = /^(?:true|false|null|yes|no|on|off)$/i;
// Control characters, line breaks that are none in JSON, invisible and direction-changing characters, lone surrogates.
const unprintable = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]|\p{Cs}/u;
const unprintables = new RegExp(unprintable.source, 'gu');

/** A text on one line. */
export function spellText(text: string): string {
  if (plain.test(text) && !reserved.test(text) && !text.endsWith(' ')) return text;
  // Backslashes and quotes are readable in single quotes only: `'^\d+$'`.
  if (/[\\"]/.test(text) && !text.includes("'") && !unprintable.test(text)) return `'${text}'`;
  return JSON.stringify(text).replace(unprintables, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A key of a mapping. */
export const spellKey = (key: string): string => (key.includes(':') || key.includes('?') ? quoteKey(key) : spellText(key));

const quoteKey = (key: string): string => {
  const spelled = spellText(key);
  return spelled === key ? JSON.stringify(key) : spelled;
};

/** A number that reads back as the same double. */
export function spellNumber(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  if (value === 0) return '0';
  // Digits beyond 2^53 would be refused when read, as they may have been meant to be exact.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

/** The lines of a block literal and its header, for a text of several lines that reads well as one; undefined for any other. */
export function literal(text: string): { header: '|' | '|-'; lines: string[] } | undefined {
  if (!text.includes('\n') || text.endsWith('\n\n')) return undefined;
  // Blanks at the ends of lines get lost in editors, blanks at the beginning of the first line need an indicator.
  if (/^\s|[ \t](?:\n|$)|\n\t/.test(text) || unprintable.test(text.replace(/[\n\t]/g, ''))) return undefined;
  const header = text.endsWith('\n') ? '|' : '|-';
  return { header, lines: (header === '|' ? text.slice(0, -1) : text).split('\n') };
}
