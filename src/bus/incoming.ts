// An envelope on its way in: who may send it, how it travels, what is kept beside it.
import type { Route } from '../core/delivery/route.ts';
import type { Timing } from '../core/delivery/timing.ts';
import type { Glimpse, MessageFacts } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import { isChatAgent } from '../protocol/ids.ts';
import type { BusStamp, CompleteEnvelope, Envelope, TaskRef } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import type { Principal } from './identity.ts';
import { assertScope } from './scopes.ts';
import type { NewMessage as SessionMessage } from './session-commands.ts';
import type { Stamp } from './stamp.ts';

/** A message on its way in. */
export interface Accepting {
  sent: Envelope;
  envelope: CompleteEnvelope;
  /** As it travels, with its stamp. */
  bytes: Buffer;
  /** Whether they say what the sender said and nothing else but the stamp: nothing was missing. */
  isAsSent: boolean;
  stamp: Stamp;
  /** What it answers, where that is known. */
  answered: Glimpse | undefined;
  /** Milliseconds since the epoch. */
  now: number;
  timing: Timing;
  /** The user whose key it came with: agents of others are like none. */
  userId: string | undefined;
  /** Told whose mailbox it goes to, before anybody can take it from there. */
  routed?: (agentId: string) => void;
}

/** @throws BusError FORBIDDEN without the scope, SENDER_FORBIDDEN */
export function assertMaySend(principal: Principal, sender: string, agents: AgentDirectory): void {
  assertScope(principal, 'send');
  if (!agents.mayActAs(principal, sender)) {
    throw new BusError(
      'SENDER_FORBIDDEN',
      `This key may not send as ${sender}; use that agent's own token, or a key that is for all agents.`,
    );
  }
}

/** A chat asks: it answers nobody, and stands in for nobody. @throws BusError CONTACT_REFUSED */
export function assertNoChatAsked({ message_type, recipient, routing }: CompleteEnvelope): void {
  const isAsked =
    message_type === 'task_request' && recipient.agent_id !== undefined && isChatAgent(recipient.agent_id);
  if (!isAsked && !routing.fallback_agents?.some(isChatAgent)) return;
  throw new BusError(
    'CONTACT_REFUSED',
    'A chat takes answers only; send the request to an agent, with agents as fallbacks.',
  );
}

export function factsOf(
  { sender, message_type }: CompleteEnvelope,
  { routedBy, fallbacks }: Route,
  task: TaskRef | undefined,
  { bus }: Stamp,
): MessageFacts {
  const facts: MessageFacts = { sender: sender.agent_id, messageType: message_type, ...hopFact(bus) };
  if (sender.session_id !== undefined) facts.sessionId = sender.session_id;
  if (task !== undefined) facts.task = task;
  if (routedBy !== undefined) facts.routedBy = routedBy;
  if (fallbacks.length > 0) facts.fallbacks = fallbacks;
  return facts;
}

/** The first message of a chain is what nearly all are: nothing is kept of that. */
export function hopFact({ hop }: BusStamp): { hop?: number } {
  return hop > 1 ? { hop } : {};
}

/** What its session is told of a message; times in milliseconds since the epoch. */
export function sessionMessageOf(
  { message_id, message_type, sender, recipient, priority, payload, metadata }: CompleteEnvelope,
  sessionId: string,
  { agentId, isFallback, routedBy, fallbacks }: Route,
  deadline: number,
  at: number,
): SessionMessage {
  return {
    message_id,
    message_type,
    sender: sender.agent_id,
    recipient: agentId,
    session_id: sessionId,
    priority,
    payload,
    ...(metadata && { metadata }),
    ...(isFallback && recipient.agent_id !== undefined && { addressed_to: recipient.agent_id, routed_by: routedBy }),
    ...(fallbacks.length > 0 && { fallback_agents: fallbacks }),
    deadline,
    at,
  };
}
