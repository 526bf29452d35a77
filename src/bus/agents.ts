// Who may receive mail, who is online, and whose token is whose.
import { createHash, randomBytes } from 'node:crypto';
import type { Candidate } from '../core/delivery/route.ts';
import type { AgentRecord, AgentStore } from '../ports/agent-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { MailboxStats } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import { busAgentId, frameworkOf } from '../protocol/ids.ts';
import type { Agent, AgentFilter, RegisterAgent } from '../protocol/types.gen.ts';

export interface AgentDirectoryOptions {
  store: AgentStore;
  clock: Clock;
  statsOf(agentId: string): MailboxStats;
  /** Whether the agent takes part in an active session, or waits for a reply. */
  isInvolved(agentId: string): boolean;
}

interface Presence {
  sockets: number;
  /** Pulls that wait for mail right now. */
  pulls: number;
  /** Milliseconds since the epoch. */
  lastSeenAt: number | undefined;
  /** `lastSeenAt` as text. */
  shown?: { at: number; text: string };
}

const defaultPage = 100;

export class AgentDirectory {
  readonly #options: AgentDirectoryOptions;
  readonly #records = new Map<string, AgentRecord>();
  readonly #presence = new Map<string, Presence>();
  readonly #agentOfTokenHash = new Map<string, string>();

  constructor(options: AgentDirectoryOptions) {
    this.#options = options;
  }

  /** Reads what was registered before the last stop. */
  async load(): Promise<void> {
    for (const [agentId, record] of await this.#options.store.all()) {
      this.#remember(agentId, record);
      this.#presenceOf(agentId).lastSeenAt = record.lastSeenAt;
    }
  }

  /**
   * Creates or updates an agent. The token is made at its first registration and shown only then.
   * @throws BusError FORBIDDEN for the id of the bus
   */
  async register(body: RegisterAgent): Promise<{ agent: Agent; token?: string; created: boolean }> {
    const { agent_descriptor: descriptor, health_check_url: healthCheckUrl, status_endpoint: statusEndpoint } = body;
    const agentId = descriptor.agent_id;
    if (agentId === busAgentId) throw new BusError('FORBIDDEN', `${busAgentId} is the bus itself; choose another id.`);
    const before = this.#records.get(agentId);
    const token = before?.tokenHash === undefined ? `abt_${randomBytes(24).toString('base64url')}` : undefined;
    const record: AgentRecord = {
      descriptor: structuredClone(descriptor),
      ...(healthCheckUrl !== undefined && { healthCheckUrl }),
      ...(statusEndpoint !== undefined && { statusEndpoint }),
      tokenHash: before?.tokenHash ?? hashToken(token ?? ''),
      ...(before?.lastSeenAt !== undefined && { lastSeenAt: before.lastSeenAt }),
    };
    this.#remember(agentId, record);
    await this.#options.store.put(agentId, record);
    const agent = this.get(agentId);
    return token === undefined ? { agent, created: false } : { agent, token, created: true };
  }

  async remove(agentId: string): Promise<void> {
    const record = this.#records.get(agentId);
    if (!record) throw notFound(agentId);
    this.#records.delete(agentId);
    if (!this.isOnline(agentId)) this.#presence.delete(agentId);
    if (record.tokenHash !== undefined) this.#agentOfTokenHash.delete(record.tokenHash);
    await this.#options.store.remove(agentId);
  }

  /** @throws BusError AGENT_NOT_FOUND. */
  get(agentId: string): Agent {
    if (!this.isKnown(agentId)) throw notFound(agentId);
    return this.#view(agentId);
  }

