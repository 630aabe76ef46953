import { describe, expect, it } from 'vitest';
import { encode, hashArgs, hashText, textOfArgs } from '../../src/wire/encode.js';
import fc from '../fast-check.js';

const keys = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('!', '!binary', 'a', '__proto__', 'toJSON', '0'));
const leaves = fc.oneof(
  fc.jsonValue({ maxDepth: 0 }),
  fc.double(),
  fc.constantFrom<unknown>(undefined, () => 1, Symbol('s'), 10n, -0, new Date(0), new Date(Number.NaN), new Map([[1, 2]])),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom<unknown>(new Uint16Array([1, 2]), new ArrayBuffer(2), new Number(5), new String('s'), { toJSON: () => ({ '!': 1 }) }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaves, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(keys, tie('value'), { maxKeys: 4 })),
}));

describe('the text of arguments', () => {
  it('is that of their encoding, on the fast way as on the slow one', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), (args) => {
        const { text, hashed } = textOfArgs(args, true);
        expect(text).toBe(JSON.stringify(args.map((arg) => encode(arg))));
        expect(hashText(hashed)).toBe(hashArgs(args));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is what the wire carries, and has the hash of what arrives', () => {
    const plain = [
      new Number(5),
      new String('s'),
      new Date(0),
      Object.assign([1], { toJSON: () => 'x' }),
      { u: undefined, f: () => 1, n: Number.NaN },
      [undefined],
    ];
    const arrived = JSON.parse(JSON.stringify(plain)) as unknown[];
    expect(textOfArgs(plain, false).text).toBe(JSON.stringify(arrived));
    expect(hashArgs(plain)).toBe(hashArgs(arrived));
  });

  it('asks a proxy for toJSON as JSON does, also one that says it has none', () => {
    class Row {
      toJSON = (): unknown => ({ shown: true });
      hidden = 1;
    }
    const row = new Proxy(new Row(), { has: () => false });
    expect(textOfArgs([[row]], false).text).toBe(JSON.stringify([[row]]));
  });

  it('does not exist for what is nested too deeply or in itself', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = { cyclic };
    let deep: unknown = 1;
    for (let i = 0; i < 200; i += 1) deep = [deep];
    expect(textOfArgs([deep], true).text).toHaveLength(403);
    expect(() => textOfArgs([[[deep]]], true)).toThrow(RangeError);
    expect(() => hashArgs([[[deep]]])).toThrow(RangeError);
    expect(() => textOfArgs([cyclic], true)).toThrow(RangeError);
  });
});
