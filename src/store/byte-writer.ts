// Writes and reads numbers and strings in a growing buffer; what is stored of each message goes through here.

const firstBytes = 16 * 1024;
/** A UTF-16 unit takes at most this many bytes of UTF-8. */
const utf8Bytes = 3;
const shortText = 48;

export class ByteWriter {
  buffer: Buffer;
  size = 0;
  /** Of the same memory: what Node's own methods check, costs more here than what they write. */
  #view: DataView;

  /** With room for so many bytes at first. */
  constructor(bytes = firstBytes) {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.#view = viewOf(this.buffer);
  }

  /** Leaves so many bytes for later. */
  skip(bytes: number): void {
    this.reserve(bytes);
    this.size += bytes;
  }

  /** Makes room for so many more bytes; positions stay as they are. */
  reserve(bytes: number): void {
    const needed = this.size + bytes;
    if (needed > this.buffer.length) this.#grow(needed);
  }

  u8(value: number): void {
    this.reserve(1);
    this.#view.setUint8(this.size, value);
    this.size += 1;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.size, value, true);
    this.size += 4;
  }

  /** Writes over what is there already. */
  u32At(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** Whole numbers beyond 32 bits and instants; NaN stands for none. */
  f64(value: number | undefined): void {
    this.reserve(8);
    this.#view.setFloat64(this.size, value ?? Number.NaN, true);
    this.size += 8;
  }

  /** UTF-8 behind its length in bytes. */
  text(value: string): void {
    const start = this.size;
    this.u32(value.length);
    this.utf8(value);
    const written = this.size - start - 4;
    if (written !== value.length) this.u32At(start, written);
  }

  utf8(value: string): void {
    this.reserve(value.length * utf8Bytes);
    if (value.length > shortText || !this.#ascii(value)) this.size += this.buffer.write(value, this.size);
  }

  bytes(value: Buffer): void {
    this.reserve(value.length);
    this.buffer.set(value, this.size);
    this.size += value.length;
  }

  /** Short names are written faster here than by a call out of JavaScript. False, and nothing written, where not ASCII. */
  #ascii(value: string): boolean {
    const { buffer, size } = this;
    const { length } = value;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      buffer[size + index] = unit;
    }
    this.size += length;
    return true;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.size);
    this.buffer = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

export class ByteReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#buffer.length;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#buffer.readUInt32LE(this.#at - 4);
  }

  f64(): number {
    this.#at += 8;
    return this.#buffer.readDoubleLE(this.#at - 8);
  }

  optionalF64(): number | undefined {
    const value = this.f64();
    return Number.isNaN(value) ? undefined : value;
  }

  /** A part of the buffer. */
  bytes(length: number): Buffer {
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  text(): string {
    const bytes = this.u32();
    this.#at += bytes;
    return this.#buffer.toString('utf8', this.#at - bytes, this.#at);
  }
}
