// Who may receive mail in a workspace, and who is online.
import type { Candidate } from '../core/delivery/route.ts';
import { jsonSize } from '../core/json/size.ts';
import { PageBudget } from '../core/paging/page-budget.ts';
import type { AgentStore } from '../ports/agent-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { MailboxStats } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { Agent, AgentFilter, Contact, RegisterAgent } from '../protocol/types.gen.ts';
import { AgentRecords } from './agent-records.ts';
import { agentView } from './agent-view.ts';
import type { Credentials } from './credentials.ts';
import { operator, type Principal } from './identity.ts';
import { type Door, Presence } from './presence.ts';
import { assertNotReserved, isReserved } from './reserved-ids.ts';
import { unknownAgent } from './unknown-agent.ts';

export interface AgentDirectoryOptions {
  workspaceId: string;
  credentials: Credentials;
  store: AgentStore;
  clock: Clock;
  statsOf(agentId: string): MailboxStats;
  /** Whether the agent takes part in an active session (of that user, where one is named), or waits for a reply. */
  isInvolved(agentId: string, userId: string | undefined): boolean;
}

const defaultPage = 100;

export class AgentDirectory {
  readonly #options: AgentDirectoryOptions;
  readonly #records: AgentRecords;
  readonly #presence = new Presence();

  constructor(options: AgentDirectoryOptions) {
    this.#options = options;
    this.#records = new AgentRecords(options);
  }

  /** Reads what was registered before the last stop. */
  async load(): Promise<void> {
    await this.#records.load();
    for (const agentId of this.#records.ids()) {
      this.#presence.seen(agentId, this.#records.get(agentId)?.lastSeenAt);
    }
  }

  /**
   * Creates or updates an agent. The token is made at its first registration and shown only then.
   * @throws BusError FORBIDDEN for an agent of another user; as `assertMayBecome`
   */
  async register(
    body: RegisterAgent,
    registrar: Principal = operator,
  ): Promise<{ agent: Agent; token?: string; created: boolean }> {
    const agentId = body.agent_descriptor.agent_id;
    this.assertMayBecome(registrar, agentId);
    const token = await this.#records.register(body, registrar);
    const agent = this.get(agentId);
    return token === undefined ? { agent, created: false } : { agent, token, created: true };
  }

