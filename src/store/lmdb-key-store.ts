// Workspace keys in LMDB.
import type { KeyRecord, KeyStore } from '../ports/key-store.ts';
import type { Table } from './lmdb-environment.ts';
import type { LmdbRows } from './lmdb-rows.ts';
import { seal, unseal } from './sealed.ts';

export const keys = 'keys';

export class LmdbKeyStore implements KeyStore {
  readonly #keys: Table;
  readonly #rows: LmdbRows;

  constructor(table: Table, rows: LmdbRows) {
    this.#keys = table;
    this.#rows = rows;
  }

  async put(record: KeyRecord): Promise<void> {
    await this.#rows.put(keys, record.keyId, seal(JSON.stringify(record))).done;
  }

  async remove(keyId: string): Promise<void> {
    await this.#rows.put(keys, keyId, undefined).done;
  }

  async all(): Promise<KeyRecord[]> {
    await this.#rows.complete();
    return [...this.#keys.getRange({})].map(
      ({ key, value }) => JSON.parse(unseal(value, `of key ${String(key)}`)) as KeyRecord,
    );
  }
}
