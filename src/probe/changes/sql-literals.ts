/** Reads what SQLite's `quote()` writes, exactly: `1,-2.5,'it''s',NULL,X'00FF'`. */
import type { Encoded } from '../../wire/encode.js';

/** The values of a comma-separated list of literals. Throws on anything that `quote` does not write. */
export function parseLiterals(text: string): Encoded[] {
  const values: Encoded[] = [];
  let at = 0;
  while (at < text.length) {
    const end = endOf(text, at);
    values.push(parseLiteral(text.slice(at, end)));
    if (end < text.length && text[end] !== ',') throw new SyntaxError(`no comma at ${end}`);
    at = end + 1;
  }
  return values;
}

function endOf(text: string, start: number): number {
  if (text[start] === "'") return closing(text, start + 1);
  if (text[start] === 'X' && text[start + 1] === "'") return closing(text, start + 2);
  const comma = text.indexOf(',', start);
  return comma === -1 ? text.length : comma;
}

/** Behind the quote that ends a string; a doubled one does not. */
function closing(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf("'", at);
    if (at === -1) throw new SyntaxError('a string has no end');
    if (text[at + 1] !== "'") return at + 1;
    at += 2;
  }
}

function parseLiteral(literal: string): Encoded {
  if (literal === 'NULL') return null;
  if (literal.startsWith("'")) return literal.slice(1, -1).replaceAll("''", "'");
  if (literal.startsWith("X'")) return { '!binary': Buffer.from(literal.slice(2, -1), 'hex').toString('base64') };
  if (/^-?\d+$/.test(literal)) return Number.isSafeInteger(Number(literal)) ? Number(literal) : literal;
  // An infinite REAL has no JSON; SQLite stores no NaN.
  if (/^[+-]?Inf$/i.test(literal)) return null;
  const number = Number(literal);
  if (literal === '' || Number.isNaN(number)) throw new SyntaxError(`no literal: ${literal.slice(0, 40)}`);
  return Number.isFinite(number) ? (number === 0 ? 0 : number) : null;
}
