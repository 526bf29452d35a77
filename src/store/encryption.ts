// Encryption of a store as a whole: which tables it covers, under which keys they are, and how a change of key is finished.
import { EncryptedTable } from './encrypted-table.ts';
import { JournalCipher } from './journal-cipher.ts';
import type { KeyRing } from './key-ring.ts';
import { KeysInUse } from './keys-in-use.ts';
import type { LmdbEnvironment, Table } from './lmdb-environment.ts';
import { RecordCipher } from './record-cipher.ts';
import { Reencryption, type ReencryptionDeps } from './reencryption.ts';

/** Their rows hold ids, numbers and instants, and nothing that was sent. Every other table is encrypted. */
const indexes = new Set(['queues', 'deadlines', 'due', 'lanes', 'held', 'dead', 'marks']);

export class Encryption {
  readonly journal: JournalCipher;
  readonly #environment: LmdbEnvironment;
  readonly #cipher: RecordCipher;
  readonly #keys: KeysInUse;
  readonly #tables: EncryptedTable[] = [];

  /** @throws BusError ENCRYPTION_KEY_WRONG where a key is missing that the store needs. */
  constructor(environment: LmdbEnvironment, ring: KeyRing) {
    this.#environment = environment;
    this.#cipher = new RecordCipher(ring, environment.id);
    this.journal = new JournalCipher(this.#cipher);
    this.#keys = new KeysInUse(environment.table('marks'), ring);
    this.#keys.assertGiven();
    environment.transactNow(() => this.#keys.addPrimary());
  }

  readonly table = (name: string): Table => {
    const table = this.#environment.table(name);
    if (indexes.has(name)) return table;
    const encrypted = new EncryptedTable(name, table, this.#cipher);
    this.#tables.push(encrypted);
    return encrypted;
  };

  /** To be made before the journal is replayed, and run afterwards; undefined where all is under the present key. */
  reencryption(deps: Omit<ReencryptionDeps, 'tables' | 'keys'>): Reencryption | undefined {
    if (!this.#keys.areMixed) return undefined;
    return new Reencryption({ ...deps, tables: this.#tables, keys: this.#keys });
  }
}
