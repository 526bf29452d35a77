// The journal: all that happens, in the order in which it happened. A commit appends one block to the newest file.
import type { NewMessage } from '../ports/mailbox-store.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Entry } from './entry.ts';
import type { Change } from './entry-record.ts';
import { blockHeader, fileHeader, headerBytes } from './journal-block.ts';
import type { JournalCipher } from './journal-cipher.ts';
import type { JournalDisk } from './journal-disk.ts';
import { fileOf, offsetOf, positionAt } from './journal-position.ts';
import { type JournalBlock, JournalReader } from './journal-reader.ts';
import { type Row, writeAccepted, writeChange, writeEnvelopeChange, writeRow } from './journal-record.ts';

/** A file that is larger gets no further block. */
const defaultFileBytes = 16 * 2 ** 20;
const smallestBuffer = 16 * 1024;

/** What the next commit appends. */
interface OpenBlock {
  position: number;
  /** Bytes of `out` in front of the block. */
  lead: number;
  out: ByteWriter;
  /** Entries whose envelopes are in it, in the records at these positions, and where in `out` they begin. */
  envelopes: { entry: Entry; position: number; start: number }[];
}

export interface JournalOptions {
  /** Without one, what is written is in the clear. */
  cipher?: JournalCipher | undefined;
  fileBytes?: number | undefined;
}

export class Journal {
  readonly #disk: JournalDisk;
  readonly #storeId: number;
  readonly #cipher: JournalCipher | undefined;
  readonly #reader: JournalReader;
  readonly fileBytes: number;
  #open: OpenBlock | undefined;
  /** Where the last block ends, flushed or on its way. */
  #end: number;
  #flushed: number;
  /** The next block begins a file. */
  #beginsFile = false;
  #expectedBytes = smallestBuffer;

  constructor(disk: JournalDisk, storeId: number, { cipher, fileBytes = defaultFileBytes }: JournalOptions = {}) {
    this.#disk = disk;
    this.#storeId = storeId;
    this.#cipher = cipher;
    this.fileBytes = fileBytes;
    this.#end = positionAt(0, fileBytes);
    this.#flushed = 0;
    this.#reader = new JournalReader(disk, storeId, cipher, () => this.#flushed);
  }

  /** Everything in front of this position is on disk. */
  get flushed(): number {
    return this.#flushed;
  }

  /** The block that the next record goes into. */
  get block(): number {
    return this.#room().position;
  }

  /** Where the next record goes; larger than any position before. */
  get next(): number {
    const { position, lead, out } = this.#room();
    return position - lead + out.size;
  }

  /**
   * Reads what was appended in earlier runs, from a block on; to be read to the end before anything is appended.
   * @throws BusError STORE_UNREADABLE where something is damaged or missing.
   */
  *replay(from: number): Generator<JournalBlock> {
    let end = this.#end;
    for (const block of this.#reader.replay(from)) {
      yield block;
      end = block.end;
    }
    this.#end = Math.max(end, from);
    // Of a journal that has no file yet nothing is to be looked for in a later run.
    this.#flushed = fileOf(this.#end) === 0 ? 0 : this.#end;
  }

