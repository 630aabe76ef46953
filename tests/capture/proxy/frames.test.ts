import { expect, test } from 'vitest';
import { frameReader } from '../../../src/capture/proxy/frames.js';
import fc from '../../fast-check.js';

/** One frame as RFC 6455 has it. */
function frame(opcode: number, payload: Buffer, last: boolean, mask: Buffer | undefined): Buffer {
  const { length } = payload;
  const size = length < 126 ? Buffer.from([length]) : length < 65_536 ? Buffer.from([126, length >> 8, length & 255]) : Buffer.alloc(9);
  if (size.length === 9) {
    size[0] = 127;
    size.writeBigUInt64BE(BigInt(length), 1);
  }
  if (mask) size[0] = (size[0] as number) | 0x80;
  const body = mask ? payload.map((byte, i) => byte ^ (mask[i % 4] as number)) : payload;
  return Buffer.concat([Buffer.from([(last ? 0x80 : 0) | opcode]), size, mask ?? Buffer.alloc(0), body]);
}

/** long lists of numbers are slow to compare */
const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const message = fc.record({
  data: fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(124, 125, 126, 127, 65_535, 65_536, 70_000).map((length) => new Uint8Array(length).fill(7)),
  ),
  cuts: fc.array(fc.nat(), { maxLength: 3 }),
  mask: fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 })),
  /** a ping between the parts */
  ping: fc.boolean(),
});

test('whatever the frames, masks, fragments and pieces: each message once, unaltered', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 20 }), (messages, pieces) => {
      const wire = messages.flatMap(({ data, cuts, mask: given, ping }) => {
        const mask = given ? Buffer.from(given) : undefined;
        const payload = Buffer.from(data as Uint8Array);
        const places = [0, ...cuts.map((cut) => cut % (payload.length + 1)).sort((a, b) => a - b), payload.length];
        const parts = places.slice(1).map((end, i) => payload.subarray(places[i], end));
        return parts.flatMap((part, i) => {
          const opcode = i > 0 ? 0 : typeof data === 'string' ? 1 : 2;
          return [frame(opcode, part, i === parts.length - 1, mask), ...(ping ? [frame(9, Buffer.from('p'), true, mask)] : [])];
        });
      });
      const heard: string[] = [];
      let closes = 0;
      const read = frameReader({ message: (data) => heard.push(typeof data === 'string' ? data : latin(data)), close: () => closes++ });
      const bytes = Buffer.concat([...wire, frame(8, Buffer.alloc(2), true, undefined)]);
      for (let i = 0, at = 0; at < bytes.length; i++) {
        const size = pieces[i % pieces.length] as number;
        read(bytes.subarray(at, at + size));
        at += size;
      }
      expect(heard).toEqual(messages.map(({ data }) => (typeof data === 'string' ? data : latin(data))));
      expect(closes).toBe(1);
    }),
  );
});

test('what goes on to the other side is not touched', () => {
  const bytes = frame(1, Buffer.from('hello'), true, Buffer.from([1, 2, 3, 4]));
  const before = Buffer.from(bytes);
  frameReader({ message: () => undefined, close: () => undefined })(bytes);
  expect(bytes).toEqual(before);
});

test('compressed frames are no frames that can be read', () => {
  expect(() => frameReader({ message: () => undefined, close: () => undefined })(Buffer.from([0xc1, 0]))).toThrow(/compressed/);
});
