// One message inside the store: its record, the changes that move it, and its view for the outside.
import type { RetryRule } from '../core/delivery/backoff.ts';
import type { Consumer, LedgerEntry, MessageFacts, NewMessage } from '../ports/mailbox-store.ts';
import type { Attempt, MessageStatus, Priority } from '../protocol/types.gen.ts';

/** Times in milliseconds since the epoch. */
export interface StoredAttempt {
  by: Consumer;
  offeredAt: number;
  endedAt?: number;
  outcome: Attempt['outcome'];
  reason?: string;
}

/**
 * accepted: not yet flushed. ready: waits for a taker. leased: offered. waiting: in backoff. held: no attempt left,
 * the bus decides. The last two are the ends.
 */
type EntryState = 'accepted' | 'ready' | 'leased' | 'waiting' | 'held' | 'acknowledged' | 'dead';

/** What the journal records beside acceptance. Replaying them in order rebuilds every entry. */
export type Change =
  | { type: 'offered'; ids: string[]; at: number; until: number; by: Consumer }
  | { type: 'acked'; ids: string[]; at: number }
  | {
      type: 'attempt_ended';
      ids: string[];
      at: number;
      outcome: Attempt['outcome'];
      reason?: string;
      failed: boolean;
      retryAt?: number;
    }
  | { type: 'held'; ids: string[]; at: number; reason: string }
  | {
      type: 'moved';
      ids: string[];
      at: number;
      mailbox: string;
      seq: number;
      facts: MessageFacts;
    }
  | { type: 'buried'; ids: string[]; at: number; reason: string }
  | {
      type: 'redriven';
      ids: string[];
      at: number;
      seq: number;
      deadline: number;
    }
  | { type: 'discarded'; ids: string[] };

/** Highest priority first: the order in which lanes are served. */
const laneOf: { readonly [priority in Priority]: number } = {
  critical: 0,
  high: 1,
  medium: 2,
  low: 3,
};
export const laneCount = 4;

/** The persisted part of an entry. */
export interface EntryRecord {
  messageId: string;
  mailbox: string;
  priority: Priority;
  seq: number;
  acceptedAt: number;
  deadline: number;
  retry: RetryRule;
  facts: MessageFacts;
  state: EntryState;
  attempts: StoredAttempt[];
  failures: number;
  leaseEndsAt?: number | undefined;
  retryAt?: number | undefined;
  settledAt?: number | undefined;
  reason?: string | undefined;
  /** Where the envelope lies in the journal. */
  segment: number;
  offset: number;
  /** Bytes of the envelope. */
  size: number;
  /** Journal segments up to this one are contained in the record. */
  asOf: number;
}

/** Index rows that the tables hold for an entry, as they were written. */
export interface EntryRows {
  queue?: { mailbox: string; lane: number; seq: number; deadline: number } | undefined;
  held?: boolean | undefined;
  diedAt?: number | undefined;
}

export class Entry {
  readonly record: EntryRecord;
  /** The envelope; absent once it can be read back from the journal. */
  bytes: Buffer | undefined;
  rows: EntryRows = {};
  /** First segment whose changes the tables do not have; undefined when the tables are up to date. */
  dirtySince: number | undefined;
  /** Resolves when its acceptance is flushed. */
  durable: Promise<void> | undefined;
  /** No longer the one in memory: slots that still show it are stale. */
  evicted = false;

  constructor(record: EntryRecord, bytes?: Buffer) {
    this.record = record;
    this.bytes = bytes;
  }

  static accept(message: NewMessage, seq: number, segment: number, offset: number): Entry {
    const { messageId, mailbox, priority, acceptedAt, deadline, retry, facts, bytes } = message;
    const record: EntryRecord = {
      messageId,
      mailbox,
      priority,
      seq,
      acceptedAt,
      deadline,
      retry,
      facts,
      state: 'accepted',
      attempts: [],
      failures: 0,
      leaseEndsAt: undefined,
      retryAt: undefined,
      settledAt: undefined,
      reason: undefined,
      segment,
      offset,
      size: bytes.length,
      asOf: 0,
    };
    return new Entry(record, bytes);
  }

