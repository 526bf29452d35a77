// The store of a bus without persistence: the same behaviour, nothing on disk.
import type { AgentRecord, AgentStore } from '../ports/agent-store.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import { GroupCommit } from './group-commit.ts';
import { defaultLimits, type MailboxLimits } from './limits.ts';
import { MailboxEngine } from './mailbox-engine.ts';
import { MemoryAuditLog } from './memory-audit-log.ts';
import { MemoryKeyStore } from './memory-key-store.ts';
import { MemorySessionLog } from './memory-session-log.ts';
import { MemoryShelf } from './memory-shelf.ts';

export interface MemoryStoreOptions {
  clock?: Clock;
  random?: () => number;
  limits?: Partial<MailboxLimits>;
}

export function createMemoryStore({
  clock = systemClock,
  random = Math.random,
  limits,
}: MemoryStoreOptions = {}): Store {
  const commit = new GroupCommit(async (writes) => writes());
  const mailboxes = new MailboxEngine(new MemoryShelf(), commit, { ...defaultLimits, ...limits, clock, random });
  return {
    mailboxes,
    sessions: new MemorySessionLog(),
    agents: new MemoryAgentStore(),
    audit: new MemoryAuditLog(),
    keys: new MemoryKeyStore(),
    onFailure: (listener) => commit.onFailure(listener),
    close: async () => {
      await mailboxes.close();
      await commit.settled();
    },
  };
}

class MemoryAgentStore implements AgentStore {
  readonly #records = new Map<string, AgentRecord>();

  async put(agentId: string, record: AgentRecord): Promise<void> {
    this.#records.set(agentId, structuredClone(record));
  }

  async remove(agentId: string): Promise<void> {
    this.#records.delete(agentId);
  }

  async all(): Promise<[string, AgentRecord][]> {
    return structuredClone([...this.#records]);
  }
}
