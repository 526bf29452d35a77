// What is remembered of agents across restarts.
import type { AgentDescriptor } from '../protocol/types.gen.ts';

export interface AgentRecord {
  descriptor: AgentDescriptor;
  healthCheckUrl?: string;
  statusEndpoint?: string;
  /** SHA-256 of the agent's token, hex; absent for an agent that only ever connected. */
  tokenHash?: string;
  /** Milliseconds since the epoch; updated when the agent goes offline, not on every message. */
  lastSeenAt?: number;
}

export interface AgentStore {
  /** Creates or replaces. Resolves when flushed; @throws BusError STORE_FAILED. */
  put(agentId: string, record: AgentRecord): Promise<void>;
  remove(agentId: string): Promise<void>;
  all(): Promise<[agentId: string, record: AgentRecord][]>;
}
