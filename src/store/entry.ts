// One message inside the store, and how changes move it.
import type { NewMessage } from '../ports/mailbox-store.ts';
import type { Attempt, MessageStatus } from '../protocol/types.gen.ts';
import { type Change, type EntryRecord, type EntryRows, laneOf, type StoredAttempt } from './entry-record.ts';

export class Entry {
  readonly record: EntryRecord;
  /** The envelope; absent once it can be read back from the journal. */
  bytes: Buffer | undefined;
  rows: EntryRows = {};
  /** First segment whose changes the tables do not have; undefined when the tables are up to date. */
  dirtySince: number | undefined;
  /** Resolves when its acceptance, or its end, is flushed. */
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
}

export function idsOf(entries: readonly Entry[]): string[] {
  return entries.map((entry) => entry.record.messageId);
}
