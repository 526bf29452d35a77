// The embedded durable store: a journal that is flushed with every commit, and LMDB tables made from it.
import { join } from 'node:path';
import { type Clock, systemClock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import { isBeingBackedUp } from './backup-mark.ts';
import { Checkpoint } from './checkpoint.ts';
import { DeferredWrites } from './deferred-writes.ts';
import { DiskSpace } from './disk-space.ts';
import { Encryption } from './encryption.ts';
import { type Defer, GroupCommit } from './group-commit.ts';
import { Journal } from './journal.ts';
import { type JournalDisk, journalFolder, openJournalDisk } from './journal-disk.ts';
import { KeyRing } from './key-ring.ts';
import { defaultLimits, type MailboxLimits } from './limits.ts';
import { agents, LmdbAgentStore } from './lmdb-agent-store.ts';
import { audit, LmdbAuditLog } from './lmdb-audit-log.ts';
import { type LmdbEnvironment, openEnvironment, storeFile } from './lmdb-environment.ts';
import { keys, LmdbKeyStore } from './lmdb-key-store.ts';
import { LmdbRows } from './lmdb-rows.ts';
import { LmdbSessionLog, sessionEvents } from './lmdb-session-log.ts';
import { LmdbShelf } from './lmdb-shelf.ts';
import { MailboxEngine } from './mailbox-engine.ts';
import type { ReencryptionProgress } from './reencryption.ts';

export interface LmdbStoreOptions {
  /** Made where it is missing, mode 0700. */
  folder: string;
  /** Bytes that must stay free on the disk: below them no new mail is taken. */
  reserveBytes?: number;
  clock?: Clock;
  random?: () => number;
  limits?: Partial<MailboxLimits>;
  /** A journal file that is larger gets nothing more. */
  journalFileBytes?: number;
  /** Of 32 bytes each: what is written is encrypted under the first, the others open what was written before. */
  encryptionKeys?: readonly Buffer[] | undefined;
  /** Called after each step of the work of `reencrypted`. */
  onReencryption?: ((progress: ReencryptionProgress) => void) | undefined;
}

export interface LmdbStore extends Store {
  /**
   * The work of bringing everything under the first of the keys; absent where there is none. Resolves with true when no other
   * key is needed any more, with false when the store was closed before. Rejects with STORE_FAILED, or STORE_UNREADABLE where
   * a part is damaged.
   */
  readonly reencrypted?: Promise<boolean>;
}

/** @throws BusError STORE_UNREADABLE, STORE_IN_USE, ENCRYPTION_KEY_WRONG, STORE_NOT_ENCRYPTED. */
export function openLmdbStore(options: LmdbStoreOptions): LmdbStore {
  const { folder, reserveBytes = 0, clock = systemClock, random = Math.random, limits, journalFileBytes } = options;
  const ring = options.encryptionKeys && new KeyRing(options.encryptionKeys);
  const environment = openEnvironment(folder, ring !== undefined);
  const space = new DiskSpace(folder, reserveBytes, clock);
  let disk: JournalDisk | undefined;
  try {
    disk = openJournalDisk(join(folder, journalFolder), () => isBeingBackedUp(join(folder, storeFile)));
    const store = createLmdbStore(environment, disk, {
      limits: { ...defaultLimits, ...limits },
      clock,
      random,
      isFull: () => space.low,
      ...(journalFileBytes !== undefined && { journalFileBytes }),
      ...(ring && { ring }),
      onReencryption: options.onReencryption,
    });
    const close = (): Promise<void> => {
      space.stop();
      return store.close();
    };
    return { ...store, close };
  } catch (error) {
    space.stop();
    disk?.close();
    void environment.close();
    throw error;
  }
}

export interface LmdbStoreDeps {
  clock: Clock;
  /** 0 to 1. */
  random: () => number;
  limits: MailboxLimits;
  /** True while there is room for acks only. */
  isFull: () => boolean;
  defer?: Defer;
  journalFileBytes?: number;
  /** Without one, nothing is encrypted. */
  ring?: KeyRing;
  onReencryption?: ((progress: ReencryptionProgress) => void) | undefined;
}

/** The store on files that are open; it closes them. @throws BusError STORE_UNREADABLE, ENCRYPTION_KEY_WRONG. */
export function createLmdbStore(environment: LmdbEnvironment, disk: JournalDisk, deps: LmdbStoreDeps): LmdbStore {
  const { limits, defer, journalFileBytes, ring, onReencryption, ...rest } = deps;
  const encryption = ring && new Encryption(environment, ring);
  const table = encryption ? encryption.table : environment.table;
  const shelf = new LmdbShelf(table);
  const journal = new Journal(disk, environment.id, { cipher: encryption?.journal, fileBytes: journalFileBytes });
  const tables = new GroupCommit((writes) => environment.transact(writes), defer);
  const checkpoint = new Checkpoint(journal, tables, (position) => shelf.writeMark(position));
  // In front of all others: nothing that they write may be written over.
  const reencryption = encryption?.reencryption({ journal, checkpoint, clock: deps.clock, onProgress: onReencryption });
  const deferred = new DeferredWrites();
  checkpoint.add(deferred);
  const commit = new GroupCommit(async () => {
    await journal.flush();
    checkpoint.look();
  }, defer);
  tables.onFailure((cause) => commit.fail(cause));
  commit.onFailure((cause) => tables.fail(cause));
  const events = table(sessionEvents);
  const agentTable = table(agents);
  const keyTable = table(keys);
  const rows = new LmdbRows({
    ...{ journal, commit, checkpoint, deferred },
    tables: new Map([
      [sessionEvents, events],
      [agents, agentTable],
      [keys, keyTable],
    ]),
  });
  const durability = {
    ...{ journal, checkpoint, deferred },
    restore: environment.transactNow,
    writeRow: rows.write.bind(rows),
  };
  const mailboxes = new MailboxEngine(shelf, commit, { ...limits, ...rest }, durability);
  const reencrypted = reencryption?.run();
  // Told to whoever asks; the mail goes on.
  reencrypted?.catch(() => undefined);
  const close = async (): Promise<void> => {
    // A failed commit has reported itself; what is left to do is to let go of the files.
    reencryption?.stop();
    await reencrypted?.catch(() => undefined);
    await mailboxes.close().catch(() => undefined);
    await commit.settled().catch(() => undefined);
    await rows.complete().catch(() => undefined);
    await tables.settled().catch(() => undefined);
    disk.close();
    await environment.close();
  };
  let closed: Promise<void> | undefined;
  return {
    mailboxes,
    sessions: new LmdbSessionLog(events, rows),
    agents: new LmdbAgentStore(agentTable, rows),
    audit: new LmdbAuditLog(table(audit), tables),
    keys: new LmdbKeyStore(keyTable, rows),
    onFailure: (listener) => commit.onFailure(listener),
    ...(reencrypted && { reencrypted }),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
