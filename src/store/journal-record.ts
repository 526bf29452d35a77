// The binary form of the journal: framed, checksummed records, one after the other.
import { crc32 } from 'node:zlib';
import type { NewMessage } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import { ByteReader, type ByteWriter } from './byte-writer.ts';
import { type MessageHead, readHead, writeHead } from './entry-codec.ts';
import type { Change } from './entry-record.ts';

// Frame: u32 length of the body, u32 CRC-32 of the body, body.
// Body: u8 kind; a change is JSON from there on; an acceptance is u32 length of its head, the head, the envelope.
const frameBytes = 8;
const kindAccepted = 1;
const kindChange = 2;
const headAt = 5;

interface AcceptedRecord {
  kind: 'accepted';
  head: MessageHead;
  bytes: Buffer;
  /** Offset of the frame in its segment. */
  offset: number;
}

export type JournalRecord = AcceptedRecord | { kind: 'change'; change: Change };

export function writeAccepted(out: ByteWriter, message: NewMessage, seq: number): void {
  const frame = openFrame(out, kindAccepted);
  out.u32(0);
  const begin = out.size;
  writeHead(out, message, seq);
  out.buffer.writeUInt32LE(out.size - begin, begin - 4);
  out.bytes(message.bytes);
  closeFrame(out, frame);
}

export function writeChange(out: ByteWriter, change: Change): void {
  const frame = openFrame(out, kindChange);
  out.bytes(Buffer.from(JSON.stringify(change)));
  closeFrame(out, frame);
}

function openFrame(out: ByteWriter, kind: number): number {
  const frame = out.size;
  out.u32(0);
  out.u32(0);
  out.u8(kind);
  return frame;
}

function closeFrame({ buffer, size }: ByteWriter, frame: number): void {
  const body = frame + frameBytes;
  buffer.writeUInt32LE(size - body, frame);
  buffer.writeUInt32LE(crc32(buffer.subarray(body, size)), frame + 4);
}

/** @throws BusError STORE_UNREADABLE where the checksum or a length does not fit. */
function bodyAt(segment: Buffer, offset: number): Buffer {
  if (offset + frameBytes < segment.length) {
    const length = segment.readUInt32LE(offset);
    const body = segment.subarray(offset + frameBytes, offset + frameBytes + length);
    if (body.length === length && crc32(body) === segment.readUInt32LE(offset + 4)) return body;
  }
  throw new BusError('STORE_UNREADABLE', 'A journal record is damaged.');
}

/** The envelope of an accepted record, checked. @throws BusError STORE_UNREADABLE. */
export function readAcceptedBytes(segment: Buffer, offset: number): Buffer {
  const body = bodyAt(segment, offset);
  return body.subarray(headAt + body.readUInt32LE(1));
}

/** All records of a segment, in order. @throws BusError STORE_UNREADABLE at the first damaged one. */
export function* readRecords(segment: Buffer): Generator<JournalRecord> {
  for (let offset = 0; offset < segment.length; ) {
    const body = bodyAt(segment, offset);
    if (body.readUInt8(0) === kindChange) {
      yield { kind: 'change', change: JSON.parse(body.toString('utf8', 1)) as Change };
    } else {
      const bytes = body.subarray(headAt + body.readUInt32LE(1));
      yield { kind: 'accepted', head: readHead(new ByteReader(body, headAt)), bytes, offset };
    }
    offset += frameBytes + body.length;
  }
}
