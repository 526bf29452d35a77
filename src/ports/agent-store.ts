// What is remembered of agents across restarts.
import type { Secret } from '../core/keys/secrets.ts';
import type { AgentDescriptor, Contact, Scope } from '../protocol/types.gen.ts';

export interface AgentRecord {
  descriptor: AgentDescriptor;
  healthCheckUrl?: string;
  statusEndpoint?: string;
  /** Who may write to it; everybody where left out. */
  contact?: Contact;
  /** Of the agent's own token, newest first; absent for an agent that only ever connected. */
  tokens?: readonly Secret[];
  /** What its token may do; absent: all that an agent may. */
  scopes?: readonly Scope[];
  /** The user who has it alone; absent for an agent that serves every user. */
  userId?: string;
  /** It was deleted, and mail of its user is still there: nobody else may take its name. */
  isDeleted?: true;
  /** Milliseconds since the epoch; updated when the agent goes offline, not on every message. */
  lastSeenAt?: number;
}

export interface AgentStore {
  /** Creates or replaces. Resolves when flushed; @throws BusError STORE_FAILED. */
  put(agentId: string, record: AgentRecord): Promise<void>;
  remove(agentId: string): Promise<void>;
  all(): Promise<[agentId: string, record: AgentRecord][]>;
}
