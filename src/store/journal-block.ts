// The frame around what one commit appends: a block is in the journal as a whole, or it is not there.
import { crc32 } from 'node:zlib';

// A file begins with u32 mark of files, u32 format, u32 id of the store, u32 CRC-32 of these.
// A block begins with u32 id of the store, u32 length of its body, u32 place in the file, u32 CRC-32 of these.
export const headerBytes = 16;
const fileMark = 0x4a425541;
/** Raised whenever an older program could misread what a newer one wrote. */
const formats = { plain: 1, encrypted: 2 };
const checkedBytes = headerBytes - 4;

function header(first: number, second: number, third: number): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes);
  bytes.writeUInt32LE(first, 0);
  bytes.writeUInt32LE(second, 4);
  bytes.writeUInt32LE(third, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, checkedBytes)), checkedBytes);
  return bytes;
}

export type JournalFormat = keyof typeof formats;

/** What a file begins with. */
export function fileHeader(storeId: number, format: JournalFormat): Buffer {
  return header(fileMark, formats[format], storeId);
}

/** Whether the file begins as those of this store do; `foreign` where it is of another one, or of another version. */
export function originOf(file: Buffer, storeId: number, format: JournalFormat): 'ours' | 'foreign' | 'unknown' {
  const begin = file.subarray(0, headerBytes);
  if (begin.length < headerBytes || begin.readUInt32LE(0) !== fileMark) return 'unknown';
  if (begin.equals(fileHeader(storeId, format))) return 'ours';
  return begin.equals(header(fileMark, begin.readUInt32LE(4), begin.readUInt32LE(8))) ? 'foreign' : 'unknown';
}

export function blockHeader(storeId: number, bodyBytes: number, offset: number): Buffer {
  return header(storeId, bodyBytes, offset);
}

/** The body of the block that lies at `offset` of its file; `bytes` begins at `base` of it. Undefined where none is whole. */
export function bodyOfBlock(bytes: Buffer, base: number, offset: number, storeId: number): Buffer | undefined {
  const at = offset - base;
  if (at + headerBytes > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at + 4);
  if (!bytes.subarray(at, at + headerBytes).equals(blockHeader(storeId, length, offset))) return undefined;
  const body = bytes.subarray(at + headerBytes, at + headerBytes + length);
  return body.length === length ? body : undefined;
}

/** Whether another block begins behind `offset`: then what lies there is no write that was cut short. */
export function isFollowed(bytes: Buffer, base: number, offset: number, storeId: number): boolean {
  const id = Buffer.alloc(4);
  id.writeUInt32LE(storeId);
  for (let at = bytes.indexOf(id, offset - base + 1); at >= 0; at = bytes.indexOf(id, at + 1)) {
    if (at + headerBytes > bytes.length) return false;
    const length = bytes.readUInt32LE(at + 4);
    if (bytes.subarray(at, at + headerBytes).equals(blockHeader(storeId, length, base + at))) return true;
  }
  return false;
}