  list({ framework, capability, online, limit = defaultPage, after }: AgentFilter): { items: Agent[]; next?: string } {
    const ids = [...new Set([...this.#records.keys(), ...this.#presence.keys()])]
      .filter((agentId) => (after === undefined || agentId > after) && this.isKnown(agentId))
      .sort();
    const items: Agent[] = [];
    for (const agentId of ids) {
      const agent = this.#view(agentId);
      if (framework !== undefined && agent.framework !== framework) continue;
      if (capability !== undefined && !agent.capabilities.includes(capability)) continue;
      if (online !== undefined && agent.online !== online) continue;
      if (items.length === limit) return { items, next: items.at(-1)?.agent_id ?? '' };
      items.push(agent);
    }
    return { items };
  }

  isKnown(agentId: string): boolean {
    return this.#records.has(agentId) || this.isOnline(agentId) || this.#options.isInvolved(agentId);
  }

  isRegistered(agentId: string): boolean {
    return this.#records.has(agentId);
  }

  isOnline(agentId: string): boolean {
    const presence = this.#presence.get(agentId);
    return presence !== undefined && presence.sockets + presence.pulls > 0;
  }

  candidate(agentId: string): Candidate {
    const online = this.isOnline(agentId);
    const lastSeenAt = this.#presence.get(agentId)?.lastSeenAt;
    const offlineForMs = lastSeenAt === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.now() - lastSeenAt;
    return { agentId, known: this.isKnown(agentId), online, offlineForMs: online ? 0 : offlineForMs };
  }

  lastSeenAt(agentId: string): string | null {
    const presence = this.#presence.get(agentId);
    if (presence?.lastSeenAt === undefined) return null;
    // Every receipt carries it, and a busy agent is seen many times in a millisecond.
    if (presence.shown?.at !== presence.lastSeenAt) {
      presence.shown = { at: presence.lastSeenAt, text: new Date(presence.lastSeenAt).toISOString() };
    }
    return presence.shown.text;
  }

  agentOfToken(token: string): string | undefined {
    return this.#agentOfTokenHash.get(hashToken(token));
  }

  /** It gave a sign of life. Nothing is kept of an agent that nobody knows. */
  seen(agentId: string): void {
    if (this.isKnown(agentId)) this.#presenceOf(agentId).lastSeenAt = this.#options.clock.now();
  }

  /** A socket or a waiting pull of this agent opens; the returned function is for its end. */
  arrive(agentId: string, door: 'sockets' | 'pulls'): () => void {
    const presence = this.#presenceOf(agentId);
    presence[door]++;
    this.seen(agentId);
    if (!this.#records.has(agentId) && door === 'sockets') this.#adopt(agentId);
    return () => {
      presence[door]--;
      this.seen(agentId);
      if (!this.isOnline(agentId)) this.#keepLastSeen(agentId);
    };
  }

  /** Connecting registers: without a descriptor, and without a token of its own. */
  #adopt(agentId: string): void {
    const record: AgentRecord = { descriptor: { agent_id: agentId, capabilities: [] } };
    this.#remember(agentId, record);
    this.#save(agentId, record);
  }

  #keepLastSeen(agentId: string): void {
    const record = this.#records.get(agentId);
    const lastSeenAt = this.#presence.get(agentId)?.lastSeenAt;
    if (!record || lastSeenAt === undefined) return;
    const kept = { ...record, lastSeenAt };
    this.#records.set(agentId, kept);
    this.#save(agentId, kept);
  }

  /** Nobody waits for it, and the store reports its own failures. */
  #save(agentId: string, record: AgentRecord): void {
    this.#options.store.put(agentId, record).catch(() => undefined);
  }

  #remember(agentId: string, record: AgentRecord): void {
    this.#records.set(agentId, record);
    if (record.tokenHash !== undefined) this.#agentOfTokenHash.set(record.tokenHash, agentId);
  }

  #presenceOf(agentId: string): Presence {
    let presence = this.#presence.get(agentId);
    if (!presence) {
      presence = { sockets: 0, pulls: 0, lastSeenAt: undefined };
      this.#presence.set(agentId, presence);
    }
    return presence;
  }

  #view(agentId: string): Agent {
    const record = this.#records.get(agentId);
    const { capabilities = [], framework, endpoints, metadata } = record?.descriptor ?? {};
    const { queued, inFlight } = this.#options.statsOf(agentId);
    const isList = Array.isArray(capabilities);
    return {
      agent_id: agentId,
      framework: framework ?? frameworkOf(agentId),
      capabilities: isList ? [...capabilities] : Object.keys(capabilities),
      ...(!isList && { capability_details: structuredClone(capabilities) }),
      ...(endpoints && { endpoints: structuredClone(endpoints) }),
      ...(metadata && { metadata: structuredClone(metadata) }),
      ...(record?.healthCheckUrl !== undefined && { health_check_url: record.healthCheckUrl }),
      ...(record?.statusEndpoint !== undefined && { status_endpoint: record.statusEndpoint }),
      registered: record?.tokenHash !== undefined,
      online: this.isOnline(agentId),
      connections: this.#presence.get(agentId)?.sockets ?? 0,
      last_seen_at: this.lastSeenAt(agentId),
      queued,
      in_flight: inFlight,
    };
  }
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function notFound(agentId: string): BusError {
  return new BusError(
    'AGENT_NOT_FOUND',
    `Agent ${agentId} is not known; register it, connect it, or add it to a session first.`,
  );
}
