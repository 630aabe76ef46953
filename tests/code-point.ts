/** For `fc.string({ unit })`: what its unit `binary` gives, which first makes a table of all of Unicode, and takes two seconds for it. */
import fc from './fast-check.js';

export const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map(
  (code) => String.fromCodePoint(code),
  (char) => {
    const code = typeof char === 'string' ? char.codePointAt(0) : undefined;
    if (code === undefined || String.fromCodePoint(code) !== char) throw new Error('no single code point');
    return code;
  },
);
