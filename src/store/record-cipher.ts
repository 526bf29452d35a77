// Encrypts records one by one with AES-256-GCM, each bound to its place in the store.
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { BusError } from '../protocol/errors.ts';
import { type KeyRing, tagBytes } from './key-ring.ts';

// A sealed record: u32 tag of the master key, 12 bytes salt of the data key, u32 number of the record under that data key,
// ciphertext, 16 bytes authentication tag. The number is the nonce.
const cipherName = 'aes-256-gcm';
const saltBytes = 12;
const numberAt = tagBytes + saltBytes;
export const bytesBefore = numberAt + 4;
export const bytesAfter = 16;
const nonceBytes = 12;
const options = { authTagLength: bytesAfter };
/** A data key takes as many records as have a number. */
const recordsPerKey = 2 ** 32;

/** What was sealed under one data key begins with its label. */
interface DataKey {
  label: Buffer;
  secret: KeyObject;
}

/**
 * Every run of the bus has a data key of its own, made from the master key and a random salt, and counts the records under it:
 * no nonce comes twice, and no key is used too often.
 */
export class RecordCipher {
  readonly #ring: KeyRing;
  readonly #purpose: string;
  readonly #nonce = Buffer.alloc(nonceBytes);
  readonly #known = new Map<string, DataKey>();
  #current: DataKey | undefined;
  #lastRead: DataKey | undefined;
  #records = 0;

  /** @param storeId What one store has sealed, no other opens. */
  constructor(ring: KeyRing, storeId: number) {
    this.#ring = ring;
    this.#purpose = `agent-bus store ${storeId}`;
  }

  /** @param place Where the record lies: it cannot be opened elsewhere. */
  seal(content: Buffer, place: string): Buffer {
    const sealed = Buffer.allocUnsafe(bytesBefore + content.length + bytesAfter);
    this.sealInto(sealed, content, place);
    return sealed;
  }

  /** The same into a buffer that is longer than the content by `bytesBefore` and `bytesAfter`. */
  sealInto(target: Buffer, content: Buffer, place: string): void {
    const { label, secret } = this.#writingKey();
    label.copy(target);
    target.writeUInt32LE(this.#records++, numberAt);
    const cipher = createCipheriv(cipherName, secret, this.#nonceOf(target), options);
    cipher.setAAD(Buffer.from(place));
    cipher.update(content).copy(target, bytesBefore);
    cipher.final();
    cipher.getAuthTag().copy(target, bytesBefore + content.length);
  }

  /** @throws BusError STORE_UNREADABLE where it was changed or moved, ENCRYPTION_KEY_WRONG where its key was not given. */
  open(sealed: Buffer, place: string): Buffer {
    // LMDB hands out a shared buffer and says in `length` how much of it is the value.
    const end = sealed.length - bytesAfter;
    if (end < bytesBefore) throw damaged(place);
    const key = this.#readingKey(sealed);
    const decipher = createDecipheriv(cipherName, key.secret, this.#nonceOf(sealed), options);
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(sealed.subarray(end, sealed.length));
    const content = decipher.update(sealed.subarray(bytesBefore, end));
    try {
      decipher.final();
    } catch (cause) {
      throw damaged(place, cause);
    }
    return content;
  }

  /** Whether the master key that it says it is under was given. */
  hasKeyOf(sealed: Buffer): boolean {
    return sealed.length >= bytesBefore && this.#ring.hasTag(sealed.readUInt32LE(0));
  }

  /** Whether it is under the key that is written with. */
  isUnderPrimary(sealed: Buffer): boolean {
    return sealed.length >= bytesBefore && sealed.readUInt32LE(0) === this.#ring.primary.tag;
  }

  /** Valid until the next one. */
  #nonceOf(sealed: Buffer): Buffer {
    sealed.copy(this.#nonce, 0, numberAt, bytesBefore);
    return this.#nonce;
  }

  #writingKey(): DataKey {
    if (!this.#current || this.#records >= recordsPerKey) {
      const label = Buffer.allocUnsafe(numberAt);
      label.writeUInt32LE(this.#ring.primary.tag, 0);
      randomBytes(saltBytes).copy(label, tagBytes);
      this.#current = this.#keyOf(label);
      this.#records = 0;
    }
    return this.#current;
  }

  #readingKey(sealed: Buffer): DataKey {
    const last = this.#lastRead;
    if (last && sealed.compare(last.label, 0, numberAt, 0, numberAt) === 0) return last;
    const name = sealed.toString('latin1', 0, numberAt);
    let key = this.#known.get(name);
    if (!key) {
      key = this.#keyOf(Buffer.from(sealed.subarray(0, numberAt)));
      this.#known.set(name, key);
    }
    this.#lastRead = key;
    return key;
  }

  #keyOf(label: Buffer): DataKey {
    const secret = this.#ring.dataKey(label.readUInt32LE(0), label.subarray(tagBytes), this.#purpose);
    if (secret) return { label, secret };
    const text = 'A record is encrypted under a key that was not given; give the earlier key behind the present one.';
    throw new BusError('ENCRYPTION_KEY_WRONG', text);
  }
}

export function damaged(place: string, cause?: unknown): BusError {
  return new BusError('STORE_UNREADABLE', `The stored record ${place} is damaged.`, { cause });
}
