// What is recorded of a message: its state, its attempts, and the changes that the journal keeps.
import type { RetryRule } from '../core/delivery/backoff.ts';
import type { Consumer, MessageFacts } from '../ports/mailbox-store.ts';
import type { Attempt, Priority } from '../protocol/types.gen.ts';

/** Times in milliseconds since the epoch. */
export interface StoredAttempt {
  by: Consumer;
  offeredAt: number;
  endedAt: number | undefined;
  outcome: Attempt['outcome'];
  reason: string | undefined;
}

/**
 * ready: waits for a taker. leased: offered. waiting: in backoff, or to be due. held: no attempt left, the bus decides. The
 * last two are the ends.
 */
type EntryState = 'ready' | 'leased' | 'waiting' | 'held' | 'acknowledged' | 'dead';

/** What the journal records beside acceptance. Replaying them in order rebuilds every entry. */
export type Change =
  | { type: 'offered'; ids: string[]; at: number; until: number; by: Consumer }
  | { type: 'postponed'; ids: string[]; at: number; until: number }
  | { type: 'due'; ids: string[]; at: number; seq: number }
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
      deadline?: number;
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
/** Behind the lanes that are served: what is not due yet, of every priority. */
export const postponedLane = 4;

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
  /** The first few and the latest. */
  attempts: readonly StoredAttempt[];
  /** How many between those were left out. */
  attemptsLeftOut: number;
  /** How many of all were made from the mailboxes in which it was before. */
  attemptsElsewhere: number;
  failures: number;
  leaseEndsAt?: number | undefined;
  retryAt?: number | undefined;
  settledAt?: number | undefined;
  reason?: string | undefined;
  /** Where its acceptance lies in the journal, with the envelope. */
  position: number;
  /** Bytes of the envelope. */
  size: number;
  /** Where its last change lies in the journal. */
  asOf: number;
}

/** Index rows that the tables hold for an entry, as they were written. */
export interface EntryRows {
  readonly queue?: { mailbox: string; lane: number; seq: number; deadline: number; size: number } | undefined;
  /** When it is offered first, while that is to come. */
  readonly dueAt?: number | undefined;
  readonly held?: boolean | undefined;
  readonly diedAt?: number | undefined;
}

export const noRows: EntryRows = {};
