/** One direction of a WebSocket connection (RFC 6455, uncompressed), read from its bytes. */

export interface FrameListener {
  message(data: string | Uint8Array): void;
  close(): void;
}

interface Frame {
  last: boolean;
  opcode: number;
  payload: Buffer;
  /** where the next frame begins */
  end: number;
}

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;

/** Takes the bytes as they come. Throws where they are no frames that can be read. */
export function frameReader(listener: FrameListener): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let size = 0;
  /** how many bytes there must be to get on: a long frame is put together once */
  let needed = 2;
  let parts: Buffer[] = [];
  let kind = TEXT;

  const take = ({ opcode, payload, last }: Frame): void => {
    if (opcode === CLOSE) listener.close();
    if (opcode > BINARY) return;
    if (opcode !== CONTINUATION) kind = opcode;
    parts.push(payload);
    if (!last) return;
    const data = parts.length === 1 ? payload : Buffer.concat(parts);
    parts = [];
    listener.message(kind === TEXT ? data.toString() : data);
  };

  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size < needed) return;
    let rest = Buffer.concat(chunks);
    for (;;) {
      const frame = frameAt(rest);
      if (typeof frame === 'number') {
        needed = frame;
        break;
      }
      take(frame);
      rest = rest.subarray(frame.end);
    }
    chunks = rest.length > 0 ? [rest] : [];
    size = rest.length;
  };
}

/** The frame at the beginning of `bytes`, or how many bytes it takes to tell. */
function frameAt(bytes: Buffer): Frame | number {
  if (bytes.length < 2) return 2;
  const [first = 0, second = 0] = bytes;
  if (first & 0x70) throw new Error('a frame is compressed, though nobody agreed to it');
  const short = second & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const masked = (second & 0x80) !== 0;
  const begin = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < begin) return begin;
  const length = lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short;
  const end = begin + length;
  if (bytes.length < end) return end;
  // a copy, because the bytes themselves go on to the other side
  const payload = Buffer.from(bytes.subarray(begin, end));
  if (masked) for (let i = 0; i < length; i++) payload[i] = (payload[i] as number) ^ (bytes[begin - 4 + (i & 3)] as number);
  return { last: (first & 0x80) !== 0, opcode: first & 0x0f, payload, end };
}
