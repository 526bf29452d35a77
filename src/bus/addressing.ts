// From a recipient as it is addressed to the agent whose mailbox it is.
import { nextFallback, type Route, routeToAgent } from '../core/delivery/route.ts';
import { BusError } from '../protocol/errors.ts';
import type { Agent, CompleteEnvelope, Recipient } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';

export class Addressing {
  readonly #agents: AgentDirectory;
  readonly #offlineGraceMs: number;
  /** Counts the choices between equally loaded agents, so that they take turns. */
  #turn = 0;

  constructor(agents: AgentDirectory, offlineGraceMs: number) {
    this.#agents = agents;
    this.#offlineGraceMs = offlineGraceMs;
  }

  /** `undefined` where neither the recipient nor a fallback is known. */
  find({ recipient, routing }: CompleteEnvelope): Route | undefined {
    const fallbacks = routing.fallback_agents ?? [];
    if (recipient.agent_id === undefined)
      return this.#byCapability(recipient.capability, recipient.framework, fallbacks);
    if (fallbacks.length === 0 && this.#agents.isKnown(recipient.agent_id)) {
      return { agentId: recipient.agent_id, fallbacks: [] };
    }
    return routeToAgent(
      this.#agents.candidate(recipient.agent_id),
      fallbacks.map((agentId) => this.#agents.candidate(agentId)),
      this.#offlineGraceMs,
    );
  }

  /** Where a message goes that failed where it was. */
  after(fallbacks: readonly string[], reason: string): Route | undefined {
    return nextFallback(
      fallbacks.map((agentId) => this.#agents.candidate(agentId)),
      reason,
    );
  }

  #byCapability(capability: string, framework: string | undefined, fallbacks: string[]): Route | undefined {
    const filter = framework === undefined ? { capability } : { capability, framework };
    const { items: online } = this.#agents.list({ ...filter, online: true, limit: 1_000 });
    const candidates = online.length > 0 ? online : this.#agents.list({ ...filter, limit: 1_000 }).items;
    const least = Math.min(...candidates.map(load));
    const idlest = candidates.filter((agent) => load(agent) === least);
    const chosen = idlest[this.#turn++ % Math.max(1, idlest.length)];
    if (!chosen) return this.after(fallbacks, `no agent with the capability ${capability} is known`);
    return { agentId: chosen.agent_id, routedBy: `capability: ${capability}`, fallbacks };
  }
}

/** What the sender of a message is told for which `find` found nobody. */
export function unknownRecipient(recipient: Recipient): BusError {
  const text =
    recipient.agent_id === undefined
      ? `No agent with the capability ${JSON.stringify(recipient.capability)} is known; register one.`
      : `Agent ${recipient.agent_id} is not known; register it, connect it, or add it to a session first.`;
  return new BusError('AGENT_NOT_FOUND', text);
}

function load(agent: Agent): number {
  return agent.queued + agent.in_flight;
}
