// An envelope on its way in: who may send it, how it travels, what is kept beside it.
import type { Route } from '../core/delivery/route.ts';
import type { MessageFacts } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import { busAgentId } from '../protocol/ids.ts';
import type { CompleteEnvelope, TaskRef } from '../protocol/types.gen.ts';
import type { Principal } from './identity.ts';

export function assertMaySend(principal: Principal, sender: string): void {
  if (sender === busAgentId || (principal.kind === 'agent' && principal.agentId !== sender)) {
    throw new BusError(
      'SENDER_FORBIDDEN',
      `This key may not send as ${sender}; use that agent's own token or the bus key.`,
    );
  }
}

/** JSON may be nested deeper than the stack is. */
export function encode(envelope: CompleteEnvelope): Buffer {
  try {
    return Buffer.from(JSON.stringify(envelope));
  } catch (cause) {
    throw new BusError('VALIDATION_FAILED', 'The envelope is nested too deeply.', { cause });
  }
}

export function factsOf(
  { sender, message_type }: CompleteEnvelope,
  { routedBy, fallbacks }: Route,
  task: TaskRef | undefined,
): MessageFacts {
  const facts: MessageFacts = { sender: sender.agent_id, messageType: message_type };
  if (sender.session_id !== undefined) facts.sessionId = sender.session_id;
  if (task !== undefined) facts.task = task;
  if (routedBy !== undefined) facts.routedBy = routedBy;
  if (fallbacks.length > 0) facts.fallbacks = fallbacks;
  return facts;
}
