// Encryption of the journal: a record of it takes as many bytes under any key, so that positions stay.
import { BusError } from '../protocol/errors.ts';
import { bodyOfBlock, headerBytes } from './journal-block.ts';
import { positionAt } from './journal-position.ts';
import { bodyAt, type Room, recordBytes, rewriteBody } from './journal-record.ts';
import { bytesAfter, bytesBefore, type RecordCipher } from './record-cipher.ts';

/** What is encrypted anew in one turn. */
const stepBytes = 256 * 1024;

export class JournalCipher {
  /** What every record leaves for it. */
  readonly room: Room = { before: bytesBefore, after: bytesAfter };
  readonly #cipher: RecordCipher;

  constructor(cipher: RecordCipher) {
    this.#cipher = cipher;
  }

  /** @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG. */
  open(body: Buffer, position: number): Buffer {
    return this.#cipher.open(body, placeOf(position));
  }

  /**
   * A copy in which the records from `begin` on are encrypted, the first of them for `position`. What was handed in stays as it
   * is: envelopes in it are still to be offered.
   */
  seal(bytes: Buffer, begin: number, position: number): Buffer {
    const sealed = Buffer.from(bytes);
    for (let offset = begin; offset < sealed.length; ) {
      const place = placeOf(position + offset - begin);
      offset = rewriteBody(sealed, offset, (body) => {
        this.#cipher.sealInto(body, body.subarray(bytesBefore, body.length - bytesAfter), place);
      });
    }
    return sealed;
  }

  /**
   * Encrypts anew, in place, what is under an earlier key in a file; yields now and then. A damaged record stays as it is.
   * @returns whether something was changed.
   * @throws BusError STORE_UNREADABLE where a block cannot be told from the next.
   */
  *renew(bytes: Buffer, file: number, storeId: number): Generator<void, boolean> {
    let isChanged = false;
    let rested = 0;
    for (let offset = headerBytes; offset < bytes.length; ) {
      const block = bodyOfBlock(bytes, 0, offset, storeId);
      if (!block) throw new BusError('STORE_UNREADABLE', `Journal file ${file} is damaged at byte ${offset}.`);
      const end = offset + headerBytes + block.length;
      for (offset += headerBytes; offset < end; ) {
        if (this.#renewRecord(bytes, offset, file)) isChanged = true;
        offset += recordBytes(bytes.subarray(offset));
      }
      if (offset - rested < stepBytes) continue;
      rested = offset;
      yield;
    }
    return isChanged;
  }

  #renewRecord(bytes: Buffer, offset: number, file: number): boolean {
    const old = bodyAt(bytes, offset);
    if (!old || this.#cipher.isUnderPrimary(old)) return false;
    const place = placeOf(positionAt(file, offset));
    try {
      const content = this.#cipher.open(old, place);
      rewriteBody(bytes, offset, (body) => this.#cipher.sealInto(body, content, place));
      return true;
    } catch (error) {
      if (error instanceof BusError) return false;
      throw error;
    }
  }
}

function placeOf(position: number): string {
  return `journal ${position}`;
}
