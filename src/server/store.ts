// The store that the configuration asks for, and what of it is told in the log.
import type { Logger } from 'pino';
import type { BusConfig } from '../config/config.ts';
import { resolveEncryptionKeys } from '../config/encryption-keys.ts';
import type { Store } from '../ports/store.ts';
import { type LmdbStore, openLmdbStore } from '../store/lmdb.ts';
import { createMemoryStore } from '../store/memory.ts';

/** `onFailure` is called once when the store cannot write any more. @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG, STORE_NOT_ENCRYPTED, CONFIG_INVALID */
export function openStore(config: BusConfig, log: Logger, onFailure: (cause: unknown) => void): Store {
  const { persistenceEnabled, dataDir, retention, maxMailboxMessages, maxMailboxBytes, diskReserve } = config;
  const limits = { retentionMs: retention, maxMailboxMessages, maxMailboxBytes };
  const encryptionKeys = resolveEncryptionKeys(config);
  const store: LmdbStore = persistenceEnabled
    ? openLmdbStore({ folder: dataDir, reserveBytes: diskReserve, limits, encryptionKeys })
    : createMemoryStore({ limits });
  tellOfReencryption(store.reencrypted, log);
  store.onFailure((cause) => {
    log.fatal({ err: cause }, 'the store cannot write: nothing is accepted any more');
    onFailure(cause);
  });
  return store;
}

function tellOfReencryption(reencrypted: Promise<boolean> | undefined, log: Logger): void {
  if (!reencrypted) return;
  log.info('what is under an earlier encryption key is brought under the first one');
  reencrypted.then(
    (isDone) => isDone && log.info('everything is under the first encryption key: no other is needed'),
    (error: unknown) => log.error({ err: error }, 'not everything could be brought under the first encryption key'),
  );
}
