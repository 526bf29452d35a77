// A stored message as the outside sees it.
import type { LedgerEntry } from '../ports/mailbox-store.ts';
import type { CompleteEnvelope, LedgerMessage } from '../protocol/types.gen.ts';

/** A damaged envelope comes without bytes. */
export function envelopeOf({ bytes }: LedgerEntry): CompleteEnvelope | null {
  return bytes.length === 0 ? null : (JSON.parse(bytes.toString('utf8')) as CompleteEnvelope);
}

export function ledgerView(entry: LedgerEntry): LedgerMessage {
  const { facts } = entry;
  return {
    message_id: entry.messageId,
    status: entry.status,
    recipient_agent_id: agentOfMailbox(entry.mailbox),
    ...(facts.routedBy !== undefined && { routed_by: facts.routedBy }),
    accepted_at: timestamp(entry.acceptedAt),
    deadline: timestamp(entry.deadline),
    ...(entry.nextAttemptAt !== undefined && { next_attempt_at: timestamp(entry.nextAttemptAt) }),
    ...(entry.settledAt !== undefined && { settled_at: timestamp(entry.settledAt) }),
    ...(entry.reason !== undefined && { reason: entry.reason }),
    ...(facts.task && { task: facts.task }),
    attempts: entry.attempts,
    envelope: envelopeOf(entry),
  };
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** The mailbox of replies that are waited for is `<agent>#sync`. */
export function agentOfMailbox(mailbox: string): string {
  const mark = mailbox.indexOf('#');
  return mark < 0 ? mailbox : mailbox.slice(0, mark);
}
