// The store of a bus without persistence: the same behaviour, nothing on disk.
import type { AgentRecord, AgentStore } from '../ports/agent-store.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import type { SessionLog } from '../ports/session-log.ts';
import type { Store } from '../ports/store.ts';
import { BusError } from '../protocol/errors.ts';
import type { SessionEvent } from '../protocol/types.gen.ts';
import { GroupCommit } from './group-commit.ts';
import { defaultLimits, type MailboxLimits } from './limits.ts';
import { MailboxEngine } from './mailbox-engine.ts';
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
    onFailure: (listener) => commit.onFailure(listener),
    close: async () => {
      await mailboxes.close();
      await commit.settled();
    },
  };
}

class MemorySessionLog implements SessionLog {
  readonly #streams = new Map<string, SessionEvent[]>();
  readonly #refused = new Set<string>();

  async append(sessionId: string, expectedVersion: number, events: readonly SessionEvent[]): Promise<void> {
    const stream = this.#streams.get(sessionId) ?? [];
    if (stream.length !== expectedVersion || this.#refused.has(sessionId)) {
      this.#refused.add(sessionId);
      throw new BusError(
        'VERSION_MISMATCH',
        `Session ${sessionId} is at version ${stream.length}; read it and try again.`,
      );
    }
    stream.push(...structuredClone(events));
    this.#streams.set(sessionId, stream);
  }

  async read(sessionId: string, afterVersion: number, limit: number): Promise<SessionEvent[]> {
    this.#refused.delete(sessionId);
    const stream = this.#streams.get(sessionId) ?? [];
    return structuredClone(stream.slice(afterVersion, afterVersion + limit));
  }

  async sessionIds(): Promise<string[]> {
    return [...this.#streams.keys()];
  }

  async remove(sessionId: string): Promise<void> {
    this.#streams.delete(sessionId);
  }
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
