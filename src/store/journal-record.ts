// The binary form of the journal: framed, checksummed records, one after the other.
import { crc32 } from 'node:zlib';
import type { NewMessage } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { Priority } from '../protocol/types.gen.ts';
import type { Change } from './entry.ts';

// Frame: u32 length of the body, u32 CRC-32 of the body, body.
// Body: u8 kind; a change is JSON from there on; an acceptance is u32 length of its head, the head as JSON, the envelope.
const frameBytes = 8;
const kindAccepted = 1;
const kindChange = 2;
const acceptedHeadAt = frameBytes + 5;
/** UTF-8 of one UTF-16 unit is at most this long. */
const utf8Bytes = 3;
/** What the numbers and the punctuation of a head take at most. */
const headNumbers = 160;

export interface AcceptedRecord {
  kind: 'accepted';
  /** Everything of the message but its bytes. */
  head: Omit<NewMessage, 'bytes'> & { seq: number };
  bytes: Buffer;
  /** Offset of the frame in its segment. */
  offset: number;
}

export type JournalRecord = AcceptedRecord | { kind: 'change'; change: Change };

type Head = [
  messageId: string,
  mailbox: string,
  priority: Priority,
  seq: number,
  acceptedAt: number,
  deadline: number,
  maxRetries: number,
  backoff: NewMessage['retry']['backoff'],
];

/** An upper bound of what `writeAccepted` writes. Ids are ASCII and need no escapes. */
export function acceptedBytes({ messageId, mailbox, facts, bytes }: NewMessage): number {
  return (
    acceptedHeadAt +
    messageId.length +
    mailbox.length +
    headNumbers +
    factsJson(facts).length * utf8Bytes +
    bytes.length
  );
}

/** Writes the record at `offset` and returns where it ends. */
export function writeAccepted(buffer: Buffer, offset: number, message: NewMessage, seq: number): number {
  const { messageId, mailbox, priority, acceptedAt, deadline, retry, facts, bytes } = message;
  const head: Head = [messageId, mailbox, priority, seq, acceptedAt, deadline, retry.maxRetries, retry.backoff];
  const headAt = offset + acceptedHeadAt;
  const headBytes = buffer.write(`[${JSON.stringify(head)},${factsJson(facts)}]`, headAt);
  buffer.writeUInt8(kindAccepted, offset + frameBytes);
  buffer.writeUInt32LE(headBytes, offset + frameBytes + 1);
  bytes.copy(buffer, headAt + headBytes);
  return closeFrame(buffer, offset, headAt + headBytes + bytes.length);
}

let lastFacts: { facts: NewMessage['facts']; json: string } | undefined;

/** Asked for twice for each message: once for the room it takes, once to write it. */
function factsJson(facts: NewMessage['facts']): string {
  if (lastFacts?.facts !== facts) lastFacts = { facts, json: JSON.stringify(facts) };
  return lastFacts.json;
}

export function changeBytes(json: string): number {
  return frameBytes + 1 + json.length * utf8Bytes;
}

/** Writes the record at `offset` and returns where it ends. */
export function writeChange(buffer: Buffer, offset: number, json: string): number {
  buffer.writeUInt8(kindChange, offset + frameBytes);
  return closeFrame(buffer, offset, offset + frameBytes + 1 + buffer.write(json, offset + frameBytes + 1));
}

function closeFrame(buffer: Buffer, offset: number, end: number): number {
  const bodyAt = offset + frameBytes;
  buffer.writeUInt32LE(end - bodyAt, offset);
  buffer.writeUInt32LE(crc32(buffer.subarray(bodyAt, end)), offset + 4);
  return end;
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
      yield { kind: 'change', change: JSON.parse(body.toString('utf8', 1)) as Change };
    } else {
      const end = 5 + body.readUInt32LE(1);
      yield { kind: 'accepted', head: readHead(body.toString('utf8', 5, end)), bytes: body.subarray(end), offset };
    }
    offset += frameBytes + body.length;
  }
}

function readHead(json: string): AcceptedRecord['head'] {
  const [head, facts] = JSON.parse(json) as [Head, NewMessage['facts']];
  const [messageId, mailbox, priority, seq, acceptedAt, deadline, maxRetries, backoff] = head;
  return { messageId, mailbox, priority, seq, acceptedAt, deadline, retry: { maxRetries, backoff }, facts };
}
