import fc from 'fast-check';
import { expect, it } from 'vitest';
import Database from '../../examples/annotator/db/better-sqlite3.cjs';
import { parseLiterals } from '../../src/probe/changes/sql-literals.js';

it('reads every literal that quote() writes', () => {
  expect(parseLiterals("1,-2,0,1.5,-0.0,1.0e+300,9.0e+999,'it''s, ''',NULL,X'00FF',X'',''")).toEqual([
    1,
    -2,
    0,
    1.5,
    0,
    1e300,
    null,
    "it's, '",
    null,
    { '!binary': 'AP8=' },
    { '!binary': '' },
    '',
  ]);
  expect(parseLiterals('9007199254740991,9007199254740992,-9223372036854775808')).toEqual([9007199254740991, '9007199254740992', '-9223372036854775808']);
  expect(() => parseLiterals("'open")).toThrow('no end');
  expect(() => parseLiterals("'a'b")).toThrow('no comma');
  expect(() => parseLiterals('bogus')).toThrow('no literal');
});

it('is the inverse of quote() for values that SQLite stores', () => {
  const db = new Database(':memory:');
  const value = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    fc.constant(null),
    fc.uint8Array(),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), (values) => {
      const sql = `SELECT ${values.map(() => 'quote(?)').join(" || ',' || ")}`;
      const text = db
        .prepare(sql)
        .pluck()
        .get(...values.map((item) => (item instanceof Uint8Array ? Buffer.from(item) : item)));
      expect(parseLiterals(String(text))).toEqual(
        values.map((item) => (item instanceof Uint8Array ? { '!binary': Buffer.from(item).toString('base64') } : item === 0 ? 0 : item)),
      );
    }),
    { numRuns: 300 },
  );
  db.close();
});
