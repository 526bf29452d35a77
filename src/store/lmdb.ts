// The embedded durable store: LMDB, one transaction and one flush for all that a turn wrote.
import { type Clock, systemClock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import { DiskSpace } from './disk-space.ts';
import { GroupCommit } from './group-commit.ts';
import { defaultLimits, type MailboxLimits } from './limits.ts';
import { LmdbAgentStore } from './lmdb-agent-store.ts';
import { openEnvironment } from './lmdb-environment.ts';
import { LmdbSessionLog } from './lmdb-session-log.ts';
import { LmdbShelf } from './lmdb-shelf.ts';
import { MailboxEngine } from './mailbox-engine.ts';

export interface LmdbStoreOptions {
  /** Made where it is missing, mode 0700. */
  folder: string;
  /** Bytes that must stay free on the disk: below them no new mail is taken. */
  reserveBytes?: number;
  clock?: Clock;
  random?: () => number;
  limits?: Partial<MailboxLimits>;
}

/** @throws BusError STORE_UNREADABLE. */
export function openLmdbStore(options: LmdbStoreOptions): Store {
  const { folder, reserveBytes = 0, clock = systemClock, random = Math.random, limits } = options;
  const environment = openEnvironment(folder);
  const commit = new GroupCommit((writes) => environment.transact(writes));
  const space = new DiskSpace(folder, reserveBytes, clock);
  const mailboxes = new MailboxEngine(new LmdbShelf(environment), commit, {
    ...defaultLimits,
    ...limits,
    clock,
    random,
    isFull: () => space.low,
  });
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    space.stop();
    // A failed commit has reported itself; what is left to do is to let go of the file.
    await mailboxes.close().catch(() => undefined);
    await commit.settled().catch(() => undefined);
    await environment.close();
  };
  return {
    mailboxes,
    sessions: new LmdbSessionLog(environment, commit),
    agents: new LmdbAgentStore(environment, commit),
    onFailure: (listener) => commit.onFailure(listener),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
