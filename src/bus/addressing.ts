// From a recipient as it is addressed to the agent whose mailbox it is.
import { type FallbackRoute, nextFallback, type Route, routeToAgent } from '../core/delivery/route.ts';
import { contactRefused } from '../core/guards/contact.ts';
import { BusError } from '../protocol/errors.ts';
import type { Agent, CapabilityRecipient, CompleteEnvelope, Recipient } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import type { MayWriteTo } from './guards.ts';
import { unknownAgent } from './unknown-agent.ts';

export class Addressing {
  readonly #agents: AgentDirectory;
  readonly #offlineGraceMs: number;
  /** Counts the choices between equally loaded agents, so that they take turns. */
  #turn = 0;

  constructor(agents: AgentDirectory, offlineGraceMs: number) {
    this.#agents = agents;
    this.#offlineGraceMs = offlineGraceMs;
  }

  /**
   * `undefined` where neither the recipient nor a fallback is known; to a user, agents of others are not. Who may not be
   * written to is passed over.
   * @throws BusError CONTACT_REFUSED where that is the agent which is addressed, or every one that has the capability
   */
  find(
    { sender, recipient, routing }: CompleteEnvelope,
    userId: string | undefined,
    mayWriteTo: MayWriteTo,
  ): Route | undefined {
    const fallbacks = (routing.fallback_agents ?? []).filter(mayWriteTo);
    if (recipient.capability !== undefined) {
      return this.#byCapability(sender.agent_id, recipient, fallbacks, userId, mayWriteTo);
    }
    // A session is nobody's mailbox: broadcasts have their own way.
    if (recipient.agent_id === undefined) return undefined;
    const isKnown = this.#agents.isKnown(recipient.agent_id, userId);
    if (isKnown && !mayWriteTo(recipient.agent_id)) throw contactRefused(sender.agent_id, recipient.agent_id);
    if (fallbacks.length === 0 && isKnown) {
      return { agentId: recipient.agent_id, fallbacks: [] };
    }
    return routeToAgent(
      this.#agents.candidate(recipient.agent_id, userId),
      fallbacks.map((agentId) => this.#agents.candidate(agentId, userId)),
      this.#offlineGraceMs,
    );
  }

  /** Where a message goes that failed where it was. */
  after(
    fallbacks: readonly string[],
    reason: string,
    mayWriteTo: MayWriteTo,
    userId?: string,
  ): FallbackRoute | undefined {
    return nextFallback(
      fallbacks.filter(mayWriteTo).map((agentId) => this.#agents.candidate(agentId, userId)),
      reason,
    );
  }

  #byCapability(
    sender: string,
    { capability, framework }: CapabilityRecipient,
    fallbacks: string[],
    userId: string | undefined,
    mayWriteTo: MayWriteTo,
  ): Route | undefined {
    const filter = framework === undefined ? { capability } : { capability, framework };
    const able = this.#agents.list({ ...filter, limit: 1_000 }, userId).items;
    const writable = able.filter(({ agent_id }) => mayWriteTo(agent_id));
    const online = writable.filter((agent) => agent.online);
    const candidates = online.length > 0 ? online : writable;
    const least = Math.min(...candidates.map(load));
    const idlest = candidates.filter((agent) => load(agent) === least);
    const chosen = idlest[this.#turn++ % Math.max(1, idlest.length)];
    if (!chosen) {
      const isRefused = able.length > 0;
      const why = isRefused ? `may be written to by ${sender}` : 'is known';
      const fallback = this.after(fallbacks, `no agent with the capability ${capability} ${why}`, mayWriteTo, userId);
      if (!fallback && isRefused) throw contactRefused(sender, `Every agent with the capability ${capability}`);
      return fallback;
    }
    const visible =
      userId === undefined ? fallbacks : fallbacks.filter((agentId) => this.#agents.isKnown(agentId, userId));
    return { agentId: chosen.agent_id, routedBy: `capability: ${capability}`, fallbacks: visible };
  }
}

/** What the sender of a message is told for which `find` found nobody. */
export function unknownRecipient({ agent_id, capability }: Recipient): BusError {
  if (agent_id !== undefined) return unknownAgent(agent_id);
  const text = `No agent with the capability ${JSON.stringify(capability)} is known; register one.`;
  return new BusError('AGENT_NOT_FOUND', text);
}

function load(agent: Agent): number {
  return agent.queued + agent.in_flight;
}
