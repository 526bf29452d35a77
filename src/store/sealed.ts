// A checksum in front of every stored value: what the disk has changed is noticed before it is used.
import { crc32 } from 'node:zlib';
import { BusError } from '../protocol/errors.ts';
import type { ByteWriter } from './byte-writer.ts';

const checksumBytes = 4;

export function seal(text: string): Buffer {
  const sealed = Buffer.allocUnsafe(checksumBytes + Buffer.byteLength(text));
  sealed.write(text, checksumBytes);
  sealed.writeUInt32LE(crc32(sealed.subarray(checksumBytes)), 0);
  return sealed;
}

/** The same around what `write` writes, as a part of the writer's buffer. */
export function sealInto(out: ByteWriter, write: (out: ByteWriter) => void): Buffer {
  const start = out.size;
  out.u32(0);
  write(out);
  out.u32At(start, crc32(out.buffer.subarray(start + checksumBytes, out.size)));
  return out.buffer.subarray(start, out.size);
}

/** @throws BusError STORE_UNREADABLE naming the value. */
export function unseal(sealed: Buffer, name: string): string {
  return unsealBytes(sealed, name).toString('utf8');
}

/** A part of what was handed in. @throws BusError STORE_UNREADABLE naming the value. */
export function unsealBytes(sealed: Buffer, name: string): Buffer {
  // LMDB hands out a shared buffer and says in `length` how much of it is the value.
  const content = sealed.subarray(checksumBytes, sealed.length);
  if (sealed.length < checksumBytes || crc32(content) !== sealed.readUInt32LE(0)) {
    throw new BusError('STORE_UNREADABLE', `The stored record ${name} is damaged.`);
  }
  return content;
}
