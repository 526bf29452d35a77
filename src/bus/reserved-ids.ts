// Agent ids that are the bus's own: it sends under them, and so does nobody else.
import { BusError } from '../protocol/errors.ts';
import { busAgentId, isChatAgent } from '../protocol/ids.ts';

export function isReserved(agentId: string): boolean {
  return agentId === busAgentId || isChatAgent(agentId);
}

/** @throws BusError FORBIDDEN */
export function assertNotReserved(agentId: string): void {
  if (isReserved(agentId))
    throw new BusError('FORBIDDEN', `${agentId} is an id of the bus itself; name another agent.`);
}
