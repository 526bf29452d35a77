// Acknowledged messages of a bus without persistence, as bytes: as objects each would cost several times as much.
import { ByteReader, ByteWriter } from './byte-writer.ts';
import { Entry } from './entry.ts';
import { readEntry, writeEntry } from './entry-codec.ts';

/** The oldest of so many parts is forgotten as a whole. */
const partCount = 8;
/** What an id weighs in the index, roughly. */
const indexBytes = 96;
/** What a record takes beside the envelope, nearly always. */
const recordBytes = 2_048;
/** A place is the number of its part and an offset in it: small enough to be no object in memory. */
const offsetBits = 24;
const partNumbers = 2 ** (31 - offsetBits);

interface Part {
  number: number;
  ids: string[];
  /** Each: f64 when it ended, u32 length of the envelope, the envelope, the entry. */
  records: ByteWriter;
  /** When the last of them ended. */
  newest: number;
}

export class Remembered {
  readonly #partBytes: number;
  /** Oldest first. */
  readonly #parts: Part[] = [];
  readonly #places = new Map<string, number>();
  /** What ended before is as good as forgotten. */
  #from = 0;

  /** For so many bytes of messages, at most 128 MiB. */
  constructor(bytes: number) {
    this.#partBytes = Math.min(bytes / partCount, 2 ** offsetBits);
  }

  add({ record, bytes = Buffer.alloc(0) }: Entry): void {
    const { messageId, settledAt = 0 } = record;
    const part = this.#partFor(bytes.length + recordBytes);
    const { number, ids, records } = part;
    part.newest = Math.max(part.newest, settledAt);
    ids.push(messageId);
    this.#places.set(messageId, (number << offsetBits) + records.size);
    records.f64(settledAt);
    records.u32(bytes.length);
    records.bytes(bytes);
    writeEntry(records, record);
  }

  has(id: string): boolean {
    return this.#find(id) !== undefined;
  }

  read(id: string): Entry | undefined {
    const input = this.#find(id);
    if (!input) return undefined;
    const bytes = Buffer.from(input.bytes(input.u32()));
    const entry = Entry.load(readEntry(input));
    entry.bytes = bytes;
    return entry;
  }

  forgetEndedBefore(instant: number): void {
    this.#from = Math.max(this.#from, instant);
    while ((this.#parts[0]?.newest ?? this.#from) < this.#from) this.#forgetOldest();
  }

  #partFor(bytes: number): Part {
    const last = this.#parts.at(-1);
    if (last && last.records.size + last.ids.length * indexBytes + bytes <= this.#partBytes) return last;
    const oldest = this.#parts.length === partCount ? this.#forgetOldest() : undefined;
    const number = ((last?.number ?? 0) + 1) % partNumbers;
    const part = { number, ids: [], records: this.#writerFor(bytes, oldest), newest: 0 };
    this.#parts.push(part);
    return part;
  }

  /** The memory of what was forgotten is written over: new memory all the time costs as much as the writing. */
  #writerFor(bytes: number, oldest: Part | undefined): ByteWriter {
    const length = Math.ceil(Math.max(bytes, this.#partBytes));
    if (oldest?.records.buffer.length !== length) return new ByteWriter(length);
    oldest.records.size = 0;
    return oldest.records;
  }

  #forgetOldest(): Part | undefined {
    const oldest = this.#parts.shift();
    for (const id of oldest?.ids ?? []) {
      // It may have come again since, after it had ended too long ago.
      if (partOf(this.#places.get(id) ?? 0) === oldest?.number) this.#places.delete(id);
    }
    return oldest;
  }

  /** Behind the instant of its end; nothing where it is not known. */
  #find(id: string): ByteReader | undefined {
    const place = this.#places.get(id);
    if (place === undefined) return undefined;
    const part = this.#parts.find(({ number }) => number === partOf(place));
    if (!part) return undefined;
    const input = new ByteReader(part.records.buffer, place % 2 ** offsetBits);
    return input.f64() >= this.#from ? input : undefined;
  }
}

function partOf(place: number): number {
  return place >>> offsetBits;
}
