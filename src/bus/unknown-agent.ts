// The one answer for an agent that there is not, whoever asks, and however.
import { BusError } from '../protocol/errors.ts';
import type { AgentId } from '../protocol/types.gen.ts';

export function unknownAgent(agentId: AgentId): BusError {
  const text = `Agent ${agentId} is not known; register it, connect it, or add it to a session first.`;
  return new BusError('AGENT_NOT_FOUND', text);
}
