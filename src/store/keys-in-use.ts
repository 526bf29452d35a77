// Which master keys a store needs to be read: their ids, on record beside the tables.
import { BusError } from '../protocol/errors.ts';
import type { KeyRing } from './key-ring.ts';
import { type Table, unwatched } from './lmdb-environment.ts';
import { seal, unseal } from './sealed.ts';

const row = 'keys';

export class KeysInUse {
  readonly #marks: Table;
  readonly #ring: KeyRing;

  constructor(marks: Table, ring: KeyRing) {
    this.#marks = marks;
    this.#ring = ring;
  }

  /** Ids; none in a store that is new. */
  get ids(): string[] {
    const sealed = this.#marks.get(row);
    return sealed ? (JSON.parse(unseal(sealed, 'of the keys in use')) as string[]) : [];
  }

  /** Whether something may be under another key than the primary. */
  get areMixed(): boolean {
    return this.ids.some((id) => id !== this.#ring.primary.id);
  }

  /** @throws BusError ENCRYPTION_KEY_WRONG where one that is needed was not given. */
  assertGiven(): void {
    const missing = this.ids.filter((id) => !this.#ring.has(id));
    if (missing.length === 0) return;
    const text =
      `The store is encrypted under key ${missing.join(' and ')}, which was not given: give that key; ` +
      'to change it give the new one and that one behind it.';
    throw new BusError('ENCRYPTION_KEY_WRONG', text);
  }

  /** In a transaction, before anything is written under the primary key. */
  addPrimary(): void {
    const { id } = this.#ring.primary;
    const { ids } = this;
    if (!ids.includes(id)) this.#write([id, ...ids]);
  }

  /** In a transaction, when nothing is under another key any more. */
  keepPrimaryOnly(): void {
    this.#write([this.#ring.primary.id]);
  }

  #write(ids: readonly string[]): void {
    unwatched(this.#marks.put(row, seal(JSON.stringify(ids))));
  }
}