  /** `create` makes the entry that lies at the position. */
  accept(message: NewMessage, create: (position: number) => Entry): Entry {
    const position = this.next;
    const entry = create(position);
    const { out, envelopes } = this.#room();
    writeAccepted(out, message, this.#cipher?.room);
    envelopes.push({ entry, position, start: this.#startOfLast(out, message.bytes) });
    return entry;
  }

  /** The position of the record. */
  change(change: Change): number {
    const position = this.next;
    writeChange(this.#room().out, change, this.#cipher?.room);
    return position;
  }

  /** The same for a change that brings the entry another envelope. */
  envelopeChange(change: Change, entry: Entry, bytes: Buffer): number {
    const position = this.next;
    const { out, envelopes } = this.#room();
    writeEnvelopeChange(out, change, bytes, this.#cipher?.room);
    envelopes.push({ entry, position, start: this.#startOfLast(out, bytes) });
    return position;
  }

  row(row: Row): void {
    writeRow(this.#room().out, row, this.#cipher?.room);
  }

  /**
   * Appends everything since the last call; resolves when it is flushed. The envelopes in it are let go of
   * then, with the network buffers that they came in: those that wait for a taker become a part of the block.
   */
  async flush(): Promise<void> {
    const block = this.#open;
    if (!block) return;
    this.#open = undefined;
    const bytes = packed(block, this.#storeId);
    this.#expectedBytes = Math.max(smallestBuffer, Math.ceil(bytes.length * 1.25));
    this.#end = block.position - block.lead + bytes.length;
    const end = this.#end;
    await this.#disk.append(fileOf(block.position), offsetOf(block.position) - block.lead, this.#sealed(bytes, block));
    this.#flushed = end;
    for (const { entry, position, start } of block.envelopes) {
      const { state, size, position: current } = entry.record;
      // Another one may have taken its place.
      if (current === position) entry.bytes = state === 'ready' ? bytes.subarray(start, start + size) : undefined;
    }
  }

  /** The envelope that the record there brought. @throws BusError STORE_UNREADABLE where it is damaged. */
  envelopeAt(position: number): Buffer {
    return this.#reader.envelopeAt(position);
  }

  /** The flushed block at a position or at the beginning of the file behind it; undefined at the end or where it is damaged. */
  blockAt(position: number): JournalBlock | undefined {
    return this.#reader.blockAt(position);
  }

  /** The same where a position may also be the end of a file that is followed by another. */
  blockBehind(position: number): JournalBlock | undefined {
    const isFollowed = this.isEnd(position) && fileOf(position) < fileOf(this.#flushed);
    return this.blockAt(isFollowed ? positionAt(fileOf(position) + 1, 0) : position);
  }

  /** Whether a file ends here. */
  isEnd(position: number): boolean {
    return offsetOf(position) >= this.#disk.size(fileOf(position));
  }

  /** The number of the file that the latest block went into, or is about to. */
  get newestFile(): number {
    return fileOf(this.#open?.position ?? this.#end);
  }

  /** Numbers of the files, oldest first. */
  files(): number[] {
    return this.#disk.files();
  }

  /** The newest file gets no further block. */
  beginFile(): void {
    this.#beginsFile = true;
  }

  /** The next flush appends a block, though it may have no record. */
  openBlock(): void {
    this.#room();
  }

  removeFile(file: number): Promise<void> {
    return this.#disk.remove(file);
  }

  /**
   * Encrypts a file anew that gets no further block, under the present key; yields now and then, and then still has to be
   * written. @returns what is to take the place of the file; undefined where nothing was under an earlier key.
   * @throws BusError STORE_UNREADABLE.
   */
  *renewed(file: number): Generator<void, Buffer | undefined> {
    const bytes = this.#disk.read(file, 0, this.#disk.size(file));
    const isChanged = this.#cipher ? yield* this.#cipher.renew(bytes, file, this.#storeId) : false;
    return isChanged ? bytes : undefined;
  }

  /** The file as a whole, positions as before. @throws BusError STORE_IN_USE while a backup may need it. */
  replaceFile(file: number, bytes: Buffer): Promise<void> {
    return this.#disk.replace(file, bytes);
  }

  /** Where an envelope begins that was written last. */
  #startOfLast(out: ByteWriter, envelope: Buffer): number {
    return out.size - (this.#cipher?.room.after ?? 0) - envelope.length;
  }

  #sealed(bytes: Buffer, { position, lead }: OpenBlock): Buffer {
    return this.#cipher ? this.#cipher.seal(bytes, lead + headerBytes, position + headerBytes) : bytes;
  }

  #room(): OpenBlock {
    this.#open ??= this.#newBlock();
    return this.#open;
  }

  #newBlock(): OpenBlock {
    const out = new ByteWriter(this.#expectedBytes);
    const isFull = this.#beginsFile || offsetOf(this.#end) >= this.fileBytes;
    this.#beginsFile = false;
    if (isFull) out.bytes(fileHeader(this.#storeId, this.#cipher ? 'encrypted' : 'plain'));
    const lead = out.size;
    out.skip(headerBytes);
    const position = isFull ? positionAt(fileOf(this.#end) + 1, lead) : this.#end;
    return { position, lead, out, envelopes: [] };
  }
}

function packed({ position, lead, out }: OpenBlock, storeId: number): Buffer {
  const used = out.buffer.subarray(0, out.size);
  blockHeader(storeId, used.length - lead - headerBytes, offsetOf(position)).copy(used, lead);
  // A nearly empty buffer would be kept alive by the one envelope in it.
  return used.length * 2 < out.buffer.length ? Buffer.from(used) : used;
}