  /** As `AgentRecords.rotateToken`. @throws BusError FORBIDDEN; AGENT_NOT_FOUND for one that is not registered */
  rotateToken(agentId: string, giver: Principal, overlapMs: number): Promise<string> {
    if (!this.#records.has(agentId)) throw unknownAgent(agentId);
    return this.#records.rotateToken(agentId, giver, overlapMs);
  }

  /** @throws BusError AGENT_NOT_FOUND */
  async remove(agentId: string): Promise<void> {
    if (!this.#records.has(agentId)) throw unknownAgent(agentId);
    const removed = this.#records.remove(agentId, this.#hasMail(agentId));
    if (!this.isOnline(agentId)) this.#presence.forget(agentId);
    await removed;
  }

  /** What there is to a user, where one is named. @throws BusError AGENT_NOT_FOUND. */
  get(agentId: string, userId?: string): Agent {
    if (!this.isKnown(agentId, userId)) throw unknownAgent(agentId);
    return this.#view(agentId);
  }

  list(
    { framework, capability, online, limit = defaultPage, after }: AgentFilter,
    userId?: string,
  ): { items: Agent[]; next?: string } {
    const ids = [...new Set([...this.#records.ids(), ...this.#presence.ids()])]
      .filter((agentId) => (after === undefined || agentId > after) && this.isKnown(agentId, userId))
      .sort();
    const items: Agent[] = [];
    const budget = new PageBudget();
    for (const agentId of ids) {
      const agent = this.#view(agentId);
      if (framework !== undefined && agent.framework !== framework) continue;
      if (capability !== undefined && !agent.capabilities.includes(capability)) continue;
      if (online !== undefined && agent.online !== online) continue;
      if (items.length === limit || !budget.takes(jsonSize(agent)))
        return { items, next: items.at(-1)?.agent_id ?? '' };
      items.push(agent);
    }
    return { items };
  }

  /** Whether it may be written to; to a user, agents of others are like none. */
  isKnown(agentId: string, userId?: string): boolean {
    if (userId === undefined) {
      return this.#records.has(agentId) || this.isOnline(agentId) || this.#options.isInvolved(agentId, undefined);
    }
    const owner = this.#records.ownerOf(agentId);
    if (owner !== undefined && owner !== userId) return false;
    return this.#records.has(agentId) || this.#options.isInvolved(agentId, userId);
  }

  /** Whether it may speak and take mail for the agent; the key of a user, for agents that this user has registered. */
  mayActAs({ agentId, userId, isChat }: Principal, asked: string): boolean {
    if (agentId !== undefined && agentId !== asked) return false;
    if (isReserved(asked)) return isChat === true;
    return userId === undefined || this.isOf(asked, userId);
  }

  /** Whether the user has registered it. */
  isOf(agentId: string, userId: string): boolean {
    return this.#records.get(agentId)?.userId === userId;
  }

  /** To a user, agents of others are like none; one that is new may be theirs. @throws BusError AGENT_NOT_FOUND */
  assertNotOfOthers(agentId: string, userId: string | undefined): void {
    const owner = this.#records.ownerOf(agentId);
    if (userId !== undefined && owner !== undefined && owner !== userId) throw unknownAgent(agentId);
  }

  /** @throws BusError FORBIDDEN; AGENT_NOT_FOUND for what there is not to the user */
  assertMayActAs(principal: Principal, asked: string): void {
    if (!this.mayActAs(principal, asked)) throw this.#notYours(principal, asked);
  }

  /** The same for who registers or connects: that may be an agent that is new. @throws BusError FORBIDDEN, AGENT_NOT_FOUND */
  assertMayBecome(principal: Principal, asked: string): void {
    assertNotReserved(asked);
    if (this.mayActAs(principal, asked)) return;
    const { agentId = asked, userId } = principal;
    const owner = this.#records.ownerOf(asked);
    // It may have been deleted by its user, whose mail is still there.
    const isFree = owner === undefined ? !this.#hasMail(asked) : owner === userId;
    if (agentId !== asked || this.#records.has(asked) || !isFree) throw this.#notYours(principal, asked);
  }

  /** Mail of a user goes to it: if it is nobody's yet, it is theirs from now on, so that no other user can take it. */
  claim(agentId: string, userId: string): void {
    if (isReserved(agentId) || this.#records.has(agentId) || this.#records.ownerOf(agentId) !== undefined) return;
    this.#records.adopt(agentId, userId);
  }

  isRegistered(agentId: string): boolean {
    return this.#records.has(agentId);
  }

  isOnline(agentId: string): boolean {
    return this.#presence.isOnline(agentId);
  }

  get hasContactPolicies(): boolean {
    return this.#records.hasContactPolicies;
  }

  contactOf(agentId: string): Contact {
    return this.#records.get(agentId)?.contact ?? 'open';
  }

  candidate(agentId: string, userId?: string): Candidate {
    const online = this.isOnline(agentId);
    const lastSeenAt = this.#presence.lastSeenAt(agentId);
    const offlineForMs = lastSeenAt === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.now() - lastSeenAt;
    return { agentId, known: this.isKnown(agentId, userId), online, offlineForMs: online ? 0 : offlineForMs };
  }

  lastSeenAt(agentId: string): string | null {
    return this.#presence.lastSeenText(agentId);
  }

  /** It gave a sign of life. Nothing is kept of an agent that nobody knows, nor of chats, of which there is no end. */
  seen(agentId: string): void {
    if (!isReserved(agentId) && this.isKnown(agentId)) this.#presence.seen(agentId, this.#options.clock.now());
  }

  /**
   * A socket or a waiting pull of this agent opens; the returned function is for its end. Connecting registers, without a
   * descriptor, for the user whose key it is.
   */
  arrive(agentId: string, door: Door, userId?: string): () => void {
    const gone = this.#presence.arrive(agentId, door);
    this.seen(agentId);
    if (!this.#records.has(agentId) && door === 'sockets') this.#records.adopt(agentId, userId);
    return () => {
      gone();
      this.seen(agentId);
      if (this.isOnline(agentId)) return;
      const lastSeenAt = this.#presence.lastSeenAt(agentId);
      if (lastSeenAt !== undefined) this.#records.wentOffline(agentId, lastSeenAt);
      // It was deleted while it was here.
      if (!this.isKnown(agentId)) this.#presence.forget(agentId);
    };
  }

  #hasMail(agentId: string): boolean {
    const { queued, inFlight } = this.#options.statsOf(agentId);
    return queued + inFlight > 0;
  }

  #notYours({ agentId, userId }: Principal, asked: string): BusError {
    assertNotReserved(asked);
    if (agentId !== undefined && agentId !== asked) {
      return new BusError(
        'FORBIDDEN',
        "An agent's token is for that agent alone; use a key of the workspace, or the other agent's token.",
      );
    }
    if (!this.isKnown(asked, userId)) return unknownAgent(asked);
    return new BusError('FORBIDDEN', `${asked} is no agent of the user ${userId}; register one with this key.`);
  }

  #view(agentId: string): Agent {
    return agentView(agentId, this.#records.get(agentId), {
      ...this.#options.statsOf(agentId),
      online: this.isOnline(agentId),
      connections: this.#presence.connections(agentId),
      lastSeenAt: this.lastSeenAt(agentId),
    });
  }
}
