// Workspace keys of a bus without persistence.
import type { KeyRecord, KeyStore } from '../ports/key-store.ts';

export class MemoryKeyStore implements KeyStore {
  readonly #records = new Map<string, KeyRecord>();

  async put(record: KeyRecord): Promise<void> {
    this.#records.set(record.keyId, structuredClone(record));
  }

  async remove(keyId: string): Promise<void> {
    this.#records.delete(keyId);
  }

  async all(): Promise<KeyRecord[]> {
    return structuredClone([...this.#records.values()]);
  }
}
