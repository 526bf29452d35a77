// Who may write to an agent, by what that agent asked for when it registered.
import { BusError } from '../../protocol/errors.ts';
import type { AgentId, Contact } from '../../protocol/types.gen.ts';

/** A message that is known to the bus: who sent it, and who was given it. */
export interface AnsweredMessage {
  sender: AgentId;
  recipients: readonly AgentId[];
}

/** What a letter is judged by. */
export interface Letter {
  sender: AgentId;
  recipient: AgentId;
  /** What it answers, where that is known. */
  answered?: AnsweredMessage | undefined;
  /** Whether the two take part in one active session. */
  shareSession: () => boolean;
}

/** Whoever was asked by the agent may answer it, whatever it asked for. */
export function mayWrite(contact: Contact, { sender, recipient, answered, shareSession }: Letter): boolean {
  if (contact === 'open' || sender === recipient) return true;
  if (answered?.sender === recipient && answered.recipients.includes(sender)) return true;
  return contact === 'session' ? shareSession() : contact.list.includes(sender);
}

export function contactRefused(sender: AgentId, wanted: string): BusError {
  return new BusError(
    'CONTACT_REFUSED',
    `${wanted} takes no messages from ${sender}; share a session with it, be on its list, or answer one of its messages with in_reply_to.`,
  );
}
