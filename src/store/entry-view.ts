// An entry as the port shows it: a copy, with times as RFC 3339 where the contract has them.
import type { Glimpse, LedgerEntry } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { Attempt } from '../protocol/types.gen.ts';
import { attemptNumber } from './attempt-history.ts';
import type { Entry } from './entry.ts';
import type { StoredAttempt } from './entry-record.ts';

const nothing = Buffer.alloc(0);

/** The envelope is read when it is asked for: a crowd that expires is told of without. */
export function ledgerEntryOf({ record, status }: Entry, read: () => Buffer): LedgerEntry {
  let bytes: Buffer | undefined;
  const { messageId, mailbox, priority, acceptedAt, deadline, retry, facts, retryAt, settledAt, reason } = record;
  return {
    messageId,
    mailbox,
    priority,
    acceptedAt,
    deadline,
    retry: { ...retry },
    facts: { ...facts },
    get bytes() {
      bytes ??= readable(read);
      return bytes;
    },
    status,
    attempts: record.attempts.map((attempt, index) => attemptView(attempt, attemptNumber(record, index))),
    attemptsLeftOut: record.attemptsLeftOut,
    ...(retryAt !== undefined && { nextAttemptAt: retryAt }),
    ...(settledAt !== undefined && { settledAt }),
    ...(reason !== undefined && { reason }),
  };
}

export function glimpseOf({ record: { mailbox, facts, attempts } }: Entry): Glimpse {
  return { mailbox, facts, offeredTo: attempts.map(({ by }) => by.agentId) };
}

/** A damaged envelope has been or will be reported; what is known beside it is shown all the same. */
function readable(read: () => Buffer): Buffer {
  try {
    return read();
  } catch (error) {
    if (error instanceof BusError) return nothing;
    throw error;
  }
}

function attemptView({ by, offeredAt, endedAt, outcome, reason }: StoredAttempt, number: number): Attempt {
  return {
    attempt: number,
    agent_id: by.agentId,
    door: by.door,
    connection_id: by.connectionId,
    offered_at: new Date(offeredAt).toISOString(),
    ...(endedAt !== undefined && { ended_at: new Date(endedAt).toISOString() }),
    outcome,
    ...(reason !== undefined && { reason }),
  };
}
