// What is recorded of a message: its state, its attempts, and the changes that the journal keeps.
import type { RetryRule } from '../core/delivery/backoff.ts';
import type { Consumer, MessageFacts } from '../ports/mailbox-store.ts';
import type { Attempt, Priority } from '../protocol/types.gen.ts';

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
export const laneOf: { readonly [priority in Priority]: number } = {
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
