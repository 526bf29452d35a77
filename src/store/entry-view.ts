// An entry as the port shows it: a copy, with times as RFC 3339 where the contract has them.
import type { LedgerEntry } from '../ports/mailbox-store.ts';
import type { Attempt } from '../protocol/types.gen.ts';
import type { Entry } from './entry.ts';
import type { StoredAttempt } from './entry-record.ts';

export function ledgerEntryOf({ record, status }: Entry, bytes: Buffer): LedgerEntry {
  const { messageId, mailbox, priority, acceptedAt, deadline, retry, facts, retryAt, settledAt, reason } = record;
  return {
    messageId,
    mailbox,
    priority,
    acceptedAt,
    deadline,
    retry: { ...retry },
    facts: { ...facts },
    bytes,
    status,
    attempts: record.attempts.map(attemptView),
    ...(retryAt !== undefined && { nextAttemptAt: retryAt }),
    ...(settledAt !== undefined && { settledAt }),
    ...(reason !== undefined && { reason }),
  };
}

function attemptView({ by, offeredAt, endedAt, outcome, reason }: StoredAttempt, index: number): Attempt {
  return {
    attempt: index + 1,
    agent_id: by.agentId,
    door: by.door,
    connection_id: by.connectionId,
    offered_at: new Date(offeredAt).toISOString(),
    ...(endedAt !== undefined && { ended_at: new Date(endedAt).toISOString() }),
    outcome,
    ...(reason !== undefined && { reason }),
  };
}
