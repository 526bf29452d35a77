// Reads the journal back: all of it from a block on, or the envelope of one message.
import { BusError } from '../protocol/errors.ts';
import { bodyOfBlock, headerBytes, isFollowed, originOf } from './journal-block.ts';
import type { JournalCipher } from './journal-cipher.ts';
import type { JournalDisk } from './journal-disk.ts';
import { fileOf, offsetOf, positionAt } from './journal-position.ts';
import {
  frameBytes,
  type JournalRecord,
  type OpenBody,
  readEnvelope,
  readRecords,
  recordBytes,
} from './journal-record.ts';

/** Who reads one message after the other reads so much at a time; who reads here and there, so little. */
const chunkBytes = 256 * 1024;
const peekBytes = 4 * 1024;

export interface JournalBlock {
  position: number;
  records: { position: number; record: JournalRecord }[];
  /** Where the next block begins, if it is in the same file. */
  end: number;
}

export class JournalReader {
  readonly #disk: JournalDisk;
  readonly #storeId: number;
  readonly #cipher: JournalCipher | undefined;
  readonly #flushed: () => number;
  /** A part of a file that was read last. */
  #chunk: { position: number; bytes: Buffer } = { position: 0, bytes: Buffer.alloc(0) };

  /** Nothing behind `flushed` is read, but by `replay`. */
  constructor(disk: JournalDisk, storeId: number, cipher: JournalCipher | undefined, flushed: () => number) {
    this.#disk = disk;
    this.#storeId = storeId;
    this.#cipher = cipher;
    this.#flushed = flushed;
  }

  /** @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG. */
  *replay(from: number): Generator<JournalBlock> {
    const files = this.#disk.files().filter((file) => file >= fileOf(from));
    const last = files.at(-1) ?? 0;
    let expected = fileOf(from) || 1;
    for (const file of files) {
      if (file !== expected++) throw unreadable(`Journal file ${expected - 1} is missing.`);
      yield* this.#replayFile(file, Math.max(from, positionAt(file, 0)), file === last);
    }
    if (from > 0 && (last < fileOf(from) || (last === fileOf(from) && this.#disk.size(last) < offsetOf(from))))
      throw unreadable(`The journal ends before what the tables hold.`);
  }

  /** What a write left that was cut short at the very end is no damage: none of it was confirmed. */
  *#replayFile(file: number, from: number, isLast: boolean): Generator<JournalBlock> {
    const base = offsetOf(from);
    const bytes = this.#disk.read(file, base, this.#disk.size(file) - base);
    const cutOff = (offset: number): void => {
      if (!isLast || isFollowed(bytes, base, offset, this.#storeId)) {
        throw unreadable(`Journal file ${file} is damaged at byte ${offset}.`);
      }
      // A file is made together with its first block.
      this.#disk.truncate(file, offset <= headerBytes ? 0 : offset);
    };
    let offset = base;
    if (base === 0) {
      const origin = originOf(bytes, this.#storeId, this.#cipher ? 'encrypted' : 'plain');
      if (origin === 'foreign') throw unreadable(`Journal file ${file} belongs to another store or version.`);
      if (origin === 'unknown') {
        cutOff(0);
        return;
      }
      offset = headerBytes;
      if (bytes.length === offset) {
        cutOff(offset);
        return;
      }
    }
    while (offset < base + bytes.length) {
      const block = this.#parse(bytes, base, positionAt(file, offset));
      if (!block) {
        cutOff(offset);
        return;
      }
      yield block;
      offset = offsetOf(block.end);
    }
  }

  blockAt(position: number): JournalBlock | undefined {
    const at = offsetOf(position) === 0 ? position + headerBytes : position;
    const bytes = this.#from(at, headerBytes);
    if (bytes.length < headerBytes) return undefined;
    const length = bytes.readUInt32LE(4);
    try {
      return this.#parse(this.#from(at, headerBytes + length), offsetOf(at), at);
    } catch (error) {
      if (error instanceof BusError) return undefined;
      throw error;
    }
  }

  /** @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG. */
  envelopeAt(position: number): Buffer {
    const frame = this.#from(position, frameBytes);
    if (frame.length < frameBytes) throw unreadable('A journal record is damaged.');
    return readEnvelope(this.#from(position, recordBytes(frame)), this.#openFrom(position));
  }

  /**
   * Undefined where the block is not whole. @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG where it is and cannot
   * be decrypted: that was no power cut.
   */
  #parse(bytes: Buffer, base: number, position: number): JournalBlock | undefined {
    const body = bodyOfBlock(bytes, base, offsetOf(position), this.#storeId);
    if (!body) return undefined;
    const begin = position + headerBytes;
    const found = readRecords(body, this.#openFrom(begin));
    const records = found?.map((record) => ({ position: begin + record.offset, record }));
    return records && { position, records, end: begin + body.length };
  }

  /** How bodies are read in what begins at a position. */
  #openFrom(begin: number): OpenBody {
    const cipher = this.#cipher;
    return cipher ? (body, offset) => cipher.open(body, begin + offset) : asItIs;
  }

  /** What is flushed from a position on, at least so many bytes unless it ends before. @throws BusError STORE_UNREADABLE. */
  #from(position: number, length: number): Buffer {
    const known = this.#chunk.bytes.subarray(Math.max(0, position - this.#chunk.position));
    if (position >= this.#chunk.position && known.length >= length) return known;
    const end = Math.min(this.#flushed(), positionAt(fileOf(position), this.#disk.size(fileOf(position))));
    const skipped = position - this.#chunk.position;
    const ahead = skipped >= 0 && skipped < chunkBytes ? chunkBytes : peekBytes;
    const wanted = Math.min(Math.max(length, ahead), end - position);
    if (wanted <= 0) return Buffer.alloc(0);
    this.#chunk = { position, bytes: this.#disk.read(fileOf(position), offsetOf(position), wanted) };
    return this.#chunk.bytes;
  }
}

const asItIs: OpenBody = (body) => body;

function unreadable(text: string): BusError {
  return new BusError('STORE_UNREADABLE', text);
}
