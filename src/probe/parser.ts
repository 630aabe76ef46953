/** Parsers other than Socket.IO's newest decide themselves what arrives (a JSON-only one makes an object of a Buffer): such values are taken decoded. */
import { isObject, type Server } from './foreign.js';
import { guarded } from './guard.js';

interface Parser {
  Encoder: new () => { encode(packet: object): unknown };
  Decoder: new () => { add(piece: unknown): void; on(event: 'decoded', listener: (packet: { data?: unknown }) => void): void; destroy?(): void };
}

const EVENT = 2;
/** by parser, whether what arrives is what `encode` says of it */
const known = new WeakMap<object, boolean>();

/** An event's or acknowledgement's values as they arrive. */
export function carried(server: Server | undefined, data: unknown[]): unknown[] {
  const parser = server?._parser;
  if (!isParser(parser)) return data;
  let usual = known.get(parser);
  if (usual === undefined) {
    usual = guarded('parser', () => isUsual(parser)) ?? true;
    known.set(parser, usual);
  }
  return usual ? data : (guarded('parser', () => decoded(parser, data)) ?? data);
}

const isParser = (parser: unknown): parser is Parser & object =>
  isObject(parser) && typeof parser.Encoder === 'function' && typeof parser.Decoder === 'function';

/** Socket.IO's own keeps the names of its methods in a minified bundle; one that extends it may replace values. Before 4.2.5 it forgot `toJSON` beside binary data. */
function isUsual(parser: Parser): boolean {
  if (!Object.hasOwn(parser.Encoder.prototype, 'encodeAsBinary')) return false;
  const [, sample] = decoded(parser, [Buffer.alloc(1), new Sample()]) ?? [];
  return sample === 1;
}

class Sample {
  toJSON(): number {
    return 1;
  }
}

function decoded({ Encoder, Decoder }: Parser, data: unknown[]): unknown[] | undefined {
  const pieces = new Encoder().encode({ type: EVENT, nsp: '/', data: ['-', ...data] });
  const decoder = new Decoder();
  let values: unknown;
  decoder.on('decoded', (packet) => {
    values = packet.data;
  });
  for (const piece of Array.isArray(pieces) ? pieces : [pieces]) decoder.add(piece);
  decoder.destroy?.();
  return Array.isArray(values) ? values.slice(1) : undefined;
}
