// One store divided among workspaces: names go down with the workspace before them and come up without, so that whoever
// holds a partition has no word for anything outside it.
import type { AgentRecord, AgentStore } from '../ports/agent-store.ts';
import type { SessionLog } from '../ports/session-log.ts';
import type { Store } from '../ports/store.ts';
import { PartitionMailboxes } from './partition-mailboxes.ts';
import { scope, unscope } from './workspace-names.ts';

export interface Partition extends Pick<Store, 'sessions' | 'agents'> {
  readonly mailboxes: PartitionMailboxes;
}

export class Partitions {
  readonly #store: Store;
  /** What an earlier run left, by workspace, until that has read it. */
  readonly #sessionIds = new Map<string, string[]>();
  readonly #agents = new Map<string, [agentId: string, record: AgentRecord][]>();

  private constructor(store: Store) {
    this.#store = store;
  }

  /** Reads which names belong to whom, once for all workspaces. @throws BusError STORE_FAILED, STORE_UNREADABLE */
  static async open(store: Store): Promise<Partitions> {
    const partitions = new Partitions(store);
    for (const stored of await store.sessions.sessionIds()) {
      const { workspaceId, name } = unscope(stored);
      listOf(partitions.#sessionIds, workspaceId).push(name);
    }
    for (const [stored, record] of await store.agents.all()) {
      const { workspaceId, name } = unscope(stored);
      listOf(partitions.#agents, workspaceId).push([name, record]);
    }
    return partitions;
  }

  /** Workspaces that an earlier run left an agent or a session in. */
  get workspaceIds(): Set<string> {
    return new Set([...this.#sessionIds.keys(), ...this.#agents.keys()]);
  }

  of(workspaceId: string): Partition {
    return {
      mailboxes: new PartitionMailboxes(this.#store.mailboxes, workspaceId),
      sessions: this.#sessionsOf(workspaceId),
      agents: this.#agentsOf(workspaceId),
    };
  }

  #sessionsOf(workspaceId: string): SessionLog {
    const { sessions } = this.#store;
    const down = (sessionId: string) => scope(workspaceId, sessionId);
    return {
      append: (sessionId, expectedVersion, events) => sessions.append(down(sessionId), expectedVersion, events),
      read: (sessionId, afterVersion, limit) => sessions.read(down(sessionId), afterVersion, limit),
      sessionIds: async () => taken(this.#sessionIds, workspaceId),
      remove: (sessionId) => sessions.remove(down(sessionId)),
    };
  }

  #agentsOf(workspaceId: string): AgentStore {
    const { agents } = this.#store;
    const down = (agentId: string) => scope(workspaceId, agentId);
    return {
      put: (agentId, record) => agents.put(down(agentId), record),
      remove: (agentId) => agents.remove(down(agentId)),
      all: async () => taken(this.#agents, workspaceId),
    };
  }
}

function listOf<T>(lists: Map<string, T[]>, workspaceId: string): T[] {
  const list = lists.get(workspaceId) ?? [];
  lists.set(workspaceId, list);
  return list;
}

function taken<T>(lists: Map<string, T[]>, workspaceId: string): T[] {
  const list = lists.get(workspaceId) ?? [];
  lists.delete(workspaceId);
  return list;
}
