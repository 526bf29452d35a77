// One message inside the store, and how changes move it.
import type { NewMessage } from '../ports/mailbox-store.ts';
import type { Attempt, MessageStatus } from '../protocol/types.gen.ts';
import { addAttempt, attemptCount } from './attempt-history.ts';
import {
  type Change,
  type EntryRecord,
  type EntryRows,
  laneOf,
  noRows,
  postponedLane,
  type StoredAttempt,
} from './entry-record.ts';

const noAttempts: readonly StoredAttempt[] = [];

export class Entry {
  readonly record: EntryRecord;
  /** The envelope; absent once it can be read back from the journal. */
  bytes: Buffer | undefined;
  /** What the tables have of it. */
  rows = noRows;
  /** The first block of the journal whose changes the tables do not have; undefined when the tables are up to date. */
  dirtySince: number | undefined;
  /** Resolves when its acceptance, or its end, is flushed. */
  durable: Promise<void> | undefined;
  /** No longer the one in memory: slots that still show it are stale. */
  evicted = false;
  /** The heap's own: when it is to be looked at, and its place there; -1 outside. */
  dueAt = Number.POSITIVE_INFINITY;
  duePlace = -1;

  constructor(record: EntryRecord, bytes?: Buffer) {
    this.record = record;
    this.bytes = bytes;
  }

  static accept(message: NewMessage, seq: number, position: number): Entry {
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
      state: 'ready',
      attempts: noAttempts,
      attemptsLeftOut: 0,
      attemptsElsewhere: 0,
      failures: 0,
      leaseEndsAt: undefined,
      retryAt: undefined,
      settledAt: undefined,
      reason: undefined,
      position,
      size: bytes.length,
      asOf: position,
    };
    return new Entry(record, bytes);
  }

  /** An entry as the tables hold it. */
  static load(record: EntryRecord): Entry {
    const entry = new Entry(record);
    entry.rows = entry.wantedRows;
    return entry;
  }

  /** The rows of the indexes that it belongs in as it is. */
  get wantedRows(): EntryRows {
    const { mailbox, seq, deadline, size, state, retryAt, settledAt } = this.record;
    if (state === 'acknowledged') return noRows;
    if (state === 'dead') return { diedAt: settledAt };
    return {
      queue: { mailbox, lane: this.lane, seq, deadline, size },
      dueAt: this.postponed ? retryAt : undefined,
      held: state === 'held',
    };
  }

  /** It waits for its first offer's time, and has no place among the others yet. */
  get postponed(): boolean {
    return this.record.state === 'waiting' && this.record.attempts.length === 0;
  }

  get lane(): number {
    return this.postponed ? postponedLane : laneOf[this.record.priority];
  }

  get settled(): boolean {
    return this.record.state === 'acknowledged' || this.record.state === 'dead';
  }

  wasOfferedFrom(mailbox: string): boolean {
    return this.record.mailbox === mailbox && attemptCount(this.record) > this.record.attemptsElsewhere;
  }

  /** When time does something to it, in milliseconds since the epoch; Infinity where it never does. */
  get due(): number {
    const { state, deadline, leaseEndsAt = deadline, retryAt = deadline } = this.record;
    if (state === 'leased') return leaseEndsAt;
    if (state === 'ready') return deadline;
    return state === 'waiting' ? Math.min(retryAt, deadline) : Number.POSITIVE_INFINITY;
  }

  get openAttempt(): StoredAttempt | undefined {
    return this.record.state === 'leased' ? this.record.attempts.at(-1) : undefined;
  }

  apply(change: Change): void {
    const { record } = this;
    switch (change.type) {
      case 'offered':
        // Open only where an earlier run had it: nothing was written when that ended.
        this.#endAttempt(change.at, 'interrupted');
        record.state = 'leased';
        record.leaseEndsAt = change.until;
        record.retryAt = undefined;
        addAttempt(record, {
          by: change.by,
          offeredAt: change.at,
          endedAt: undefined,
          outcome: 'open',
          reason: undefined,
        });
        return;
      case 'postponed':
        record.retryAt = change.until;
        record.state = 'waiting';
        return;
      case 'due':
        record.seq = change.seq;
        record.retryAt = undefined;
        record.state = 'ready';
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
        record.deadline = change.deadline ?? record.deadline;
        record.attemptsElsewhere = attemptCount(record);
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

  /** Its envelope is another one, which lies elsewhere in the journal. */
  relocate(position: number, size: number): void {
    this.record.position = position;
    this.record.size = size;
  }

  #requeue(seq: number): void {
    this.record.seq = seq;
    this.record.failures = 0;
    this.record.reason = undefined;
    this.record.retryAt = undefined;
    this.record.state = 'ready';
  }

  /** What the tables show as leased was offered in an earlier run: in this one, the entry would be in memory. */
  interrupt(): void {
    if (this.record.state !== 'leased') return;
    this.#endAttempt(undefined, 'interrupted');
    this.record.state = 'ready';
  }

  #endAttempt(at: number | undefined, outcome: Attempt['outcome'], reason?: string): void {
    const attempt = this.openAttempt;
    this.record.leaseEndsAt = undefined;
    if (!attempt) return;
    attempt.endedAt = at;
    attempt.outcome = outcome;
    attempt.reason = reason;
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
