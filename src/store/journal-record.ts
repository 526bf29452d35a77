// The binary form of what the journal holds: framed, checksummed records, one after the other.
import { crc32 } from 'node:zlib';
import type { NewMessage } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import { ByteReader, type ByteWriter } from './byte-writer.ts';
import { changeText } from './change-text.ts';
import { type MessageHead, readHead, writeHead } from './entry-codec.ts';
import type { Change } from './entry-record.ts';

// Frame: u32 length of the body, u32 CRC-32 of the body, body; of an encrypted record the body is what is sealed.
// Body: u8 kind, and then: of an acceptance u32 length of its head, the head, the envelope; of a change its JSON;
// of a change that brings another envelope u32 length of its JSON, the JSON, the envelope;
// of a row its table, its key as JSON, u8 whether it has a value, the value.
export const frameBytes = 8;
const kindAccepted = 1;
const kindChange = 2;
const kindEnvelopeChange = 3;
const kindRow = 4;
const headAt = 5;

/** Bytes around the body of a record that are left for its encryption; its checksum comes then as well. */
export interface Room {
  before: number;
  after: number;
}

export type RowKey = string | [string, number];

/** A row of a table beside the mailboxes; without a value it is removed. */
export interface Row {
  table: string;
  key: RowKey;
  value: Buffer | undefined;
}

/**
 * `offset` is that of the frame in the bytes that were read. `envelopeBytes`: the change brings another envelope, so long,
 * that takes the place of the one before.
 */
export type JournalRecord =
  | { kind: 'accepted'; offset: number; head: MessageHead; bytes: Buffer }
  | { kind: 'change'; offset: number; change: Change; envelopeBytes?: number }
  | { kind: 'row'; offset: number; row: Row };

export function writeAccepted(out: ByteWriter, message: NewMessage, room?: Room): void {
  const frame = openFrame(out, kindAccepted, room);
  out.u32(0);
  const begin = out.size;
  writeHead(out, message);
  out.u32At(begin - 4, out.size - begin);
  out.bytes(message.bytes);
  closeFrame(out, frame, room);
}

export function writeChange(out: ByteWriter, change: Change, room?: Room): void {
  const frame = openFrame(out, kindChange, room);
  out.utf8(changeText(change));
  closeFrame(out, frame, room);
}

export function writeRow(out: ByteWriter, { table, key, value }: Row, room?: Room): void {
  const frame = openFrame(out, kindRow, room);
  out.text(table);
  out.text(JSON.stringify(key));
  out.u8(value ? 1 : 0);
  if (value) out.bytes(value);
  closeFrame(out, frame, room);
}

export function writeEnvelopeChange(out: ByteWriter, change: Change, bytes: Buffer, room?: Room): void {
  const frame = openFrame(out, kindEnvelopeChange, room);
  out.text(JSON.stringify(change));
  out.bytes(bytes);
  closeFrame(out, frame, room);
}

function openFrame(out: ByteWriter, kind: number, room: Room | undefined): number {
  const frame = out.size;
  out.u32(0);
  out.u32(0);
  if (room) out.skip(room.before);
  out.u8(kind);
  return frame;
}

function closeFrame(out: ByteWriter, frame: number, room: Room | undefined): void {
  if (room) out.skip(room.after);
  const { buffer, size } = out;
  const body = frame + frameBytes;
  out.u32At(frame, size - body);
  if (!room) writeChecksum(buffer, frame, size);
}

function writeChecksum(buffer: Buffer, frame: number, end: number): void {
  buffer.writeUInt32LE(crc32(buffer.subarray(frame + frameBytes, end)), frame + 4);
}

/** `write` changes the body of the record whose frame is at an offset; where the next record begins. */
export function rewriteBody(buffer: Buffer, offset: number, write: (body: Buffer) => void): number {
  const end = offset + recordBytes(buffer.subarray(offset));
  write(buffer.subarray(offset + frameBytes, end));
  writeChecksum(buffer, offset, end);
  return end;
}

/** Bytes of the record whose frame is at the beginning. */
export function recordBytes(frame: Buffer): number {
  return frameBytes + frame.readUInt32LE(0);
}

/** Undefined where the checksum or the length does not fit. */
export function bodyAt(bytes: Buffer, offset: number): Buffer | undefined {
  if (offset + frameBytes >= bytes.length) return undefined;
  const length = bytes.readUInt32LE(offset);
  const body = bytes.subarray(offset + frameBytes, offset + frameBytes + length);
  return body.length === length && crc32(body) === bytes.readUInt32LE(offset + 4) ? body : undefined;
}

/** The body as it was written, of the record whose frame was at an offset. @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG. */
export type OpenBody = (body: Buffer, offset: number) => Buffer;

/** The envelope that the record at the beginning brought, checked. @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG. */
export function readEnvelope(bytes: Buffer, open: OpenBody): Buffer {
  const stored = bodyAt(bytes, 0);
  if (!stored) throw new BusError('STORE_UNREADABLE', 'A journal record is damaged.');
  const body = open(stored, 0);
  return body.subarray(headAt + body.readUInt32LE(1));
}

/** All records, in order; undefined where one is not whole. @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG. */
export function readRecords(bytes: Buffer, open: OpenBody): JournalRecord[] | undefined {
  const records: JournalRecord[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const body = bodyAt(bytes, offset);
    if (!body) return undefined;
    records.push(readRecord(open(body, offset), offset));
    offset += frameBytes + body.length;
  }
  return records;
}

function readRecord(body: Buffer, offset: number): JournalRecord {
  switch (body.readUInt8(0)) {
    case kindAccepted: {
      const bytes = body.subarray(headAt + body.readUInt32LE(1));
      return { kind: 'accepted', offset, head: readHead(new ByteReader(body, headAt)), bytes };
    }
    case kindChange:
      return { kind: 'change', offset, change: JSON.parse(body.toString('utf8', 1)) as Change };
    case kindEnvelopeChange: {
      const start = headAt + body.readUInt32LE(1);
      const change = JSON.parse(body.toString('utf8', headAt, start)) as Change;
      return { kind: 'change', offset, change, envelopeBytes: body.length - start };
    }
    default:
      return { kind: 'row', offset, row: readRow(body) };
  }
}

function readRow(body: Buffer): Row {
  const input = new ByteReader(body, 1);
  const table = input.text();
  const key = JSON.parse(input.text()) as RowKey;
  const hasValue = input.u8() === 1;
  return { table, key, value: hasValue ? body.subarray(input.position) : undefined };
}
