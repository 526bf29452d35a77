// A table whose values are encrypted; its keys are not.
import { BusError } from '../protocol/errors.ts';
import { type Key, type Range, type Table, unwatched } from './lmdb-environment.ts';
import { damaged, type RecordCipher } from './record-cipher.ts';

export class EncryptedTable implements Table {
  readonly #name: string;
  readonly #table: Table;
  readonly #cipher: RecordCipher;
  /** While rows are written anew: places of those that were put or removed since the last step. */
  #changed: Set<string> | undefined;

  constructor(name: string, table: Table, cipher: RecordCipher) {
    this.#name = name;
    this.#table = table;
    this.#cipher = cipher;
  }

  doesExist(key: Key): boolean {
    return this.#table.doesExist(key);
  }

  get(key: Key): Buffer | undefined {
    return this.getBinaryFast(key);
  }

  getBinaryFast(key: Key): Buffer | undefined {
    const sealed = this.#table.getBinaryFast(key);
    return sealed && this.#open(sealed, key);
  }

  *getRange(range: Range): Iterable<{ key: Key; value: Buffer }> {
    for (const { key, value } of this.#table.getRange(range)) {
      yield { key, value: this.#open(value, key) };
    }
  }

  getKeys(range: Range): Iterable<Key> {
    return this.#table.getKeys(range);
  }

  put(key: Key, value: Buffer): Promise<boolean> {
    const place = this.#place(key);
    this.#changed?.add(place);
    return this.#table.put(key, this.#cipher.seal(value, place));
  }

  remove(key: Key): Promise<boolean> {
    this.#changed?.add(this.#place(key));
    return this.#table.remove(key);
  }

  /** To be called before the transaction of the first step. */
  beginRenewal(): void {
    this.#changed = new Set();
  }

  /**
   * Looks at so many rows behind a key, and writes those anew that are under an earlier key; in a transaction. What the same
   * transaction has put or removed already cannot be read yet: it is passed over. What is damaged stays.
   * @returns how many there were, and behind which key to go on; no key at the end.
   */
  renew(after: Key | undefined, limit: number): { rows: number; next?: Key } {
    const start = after === undefined ? {} : { start: after, exclusiveStart: true };
    const changed = this.#changed;
    let rows = 0;
    let last: Key | undefined;
    for (const { key, value } of this.#table.getRange({ ...start, limit })) {
      rows++;
      last = key;
      if (!this.#cipher.isUnderPrimary(value) && !changed?.has(this.#place(key))) this.#renewRow(key, value);
    }
    const next = rows < limit ? undefined : last;
    this.#changed = next === undefined ? undefined : new Set();
    return next === undefined ? { rows } : { rows, next };
  }

  #renewRow(key: Key, sealed: Buffer): void {
    try {
      unwatched(this.put(key, this.#open(sealed, key)));
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
    }
  }

  /** No store is opened without every key that its tables are under: a row that names another one is damaged. */
  #open(sealed: Buffer, key: Key): Buffer {
    const place = this.#place(key);
    if (!this.#cipher.hasKeyOf(sealed)) throw damaged(place);
    return this.#cipher.open(sealed, place);
  }

  #place(key: Key): string {
    return JSON.stringify([this.#name, key]);
  }
}
