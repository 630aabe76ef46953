/** Reading the files of a zip archive: as much of the format as Playwright writes. Pure. */
import { crc32, inflateRawSync } from 'node:zlib';

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
/** larger than any recording that is kept, and no trap for the memory */
const MAX_BYTES = 256 * 1024 * 1024;

export const isZip = (bytes: Uint8Array): boolean => bytes.length >= 4 && Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32LE() === LOCAL;

/** How to read each file, by its name. Throws a RangeError or Error on an archive that is cut or of another form. */
export function openZip(zip: Buffer): Map<string, () => Buffer> {
  const end = endOf(zip);
  const files = new Map<string, () => Buffer>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== CENTRAL) throw new Error('the archive is damaged');
    const [nameLength, extraLength, commentLength] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)];
    const entry = {
      method: zip.readUInt16LE(at + 10),
      crc: zip.readUInt32LE(at + 16),
      packed: zip.readUInt32LE(at + 20),
      size: zip.readUInt32LE(at + 24),
      offset: zip.readUInt32LE(at + 42),
    };
    files.set(zip.toString('utf8', at + 46, at + 46 + nameLength), () => contentOf(zip, entry));
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}

/** The record at the end lies before a comment of unknown length. */
function endOf(zip: Buffer): number {
  for (let at = zip.length - END_BYTES; at >= Math.max(0, zip.length - END_BYTES - 0xffff); at--) if (zip.readUInt32LE(at) === END) return at;
  throw new Error('the archive has no end');
}

function contentOf(zip: Buffer, entry: { method: number; crc: number; packed: number; size: number; offset: number }): Buffer {
  const { method, packed, size, offset } = entry;
  if (size > MAX_BYTES || packed > MAX_BYTES) throw new Error('a file of the archive is too large');
  if (zip.readUInt32LE(offset) !== LOCAL) throw new Error('the archive is damaged');
  const start = offset + 30 + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
  const bytes = zip.subarray(start, start + packed);
  if (method !== 0 && method !== 8) throw new Error(`the archive is packed in another way (${method})`);
  const content = method === 0 ? bytes : inflateRawSync(bytes, { maxOutputLength: MAX_BYTES });
  if (content.length !== size || crc32(content) !== entry.crc) throw new Error('the archive is damaged');
  return content;
}
