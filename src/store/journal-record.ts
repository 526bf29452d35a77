// The binary form of the journal: framed, checksummed records, packed into segments.
import { crc32 } from 'node:zlib';
import type { NewMessage } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { Change } from './entry.ts';

// Frame: u32 length of the body, u32 CRC-32 of the body, body. Body: u8 kind, then what the kind says.
const frameBytes = 8;
const kindAccepted = 1;
const kindChange = 2;

export interface AcceptedRecord {
  kind: 'accepted';
  /** Everything of the message but its bytes. */
  head: Omit<NewMessage, 'bytes'> & { seq: number };
  bytes: Buffer;
  /** Offset of the frame in its segment. */
  offset: number;
}

export type JournalRecord = AcceptedRecord | { kind: 'change'; change: Change };

/** What precedes the envelope's bytes in the record of an accepted message. */
export function encodeAcceptedHead(message: NewMessage, seq: number): Buffer {
  const { bytes, ...rest } = message;
  const json = JSON.stringify({ ...rest, seq });
  const jsonBytes = Buffer.byteLength(json);
  const head = Buffer.allocUnsafe(frameBytes + 5 + jsonBytes);
  head.writeUInt32LE(5 + jsonBytes + bytes.length, 0);
  head.writeUInt8(kindAccepted, frameBytes);
  head.writeUInt32LE(jsonBytes, frameBytes + 1);
  head.write(json, frameBytes + 5);
  head.writeUInt32LE(crc32(bytes, crc32(head.subarray(frameBytes))), 4);
  return head;
}

export function encodeChange(change: Change): Buffer {
  const json = JSON.stringify(change);
  const jsonBytes = Buffer.byteLength(json);
  const record = Buffer.allocUnsafe(frameBytes + 1 + jsonBytes);
  record.writeUInt32LE(1 + jsonBytes, 0);
  record.writeUInt8(kindChange, frameBytes);
  record.write(json, frameBytes + 1);
  record.writeUInt32LE(crc32(record.subarray(frameBytes)), 4);
  return record;
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
  return body.subarray(5 + body.readUInt32LE(1));
}

/** All records of a segment, in order. @throws BusError STORE_UNREADABLE at the first damaged one. */
export function* readRecords(segment: Buffer): Generator<JournalRecord> {
  for (let offset = 0; offset < segment.length; ) {
    const body = bodyAt(segment, offset);
    if (body.readUInt8(0) === kindChange) {
      yield {
        kind: 'change',
        change: JSON.parse(body.toString('utf8', 1)) as Change,
      };
    } else {
      const end = 5 + body.readUInt32LE(1);
      const head = JSON.parse(body.toString('utf8', 5, end)) as AcceptedRecord['head'];
      yield { kind: 'accepted', head, bytes: body.subarray(end), offset };
    }
    offset += frameBytes + body.length;
  }
}
