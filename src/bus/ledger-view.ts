// A stored message as the outside sees it.
import { timestampOf } from '../core/session/timestamp.ts';
import type { BroadcastCopy, LedgerEntry } from '../ports/mailbox-store.ts';
import type { CompleteEnvelope, LedgerBroadcast, LedgerMessage, MessageStatus } from '../protocol/types.gen.ts';

/** A damaged envelope comes without bytes. */
export function envelopeOf({ bytes }: LedgerEntry): CompleteEnvelope | null {
  return bytes.length === 0 ? null : (JSON.parse(bytes.toString('utf8')) as CompleteEnvelope);
}

export function ledgerView(entry: LedgerEntry): LedgerMessage {
  const { facts } = entry;
  return {
    message_id: entry.messageId,
    status: entry.status,
    recipient_agent_id: entry.mailbox,
    ...(facts.routedBy !== undefined && { routed_by: facts.routedBy }),
    accepted_at: timestampOf(entry.acceptedAt),
    deadline: timestampOf(entry.deadline),
    ...(entry.nextAttemptAt !== undefined && { next_attempt_at: timestampOf(entry.nextAttemptAt) }),
    ...(entry.settledAt !== undefined && { settled_at: timestampOf(entry.settledAt) }),
    ...(entry.reason !== undefined && { reason: entry.reason }),
    ...(facts.task && { task: facts.task }),
    attempts: entry.attempts,
    ...(entry.attemptsLeftOut > 0 && { attempts_left_out: entry.attemptsLeftOut }),
    envelope: envelopeOf(entry),
  };
}

const byWayToGo: readonly MessageStatus[] = ['queued', 'offered', 'dead', 'acknowledged'];

/** A broadcast; `entries` are those of its copies, where they are still known. */
export function broadcastView(
  entry: LedgerEntry,
  copies: readonly BroadcastCopy[],
  entries: readonly (LedgerEntry | undefined)[],
): LedgerBroadcast {
  const known = copies.flatMap(({ messageId, agentId, task }, index) => {
    const status = entries[index]?.status;
    return status === undefined ? [] : [{ message_id: messageId, agent_id: agentId, status, ...(task && { task }) }];
  });
  return {
    message_id: entry.messageId,
    status: byWayToGo.find((status) => known.some((copy) => copy.status === status)) ?? 'acknowledged',
    accepted_at: timestampOf(entry.acceptedAt),
    deadline: timestampOf(entry.deadline),
    copies: known,
    envelope: envelopeOf(entry),
  };
}