  /** An entry as the tables hold it. */
  static load(record: EntryRecord): Entry {
    const entry = new Entry(record);
    // Whatever could be read back was flushed.
    if (record.state === 'accepted') record.state = 'ready';
    if (!entry.settled) {
      const { mailbox, seq, deadline } = record;
      entry.rows = {
        queue: { mailbox, lane: entry.lane, seq, deadline },
        held: record.state === 'held',
      };
    } else if (record.state === 'dead') {
      entry.rows = { diedAt: record.settledAt };
    }
    return entry;
  }

  get lane(): number {
    return laneOf[this.record.priority];
  }

  get settled(): boolean {
    return this.record.state === 'acknowledged' || this.record.state === 'dead';
  }

  get openAttempt(): StoredAttempt | undefined {
    return this.record.state === 'leased' ? this.record.attempts.at(-1) : undefined;
  }

  apply(change: Change): void {
    const { record } = this;
    switch (change.type) {
      case 'offered':
        record.state = 'leased';
        record.leaseEndsAt = change.until;
        record.retryAt = undefined;
        record.attempts.push({
          by: change.by,
          offeredAt: change.at,
          outcome: 'open',
        });
        return;
      case 'acked':
        this.#endAttempt(change.at, 'acked');
        this.#settle('acknowledged', change.at);
        return;
      case 'attempt_ended':
        this.#endAttempt(change.at, change.outcome, change.reason);
        if (change.failed) record.failures++;
        record.retryAt = change.retryAt;
        record.state = change.retryAt === undefined ? 'ready' : 'waiting';
        return;
      case 'held':
        record.state = 'held';
        record.reason = change.reason;
        record.retryAt = undefined;
        return;
      case 'moved':
        record.mailbox = change.mailbox;
        record.facts = change.facts;
        this.#requeue(change.seq);
        return;
      case 'buried':
        this.#endAttempt(change.at, 'interrupted', change.reason);
        this.#settle('dead', change.at);
        record.reason = change.reason;
        return;
      case 'redriven':
        record.deadline = change.deadline;
        record.settledAt = undefined;
        this.#requeue(change.seq);
        return;
      case 'discarded':
        return;
    }
  }

  #requeue(seq: number): void {
    this.record.seq = seq;
    this.record.failures = 0;
    this.record.reason = undefined;
    this.record.retryAt = undefined;
    this.record.state = 'ready';
  }

  #endAttempt(at: number, outcome: Attempt['outcome'], reason?: string): void {
    const attempt = this.openAttempt;
    this.record.leaseEndsAt = undefined;
    if (!attempt) return;
    attempt.endedAt = at;
    attempt.outcome = outcome;
    if (reason !== undefined) attempt.reason = reason;
  }

  #settle(state: 'acknowledged' | 'dead', at: number): void {
    this.record.state = state;
    this.record.settledAt = at;
    this.record.retryAt = undefined;
  }

  get status(): MessageStatus {
    const { state } = this.record;
    if (state === 'leased') return 'offered';
    return state === 'acknowledged' || state === 'dead' ? state : 'queued';
  }

  /** A copy for the outside. */
  toLedger(bytes: Buffer): LedgerEntry {
    const { record } = this;
    const { messageId, mailbox, priority, acceptedAt, deadline, retry, facts } = record;
    const entry: LedgerEntry = {
      messageId,
      mailbox,
      priority,
      acceptedAt,
      deadline,
      retry: { ...retry },
      facts: { ...facts },
      bytes,
      status: this.status,
      attempts: record.attempts.map(attemptView),
    };
    if (record.retryAt !== undefined) entry.nextAttemptAt = record.retryAt;
    if (record.settledAt !== undefined) entry.settledAt = record.settledAt;
    if (record.reason !== undefined) entry.reason = record.reason;
    return entry;
  }
}

function attemptView(attempt: StoredAttempt, index: number): Attempt {
  return {
    attempt: index + 1,
    agent_id: attempt.by.agentId,
    door: attempt.by.door,
    connection_id: attempt.by.connectionId,
    offered_at: new Date(attempt.offeredAt).toISOString(),
    ...(attempt.endedAt === undefined ? {} : { ended_at: new Date(attempt.endedAt).toISOString() }),
    outcome: attempt.outcome,
    ...(attempt.reason === undefined ? {} : { reason: attempt.reason }),
  };
}
