// Brings a data directory that no bus has open under another key.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BusError } from '../protocol/errors.ts';
import { openLmdbStore } from './lmdb.ts';
import { storeFile } from './lmdb-environment.ts';
import type { ReencryptionProgress } from './reencryption.ts';

export interface RekeyOptions {
  /** The data directory. */
  folder: string;
  /** Of 32 bytes each: the new one, and behind it those that the store may be under. */
  keys: readonly Buffer[];
  /** Called after every step. */
  onProgress?: (progress: ReencryptionProgress) => void;
}

/**
 * May be interrupted, and goes on at the next call or the next start of the bus.
 * @returns whether something had to be encrypted anew.
 * @throws BusError STORE_IN_USE while a bus runs, ENCRYPTION_KEY_WRONG, STORE_NOT_ENCRYPTED, STORE_UNREADABLE, STORE_FAILED.
 */
export async function rekey({ folder, keys, onProgress }: RekeyOptions): Promise<boolean> {
  const path = join(folder, storeFile);
  if (!existsSync(path)) {
    throw new BusError('STORE_UNREADABLE', `${path} does not exist; name the data directory with --data-dir.`);
  }
  const store = openLmdbStore({ folder, encryptionKeys: keys, onReencryption: onProgress });
  try {
    await store.reencrypted;
    return store.reencrypted !== undefined;
  } finally {
    await store.close();
  }
}
