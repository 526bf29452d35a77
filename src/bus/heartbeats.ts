// Signs of life: they refresh the sender's presence, travel to an agent that is there, and are never stored.

import type { Clock } from '../ports/clock.ts';
import { busAgentId } from '../protocol/ids.ts';
import type { Receipt } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import type { Accepting } from './incoming.ts';

/** A socket that takes an envelope outside its mailbox. */
export interface LiveReceiver {
  forward(bytes: Buffer): void;
}

export class Heartbeats {
  readonly #agents: AgentDirectory;
  readonly #clock: Clock;
  readonly #socketsOf: (agentId: string) => readonly LiveReceiver[];

  constructor(agents: AgentDirectory, clock: Clock, socketsOf: (agentId: string) => readonly LiveReceiver[]) {
    this.#agents = agents;
    this.#clock = clock;
    this.#socketsOf = socketsOf;
  }

  /** @throws BusError AGENT_NOT_FOUND */
  forward({ envelope: { message_id, recipient }, bytes, userId }: Accepting): Receipt {
    const agentId = recipient.agent_id ?? busAgentId;
    if (agentId === busAgentId) {
      const last_seen_at = new Date(this.#clock.now()).toISOString();
      return receipt(message_id, 'offered', { agent_id: agentId, online: true, queued: 0, last_seen_at });
    }
    const { online, queued, last_seen_at } = this.#agents.get(agentId, userId);
    const [socket] = this.#socketsOf(agentId);
    socket?.forward(bytes);
    return receipt(message_id, socket ? 'offered' : 'dropped', { agent_id: agentId, online, queued, last_seen_at });
  }
}

function receipt(message_id: string, status: Receipt['status'], recipient: Receipt['recipient']): Receipt {
  return { success: true, message_id, status, recipient };
}
