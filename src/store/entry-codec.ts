// The stored form of an entry: a JSON array, for there is one for each message that ever was.
import type { EntryRecord, StoredAttempt } from './entry.ts';

type StoredRow = [
  messageId: string,
  mailbox: string,
  priority: EntryRecord['priority'],
  seq: number,
  acceptedAt: number,
  deadline: number,
  maxRetries: number,
  backoff: EntryRecord['retry']['backoff'],
  facts: EntryRecord['facts'],
  state: EntryRecord['state'],
  attempts: unknown[][],
  failures: number,
  leaseEndsAt: number | null,
  retryAt: number | null,
  settledAt: number | null,
  reason: string | null,
  segment: number,
  offset: number,
  size: number,
  asOf: number,
];

export function encodeEntry(record: EntryRecord): string {
  const row: StoredRow = [
    record.messageId,
    record.mailbox,
    record.priority,
    record.seq,
    record.acceptedAt,
    record.deadline,
    record.retry.maxRetries,
    record.retry.backoff,
    record.facts,
    record.state,
    record.attempts.map(encodeAttempt),
    record.failures,
    record.leaseEndsAt ?? null,
    record.retryAt ?? null,
    record.settledAt ?? null,
    record.reason ?? null,
    record.segment,
    record.offset,
    record.size,
    record.asOf,
  ];
  return JSON.stringify(row);
}

export function decodeEntry(text: string): EntryRecord {
  const row = JSON.parse(text) as StoredRow;
  return {
    messageId: row[0],
    mailbox: row[1],
    priority: row[2],
    seq: row[3],
    acceptedAt: row[4],
    deadline: row[5],
    retry: { maxRetries: row[6], backoff: row[7] },
    facts: row[8],
    state: row[9],
    attempts: row[10].map(decodeAttempt),
    failures: row[11],
    leaseEndsAt: row[12] ?? undefined,
    retryAt: row[13] ?? undefined,
    settledAt: row[14] ?? undefined,
    reason: row[15] ?? undefined,
    segment: row[16],
    offset: row[17],
    size: row[18],
    asOf: row[19],
  };
}

function encodeAttempt({ by, offeredAt, outcome, endedAt, reason }: StoredAttempt): unknown[] {
  return [by.agentId, by.door, by.connectionId, offeredAt, outcome, endedAt ?? null, reason ?? null];
}

function decodeAttempt(row: unknown[]): StoredAttempt {
  const [agentId, door, connectionId, offeredAt, outcome, endedAt, reason] = row as [
    string,
    StoredAttempt['by']['door'],
    string,
    number,
    StoredAttempt['outcome'],
    number | null,
    string | null,
  ];
  const attempt: StoredAttempt = { by: { agentId, door, connectionId }, offeredAt, outcome };
  if (endedAt !== null) attempt.endedAt = endedAt;
  if (reason !== null) attempt.reason = reason;
  return attempt;
}
