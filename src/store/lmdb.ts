// The embedded durable store: LMDB, one transaction and one flush for all that a turn wrote.
import { type Clock, systemClock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import { GroupCommit } from './group-commit.ts';
import { LmdbAgentStore } from './lmdb-agent-store.ts';
import { openEnvironment } from './lmdb-environment.ts';
import { LmdbSessionLog } from './lmdb-session-log.ts';
import { LmdbShelf } from './lmdb-shelf.ts';
import { MailboxEngine } from './mailbox-engine.ts';

export interface LmdbStoreOptions {
  /** Made where it is missing, mode 0700. */
  folder: string;
  clock?: Clock;
  random?: () => number;
}

/** @throws BusError STORE_UNREADABLE. */
export function openLmdbStore({ folder, clock = systemClock, random = Math.random }: LmdbStoreOptions): Store {
  const environment = openEnvironment(folder);
  const commit = new GroupCommit((writes) => environment.root.batch(writes));
  const mailboxes = new MailboxEngine(new LmdbShelf(environment), commit, {
    clock,
    random,
  });
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // A failed commit has reported itself; what is left to do is to let go of the file.
    await mailboxes.close().catch(() => undefined);
    await commit.settled().catch(() => undefined);
    await environment.root.close();
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
